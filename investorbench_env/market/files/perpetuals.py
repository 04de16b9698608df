"""Markets of perpetuals from the files of a folder: candles of several lengths, and funding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from investorbench_env.errors import DataNotFoundError, MarketError
from investorbench_env.market.asset_classes import PERPETUAL
from investorbench_env.market.documents import DocumentTable
from investorbench_env.market.files import candles, folders, funding, index, saved
from investorbench_env.market.files.candles import CandleOrigin, Candles, in_words
from investorbench_env.market.files.describing import extent
from investorbench_env.market.files.funding import Funding
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.session_bars import count
from investorbench_env.market.intervals import length_of
from investorbench_env.market.market import CLOSE, VOLUME, FloatArray, Market
from investorbench_env.market.sessions import TimeArray

TEXTS = ("news", "filings", "released")
SECOND, HOUR = np.timedelta64(1, "s"), 3_600
MOST = 3
"""So many moments are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualsWanted:
    """What is asked for.

    Attributes:
        symbols: the assets.
        interval: the length of a bar; None for the shortest that all have.
        context: other lengths; None for all others that all have.
        venue: whose candles and rates are preferred.
        funding_hours: from stamp to stamp of funding there.
        tolerance: the share of bars that may be missing; None for any.
    """

    symbols: tuple[str, ...]
    interval: str | None = None
    context: tuple[str, ...] | None = None
    venue: str = "hyperliquid"
    funding_hours: int = 1
    tolerance: float | None = None


