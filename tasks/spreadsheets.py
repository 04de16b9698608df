"""Cells of CSV files: texts that a spreadsheet would compute, and rows that end where they end.

A spreadsheet takes a cell of a CSV file for a formula by its first character, and a formula may
send off what stands in other cells. docs/exports.md has the rule.
"""

import re
from typing import IO

MARK = "'"
"""What stands before a text that would be computed, or that begins with it already."""
COMPUTED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How texts begin that spreadsheets may take for a formula, those of East Asian keyboards too."""
AS_CHARACTERS = "".join(each for each in COMPUTED if not each.isspace()) + MARK
APART = re.compile(f'([;\t\r\n])(?="*[{re.escape(AS_CHARACTERS)}])')
"""Where a cell begins for a spreadsheet that parts cells by semicolons or tabs and not by commas,
as those of many countries do; it takes quotes and lines apart otherwise, too."""
SUSPECT = (
    re.compile(f"\0[{re.escape(''.join(COMPUTED) + MARK)}]"),
    re.compile(f'[;\t\r\n]"*[{re.escape(AS_CHARACTERS)}]'),
)
"""What texts hold, each after a zero, of which a spreadsheet might compute one; most hold none."""
MARKED = re.compile(f"(^|[;\t\r\n]){MARK}")

ENDS = "\r\n"
"""What CSV writers are to take for ends of lines, so that both are quoted within a cell; see
:class:`CsvRows`."""


class CsvRows:
    """Where a CSV writer that has :data:`ENDS` writes, so that a line feed ends each row.

    A writer quotes a cell for the ends of lines that it writes itself, but every reader takes a
    carriage return for one as well, and would part a row at the first that a model wrote.

    Args:
        stream: of the file.
        before: cells that every row begins with, with the comma after them.
        ends: what ends a row.
    """

    def __init__(self, stream: IO[str], before: str = "", ends: str = "\n") -> None:
        self._stream = stream
        self._before = before
        self._ends = ends

    def write(self, row: str) -> int:
        """Write a row, which comes whole."""
        return self._stream.write(self._before + row.removesuffix(ENDS) + self._ends)


def harmless(text: str) -> str:
    """A text as a cell that no spreadsheet computes; one that could not be meant so is left."""
    inner = APART.sub(rf"\1{MARK}", text)
    return MARK + inner if text.startswith((*COMPUTED, MARK)) else inner


def harmless_all(texts: list[str]) -> list[str]:
    """The same of many texts, which takes a tenth of the time where all are harmless already."""
    joined = "\0" + "\0".join(texts)
    if not any(each.search(joined) for each in SUSPECT):
        return texts
    return [harmless(text) for text in texts]


def as_it_was(cell: str) -> str:
    """The text of which :func:`harmless` made a cell."""
    return MARKED.sub(r"\1", cell)
