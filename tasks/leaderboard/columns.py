"""Columns of leaderboards, a row each: what a figure is called, where it comes from, how it looks.

The tables of the terminal, of papers and of the report, and the files of figures are all made of
these. A metric of ``tasks.metrics`` becomes a column by itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from investorbench.tasks.described import JobWords
from investorbench.tasks.leaderboard.overall_rows import Overall, OverallRow
from investorbench.tasks.leaderboard.rows import Leaderboard, Row
from investorbench.tasks.statistics import Estimate, Tested
from investorbench.tasks.statistics.rank_sets import SIZE
from investorbench.tasks.wording import NONE, RATIO, TEXT, Table, Unit

L = TypeVar("L")
"""A line of a table, with the table it belongs to."""
BETWEEN: dict[Table, str] = {"terminal": "…", "paper": " to "}
"""What stands between the ends of an interval; elsewhere a comma."""


class Cell(NamedTuple):
    """A figure with its interval, and why either is missing.

    Attributes:
        value: the figure; None for none.
        low: lower end of its interval.
        high: upper end of its interval.
        reason: why the figure, or its interval, is missing.
    """

    value: Any = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class Format(NamedTuple):
    """How a column looks in a table.

    Attributes:
        digits: of the figure, after the point.
        ends: of the ends of its interval; None where those are not shown.
        head: instead of the column's own.
        drawn: whether the interval is drawn besides.
    """

    digits: int = 0
    ends: int | None = None
    head: str = ""
    drawn: bool = False


class Highlight(NamedTuple):
    """Figures that are marked in the report.

    Attributes:
        applies: to which.
        style: its class there.
        words: the same for ears.
    """

    applies: Callable[[float], bool]
    style: str
    words: str


VALUE, ESTIMATE, INTERVAL = ("value",), ("value", "reason"), ("value", "low", "high", "reason")
"""Parts of a cell that a file has."""
INTERVAL_HEAD = "95 %"
"""Of the column of an interval, which stands beside that of its figure."""
FIELDS = {"value": "{}", "low": "{}_low", "high": "{}_high", "reason": "reason_{}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[L]):
    """One thing that is known of each line of a table.

    Attributes:
        key: its name in files.
        head: its name in tables.
        doc: what it is, in a few words.
        unit: what it is counted in.
        value: of a line; a cell, or a value that is never missing.
        formats: the tables that it stands in, and how.
        parts: what of a cell goes into a file.
        note: what stands below tables for readers, after the head.
        mark: which figures are marked.
        direction: 1 where more is better, −1 where less is, 0 where neither is.
    """

    key: str
    unit: Unit
    value: Callable[[L], Any]
    formats: Mapping[Table, Format]
    head: str = ""
    doc: str = ""
    parts: tuple[str, ...] = VALUE
    note: str = ""
    mark: Highlight | None = None
    direction: int = 1

    def cell(self, line: L) -> Cell:
        """What a line has of it."""
        value = self.value(line)
        return value if isinstance(value, Cell) else Cell(value)

    def head_in(self, table: Table) -> str:
        return self.formats[table].head or self.head

    def text(self, cell: Cell, table: Table) -> str:
        """The figure, or a dash."""
        if cell.value is None:
            return NONE
        return self.unit.text(cell.value, self.formats[table].digits)

    def interval(self, cell: Cell, table: Table) -> str | None:
        """Both ends of the interval; None where there is none, or none is shown."""
        digits = self.formats[table].ends
        if digits is None or cell.low is None or cell.high is None:
            return None
        return BETWEEN.get(table, ", ").join(
            self.unit.text(end, digits) for end in (cell.low, cell.high)
        )

    def fields(self) -> Iterator[tuple[str, str]]:
        """Names of what a file has of it, with their types."""
        for part in self.parts:
            storage = self.unit.storage if part == "value" else "Float64"
            yield FIELDS[part].format(self.key), "string" if part == "reason" else storage

    def values(self, line: L) -> Iterator[tuple[str, Any]]:
        """What a file has of it, by name."""
        cell = self.cell(line)
        for part in self.parts:
            yield FIELDS[part].format(self.key), getattr(cell, part)


Columns = Sequence[Column[L]]


class BoardLine(NamedTuple):
    """A row with the leaderboard it stands in."""

    board: Leaderboard
    row: Row


class OverallLine(NamedTuple):
    """A row with the table over several tasks it stands in."""

    table: Overall
    row: OverallRow


FILE: dict[Table, Format] = {"file": Format()}
WORDS_OF_JOBS: dict[str, Unit] = {
    name: RATIO if name == "temperature" else TEXT for name in JobWords._fields
}
"""What files say of the model and the memory of an agent."""
CLEAR = Highlight(lambda p: p <= SIZE, "clear", "distinguishable")
NOTHING_AGAINST = Cell(reason="it is the benchmark, or is compared with none")
TWIN = Cell(reason="it decided as the benchmark did: there is nothing to test")
UNRANKED = Cell(reason="it has no rank, and is in no test")


def estimated(estimate: Estimate) -> Cell:
    """An estimate as a cell."""
    return Cell(estimate.value, estimate.low, estimate.high, estimate.reason)


def p_of(estimate: Estimate) -> Cell:
    """Its p-value."""
    return Cell(estimate.p_value, reason=estimate.reason)


def tested(
    line: BoardLine | OverallLine, pair: Tested | None, cell: Callable[[Tested], Cell]
) -> Cell:
    """A cell of a test of an agent and the benchmark, or why there is none."""
    if pair is not None:
        return cell(pair)
    if line.row.rank is None:
        return UNRANKED
    return TWIN if line.row.statistics.is_twin else NOTHING_AGAINST


def adjusted(pair: Tested) -> Cell:
    """Its p-value among all of its family."""
    return Cell(pair.adjusted_p, reason=pair.difference.reason)


def heads(columns: Columns[L], table: Table) -> Iterator[str]:
    """The heads of a table for readers; an interval has a column of its own."""
    for column in columns:
        yield column.head_in(table)
        if column.formats[table].ends is not None:
            yield INTERVAL_HEAD


def texts(columns: Columns[L], table: Table, line: L) -> Iterator[str]:
    """The cells of a line, under those heads."""
    for column in columns:
        cell = column.cell(line)
        yield column.text(cell, table)
        if column.formats[table].ends is not None:
            yield column.interval(cell, table) or NONE


def legend(columns: Columns[L], table: Table, lines: Sequence[L]) -> list[str]:
    """What stands below a table: heads that need a word more, of columns that hold a figure."""
    return [
        f"{column.head_in(table)}: {column.note}"
        for column in columns
        if column.note and any(column.cell(line).value is not None for line in lines)
    ]
