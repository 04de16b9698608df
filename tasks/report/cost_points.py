"""What agents cost beside how they did, as points with intervals."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from investorbench.tasks.answers import Answers, answers_of
from investorbench.tasks.leaderboard import Leaderboard, Overall, OverallRow, Row
from investorbench.tasks.leaderboard.label_boards import LabelBoard
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard
from investorbench.tasks.report.leaderboard_tables import agents_of
from investorbench.tasks.report.names import short_names
from investorbench.tasks.statistics import Estimate

SHARPE = "Sharpe ratio a year"


class Costed(NamedTuple):
    """An agent, what its model was asked, and how well it did."""

    agent: str
    answers: Answers | None
    figure: Estimate


def cost_points(ranked: Leaderboard | Overall, *, simulated: bool) -> dict[str, Any] | None:
    """Cost of all finished repeats, and Sharpe ratio with its interval; None where none is known.

    Agents that ask no model are levels: they have no place across. Where the price of most others
    is not known, tokens stand for cost.

    Args:
        ranked: whose agents.
        simulated: whether their markets are.
    """
    rows: Sequence[Row | OverallRow] = ranked.rows
    agents = []
    for row in rows:
        sr = Estimate(value=row.sr, low=row.statistics.sr.low, high=row.statistics.sr.high)
        agents.append(Costed(row.agent, row.answers, sr))
    short = short_names(agents_of(ranked))
    return _points(agents, SHARPE, short, ranked.benchmark, simulated=simulated)


def snapshot_costs(board: SnapshotBoard) -> dict[str, Any] | None:
    """The same of snapshots: what a decision was worth."""
    what = "edge" if board.facts.simulated else "mean return"
    agents = [Costed(row.agent, row.answers, row.headline) for row in board.rows]
    short = short_names([row.agent for row in board.rows])
    figure = f"{what} in basis points a decision"
    return _points(agents, figure, short, None, simulated=board.setting.simulated)


def label_costs(board: LabelBoard) -> dict[str, Any] | None:
    """The same of decided classes on one task: what they earned."""
    agents = [
        Costed(row.agent, answers_of(row.entry.result), row.figures.decision)
        for row in board.agents if row.entry is not None
    ]  # fmt: skip
    short = short_names([each.agent for each in agents])
    return _points(agents, "decision reward", short, None, simulated=board.simulated)


def _points(
    agents: Sequence[Costed],
    figure: str,
    short: dict[str, str],
    benchmark: str | None,
    *,
    simulated: bool,
) -> dict[str, Any] | None:
    answers = {each.agent: each.answers for each in agents}
    costs = {name: each.cost_usd for name, each in answers.items() if each and each.cost_usd}
    tokens = {name: float(each.tokens) for name, each in answers.items() if each and each.tokens}
    is_priced = 2 * len(costs) > len(tokens.keys() | costs.keys())
    across = costs if is_priced else tokens
    shown = [
        each for each in agents
        if each.figure.value is not None and math.isfinite(each.figure.value)
        and (each.agent in across or answers[each.agent] is None)
    ]  # fmt: skip
    if not across or not any(each.agent in across for each in shown):
        return None
    return {
        "simulated": simulated,
        "benchmark": benchmark,
        "across": "cost, USD" if is_priced else "tokens",
        "figure": figure,
        "agents": [
            {
                "name": each.agent,
                "short": short[each.agent],
                "across": across.get(each.agent),
                "ratio": [each.figure.value, each.figure.low, each.figure.high],
            }
            for each in shown
        ],
    }
