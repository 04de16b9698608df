"""What an audit finds: one fault, at one row of one file."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "not_a_number",  # a cell that should be one
    "column",  # one that the format does not have
    "date",  # none, or one in another form than the rest of its column
    "date_order",  # earlier than the row above
    "duplicate",  # the same row again
    "oversale",  # more sold than was held
    "lost_fraction",  # a part of a share that rounding took
    "holding",  # shares that the trades do not lead to
    "cash",  # a change that the trades do not explain
    "cost_basis",  # does not follow from what was paid
    "pnl",  # does not follow from the prices
    "value",  # not shares times price, or not the sum of its parts
    "price_range",  # a fill outside the range of its day
    "missing_session",  # a day on which the exchange was open
    "no_session",  # a day on which it was not
    "changed",  # another row than in an older copy
]


@dataclass(frozen=True, slots=True, order=True)
class LogFinding:
    """A fault in a log.

    Attributes:
        file: its name, as it was given.
        row: the line in it; 1 is the line of the headings.
        kind: what sort of fault.
        problem: in words, with the figures that do not agree.
        column: where it stands, if in one cell.
    """

    file: str
    row: int
    kind: Kind
    problem: str
    column: str = ""

    def __str__(self) -> str:
        column = f", {self.column}" if self.column else ""
        return f"{self.file}, row {self.row}{column}: {self.problem}"
