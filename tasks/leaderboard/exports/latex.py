r"""Leaderboards as LaTeX: tables that a paper can ``\input``; they need the package booktabs."""

import re
from collections.abc import Iterator, Sequence

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
    "–": "--",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "§": r"\S{}",
    "¹": "$^1$",
    "°": r"$^\circ$",
    "∞": r"$\infty$",
    "…": r"\dots{}",
}


def latex(
    boards: Sequence[Leaderboard],
    overalls: Sequence[Overall],
    snapshots: Sequence[SnapshotBoard] = (),
    labels: Sequence[LabelBoard] = (),
) -> bytes:
    """A ``table`` each. Bold only where an agent is better than all others."""
    tables = ["\n".join(_table(sheet)) for sheet in sheets(boards, overalls, snapshots, labels)]
    return ("% needs \\usepackage{booktabs}\n" + "\n\n".join(tables) + "\n").encode(
        "utf-8", "replace"
    )


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    plain = re.sub(r"[\s\x00-\x1f\x7f]+", " ", text)
    return "".join(ESCAPES.get(character, character) for character in plain)


def _table(sheet: Sheet) -> Iterator[str]:
    yield r"\begin{table}"
    yield r"\centering\footnotesize\setlength{\tabcolsep}{3pt}"
    yield rf"\caption{{{escaped(sheet.caption)}}}"
    yield r"\par\smallskip"
    words = sum(head in WORDS for head in sheet.columns)
    yield rf"\begin{{tabular}}{{{'l' * words}{'r' * (len(sheet.columns) - words)}}}"
    yield r"\toprule"
    yield _row(sheet.columns)
    yield r"\midrule"
    for number, cells in enumerate(sheet.rows):
        yield _row(cells, bold=number == sheet.best)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\par\medskip\raggedright"
    yield from (rf"{escaped(line)}\par" for line in (sheet.sentence, *sheet.notes))
    yield r"\end{table}"


def _row(cells: Sequence[str], bold: bool = False) -> str:
    texts = [escaped(cell) for cell in cells]
    if bold:
        texts = [rf"\textbf{{{text}}}" for text in texts]
    return " & ".join(texts) + r" \\"
