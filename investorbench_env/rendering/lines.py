"""What texts of an episode have in common: labelled lines, a chart in blocks, events, widths."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from investorbench_env.rendering.figures import account_words, last_known, origin
from investorbench_env.rendering.frame import EpisodeFrame, FloatArray
from investorbench_env.rendering.words import clean, number

_CHART_ROWS = 4
_HEADLINES = 6
_LABEL = 10
_PRICE_LABEL = 13


def header(frame: EpisodeFrame, name: str, width: int) -> list[str]:
    """What is traded, protocol and date, and where the market comes from."""
    stamp = "SIMULATED · " if frame.simulated else ""
    title = f"{clean(name)} · {clean(frame.protocol)} protocol"
    return [f"{stamp}{title} · decision of {frame.moment(-1)}", origin(frame), "─" * width]


def labelled(label: str, *texts: str) -> list[str]:
    """A line each, of which the first has a label."""
    labels = [label, *[""] * (len(texts) - 1)]
    return [f"{label:<{_LABEL}}{text}" for label, text in zip(labels, texts, strict=True)]


def account_lines(frame: EpisodeFrame) -> list[str]:
    """How the account stands."""
    equity, gained, drawdown, other = account_words(frame)
    since = frame.moment(frame.start)
    return labelled("account", f"{equity} · {drawdown}", f"{gained} since {since} · {other}")


def chart_lines(
    frame: EpisodeFrame,
    label: str,
    values: FloatArray,
    fills: Sequence[tuple[int, bool]],
    width: int,
) -> list[str]:
    """Values as columns of eighths, the fills below them, and the dates below these.

    Args:
        frame: gives the dates.
        label: what the values are.
        values: of every bar of the frame, NaN where it is missing [n].
        fills: the bar of each, and whether it bought.
        width: columns of the terminal.
    """
    columns = min(max(width - _LABEL - _PRICE_LABEL, 1), len(values))
    edges = np.linspace(0, len(values), columns + 1).astype(int)
    shown = np.array([last_known(values[a:b]) for a, b in pairwise(edges)])
    finite = values[np.isfinite(values)]
    if not finite.size:
        return labelled(label, "no bar so far")
    low, high = float(finite.min()), float(finite.max())
    rows = _columns_of_eighths(shown, low, high)
    rows[0] += f" {number(high)} high"
    rows[-1] += f" {number(low)} low"
    labels = [label, number(last_known(values)), *[""] * (_CHART_ROWS - 2)]
    chart = [line for row in zip(labels, rows, strict=True) for line in labelled(*row)]
    marks = labelled("fills", _marks(fills, edges)) if fills else []
    missing = len(values) - len(finite)
    gaps = labelled("", f"{missing:,} of {len(values):,} bars missing") if missing else []
    return [*chart, *marks, *labelled("", _axis(frame, edges)), *gaps]


def _columns_of_eighths(prices: FloatArray, low: float, high: float) -> list[str]:
    """One string a row, top first; a missing price is a blank column."""
    span = high - low
    share = (prices - low) / span if span > 0 else np.where(np.isfinite(prices), 0.5, np.nan)
    levels = np.where(np.isfinite(share), 1 + np.rint(share * (8 * _CHART_ROWS - 1)), 0).astype(int)
    above = range(_CHART_ROWS - 1, -1, -1)
    return ["".join(" ▁▂▃▄▅▆▇█"[min(max(n - 8 * row, 0), 8)] for n in levels) for row in above]


def _marks(fills: Sequence[tuple[int, bool]], edges: npt.NDArray[np.intp]) -> str:
    """▲ where something was bought, ▼ where it was sold, ◆ where both happened in a column."""
    marks = [" "] * (len(edges) - 1)
    for index, bought in fills:
        column = int(np.searchsorted(edges, index, side="right")) - 1
        sign = "▲" if bought else "▼"
        marks[column] = sign if marks[column] in (" ", sign) else "◆"
    return "".join(marks)


def _axis(frame: EpisodeFrame, edges: npt.NDArray[np.intp]) -> str:
    """A line with the first and the last date, and a notch at the first decision."""
    columns = len(edges) - 1
    line = ["─"] * columns
    line[int(np.searchsorted(edges, frame.start, side="right")) - 1] = "┴"
    first, last = frame.moment(0), frame.moment(-1)
    if columns < len(first) + len(last) + 3:
        return "".join(line) + f" {first} to {last}"
    line[: len(first)] = first
    line[columns - len(last) :] = last
    return "".join(line)


def event_lines(frame: EpisodeFrame) -> list[str]:
    """The newest events, newest first, one line each."""
    lines = [
        f"{frame.moment(event.index)[5:]} {clean(event.kind):<8} {clean(event.text)}"
        for event in frame.events[: -_HEADLINES - 1 : -1]
    ]
    older = len(frame.events) - len(lines)
    earlier = [f"and {older:,} earlier"] if older else []
    return labelled("events", *(lines or ["none so far"]), *earlier)


def _columns(character: str) -> int:
    """Columns of a terminal that a character takes."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(line: str, width: int) -> str:
    """A line cut to a width in columns; ``…`` marks a cut."""
    ends = np.cumsum([_columns(character) for character in line.rstrip()])
    if not ends.size or ends[-1] <= width:
        return line.rstrip()
    return line[: int(np.searchsorted(ends, width - 1, side="right"))] + "…"
