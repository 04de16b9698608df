"""A tear sheet of each agent: rolling Sharpe ratio, falls from a peak, distribution of returns."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from investorbench.tasks.days import FloatArray
from investorbench.tasks.leaderboard import Leaderboard, Row
from investorbench.tasks.metrics import equity_of
from investorbench.tasks.report.curves import marked_on

WINDOW_DAYS = 63
"""Of a rolling ratio: a quarter of trading days."""
FEWEST_DAYS = 20
"""Of a window; with less, a ratio is all noise."""
MOST_POINTS = 600
"""Of a rolling ratio that is drawn."""
MOST_FALLS = 5
BINS = 31


class Fall(NamedTuple):
    """How far an account fell from a peak, and how long it took to be back there.

    Attributes:
        peak: the date of the peak.
        trough: that of the lowest value.
        end: that on which the peak was reached again; None where it was not.
        depth: of the fall as a share of the peak, positive.
        days: from the peak to the end, or to the last day.
    """

    peak: str
    trough: str
    end: str | None
    depth: float
    days: int


def sheets_of(board: Leaderboard) -> dict[str, Any]:
    """The tear sheets of a leaderboard's agents as JSON values.

    Returns:
        ``window`` in days, 0 where the returns are too few; ``low`` and ``high``, the ends of all
        distributions; ``agents``, each with ``times`` and ``rolling``, ``falls``, deepest first,
        and ``counts`` of its returns between the ends.
    """
    returns = [row.shown.returns for row in board.rows]
    window = window_of(max(map(len, returns)))
    every = np.concatenate(returns)
    low, high = (float(each) for each in np.quantile(every, [0.005, 0.995]))
    low, high = (low, high) if high > low else (low - 0.001, high + 0.001)
    return {
        "window": window,
        "low": _short(low),
        "high": _short(high),
        "agents": [_sheet(board, row, window, low, high) for row in board.rows],
    }


def window_of(days: int) -> int:
    """How many days a rolling ratio has; 0 where there are too few."""
    window = min(WINDOW_DAYS, days // 3)
    return window if window >= FEWEST_DAYS else 0


def rolling_ratios(returns: FloatArray, window: int, periods_a_year: float) -> FloatArray:
    """Sharpe ratio a year of each window of returns [D − window + 1]; NaN where none varies."""
    if not 2 <= window <= len(returns):
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(returns, window)
    spread = windows.std(axis=1, ddof=1)
    spread = np.where(spread > 1e-12, spread, np.nan)
    ratios: FloatArray = windows.mean(axis=1) / spread * np.sqrt(periods_a_year)
    return ratios


def falls_of(dates: Sequence[str], growth: FloatArray) -> list[Fall]:
    """The deepest falls from a peak, at most as many as a table shows.

    Args:
        dates: on which the account was marked [D + 1].
        growth: of the account [D + 1].
    """
    peaks = np.maximum.accumulate(growth)
    below = growth < peaks
    falls = []
    begins = np.flatnonzero(below & ~np.concatenate([[False], below[:-1]]))
    for begin in begins.tolist():
        after = np.flatnonzero(~below[begin:])
        end = begin + int(after[0]) if len(after) else None
        last = len(growth) if end is None else end
        trough = begin + int(np.argmin(growth[begin:last]))
        falls.append(
            Fall(
                peak=dates[begin - 1],
                trough=dates[trough],
                end=None if end is None else dates[end],
                depth=float(1.0 - growth[trough] / peaks[trough]),
                days=(last - 1 if end is None else end) - (begin - 1),
            )
        )
    return sorted(falls, key=lambda fall: -fall.depth)[:MOST_FALLS]


def _sheet(board: Leaderboard, row: Row, window: int, low: float, high: float) -> dict[str, Any]:
    returns = row.shown.returns
    marked = marked_on(board, row.shown)
    days = len(marked)  # of a ruined account none after its ruin
    ratios = rolling_ratios(returns[:days], window, board.facts.periods_a_year)
    kept = np.unique(np.linspace(0, max(len(ratios) - 1, 0), MOST_POINTS).astype(int))
    kept = kept[: len(ratios)] if len(ratios) else kept[:0]
    counts, _ = np.histogram(np.clip(returns, low, high), bins=BINS, range=(low, high))
    growth = equity_of(returns[:days])
    dates = [str(row.shown.dates[0]), *marked]
    return {
        "times": [marked[n + window - 1] for n in kept.tolist()],
        "rolling": [_short(float(ratios[n])) for n in kept.tolist()],
        "falls": [[*fall[:3], _short(fall.depth), fall.days] for fall in falls_of(dates, growth)],
        "counts": counts.tolist(),
    }


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None
