"""What the race behind a table of snapshots has shown: who left, when and why."""

from collections.abc import Iterator
from math import isfinite

from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard
from investorbench.tasks.report.leaderboard_tables import AGENT, agent_name
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.tables import Head, empty, figure, row_head, table, words
from investorbench.tasks.running.raced import Raced, RacedRow, raced
from investorbench.tasks.wording import number

LEFT = Head("Left", "why it was played no more", text=True)
BESIDE = Head("Beside", "the reference, the best, or the neighbour above", text=True)
DIFFERENCE = Head("Difference", "basis points, with the interval of the design")


def race_tables(board: SnapshotBoard) -> Iterator[Html]:
    """The race of a table's agents, in a table and in words; nothing where they did not race."""
    for race in raced(row.entry for row in board.rows):
        yield _table(race)
        yield element("p", race.summary)


def _table(race: Raced) -> Html:
    heads = [AGENT, Head("Score", "mean, basis points"), BESIDE, DIFFERENCE,
             Head(f"{race.observation.capitalize()}s"), LEFT]  # fmt: skip
    rows = [
        [
            row_head(agent_name(row.agent), row.agent),
            figure(row.score, number(row.score, 1)),
            words(row.beside),
            _difference(row),
            figure(row.played, number(row.played)),
            words(row.left),
        ]
        for row in race.rows
    ]
    caption = (
        "Scores and differences in basis points, the best first; intervals are those of the design"
    )
    return table(caption, heads, rows)


def _difference(row: RacedRow) -> Html:
    if row.pair is None:
        return empty("not compared")
    value = element("span", number(row.pair.difference, 1), class_="value")
    ends = f"[{number(row.pair.low, 1)}, {number(row.pair.high, 1)}]"
    interval = element("span", ends, class_="interval") if isfinite(row.pair.low) else None
    return figure(row.pair.difference, join(value, " ", interval))
