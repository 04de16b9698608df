"""What an observation of perpetuals shows of each coin in numbers, in its order.

The market's figures are calculated once a market, over whole arrays: each of them from its own bar
and earlier ones alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.indicators import atr, ema, macd, rsi
from investorbench_env.market.market import CLOSE, HIGH, LOW, VOLUME, Market

Array = npt.NDArray[np.float64]
Figures = npt.NDArray[np.float32]
LENGTH = 10
"""Bars of a series, where no other number is asked for."""
VOLUME_SPAN = 20
"""Bars over which a volume is averaged."""

OWN = ("price", "ema20", "macd", "rsi7", "rsi14", "volume", "average_volume", "funding")
"""Of the bars in which decisions are taken: the last close, indicators, the volume and its average,
and the funding rate of the latest stamp."""
CONTEXT = ("ema20", "ema50", "atr3", "atr14", "volume", "average_volume", "macd", "rsi14")
"""Of the longer bars, of which only those count that are complete."""
MARKET = (*OWN, *(f"context_{name}" for name in CONTEXT))


class HeldFigures(NamedTuple):
    """What is shown of a position; None where there is none, as a stop that was not set.

    Attributes:
        quantity: coins, negative when short.
        entry: average price.
        mark: the price at which it is valued.
        liquidation: the price at which the venue ends it.
        unrealised: profit so far, fees and funding apart.
        leverage: at which it was entered.
        stop: the price at which a loss is taken.
        target: the price at which a profit is taken.
        margin: that it may lose.
        notional: its value at the mark.
        confidence: that was stated at the entry.
        risk: in money, that was stated at the entry.
        received: funding so far, negative when paid.
        hours: since the entry.
    """

    quantity: float | None
    entry: float | None
    mark: float | None
    liquidation: float | None
    unrealised: float | None
    leverage: float | None
    stop: float | None
    target: float | None
    margin: float | None
    notional: float | None
    confidence: float | None
    risk: float | None
    received: float | None
    hours: float | None


FEATURES = (*MARKET, *HeldFigures._fields)
"""The columns of ``features`` and ``mask`` [A, 30]."""
SERIES_OWN = ("price", "ema20", "macd", "rsi7", "rsi14")
SERIES_CONTEXT = ("macd", "rsi14")
SERIES = (*SERIES_OWN, *(f"context_{name}" for name in SERIES_CONTEXT))
"""The columns of ``series`` [A, window, 7]."""


class PerpetualFigures(NamedTuple):
    """What the array ``account`` of an observation holds, in its order.

    Attributes:
        total_return: of the account since its beginning, as a share.
        cash: that is free.
        equity: cash and positions.
        margin: of all positions.
        unrealised: profit of all positions so far.
        costs: all fees so far.
        funding: received so far, negative when paid.
        sharpe: mean over deviation of the returns of all steps so far, not annualised.
        steps_left: to the end of the split if all its bars are known, or of the episode where it
            is shorter.
    """

    total_return: float
    cash: float
    equity: float
    margin: float
    unrealised: float
    costs: float
    funding: float
    sharpe: float
    steps_left: float


@dataclass(frozen=True, slots=True, eq=False)
class MarketFigures:
    """The figures of a market, NaN where unknown; read-only.

    Attributes:
        own: in the order of ``OWN`` [T, A, 8].
        context: in the order of ``CONTEXT`` [S, A, 8]; none where there are no longer bars.
        last: the last longer bar that was complete at the end of each bar; -1 for none [T].
    """

    own: Figures
    context: Figures
    last: npt.NDArray[np.int64]

    def at(self, t: int) -> Figures:
        """What the market shows at the end of bar ``t`` [A, 16]."""
        shown = np.full((self.own.shape[1], len(MARKET)), np.nan, np.float32)
        shown[:, : len(OWN)] = self.own[t]
        if (last := self.last.item(t)) >= 0:
            shown[:, len(OWN) :] = self.context[last]
        return shown

    def at_each(self, bars: npt.NDArray[np.int64]) -> Figures:
        """The same at the end of each of some bars [N, A, 16]."""
        last = self.last[bars]
        shown = np.full((len(bars), self.own.shape[1], len(MARKET)), np.nan, np.float32)
        shown[..., : len(OWN)] = self.own[bars]
        shown[last >= 0, :, len(OWN) :] = self.context[last[last >= 0]]
        return shown

    def series(self, t: int, length: int) -> Figures:
        """The last bars and the last longer bars, oldest first [A, length, 7]."""
        shown = np.full((length, self.own.shape[1], len(SERIES)), np.nan, np.float32)
        for values, columns, end, first in (
            (self.own, _SHOWN_OWN, t + 1, 0),
            (self.context, _SHOWN_CONTEXT, self.last.item(t) + 1, len(_SHOWN_OWN)),
        ):
            known = values[max(end - length, 0) : end, :, columns]
            shown[length - len(known) :, :, first : first + len(columns)] = known
        return shown.swapaxes(0, 1)


_SHOWN_OWN = [OWN.index(name) for name in SERIES_OWN]
_SHOWN_CONTEXT = [CONTEXT.index(name) for name in SERIES_CONTEXT]


def market_figures(market: Market, assets: Sequence[int], context: str | None) -> MarketFigures:
    """The figures of some assets of a market.

    Args:
        market: with the assets.
        assets: their places on its axis of assets.
        context: the length of the longer bars, of ``market.intervals``; None for none.
    """
    places = list(assets)
    rates = None if market.funding is None else market.funding[:, places]
    own = _own(market.bars[:, places], rates)
    if context is None:
        longer = np.empty((0, len(places), len(CONTEXT)), np.float32)
        return MarketFigures(own, longer, np.full(len(own), -1))
    other = market.intervals[context]
    theirs = [other.asset(market.symbols[place]) for place in places]
    last = np.searchsorted(other.times, market.times, side="right") - 1
    return MarketFigures(own, _context(other.bars[:, theirs]), last)


def _own(bars: Array, rates: Array | None) -> Figures:
    close = bars[..., CLOSE]
    rate = np.full(close.shape, np.nan) if rates is None else rates
    columns = (
        latest(close), ema(close, 20), macd(close), rsi(close, 7), rsi(close, 14),
        bars[..., VOLUME], _average(bars[..., VOLUME]), latest(rate),
    )  # fmt: skip
    return _frozen(np.stack(columns, axis=-1, dtype=np.float32, casting="same_kind"))


def _context(bars: Array) -> Figures:
    high, low, close = (bars[..., field] for field in (HIGH, LOW, CLOSE))
    columns = (
        ema(close, 20), ema(close, 50), atr(high, low, close, 3), atr(high, low, close, 14),
        bars[..., VOLUME], _average(bars[..., VOLUME]), macd(close), rsi(close, 14),
    )  # fmt: skip
    return _frozen(np.stack(columns, axis=-1, dtype=np.float32, casting="same_kind"))


def latest(values: Array) -> Array:
    """The last value that is known up to each bar [T, A]."""
    rows = np.where(np.isnan(values), -1, np.arange(len(values))[:, None])
    rows = np.maximum.accumulate(rows, axis=0)
    found = np.take_along_axis(values, np.maximum(rows, 0), axis=0)
    return np.where(rows < 0, np.nan, found)


def _average(values: Array) -> Array:
    """The mean of the last values that are known [T, A]; NaN where none of them is."""
    known = ~np.isnan(values)
    total = _of_last(np.where(known, values, 0.0))
    count = _of_last(known.astype(np.float64))
    return np.where(count == 0.0, np.nan, total / np.maximum(count, 1.0))


def _of_last(values: Array) -> Array:
    """The sum of the last values at each bar, the latest first [T, A]."""
    total = values.copy()
    for back in range(1, min(VOLUME_SPAN, len(values))):
        total[back:] += values[:-back]
    return total


def _frozen(array: Figures) -> Figures:
    array.setflags(write=False)
    return array
