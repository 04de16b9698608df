"""Leaderboards as rows of figures: one an agent and setting, and one an agent over all tasks.

Shares are fractions, not percent. What is missing is empty, and ``reason_…`` says why.
"""

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from investorbench.tasks.leaderboard import Leaderboard, Overall
from investorbench.tasks.leaderboard.board_columns import BoardColumn, board_columns
from investorbench.tasks.leaderboard.columns import BoardLine, Columns, L, OverallLine
from investorbench.tasks.leaderboard.label_boards import LabelBoard
from investorbench.tasks.leaderboard.label_columns import LabelLine, label_columns
from investorbench.tasks.leaderboard.overall_columns import overall_columns
from investorbench.tasks.leaderboard.snapshot_columns import SnapshotLine, snapshot_columns
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard
from investorbench.tasks.spreadsheets import ENDS, CsvRows, harmless

if TYPE_CHECKING:
    import pandas as pd


def csv(
    boards: Sequence[Leaderboard],
    overalls: Sequence[Overall],
    snapshots: Sequence[SnapshotBoard] = (),
    labels: Sequence[LabelBoard] = (),
) -> bytes:
    """Comma-separated, UTF-8; no text is taken for a formula."""
    table = frame(boards, overalls, snapshots, labels)
    for name in table.select_dtypes("string").columns:
        table[name] = table[name].map(harmless, na_action="ignore")
    text = io.StringIO()
    table.to_csv(CsvRows(text), index=False, lineterminator=ENDS)
    return text.getvalue().encode("utf-8", "replace")


def parquet(
    boards: Sequence[Leaderboard],
    overalls: Sequence[Overall],
    snapshots: Sequence[SnapshotBoard] = (),
    labels: Sequence[LabelBoard] = (),
) -> bytes:
    """Parquet, with types."""
    stream = io.BytesIO()
    frame(boards, overalls, snapshots, labels).to_parquet(stream, index=False)
    return stream.getvalue()


def frame(
    boards: Sequence[Leaderboard],
    overalls: Sequence[Overall],
    snapshots: Sequence[SnapshotBoard] = (),
    labels: Sequence[LabelBoard] = (),
) -> "pd.DataFrame":
    """All rows; those over all tasks have ``overall`` as their scope, and come after the others.

    Those of decided classes come last, with ``labels``.
    """
    import pandas as pd

    # Each kind of account has columns of its own, in the order in which they come first.
    first = next((board for board in boards if len(board.facts.symbols) > 1), None)
    every = (each for board in (first, *boards) for each in board_columns("file", board))
    of_board, of_overall = _each_once(every), overall_columns("file")
    of_snapshots = snapshot_columns("file", snapshots[0]) if snapshots else []
    lines = [SnapshotLine(board, row) for board in snapshots for row in board.rows]
    rows = [_row(of_snapshots, line) for line in lines]
    rows += [_row(of_board, BoardLine(board, row)) for board in boards for row in board.rows]
    rows += [_row(of_overall, OverallLine(table, row)) for table in overalls for row in table.rows]
    of_labels = label_columns("file") if labels else []
    rows += [_row(of_labels, LabelLine(board, row)) for board in labels for row in board.rows]
    types = dict(field for each in of_board for field in each.fields())
    types |= dict(field for each in of_snapshots for field in each.fields())
    types |= dict(field for each in of_overall for field in each.fields())
    types |= dict(field for each in of_labels for field in each.fields())
    table = pd.DataFrame(rows)
    return table.astype({name: types[name] for name in table.columns})


def _each_once(columns: Iterable[BoardColumn]) -> list[BoardColumn]:
    return list({each.key: each for each in columns}.values())


def _row(columns: Columns[L], line: L) -> dict[str, Any]:
    return {name: value for column in columns for name, value in column.values(line)}
