"""What the charts draw: growth, drawdown, price, weights and fills of the shown repeats."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from investorbench.tasks.leaderboard import Leaderboard
from investorbench.tasks.report.content import board_name
from investorbench.tasks.result import Episode, FloatArray

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
    episodes = {row.agent: row.entry.result.median for row in board.rows}
    return {
        "name": board_name(board),
        "simulated": board.setting.simulated,
        "benchmark": board.benchmark,
        "filled": int(board.rows[0].entry.result.fills.startswith("next")),
        "sessions": sessions_of(board),
        "price": _rounded(prices_of(list(episodes.values()))),
        "agents": [{"name": name, **_agent(episode)} for name, episode in episodes.items()],
    }


def sessions_of(board: Leaderboard) -> list[str]:
    """The sessions [T + 1] of a leaderboard; a record does not know the one after its last."""
    episodes = [row.entry.result.median for row in board.rows]
    longest = max(episodes, key=lambda episode: len(episode.sessions)).sessions
    return [board.setting.end if np.isnat(day) else str(day) for day in longest]


def prices_of(episodes: Sequence[Episode]) -> FloatArray:
    """Closes at the sessions [T + 1], as the worth of what was held tells them; NaN for none.

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


def _agent(episode: Episode) -> dict[str, Any]:
    growth = episode.equity / episode.equity[0]
    steps = np.flatnonzero(episode.notional > 0.0)
    before = np.concatenate([[0.0], episode.position[:-1]])
    signs = np.sign(episode.position - before)
    prices = _rounded(episode.fill_prices)
    return {
        "growth": _rounded(growth),
        "drawdown": _rounded(growth / np.maximum.accumulate(growth) - 1.0),
        "weight": _rounded(episode.weights),
        "fills": [[int(step), prices[step], int(signs[step])] for step in steps],
    }


def _rounded(values: FloatArray) -> list[float | None]:
    return [float(f"{v:.{DIGITS}g}") if np.isfinite(v) else None for v in values.tolist()]
