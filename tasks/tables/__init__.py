"""Tidy tables of recorded runs for other programs: a row an episode, a decision, an answer.

docs/exports.md says what they hold.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from investorbench.tasks.leaderboard import leaderboards, overall
from investorbench.tasks.leaderboard.exports.tidy import frame as board_frame
from investorbench.tasks.leaderboard.label_boards import label_boards
from investorbench.tasks.leaderboard.snapshot_rows import snapshot_boards
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.result import Entry
from investorbench.tasks.running.garbage import fewer_collections
from investorbench.tasks.tables import answers, decisions, episodes, equity
from investorbench.tasks.tables.fields import EPISODE, JOB, Block, Field, Storage, TidyRow
from investorbench.tasks.tables.reading import (
    OfScan,
    Say,
    Watch,
    blocks_of_episodes,
    blocks_of_scans,
)
from investorbench.tasks.tables.writing import WRITERS, frame, write_blocks, write_rows, writer_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EPISODE",
    "JOB",
    "LEADERBOARD",
    "NAMES",
    "TABLES",
    "WRITERS",
    "Block",
    "Field",
    "TidyRow",
    "TidyTable",
    "frame_of",
    "leaderboard_frame",
    "table",
    "write_blocks",
    "write_rows",
    "write_table",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TidyTable:
    """A table that records are read as.

    Attributes:
        doc: what a row is.
        fields: its columns.
        blocks: its rows, of run folders; the second argument takes what cannot be read, a line
            each, and the third is called after each repeat.
    """

    doc: str
    fields: tuple[Field, ...]
    blocks: Callable[[Sequence[Path], Say, Watch], Iterator[Block]]


def _of_scans(doc: str, fields: tuple[Field, ...], rows: OfScan) -> TidyTable:
    """A table of what is recorded by split."""
    return TidyTable(
        doc=doc,
        fields=fields,
        blocks=lambda runs, say, watch: blocks_of_scans(runs, fields, rows, say, watch),
    )


TABLES: Mapping[str, TidyTable] = {
    "episodes": TidyTable(
        doc="an episode, finished or not, with its figures",
        fields=episodes.FIELDS,
        blocks=blocks_of_episodes,
    ),
    "equity": _of_scans("a point of an equity curve", equity.FIELDS, equity.rows),
    "decisions": _of_scans("a decision", decisions.FIELDS, decisions.rows),
    "answers": _of_scans("an answer of a language model", answers.FIELDS, answers.rows),
}


LEADERBOARD = "leaderboard"
"""The table of results, which is computed of all entries together."""
STORAGES: Mapping[str, Storage] = {name: name for name in get_args(Storage)}
NAMES = (LEADERBOARD, *TABLES)


def table(name: str) -> TidyTable:
    """A table by its name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in TABLES:
        raise UnknownNameError("table", name, NAMES)
    return TABLES[name]


def write_table(
    name: str, runs: Sequence[Path], file: Path, say: Say, watch: Watch = lambda: None
) -> int:
    """Write a table of run folders as a file, in one pass and little memory.

    Args:
        name: of the table.
        runs: the folders.
        file: its ending names the format.
        say: takes what cannot be read or is not finished, a line each.
        watch: is called after each repeat that was read.

    Returns:
        How many rows it has.

    Raises:
        InvestorBenchError: there is no such table, format or folder.
    """
    if name == LEADERBOARD:
        return _write_leaderboard(runs, file, say, watch)
    found = table(name)
    with fewer_collections():
        return write_blocks(file, found.fields, found.blocks(runs, say, watch))


def leaderboard_frame(entries: Iterable[Entry]) -> "pd.DataFrame":
    """Leaderboards of results, a row an agent and setting.

    Args:
        entries: the results.
    """
    entries = list(entries)
    if not entries:
        raise InvestorBenchError("there is no result to make a leaderboard of")
    boards = leaderboards(entries)
    return board_frame(
        boards, overall(boards), snapshot_boards(entries), list(label_boards(entries))
    )


def _write_leaderboard(runs: Sequence[Path], file: Path, say: Say, watch: Watch) -> int:
    found = found_in(runs, lambda job, repeat, record: watch())
    for problem in found.problems:
        say(f"left out: {problem}")
    writer_of(file)
    rows = leaderboard_frame(entry for _, entry in found.entries)
    storage = {name: str(kind) for name, kind in rows.dtypes.items()}
    fields = [Field(name, STORAGES.get(kind, "string"), "") for name, kind in storage.items()]
    plain = rows.astype(object).where(rows.notna(), None)
    return write_rows(file, fields, plain.to_dict("records"))


def frame_of(name: str, runs: Sequence[Path], say: Say = lambda line: None) -> "pd.DataFrame":
    """The same as a frame of pandas.

    Args:
        name: of the table.
        runs: the folders.
        say: takes what cannot be read or is not finished, a line each.
    """
    found = table(name)
    with fewer_collections():
        return frame(found.fields, found.blocks(runs, say, lambda: None))
