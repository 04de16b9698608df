"""Leaderboards as tables for a page on GitHub."""

import re
from collections.abc import Iterator, Sequence

from investorbench.tasks.leaderboard import Leaderboard, Overall
from investorbench.tasks.leaderboard.exports.cells import WORDS, Sheet, sheets
from investorbench.tasks.leaderboard.label_boards import LabelBoard
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard

MARKED = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(
    boards: Sequence[Leaderboard],
    overalls: Sequence[Overall],
    snapshots: Sequence[SnapshotBoard] = (),
    labels: Sequence[LabelBoard] = (),
) -> bytes:
    """A heading, a table, and below it what the figures rest on. Bold as in ``latex``."""
    parts = ["\n".join(_section(sheet)) for sheet in sheets(boards, overalls, snapshots, labels)]
    return ("\n\n".join(parts) + "\n").encode("utf-8", "replace")


def escaped(text: str) -> str:
    """Text that is shown as it is, on one line."""
    return MARKED.sub(r"\\\1", re.sub(r"[\s\x00-\x1f\x7f]+", " ", text))


def _section(sheet: Sheet) -> Iterator[str]:
    yield f"## {escaped(sheet.title)}"
    yield ""
    yield _row(sheet.columns)
    words = sum(head in WORDS for head in sheet.columns)
    yield "|" + "|".join([" :-- "] * words + [" --: "] * (len(sheet.columns) - words)) + "|"
    for number, cells in enumerate(sheet.rows):
        yield _row(cells, bold=number == sheet.best)
    yield ""
    if sheet.sentence:
        yield escaped(sheet.sentence)
        yield ""
    yield from (f"- {escaped(line)}" for line in (sheet.caption, *sheet.notes))


def _row(cells: Sequence[str], bold: bool = False) -> str:
    texts = [escaped(cell) for cell in cells]
    return "| " + " | ".join(f"**{text}**" if bold else text for text in texts) + " |"
