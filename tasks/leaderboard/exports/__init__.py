"""Leaderboards as files for other programs: rows of figures, or tables for a paper or a page."""

from collections.abc import Callable, Sequence

from investorbench.tasks.leaderboard import Leaderboard, Overall
from investorbench.tasks.leaderboard.exports.latex import latex
from investorbench.tasks.leaderboard.exports.markdown import markdown
from investorbench.tasks.leaderboard.exports.tidy import csv, parquet
from investorbench.tasks.leaderboard.label_boards import LabelBoard
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard
from investorbench_env.errors import UnknownNameError

Writer = Callable[
    [
        Sequence[Leaderboard],
        Sequence[Overall],
        Sequence[SnapshotBoard],
        Sequence[LabelBoard],
    ],
    bytes,
]
WRITERS: dict[str, Writer] = {"csv": csv, "parquet": parquet, "latex": latex, "md": markdown}
FORMATS = tuple(WRITERS)

__all__ = ["FORMATS", "export"]


def export(
    boards: Sequence[Leaderboard],
    overalls: Sequence[Overall],
    format: str,
    snapshots: Sequence[SnapshotBoard] = (),
    labels: Sequence[LabelBoard] = (),
) -> bytes:
    r"""The content of a file with all leaderboards.

    Args:
        boards: those of single settings.
        overalls: those over several tasks.
        format: ``"csv"`` or ``"parquet"``, a row an agent and setting; ``"latex"``, tables to
            ``\input`` that need the package booktabs; ``"md"``, tables for a page on GitHub.
        snapshots: tables of snapshots.
        labels: tables of decided classes.

    Raises:
        UnknownNameError: there is no such format.
    """
    if format not in WRITERS:
        raise UnknownNameError("format", format, FORMATS)
    return WRITERS[format](boards, overalls, snapshots, labels)
