"""Markets of perpetuals from the files of a folder: candles of several lengths, and funding."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from investorbench_env.errors import DataNotFoundError, DataWarning, MarketError
from investorbench_env.market.asset_classes import PERPETUAL
from investorbench_env.market.documents import DocumentTable
from investorbench_env.market.files import candles, folders, funding, index, saved
from investorbench_env.market.files.candles import CandleOrigin, in_words
from investorbench_env.market.files.describing import extent
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.perpetual_market import (
    HOUR,
    SECOND,
    PerpetualAsset,
    PerpetualsWanted,
    bars_of,
)
from investorbench_env.market.intervals import length_of
from investorbench_env.market.market import Market

TEXTS = ("news", "filings", "released")
Holding = Sequence[tuple[DataFile, Sequence[str]]]
"""The files that hold a symbol, each with the spellings that it uses."""


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
    stamps = index.stamps(place.resolve(), dates)
    market = _loaded(wanted, stamps, simulated_too)
    for path, error in index.readable(stamps)[1]:
        if any(symbol.upper() in index.named_by(path) for symbol in wanted.symbols):
            raise error
        warnings.warn(f"passed over, {error}", DataWarning, stacklevel=6)
    return market


@lru_cache(maxsize=16)
def _loaded(
    wanted: PerpetualsWanted, stamps: tuple[tuple[Path, index.Stamp], ...], simulated_too: bool
) -> Market | None:
    files, _ = index.readable(stamps)
    if (market := _saved(wanted, files, simulated_too)) is not None:
        return market
    origins = _origins(wanted.symbols, files)
    if origins is None:
        return None
    lengths = _lengths(wanted, origins)
    rates = [file for file in files if file.kind == "funding"]
    assets = [
        _asset(name, each, _holding(name, rates), wanted, lengths) for name, each in origins.items()
    ]
    main, *context = (bars_of(assets, seconds, wanted) for seconds in lengths)
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
        raise MarketError(
            f"several saved markets hold {', '.join(wanted.symbols)}; give data= one of: {names}"
        )
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
                f"are {there}; put all lengths of a coin into one file with a column interval, or "
                "ask for some that are there: interval=, context="
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
) -> PerpetualAsset:
    """The candles of an asset, all of one origin: of the venue, then of most bars."""
    able = [each for each in origins if set(lengths) <= set(each.lengths)]

    def rank(each: CandleOrigin) -> tuple[bool, int]:
        return each.is_of(wanted.venue), int((each.rows["seconds"] == lengths[0]).sum())

    best = max(able, key=rank)
    laid = {each: candles.candles_of(best, each, wanted.tolerance) for each in lengths}
    rates = [*funding.funding_beside(best, lengths[0])]
    for file, spellings in files_of_rates:
        rates += funding.funding_in(file, spellings)
    return PerpetualAsset(
        symbol=symbol,
        origin=best,
        candles=laid,
        funding=funding.chosen(rates, symbol, wanted.venue, wanted.funding_hours),
        others=tuple(str(each) for each in origins if each is not best),
    )


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
