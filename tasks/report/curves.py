"""What the charts draw: growth, drawdown, price, weights and fills of the shown repeats."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from investorbench.tasks.days import FloatArray
from investorbench.tasks.leaderboard import Leaderboard, Row
from investorbench.tasks.leaderboard.contestants import Days
from investorbench.tasks.metrics import equity_of
from investorbench.tasks.report.content import board_name
from investorbench.tasks.result import Episode

DIGITS = 6
"""Significant digits: finer than any screen."""


def curves_of(board: Leaderboard) -> dict[str, Any]:
    """Everything that the charts of one leaderboard need, as JSON values.

    Returns:
        ``sessions`` [T + 1]; ``price`` at each, null where nobody held the asset; ``filled``,
        how many sessions after its decision an order fills; ``agents``, each
        with ``growth`` [T + 1] of equity from 1, ``drawdown`` [T + 1] as a negative share,
        ``weight`` [T] carried through each step, and ``fills``: step, price and sign of each trade.
    """
    episodes = [row.result.median for row in board.rows if row.result]
    return {
        "name": board_name(board),
        "simulated": board.setting.simulated,
        "benchmark": board.benchmark,
        "filled": int(board.facts.fills.startswith("next")),
        "sessions": sessions_of(board),
        "price": _rounded(prices_of(episodes)),
        "agents": [{"name": row.agent, **_curve(row.shown), **_trades(row)} for row in board.rows],
    }


def sessions_of(board: Leaderboard) -> list[str]:
    """The sessions [T + 1] of a leaderboard; a record does not know the one after its last."""
    longest = max((row.shown for row in board.rows), key=lambda days: len(days.dates))
    return [*map(str, longest.dates), board.setting.end]


def marked_on(board: Leaderboard, days: Days) -> list[str]:
    """The dates on which the returns of a run were marked [D]."""
    dates = days.dates if board.dates is None else board.dates
    return [*map(str, dates[1:]), board.setting.end][: len(days.dates)]


def prices_of(episodes: Sequence[Episode]) -> FloatArray:
    """Closes at the sessions [T + 1], as the worth of what was held gives them; NaN for none.

    A record holds equity and position, not prices. The price of the first session, before anybody
    holds anything, is in neither.
    """
    days = max(len(episode.equity) for episode in episodes)
    prices = np.full(days, np.nan)
    for episode in episodes:
        held = np.flatnonzero(episode.position != 0.0)
        worth = episode.weights[held] * episode.equity[held + 1]
        found = worth / episode.position[held]
        missing = np.isnan(prices[held + 1])
        prices[held[missing] + 1] = found[missing]
    return prices


def _curve(days: Days) -> dict[str, Any]:
    growth = equity_of(days.returns)
    drawdown = growth / np.maximum.accumulate(growth) - 1.0
    return {"growth": _rounded(growth), "drawdown": _rounded(drawdown)}


def _trades(row: Row) -> dict[str, Any]:
    if row.result is None:
        return {"weight": [], "fills": []}
    episode = row.result.median
    steps = np.flatnonzero(episode.notional > 0.0)
    before = np.concatenate([[0.0], episode.position[:-1]])
    signs = np.sign(episode.position - before)
    prices = _rounded(episode.fill_prices)
    return {
        "weight": _rounded(episode.weights),
        "fills": [[int(step), prices[step], int(signs[step])] for step in steps],
    }


def _rounded(values: FloatArray) -> list[float | None]:
    return [float(f"{v:.{DIGITS}g}") if np.isfinite(v) else None for v in values.tolist()]
