"""What is to be said under the results of a portfolio: hindsight, and gaps in its data."""

from collections.abc import Iterator

import numpy as np

from investorbench_env.errors import DateRangeError
from investorbench_env.market.joint_history import JointHistory
from investorbench_env.market.market import CLOSE, OPEN
from investorbench_env.universes import Universe

LONG_STALE = 20
"""Bars: a price that is older than so many is a finding."""


def hindsight(
    universe: Universe, start: str, biased: str = "a portfolio of all in equal parts shares"
) -> Iterator[str]:
    """That the assets were chosen with hindsight, where they were.

    Args:
        universe: of the assets.
        start: first date of the window.
        biased: what has the bias, too.
    """
    if universe.chosen_on is not None and start < universe.chosen_on:
        yield (
            f"{universe.name}: chosen with hindsight on {universe.chosen_on}, when what its assets "
            f"did was known; {biased} the bias"
        )


def gaps(history: JointHistory, span: range) -> Iterator[str]:
    """What the bars of each asset lack in a span.

    Args:
        history: of the market.
        span: the bars of the split.

    Raises:
        DateRangeError: an asset that stays listed has no bar at all in the span.
    """
    market, sessions = history.market, history.market.sessions
    for place, symbol in enumerate(history.symbols):
        bars = market.bars[: span.start + 1, history.assets[place]]
        if np.isnan(bars[:, OPEN]).all() and not np.isnan(bars[:, CLOSE]).all():
            yield f"{symbol} has no opens: its orders fill at the close of the session"
        gone = int(history.gone[place])
        if span.start <= gone < span.stop:
            yield _delisting(symbol, str(sessions[gone]), market.delistings[symbol].gain)
        stale = history.prices.stale[span.start : min(gone, span.stop), place]
        if not history.known[span.start : span.stop, place].any() and gone >= span.stop:
            raise DateRangeError(
                f"{symbol} has no bar from {sessions[span.start]} to {sessions[span.stop - 1]}: "
                f"leave it out of symbols=, or give dates within its data{_extent(history, place)}"
            )
        unknown = stale > len(market.times)
        if unknown.any():
            yield f"{symbol} does not trade before {sessions[span.start + int(unknown.sum())]}"
        ends = np.flatnonzero((stale > LONG_STALE) & ~unknown & (np.append(stale[1:], 0) == 0))
        for end in ends.tolist():
            count = stale.item(end)
            yield (
                f"{symbol} has no bar for {count} sessions up to {sessions[span.start + end]}: "
                "what is held of it keeps its last price"
            )


def _extent(history: JointHistory, place: int) -> str:
    """First and last session of an asset's data, in words."""
    days = history.market.sessions[history.known[:, place]]
    return f", {days[0]} to {days[-1]}" if len(days) else ""


def _delisting(symbol: str, day: str, gain: float) -> str:
    """That an asset was delisted, and at what its holders are paid out."""
    if not np.isnan(gain):
        return f"{symbol} was delisted on {day}: holders get its last price {gain:+.0%}"
    return (
        f"{symbol} was delisted on {day}, at what return the data does not say: holders get "
        "nothing. For delistings for cause the literature has -30 % (Shumway, 1997)"
    )
