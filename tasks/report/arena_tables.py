"""Accounts of perpetuals side by side: every figure of their behaviour, a row each."""

import math

from investorbench.tasks.behaviour import BEHAVIOUR, BehaviourRow, RowGroup
from investorbench.tasks.leaderboard import Leaderboard, Row
from investorbench.tasks.report.leaderboard_tables import agent_name, agents_of
from investorbench.tasks.report.markup import Html, element
from investorbench.tasks.report.tables import empty, figure
from investorbench.tasks.wording import count

UNDEFINED = "there is nothing that it could be computed from"


def behaviour_table(board: Leaderboard) -> Html | None:
    """A column for each agent whose signals are recorded; None where there is none."""
    rows = [row for row in board.rows if BEHAVIOUR[0].rows[0].key in row.metrics]
    if not rows:
        return None
    repeats = max(len(row.result.episodes) if row.result else 0 for row in rows)
    over = count(len(board.markets), "market") if board.markets else count(repeats, "repeat")
    caption = f"Behaviour, means over {over}; amounts in USD"
    names = [agent_name(row.agent, agents_of(board)) for row in rows]
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element(
            "thead",
            element(
                "tr",
                element("th", "Figure", scope="col", class_="words"),
                *(element("th", each, scope="col", class_="agent") for each in names),
            ),
        ),
        *(_group(group, rows) for group in BEHAVIOUR),
    )
    frame = {"class_": "frame behaviour", "tabindex": "0", "role": "group"}
    return element("div", whole, aria_label=caption, **frame)


def _group(group: RowGroup, rows: list[Row]) -> Html:
    title = element("th", group.title, scope="rowgroup", colspan=str(1 + len(rows)), class_="group")
    lines = (element("tr", _head(each), *(_cell(each, row) for row in rows)) for each in group.rows)
    return element("tbody", element("tr", title), *lines)


def _head(row: BehaviourRow) -> Html:
    doc = element("span", row.doc, class_="settings") if row.doc else None
    return element("th", row.head, doc, scope="row")


def _cell(row: BehaviourRow, agent: Row) -> Html:
    value = agent.metrics.get(row.key, math.nan)
    if not math.isfinite(value):
        return empty(UNDEFINED)
    return figure(value, row.unit.text(value, row.digits))
