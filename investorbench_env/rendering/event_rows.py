"""The panel of events: a row each for filings, dividends, splits and the density of news."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.rendering.frame import Frame
from investorbench_env.rendering.panels import (
    CASH,
    FILING,
    GRID,
    NEWS,
    draw_blocks,
    draw_rule,
    draw_title,
    printable,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def event_rows(frame: Frame) -> list[str]:
    """The kinds of events that there are, in the order of their rows."""
    found = {_row_of(kind) for kind in {event.kind for event in frame.events}}
    return [row for row in ("filings", "dividends", "splits", "news") if row in found]


def draw_events(axes: "Axes", frame: Frame, rows: list[str]) -> None:
    """A row each for filings, dividends with splits, and the density of news."""
    axes.set_ylim(-len(rows), 0)
    for depth, name in enumerate(rows):
        draw_rule(axes, -depth - 1, GRID, 1)
        write(axes, -0.008, 1 - (depth + 0.5) / len(rows), name, ha="right", fontsize=8)
    sessions: dict[str, list[int]] = {}
    for event in frame.events:
        sessions.setdefault(event.kind, []).append(event.index)
    for kind in sorted(sessions.keys() - {"news"}):
        row = _row_of(kind)
        color = FILING if row == "filings" else CASH
        style: dict[str, Any] = {"marker": _marker(kind)}
        style |= {"color": color, "markeredgecolor": color}
        style["markerfacecolor"] = "white" if row == "filings" and not _is_annual(kind) else color
        style["label"] = printable(kind, 12) if row == "filings" else None
        heights = [-rows.index(row) - 0.5] * len(sessions[kind])
        shape: dict[str, Any] = {"linestyle": "none", "markersize": 4.5, "markeredgewidth": 1.2}
        axes.plot(sessions[kind], heights, zorder=3, **style, **shape)
    if "news" in rows:
        _draw_news(axes, sessions["news"], frame, -rows.index("news") - 1.0)
    draw_title(axes, "Events")


def _row_of(kind: str) -> str:
    return {"news": "news", "dividend": "dividends", "split": "splits"}.get(kind, "filings")


def _marker(kind: str) -> str:
    """Diamonds for periodic reports, squares for other filings, dots for the rest."""
    if _row_of(kind) != "filings":
        return "o"
    return "D" if kind.startswith("10-Q") or _is_annual(kind) else "s"


def _is_annual(form: str) -> bool:
    return form.startswith(("10-K", "20-F", "40-F"))


def _draw_news(axes: "Axes", index: list[int], frame: Frame, floor: float) -> None:
    """News a bar of the market as bars on a floor, averaged over bins where there are many."""
    length = len(frame.dates)
    wide = math.ceil(length / 260)
    edges = np.append(np.arange(0, length, wide), length) - 0.5
    counts, _ = np.histogram(index, edges)
    density = counts / np.diff(edges)
    heights = floor + 0.9 * density / density.max()
    unit = "bar" if frame.has_times else "session"
    label = f"{len(index):,} news, up to {density.max():.3g} a {unit}"
    label += f" (mean of {wide})" * (wide > 1)
    draw_blocks(axes, heights, edges, floor, color=NEWS, label=label)
