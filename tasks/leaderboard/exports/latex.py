r"""Leaderboards as LaTeX: tables that a paper can ``\input``; they need the package booktabs."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count

from investorbench.tasks.leaderboard import Leaderboard, Overall
from investorbench.tasks.leaderboard.exports.cells import WORDS, Sheet, sheets
from investorbench.tasks.leaderboard.label_boards import LabelBoard
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard

ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "×": r"$\times$",
    "ρ": r"$\rho$",
    "–": "--",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "§": r"\S{}",
    "¹": "$^1$",
    "°": r"$^\circ$",
    "∞": r"$\infty$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "…": r"\dots{}",
}
ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
"""Those that pdfTeX puts on letters of any font."""
PRINTED = frozenset("ßæÆøØœŒłŁı")
"""Letters of no other kind that it has."""


def latex(
    boards: Sequence[Leaderboard],
    overalls: Sequence[Overall],
    snapshots: Sequence[SnapshotBoard] = (),
    labels: Sequence[LabelBoard] = (),
) -> bytes:
    r"""A ``table`` each, with a label of its own, such as ``\ref{tab:stock-sim-standard}``.

    Bold only where an agent is better than all others.
    """
    anchors = _Anchors()
    tables = [
        "\n".join(_table(sheet, anchors.of(sheet)))
        for sheet in sheets(boards, overalls, snapshots, labels)
    ]
    return ("% needs \\usepackage{booktabs}\n" + "\n\n".join(tables) + "\n").encode(
        "utf-8", "replace"
    )


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    plain = re.sub(r"[\s\x00-\x1f\x7f]+", " ", text)
    return "".join(map(_printed, plain))


def distinct(heads: Sequence[str]) -> list[str]:
    """Heads that no other column has: an interval's says of which figure it is."""
    return [
        f"{head} of {heads[number - 1]}" if heads.count(head) > 1 else head
        for number, head in enumerate(heads)
    ]


class _Anchors:
    """Labels of tables, of which no two are the same."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, sheet: Sheet) -> str:
        name = re.sub(r"[^a-z0-9]+", "-", sheet.title.lower().removeprefix("simulated: ")).strip(
            "-"
        )
        name = name.removeprefix("investorbench-")
        label = next(each for each in _numbered(f"tab:{name}") if each not in self._given)
        self._given.add(label)
        return label


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def _printed(character: str) -> str:
    """A character that any engine prints: what pdfTeX has no glyph for, by its number."""
    if character in ESCAPES:
        return ESCAPES[character]
    parts = unicodedata.normalize("NFD", character)
    letter, accents = parts[0], parts[1:]
    if (letter.isascii() and ACCENTS.issuperset(accents)) or character in PRINTED:
        return character
    return f"[U+{ord(character):04X}]"


def _table(sheet: Sheet, label: str) -> Iterator[str]:
    yield r"\begin{table}"
    yield r"\centering\footnotesize\setlength{\tabcolsep}{3pt}"
    yield rf"\caption{{{escaped(sheet.caption)}}}\label{{{label}}}"
    yield r"\par\smallskip"
    words = sum(head in WORDS for head in sheet.columns)
    yield rf"\begin{{tabular}}{{{'l' * words}{'r' * (len(sheet.columns) - words)}}}"
    yield r"\toprule"
    yield _row(distinct(sheet.columns))
    yield r"\midrule"
    for number, cells in enumerate(sheet.rows):
        yield _row(cells, bold=number == sheet.best)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\par\medskip\raggedright"
    yield from (rf"{escaped(line)}\par" for line in (sheet.sentence, *sheet.notes) if line)
    yield r"\end{table}"


def _row(cells: Sequence[str], bold: bool = False) -> str:
    texts = [escaped(cell) for cell in cells]
    if bold:
        texts = [rf"\textbf{{{text}}}" for text in texts]
    return " & ".join(texts) + r" \\"
