"""What tables for papers and pages have in common: cells, and what stands below them.

Text is plain here; ``latex`` and ``markdown`` escape it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from investorbench.tasks.days import period_name
from investorbench.tasks.leaderboard import Leaderboard, Overall, OverallRow, Row
from investorbench.tasks.leaderboard.board_columns import board_columns
from investorbench.tasks.leaderboard.columns import (
    NOTHING_AGAINST,
    TWIN,
    UNRANKED,
    BoardLine,
    Column,
    OverallLine,
    heads,
    legend,
    texts,
)
from investorbench.tasks.leaderboard.label_boards import LabelBoard
from investorbench.tasks.leaderboard.label_columns import LabelLine, label_columns
from investorbench.tasks.leaderboard.marks import signs_of
from investorbench.tasks.leaderboard.notes import drawn_by
from investorbench.tasks.leaderboard.overall_columns import overall_columns
from investorbench.tasks.leaderboard.snapshot_columns import SnapshotLine, snapshot_columns
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard
from investorbench.tasks.leaderboard.snapshot_sentences import (
    is_marked,
    snapshot_notes,
    snapshot_sentence,
)
from investorbench.tasks.wording import NONE, count, listed, rank

EXPECTED = {NOTHING_AGAINST.reason, TWIN.reason, UNRANKED.reason}
"""Reasons that the row says itself."""


WORDS = ("rank", "agent")
"""Heads of columns that hold no figures; they come first."""


class Sheet(NamedTuple):
    """A table to be written down.

    Attributes:
        title: what it is of.
        caption: protocol, market, window, data source and how intervals are made.
        columns: their heads; the first are rank, where agents have one, and agent.
        rows: cells of each agent.
        best: which row is better than all others by more than chance, if any.
        sentence: what a reader may quote.
        notes: what else there is to say, a line each.
    """

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: int | None
    sentence: str
    notes: tuple[str, ...]


def sheets(
    boards: Sequence[Leaderboard],
    overalls: Sequence[Overall],
    snapshots: Sequence[SnapshotBoard] = (),
    labels: Sequence[LabelBoard] = (),
) -> Iterator[Sheet]:
    """Those over all tasks first, then those of snapshots; those of decided classes last."""
    yield from map(_of_overall, overalls)
    yield from map(_of_snapshots, snapshots)
    yield from map(_of_board, boards)
    yield from map(_of_labels, labels)


def _of_labels(board: LabelBoard) -> Sheet:
    first, columns = board.settings[0], label_columns("paper", board)
    market = "SIMULATED MARKETS" if board.simulated else "real data"
    options = f" Options: {first.options}." if first.options else ""
    return Sheet(
        title=f"{'SIMULATED: ' if board.simulated else ''}{board.name}, decisions, "
        f"{first.protocol}",
        caption=f"Decisions on {', '.join(each.name for each in board.settings)}; "
        f"{first.protocol} protocol, {market}, {first.start} to {first.end}.{options} Data: "
        f"{first.data_source}. Intervals of 95 %.",
        columns=("agent", *heads(columns, "paper")),
        rows=tuple(
            (row.agent, *texts(columns, "paper", LabelLine(board, row))) for row in board.rows
        ),
        best=None,
        sentence=board.sentence,
        notes=board.notes,
    )


def _of_snapshots(board: SnapshotBoard) -> Sheet:
    setting = board.setting
    columns = snapshot_columns("paper", board)
    market = "SIMULATED MARKETS" if setting.simulated else "real data"
    options = f" Options: {setting.options}." if setting.options else ""
    suite = f"suite {board.suite}, " if board.suite else ""
    places = [row.places for row in board.rows]
    return Sheet(
        title=f"{'SIMULATED: ' if setting.simulated else ''}{setting.name}, {suite}"
        f"{setting.protocol}",
        caption=f"{setting.name}, {suite}{setting.protocol} protocol, {market}, decisions from "
        f"{setting.start} to {setting.end}, held for {board.facts.horizon} sessions."
        f"{options} Data: {setting.data_source}. Intervals of 95 %.",
        columns=("rank", "agent", *heads(columns, "paper")),
        rows=tuple(
            (
                rank(row.places),
                row.agent + (" ‡" if is_marked(row) else ""),
                *texts(columns, "paper", SnapshotLine(board, row)),
            )
            for row in board.rows
        ),
        best=places.index((1, 1)) if (1, 1) in places and len(places) > 1 else None,
        sentence=snapshot_sentence(board),
        notes=tuple(snapshot_notes(board)),
    )


def _of_board(board: Leaderboard) -> Sheet:
    setting = board.setting
    columns = board_columns("paper", board)
    market = "SIMULATED MARKET" if setting.simulated else "real data"
    options = f" Options: {setting.options}." if setting.options else ""
    span = count(board.comparison.days, period_name(board.facts.interval))
    lines = [BoardLine(board, row) for row in board.rows]
    explained = "; ".join(
        [*legend(columns, "paper", lines), f"trials counted: {board.comparison.luck.trials}"]
    )
    caption = (
        f"{setting.name}, {setting.protocol} protocol, {market}, {span} "
        f"from {setting.start} to {setting.end}.{options} Data: {setting.data_source}. "
        f"{_intervals(board)}{explained}."
    )
    return Sheet(
        title=f"{'SIMULATED: ' if setting.simulated else ''}{setting.name}, {setting.protocol}",
        caption=caption,
        columns=("rank", "agent", *heads(columns, "paper")),
        rows=tuple(
            (
                line.row.place(board.compared_with),
                line.row.agent + signs_of(line.row, board.rows),
                *texts(columns, "paper", line),
            )
            for line in lines
        ),
        best=_best(board.rows),
        sentence=board.sentence,
        notes=(*board.findings, *board.notes, *_reasons(board, columns)),
    )


def _intervals(board: Leaderboard) -> str:
    if all(row.statistics.sr.low is None for row in board.rows):
        return ""
    return f"Intervals of 95 %: bootstrap, {drawn_by(board.comparison, board.facts)}. "


def _of_overall(found: Overall) -> Sheet:
    names = ", ".join(setting.name for setting in found.settings)
    columns = overall_columns("paper", found.compared_with)
    market = "SIMULATED MARKETS" if found.simulated else "real data"
    options = f" Options: {found.options}." if found.options else ""
    lines = [OverallLine(found, row) for row in found.rows]
    explained = "".join(f" {each}." for each in legend(columns, "paper", lines))
    return Sheet(
        title=f"{'SIMULATED: ' if found.simulated else ''}mean over {len(found.settings)} tasks, "
        f"{found.protocol}",
        caption=f"Means over {names}; {found.protocol} protocol, {market}.{options}{explained}",
        columns=("rank", "agent", *heads(columns, "paper")),
        rows=tuple(
            (
                line.row.place(found.compared_with),
                line.row.agent + line.row.signs,
                *texts(columns, "paper", line),
            )
            for line in lines
        ),
        best=_best(found.rows),
        sentence=found.sentence,
        notes=(*found.findings, *found.notes),
    )


def _best(rows: Sequence[Row | OverallRow]) -> int | None:
    """Which row is better than all others, where there are others with a rank."""
    ranks = [row.rank for row in rows]
    several = sum(places is not None for places in ranks) > 1
    return ranks.index((1, 1)) if (1, 1) in ranks and several else None


def _reasons(board: Leaderboard, columns: Sequence[Column[BoardLine]]) -> Iterator[str]:
    """Why cells are empty, agents with the same reason together."""
    agents: dict[str, dict[str, None]] = defaultdict(dict)
    for row in board.rows:
        if row.agent == board.benchmark:
            continue
        for column in columns:
            reason = column.cell(BoardLine(board, row)).reason
            if reason is not None and reason not in EXPECTED:
                agents[reason][row.agent] = None
    for reason, names in agents.items():
        yield f"{NONE} of {listed(list(names))}: {reason}"
