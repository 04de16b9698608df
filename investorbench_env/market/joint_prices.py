"""What several assets did from one decision to the next: prices, distributions, delistings."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import CLOSE, OPEN, Market

Array = npt.NDArray[Any]


class JointPrices(NamedTuple):
    """What several assets did on the way to each bar at which any of them traded.

    Attributes:
        fill: open, or close where that is unknown; of what did not trade, its last price [T, A].
        final: close; of what did not trade, the last one for today's share; 1 before the first.
        dividend: cash for each share held at the decision before.
        split: shares for each share held then; 0 of what was delisted, whose dividend is all that
            holders get.
        traded: whether there is a bar.
        stale: bars since the last one that is known; more than T before the first.
        gone: the bar at which each asset was no longer listed; T for none [A].
        before: the last bar before each at which any asset traded; -1 where there is none [T].
    """

    fill: Array
    final: Array
    dividend: Array
    split: Array
    traded: Array
    stale: Array
    gone: Array
    before: Array

    def step(self, t: int, starts_period: bool) -> "SessionStep":
        """What happened on the way to one bar.

        Args:
            t: the bar.
            starts_period: whether the decision before was in another session.
        """
        dividend, split, traded = self.dividend[t], self.split[t], self.traded[t]
        return SessionStep(
            fill=self.fill[t].copy(),
            final=self.final[t].copy(),
            trades=None if traded.all() else traded,
            ex_date=bool(dividend.any() or (split != 1.0).any()),
            dividend=dividend,
            split=split,
            period=float(starts_period),
        )


class SessionStep(NamedTuple):
    """The same of one bar, as accounts read it, in arrays [A].

    Attributes:
        fill: see :class:`JointPrices`, as of all others but these:
        trades: which assets traded; None for all.
        ex_date: whether there was a dividend or a split at all.
        period: 1.0 where the decision before was in another session, else 0.0.
    """

    fill: Array
    final: Array
    trades: Array | None
    ex_date: bool
    dividend: Array
    split: Array
    period: float


def joint_prices(market: Market, symbols: Sequence[str]) -> JointPrices:
    """The prices of every bar, each from no later bar; the market's own where that will do.

    Args:
        market: with the assets.
        symbols: of those that are traded.
    """
    assets = [market.asset(symbol) for symbol in symbols]
    bars, splits = columns(market.bars, assets), columns(market.share_splits, assets)
    fill, final = bars[..., OPEN], bars[..., CLOSE]
    known, length = ~np.isnan(final), len(bars)
    gone = _delisted_at(market, symbols, known)
    # What trades on after it was delisted makes no prices, but days on which to decide.
    decides = np.asarray(known.any(axis=1))
    before = last_before(decides)
    known = known & (np.arange(length)[:, None] < gone)
    last = last_marked(known)
    if not known.all():
        final = _last_prices(final, splits, last)
    unknown = np.isnan(fill) | ~known
    if unknown.any():
        fill = np.where(unknown, final, fill)
    dividend, split = _since_decisions(before, columns(market.dividends, assets), splits)
    if (gone < length).any():
        dividend, split = dividend.copy(), split.copy()
    for asset, row in _closings(gone, decides):
        gain = market.delistings[symbols[asset]].gain
        paid = 0.0 if np.isnan(gain) else 1.0 + gain
        dividend[row, asset] += final[row, asset] * split[row, asset] * paid
        split[row, asset] = 0.0
    age = np.where(last < 0, 2 * length, np.arange(length)[:, None] - last).astype(np.int32)
    return JointPrices(fill, final, dividend, split, known, age, gone, before)


def columns(array: Array, assets: Sequence[int]) -> Array:
    """An array of some assets; the market's own where it is of all of them in their order."""
    return array if list(assets) == list(range(array.shape[1])) else array[:, assets]


def _delisted_at(
    market: Market, symbols: Sequence[str], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """The first bar from its delisting on that each asset lacks; T where there is none [A]."""
    gone = np.full(len(symbols), len(known))
    for asset, symbol in enumerate(symbols):
        if symbol in market.delistings:
            over = ~known[:, asset] & (market.sessions >= market.delistings[symbol].on)
            if over.any():
                gone[asset] = int(np.argmax(over))
    return gone


def _closings(
    gone: npt.NDArray[np.int64], decides: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, int]]:
    """Each asset that is delisted, with the first decision from then on."""
    decisions = np.flatnonzero(decides)
    for asset, bar in enumerate(gone.tolist()):
        later = decisions[decisions >= bar]
        if len(later):
            yield asset, later.item(0)


def _last_prices(close: Array, splits: Array, last: Array) -> Array:
    """The last close up to each bar over the splits since then; 1 before the first [T, A]."""
    shares, rows = np.cumprod(splits, axis=0), np.maximum(last, 0)
    since = shares / np.take_along_axis(shares, rows, axis=0)
    return np.where(last < 0, 1.0, np.take_along_axis(close, rows, axis=0) / since)


def _since_decisions(before: Array, dividends: Array, splits: Array) -> tuple[Array, Array]:
    """Cash and shares for each share held at the decision before [T, A], see ``Moment``."""
    gaps = np.flatnonzero((np.arange(len(before)) - before > 1) & (before >= 0)).tolist()
    if not gaps:
        return (dividends if (splits == 1.0).all() else dividends * splits), splits
    cash, shares = dividends * splits, splits.copy()
    for t in gaps:
        since = slice(before.item(t) + 1, t + 1)
        grown = np.cumprod(splits[since], axis=0)
        cash[t], shares[t] = (dividends[since] * grown).sum(axis=0), grown[-1]
    return cash, shares


def last_marked(marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The last marked row up to each row; -1 where there is none [T, ...]."""
    numbers = np.arange(len(marked)).reshape(-1, *(1,) * (marked.ndim - 1))
    last: npt.NDArray[np.int64] = np.maximum.accumulate(np.where(marked, numbers, -1), axis=0)
    return last


def last_before(marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The last marked row before each row; -1 where there is none [T]."""
    return np.append(-1, last_marked(marked)[:-1])
