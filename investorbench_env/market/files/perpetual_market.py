"""Bars of one length of several perpetuals, side by side, and what is odd or missing in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import PERPETUAL
from investorbench_env.market.files import funding
from investorbench_env.market.files.candles import CandleOrigin, Candles, in_words
from investorbench_env.market.files.funding import Funding
from investorbench_env.market.files.session_bars import count
from investorbench_env.market.intervals import length_of
from investorbench_env.market.market import CLOSE, VOLUME, FloatArray, Market
from investorbench_env.market.sessions import TimeArray

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualAsset:
    """One asset: its candles of each length, and the rates that are charged on it."""

    symbol: str
    origin: CandleOrigin
    candles: Mapping[int, Candles]
    funding: Funding | None
    others: tuple[str, ...]


def bars_of(assets: Sequence[PerpetualAsset], seconds: int, wanted: PerpetualsWanted) -> Market:
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


def _source(assets: Sequence[PerpetualAsset]) -> str:
    """The files of candles and rates, each once."""
    of_candles = (str(each.origin) for each in assets)
    of_rates = (each.funding.origin for each in assets if each.funding is not None)
    return ", ".join(dict.fromkeys((*of_candles, *of_rates)))


def _findings(
    assets: Sequence[PerpetualAsset], market: Market, seconds: int, wanted: PerpetualsWanted
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
