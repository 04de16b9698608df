"""A result in a notebook: its figures in a line, and a small chart of equity; a few kilobytes."""

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from investorbench.tasks.days import FloatArray
from investorbench.tasks.metrics import equity_of
from investorbench.tasks.showing.lines import figures_of, notes_of, source_of, title_of
from investorbench.tasks.wording import number

if TYPE_CHECKING:
    from investorbench.tasks.result import Result

WIDTH, HEIGHT = 720, 130
POINTS, FEW_POINTS = 160, 60
"""Of the line of the repeat that is shown, and of each other line."""
MOST_LINES = 6
EQUITY, OTHERS, BENCHMARK = "#2a78b5", "#7fb0d6", "#b8860b"
"""Colours that can be read on white and on black alike."""
REPEATS = "other repeats"
ROW = "display:flex;flex-wrap:wrap"
STYLE = "font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;max-width:740px"


class GrowthLine(NamedTuple):
    """A line of the chart.

    Attributes:
        name: in its legend.
        growth: of an account from 1, as often as it was marked [T + 1].
        color: of the line.
        is_shown: whether it is that of the median repeat, or the one there is.
    """

    name: str
    growth: FloatArray
    color: str
    is_shown: bool = False


def html_of(result: "Result") -> str:
    """A block of HTML without scripts; whatever others wrote is escaped."""
    stamp = 'style="color:#d9480f;font-weight:600"' if result.simulated else ""
    figures = "".join(
        f'<div title="{escape(each.doc)}"><div style="opacity:.65">{escape(each.name)}</div>'
        f"<b>{escape(each.text)}</b></div>"
        for each in figures_of(result)
    )
    notes = "".join(f"<div>{escape(note)}</div>" for note in notes_of(result))
    return (
        f'<div style="{STYLE}"><b>{escape(title_of(result))}</b>'
        f"<div {stamp}>{escape(source_of(result))}</div>"
        f'<div style="{ROW};gap:4px 16px;white-space:nowrap;margin:6px 0">{figures}</div>'
        f"{_curves(result)}"
        f'<div style="opacity:.75;font-size:12px">{notes}</div></div>'
    )


def _curves(result: "Result") -> str:
    """Equity of the median repeat, above others and the benchmark where it is recorded."""
    lines = list(_lines(result))
    together = np.concatenate([line.growth for line in lines])
    low, high = float(together.min()), float(together.max())
    drawn = "".join(
        f'<polyline points="{_points(line, low, high)}" fill="none" stroke="{line.color}" '
        f'stroke-width="{2 if line.is_shown else 1}" stroke-linejoin="round"/>'
        for line in reversed(lines)
    )
    ends = {line.name: line for line in reversed(lines)}
    legend = " · ".join(
        f'<span style="color:{line.color}">{escape(name)}</span>'
        + (f" {number(100.0 * line.growth[-1], 1)}" if name != REPEATS else "")
        for name, line in reversed(ends.items())
    )
    first, last = result.window
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" style="max-width:100%" role="img" '
        f'aria-label="equity">{_start(low, high)}{drawn}</svg>'
        f'<div style="{ROW};justify-content:space-between;font-size:12px;max-width:{WIDTH}px">'
        f"<span>{first}</span><span>{legend} (begins at 100)</span><span>{last}</span></div>"
    )


def _lines(result: "Result") -> Iterator[GrowthLine]:
    shown = result.median
    yield GrowthLine("equity", shown.equity / shown.equity[0], EQUITY, is_shown=True)
    for reference in result.references or ():
        if reference.returns is not None and reference.name == result.facts.benchmark:
            yield GrowthLine(reference.name, equity_of(reference.returns), BENCHMARK)
    for episode in [each for each in result.episodes if each is not shown][:MOST_LINES]:
        yield GrowthLine(REPEATS, episode.equity / episode.equity[0], OTHERS)


def _points(line: GrowthLine, low: float, high: float) -> str:
    """Where a line runs, first and last included."""
    last, points = len(line.growth) - 1, POINTS if line.is_shown else FEW_POINTS
    steps = np.unique(np.linspace(0, last, min(points, last + 1)).round().astype(int))
    across, down = steps / max(last, 1) * WIDTH, _height(line.growth[steps], low, high)
    return " ".join(f"{x:.0f},{y:.1f}" for x, y in zip(across, down, strict=True))


def _start(low: float, high: float) -> str:
    """A line where both began."""
    y = float(_height(np.array(1.0), low, high))
    return (
        f'<line x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" opacity=".25" '
        'stroke-dasharray="3 4"/>'
    )


def _height(values: FloatArray, low: float, high: float) -> FloatArray:
    return np.asarray(3.0 + (HEIGHT - 6.0) * (high - values) / ((high - low) or 1.0))
