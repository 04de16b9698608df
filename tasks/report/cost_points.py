"""What agents cost beside how they did, as points with intervals."""

import math
from collections.abc import Sequence
from typing import Any

from investorbench.tasks.leaderboard import Leaderboard, Overall, OverallRow, Row
from investorbench.tasks.report.leaderboard_tables import agents_of
from investorbench.tasks.report.names import short_names


def cost_points(ranked: Leaderboard | Overall, *, simulated: bool) -> dict[str, Any] | None:
    """Cost of all finished repeats, and Sharpe ratio with its interval; None where none is known.

    Agents that ask no model are levels: they have no place across. Where the price of most others
    is not known, tokens stand for cost.

    Args:
        ranked: whose agents.
        simulated: whether their markets are.
    """
    rows: Sequence[Row | OverallRow] = ranked.rows
    short = short_names(agents_of(ranked))
    answers = {row.agent: row.answers for row in rows}
    costs = {name: each.cost_usd for name, each in answers.items() if each and each.cost_usd}
    tokens = {
        name: float(each.read + each.written)
        for name, each in answers.items() if each and each.read + each.written
    }  # fmt: skip
    is_priced = 2 * len(costs) > len(tokens)
    across = costs if is_priced else tokens
    shown = [
        row for row in rows
        if math.isfinite(row.sr) and (row.agent in across or answers[row.agent] is None)
    ]  # fmt: skip
    if not across or not any(row.agent in across for row in shown):
        return None
    return {
        "simulated": simulated,
        "benchmark": ranked.benchmark,
        "across": "cost, USD" if is_priced else "tokens",
        "agents": [
            {
                "name": row.agent,
                "short": short[row.agent],
                "across": across.get(row.agent),
                "ratio": [row.sr, row.statistics.sr.low, row.statistics.sr.high],
            }
            for row in shown
        ],
    }
