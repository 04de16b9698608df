"""What the charts draw: growth, drawdown, prices, weights and fills of the shown repeats."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.tasks.days import FloatArray, is_within_a_day
from investorbench.tasks.judging import is_of_perpetuals
from investorbench.tasks.leaderboard import Leaderboard, Row
from investorbench.tasks.leaderboard.contestants import Days
from investorbench.tasks.metrics import equity_of
from investorbench.tasks.report.content import board_name
from investorbench.tasks.report.names import short_names
from investorbench.tasks.result import Episode

DIGITS = 6
"""Significant digits: finer than any screen."""
NUMBERS = 400_000
"""Of all curves of a leaderboard, so that the page stays small; longer ones are thinned out."""
FEWEST_POINTS = 500
MOST_FILLS = 2_000
"""Of an agent, the largest; no screen shows more."""


def curves_of(board: Leaderboard) -> dict[str, Any]:
    """Everything that the charts of one leaderboard need, as JSON values.

    Returns:
        ``times`` [P], dates or moments in UTC, of all T + 1 as many as there is room for;
        ``symbols`` [A]; ``prices`` [A, P], null where one is not known; ``agents``, each with
        ``growth`` of equity from 1 and ``drawdown`` as a negative share, at ``times`` or at
        ``own_times``; ``weights`` [A] of those times but the first, carried up to each; and
        ``fills``: time, price, sign and asset of each trade; and of perpetuals ``opening``, the
        account's value at first, in which growth is shown.
    """
    episodes = [row.episode for row in board.rows if row.episode]
    labels = [labels_of(board, episode) for episode in episodes]
    times = sorted(set().union(*labels))
    points = points_of(len(times), len(board.rows), len(board.facts.symbols))
    drawn = [times[point] for point in points]
    short = short_names(row.agent for row in board.rows)
    return {
        "name": board_name(board),
        "simulated": board.setting.simulated,
        "benchmark": board.benchmark,
        "symbols": list(board.facts.symbols),
        "within_a_day": is_within_a_day(board.facts.interval),
        "times": drawn,
        "prices": [_rounded(asset) for asset in prices_of(episodes, labels, times)[points].T],
        "agents": [{**_agent(board, row, drawn), "short": short[row.agent]} for row in board.rows],
        **({"opening": board.facts.initial_cash} if is_of_perpetuals(board.facts) else {}),
    }


def labels_of(board: Leaderboard, episode: Episode) -> list[str]:
    """When an account was marked [T + 1], the opening first.

    Sessions where bars are a day or longer; moments in UTC where they are shorter.
    """
    if is_within_a_day(board.facts.interval):
        return [str(time.astype("datetime64[s]")) for time in episode.times]
    # A record of version 1 does not know the session after its last.
    return [board.setting.end if np.isnat(day) else str(day) for day in episode.sessions]


def marked_on(board: Leaderboard, days: Days) -> list[str]:
    """The dates on which the daily returns of a run were marked [D]."""
    if is_within_a_day(board.facts.interval):
        return list(map(str, days.dates))
    dates = days.dates
    if board.dates is not None:  # where the account was ruined, the days after it are known, too
        dates = board.dates[np.flatnonzero(board.dates == days.dates[0])[0] :]
        begins_anew = np.flatnonzero(dates[1:] <= dates[:-1])  # the next market's days
        dates = dates[: begins_anew[0] + 1] if len(begins_anew) else dates
    return [*map(str, dates[1:]), board.setting.end][: len(days.dates)]


def points_of(times: int, agents: int, assets: int) -> npt.NDArray[np.int64]:
    """Which of so many times are drawn: the first, the last, and as many as there is room for."""
    room = max(FEWEST_POINTS, NUMBERS // (agents * (2 + assets) + assets))
    return np.unique(np.linspace(0, times - 1, min(times, room)).round().astype(np.int64))


def prices_of(
    episodes: Sequence[Episode], labels: Sequence[Sequence[str]], times: Sequence[str]
) -> FloatArray:
    """Prices at which accounts were marked [times, A], as far as any of them knows; else NaN."""
    place = {time: n for n, time in enumerate(times)}
    prices = np.full((len(times), len(episodes[0].symbols)), np.nan)
    for episode, own in zip(episodes, labels, strict=True):
        at = [place[label] for label in own]
        prices[at] = np.where(np.isnan(prices[at]), _by_asset(episode.marks), prices[at])
    return prices


def fills_of(episode: Episode, labels: Sequence[str], *, filled_later: bool) -> list[list[Any]]:
    """Time, price, sign and asset of each trade, the largest where there are very many.

    Args:
        episode: whose.
        labels: when its account was marked [T + 1].
        filled_later: whether orders fill one bar after their decision.
    """
    notional, position = _by_asset(episode.notional), _by_asset(episode.position)
    prices = _by_asset(episode.fill_prices)
    signs = np.sign(np.diff(position, axis=0, prepend=0.0))
    steps, assets = np.nonzero(notional > 0.0)
    if len(steps) > MOST_FILLS:
        largest = np.sort(np.argsort(notional[steps, assets])[-MOST_FILLS:])
        steps, assets = steps[largest], assets[largest]
    return [
        [labels[step + filled_later], _short(prices[step, asset]), int(signs[step, asset]), asset]
        for step, asset in zip(steps.tolist(), assets.tolist(), strict=True)
    ]


def _agent(board: Leaderboard, row: Row, drawn: Sequence[str]) -> dict[str, Any]:
    if row.episode is None:
        return _reference(board, row, drawn)
    episode = row.episode
    labels = labels_of(board, episode)
    wanted = set(drawn)
    kept = np.array([n for n, label in enumerate(labels) if label in wanted])
    own = [labels[n] for n in kept]
    weights = _by_asset(episode.weights)[kept[1:] - 1]
    return {
        "name": row.agent,
        **({} if own == list(drawn[: len(own)]) else {"own_times": own}),
        **_curve(episode.equity / episode.equity[0], kept),
        "weights": [_rounded(asset) for asset in weights.T],
        "fills": fills_of(episode, labels, filled_later=board.facts.fills.startswith("next")),
    }


def _reference(board: Leaderboard, row: Row, drawn: Sequence[str]) -> dict[str, Any]:
    """A row that is known by the day: of what it held, nothing is."""
    marked = marked_on(board, row.shown)
    if is_within_a_day(board.facts.interval):
        episode = next(each.episode for each in board.rows if each.episode)
        ends = dict(zip(map(str, episode.sessions), labels_of(board, episode), strict=True))
        own = [drawn[0], *(ends.get(day, day) for day in marked)]
    else:
        own = [str(row.shown.dates[0]), *marked]
    return {
        "name": row.agent,
        **({} if own == list(drawn) else {"own_times": own}),
        **_curve(equity_of(row.shown.returns), np.arange(len(own))),
        "weights": [],
        "fills": [],
    }


def _curve(growth: FloatArray, kept: npt.NDArray[np.int64]) -> dict[str, list[float | None]]:
    drawdown = growth / np.maximum.accumulate(growth) - 1.0
    return {"growth": _rounded(growth[kept]), "drawdown": _rounded(drawdown[kept])}


def _by_asset(values: FloatArray) -> FloatArray:
    """Values [T] or [T, A] as [T, A]."""
    return values.reshape(len(values), -1)


def _rounded(values: FloatArray) -> list[float | None]:
    return [_short(value) for value in values.tolist()]


def _short(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