Holding = Sequence[tuple[DataFile, Sequence[str]]]
"""The files that hold a symbol, each with the spellings that it uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asset:
    """One asset: its candles of each length, and the rates that are charged on it."""

    symbol: str
    origin: CandleOrigin
    candles: Mapping[int, Candles]
    funding: Funding | None
    others: tuple[str, ...]


def load(
    wanted: PerpetualsWanted, place: Path, *, simulated_too: bool, dates: str | None
) -> Market | None:
    """The market of several perpetuals from a folder or file, kept in memory until one changes.

    It has the bars from the first to the last that all of them have.

    Args:
        wanted: what is asked for.
        place: a folder or a file; one that does not exist holds nothing.
        simulated_too: whether a simulated market that was saved there counts.
        dates: what is said of the dates in the files, as `docs/data.md` has it.

    Returns:
        None where the place holds no candles of some asset.

    Raises:
        DataNotFoundError: there are candles, but not of all lengths that are asked for.
        MarketError: a bar is longer than from one stamp of funding to the next.
        CorruptDataError: a file of an asset cannot be read, or its rates are of other stamps.
    """
    if not place.exists():
        return None
    return _loaded(wanted, index.stamps(place.resolve(), dates), simulated_too)


@lru_cache(maxsize=16)
def _loaded(
    wanted: PerpetualsWanted, stamps: tuple[tuple[Path, index.Stamp], ...], simulated_too: bool
) -> Market | None:
    files, broken = index.readable(stamps)
    if (market := _saved(wanted, files, simulated_too)) is not None:
        return market
    for path, error in broken:
        if set(wanted.symbols) & set(index.named_by(path)):
            raise error
    origins = _origins(wanted.symbols, files)
    if origins is None:
        return None
    lengths = _lengths(wanted, origins)
    rates = [file for file in files if file.kind == "funding"]
    assets = [
        _asset(name, each, _holding(name, rates), wanted, lengths) for name, each in origins.items()
    ]
    main, *context = (_market(assets, seconds, wanted) for seconds in lengths)
    first = str(main.sessions[0])
    late = [file for file in files if file.kind in TEXTS and extent(file).last >= first]
    texts = [folders.texts_about(name, PERPETUAL, _holding(name, late)) for name in origins]
    return _with_texts(main, context, texts)


def _saved(
    wanted: PerpetualsWanted, files: Sequence[DataFile], simulated_too: bool
) -> Market | None:
    """The market that was saved with all that is wanted."""
    of_class = (file for file in files if file.metadata.get("asset_class") == PERPETUAL.name)
    fitting = [
        file
        for file in of_class
        if file.kind == "market"
        and (simulated_too or not file.metadata["simulated"])
        and set(wanted.symbols) <= set(file.metadata["symbols"])
        and wanted.interval in (None, file.metadata["interval"])
        and set(wanted.context or ()) <= set(file.metadata["intervals"])
    ]
    if len(fitting) > 1:
        names = ", ".join(str(file.path) for file in fitting)
        raise MarketError(f"several saved markets hold {wanted}; give data= one of: {names}")
    return saved.load(fitting[0].path) if fitting else None


def _holding(symbol: str, files: Sequence[DataFile]) -> Holding:
    each = ((file, file.spellings(symbol, PERPETUAL.name)) for file in files)
    return [(file, spellings) for file, spellings in each if spellings]


def _origins(
    symbols: Sequence[str], files: Sequence[DataFile]
) -> Mapping[str, Sequence[CandleOrigin]] | None:
    """All candles of each asset, each venue of each file by itself; None where one has none."""
    found: dict[str, list[CandleOrigin]] = {name: [] for name in symbols}
    for file in files:
        if file.kind == "candles":
            spelt = {name: file.spellings(name, PERPETUAL.name) for name in symbols}
            if there := {name: each for name, each in spelt.items() if each}:
                for name, origin in candles.origins(file, there):
                    found[name].append(origin)
    return found if all(found.values()) else None


def _lengths(
    wanted: PerpetualsWanted, origins: Mapping[str, Sequence[CandleOrigin]]
) -> tuple[int, ...]:
    """The lengths of bars in seconds, that of the market first.

    Raises:
        DataNotFoundError: an asset does not have them all in one place.
        MarketError: a bar holds several stamps of funding.
    """
    common = set.intersection(
        *({length for each in own for length in each.lengths} for own in origins.values())
    )
    asked = (wanted.interval, *(wanted.context or ()))
    seconds = [int(length_of(name) / SECOND) for name in asked if name is not None]
    if wanted.interval is None:
        seconds = sorted(common)[:1] + seconds
    if wanted.context is None:
        seconds += sorted(common - set(seconds))
    for name, own in origins.items():
        if not any(set(seconds) <= set(each.lengths) for each in own):
            there = "; ".join(f"{each}: {', '.join(map(in_words, each.lengths))}" for each in own)
            raise DataNotFoundError(
                f"no candles of {', '.join(map(in_words, seconds))} for {name} in one place; there "
                f"are {there}"
            )
    if wanted.funding_hours * HOUR % seconds[0]:
        raise MarketError(
            f"{wanted.venue} charges funding every {wanted.funding_hours} h, which bars of "
            f"{in_words(seconds[0])} do not meet: give interval= of a whole part of it, such as "
            "'3m'"
        )
    return tuple(dict.fromkeys(seconds))


def _asset(
    symbol: str,
    origins: Sequence[CandleOrigin],
    files_of_rates: Holding,
    wanted: PerpetualsWanted,
    lengths: Sequence[int],
) -> _Asset:
    """The candles of an asset, all of one origin: of the venue, then of most bars."""
    able = [each for each in origins if set(lengths) <= set(each.lengths)]

    def rank(each: CandleOrigin) -> tuple[bool, int]:
        return each.is_of(wanted.venue), int((each.rows["seconds"] == lengths[0]).sum())

    best = max(able, key=rank)
    laid = {each: candles.candles_of(best, each, wanted.tolerance) for each in lengths}
    rates = [*funding.funding_beside(best, lengths[0])]
    for file, spellings in files_of_rates:
        rates += funding.funding_in(file, spellings)
    return _Asset(
        symbol=symbol,
        origin=best,
        candles=laid,
        funding=funding.chosen(rates, symbol, wanted.venue, wanted.funding_hours),
        others=tuple(str(each) for each in origins if each is not best),
    )


def _market(assets: Sequence[_Asset], seconds: int, wanted: PerpetualsWanted) -> Market:
    """The bars of one length that all assets have.

    Raises:
        MarketError: there is no moment of which all have bars.
    """
    own = [each.candles[seconds] for each in assets]
    first, last = max(each.opens[0] for each in own), min(each.opens[-1] for each in own)
    if last < first:
        spans = ", ".join(
            f"{asset.symbol} {each.opens[0]}..{each.opens[-1]}"
            for asset, each in zip(assets, own, strict=True)
        )
        raise MarketError(f"no time has bars of {in_words(seconds)} of all: {spans}")
    step = np.timedelta64(seconds, "s")
    opens: TimeArray = np.arange(first, last + step, step, dtype="datetime64[s]")

    def laid(each: Candles, values: FloatArray) -> FloatArray:
        start = int((first - each.opens[0]) // step)
        return values[start : start + len(opens)]

    bars = np.stack([laid(each, each.bars) for each in own], axis=1)
    marks = [None if each.marks is None else laid(each, each.marks) for each in own]
    rates, prices = zip(*(_charged(asset.funding, opens) for asset in assets), strict=True)
    market = Market(
        symbols=tuple(each.symbol for each in assets),
        asset_class=PERPETUAL.name,
        sessions=opens.astype("datetime64[D]"),
        times=opens + step,
        bars=bars,
        adjusted_close=bars[..., CLOSE],
        dividends=np.zeros(bars.shape[:2]),
        share_splits=np.ones(bars.shape[:2]),
        source=_source(assets),
        interval=_name(seconds, wanted),
        funding=_where_known(rates),
        oracle=_where_known(prices),
        marks=_where_known(marks, (VOLUME,)),
    )
    return replace(market, findings=tuple(_findings(assets, market, seconds, wanted)))


def _charged(
    funding: Funding | None, opens: TimeArray
) -> tuple[FloatArray | None, FloatArray | None]:
    """The rate and the price at the stamp with which each bar opens [T]; None for none at all."""
    if funding is None:
        return None, None
    place = np.searchsorted(funding.stamps, opens)
    place[place == len(funding.stamps)] = 0
    hit = funding.stamps[place] == opens
    rates, prices = (np.where(hit, each[place], np.nan) for each in (funding.rates, funding.oracle))
    return rates, None if np.isnan(prices).all() else prices


def _where_known(
    columns: Sequence[FloatArray | None], more: tuple[int, ...] = ()
) -> FloatArray | None:
    """What some assets have, NaN for the others [T, A, ...]; None where none has any."""
    known = [each for each in columns if each is not None]
    if not known:
        return None
    nothing = np.full((len(known[0]), *more), np.nan)
    return np.stack([nothing if each is None else each for each in columns], axis=1)


def _name(seconds: int, wanted: PerpetualsWanted) -> str:
    """A length of bars as it was asked for."""
    names = (each for each in (wanted.interval, *(wanted.context or ())) if each is not None)
    spelt = {int(length_of(name) / SECOND): name for name in names}
    return spelt.get(seconds, in_words(seconds))


def _source(assets: Sequence[_Asset]) -> str:
    """The files of candles and rates, each once."""
    of_candles = (str(each.origin) for each in assets)
    of_rates = (each.funding.origin for each in assets if each.funding is not None)
    return ", ".join(dict.fromkeys((*of_candles, *of_rates)))


def _findings(
    assets: Sequence[_Asset], market: Market, seconds: int, wanted: PerpetualsWanted
) -> Iterator[str]:
    """What is odd or missing, in words, of each asset."""
    hours = wanted.funding_hours * HOUR
    opens = market.times - np.timedelta64(seconds, "s")
    is_stamp = (opens - opens.astype("datetime64[D]")) % np.timedelta64(hours, "s") == 0 * SECOND
    for asset, each in enumerate(assets):
        found = [*each.candles[seconds].findings]
        if each.others:
            found.append(f"candles from {each.origin}; there were also {', '.join(each.others)}")
        still = market.outages[:, asset] & ~np.isnan(market.bars[:, asset, CLOSE])
        if still.any():
            found.append(
                f"{count(int(still.sum()), 'bar')} of {market.interval} without a trade, in which "
                f"nothing is filled: {_moments(opens[still])}"
            )
        if each.origin.venue and not each.origin.is_of(wanted.venue):
            found.append(f"candles of {each.origin.venue}, not of {wanted.venue}")
        if each.funding is None:
            found.append("no funding rates: no funding is charged")
        elif market.funding is not None:
            unknown = is_stamp & np.isnan(market.funding[:, asset])
            if unknown.any():
                found.append(
                    f"{count(int(unknown.sum()), 'stamp')} of funding without a rate, at which "
                    f"none is charged: {_moments(opens[unknown])}"
                )
            if each.funding.venue and not funding.is_named(wanted.venue, each.funding):
                found.append(f"funding rates from {each.funding.origin}, not of {wanted.venue}")
        yield from (f"{each.symbol}: {finding}" for finding in found)


def _moments(opens: TimeArray) -> str:
    named = [str(each.astype("datetime64[m]")).replace("T", " ") for each in opens[:MOST]]
    return ", ".join(named) + (f" and {len(opens) - MOST} more" if len(opens) > MOST else "")


def _with_texts(
    market: Market, context: Sequence[Market], texts: Sequence[folders.TextsAbout]
) -> Market:
    """The market with the bars of other lengths, and the texts of the time of its own."""
    begins = market.times[0] - length_of(market.interval)
    documents = DocumentTable(tuple(row for each in texts for row in each.documents))
    first = int(np.searchsorted(documents.available_at, begins))
    rows = documents.rows[first:]
    named = dict.fromkeys(path.name for each in texts for path in each.paths) if rows else {}
    return replace(
        market,
        documents=DocumentTable(rows),
        source=", ".join([market.source, *named]),
        findings=(*market.findings, *(finding for each in texts for finding in each.findings)),
        intervals={each.interval: replace(each, findings=()) for each in context},
    )
