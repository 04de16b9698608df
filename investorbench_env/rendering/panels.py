"""What every panel is drawn with: colours, words, lines, blocks, scales and grids."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.rendering.frame import EpisodeFrame, FloatArray
from investorbench_env.rendering.ticks import (
    round_dates,
    round_numbers,
    round_powers,
    tick_label,
)
from investorbench_env.rendering.words import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that the colour-blind tell apart (Okabe and Ito), one meaning each.
INK, QUIET, GRID, _PAST = "#22272e", "#68707a", "#e6e8eb", "#f3f4f6"
ASSET, AGENT = "#7a828c", "#007a5a"
LONG, SHORT = "#0072b2", "#d55e00"
FILING, NEWS, CASH = "#22272e", "#56a3d4", "#a8568a"

# A user's settings of matplotlib must not change a frame, so nothing is left to them. The font
# comes with matplotlib, and no text is read as a formula.
FONT = "DejaVu Sans"
WORDS: dict[str, Any] = {
    "family": FONT,
    "style": "normal",
    "weight": "normal",
    "va": "center",
    "parse_math": False,
    "usetex": False,
}


def blank_panel(
    figure: "Figure", box: tuple[float, float, float, float], frame: EpisodeFrame
) -> "Axes":
    """A panel with nothing but its grid, and the sessions before the episode in grey."""
    axes = figure.add_axes(box, facecolor="white")
    sessions = len(frame.dates)
    axes.set_xlim(-0.5 - 0.005 * sessions, sessions - 0.5 + 0.005 * sessions)
    axes.set_axis_off()
    if frame.start:
        past: dict[str, Any] = {"color": _PAST, "linewidth": 0, "zorder": 0}
        axes.axvspan(axes.get_xlim()[0], frame.start - 0.5, **past)
    return axes


def write(axes: "Axes", x: float, y: float, text: str, **options: Any) -> None:
    """Words beside a panel, placed in shares of it; never read as a formula."""
    plain = {"fontsize": 9, "color": QUIET, "transform": axes.transAxes, **WORDS}
    axes.text(x, y, text, **{**plain, **options})


def printable(text: str, longest: int) -> str:
    """Text that the font can show, cut to a number of characters."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont(FONT))
    shown = "".join(c if font.get_char_index(ord(c)) else "?" for c in clean(text))
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def draw_title(axes: "Axes", text: str) -> None:
    """A heading above a panel, with the legend of what was given a label at its right."""
    text += ", log scale" if axes.get_yscale() == "log" else ""
    inches = axes.bbox.height / axes.figure.dpi
    write(axes, 0, 1 + 0.12 / inches, text, color=INK, fontsize=9.5, weight="bold")
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    legend = axes.legend(
        handles,
        labels,
        loc="center right",
        bbox_to_anchor=(1.0, 1 + 0.12 / inches),
        ncols=len(handles),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.0,
        handleheight=0.7,
        markerscale=1,
        numpoints=1,
        handletextpad=0.4,
        columnspacing=1.4,
        labelcolor=QUIET,
        prop={"family": FONT, "style": "normal", "weight": "normal", "size": 8.5},
    )
    for words in legend.get_texts():
        words.set_parse_math(False)
        words.set_usetex(False)


def draw_end_labels(axes: "Axes", labels: list[tuple[float, str, str]]) -> None:
    """Final values beside the panel at their heights, moved apart where they would overlap."""
    known = sorted(label for label in labels if math.isfinite(label[0]))
    inches = axes.bbox.height / axes.figure.dpi
    apart = 0.17 / inches
    to_share = axes.transData - axes.transAxes
    heights = [float(to_share.transform((0, value))[1]) for value, _, _ in known]
    for _ in heights:  # one that is pushed may push the next
        for lower in range(len(heights) - 1):
            push = max(0.0, apart - (heights[lower + 1] - heights[lower])) / 2
            heights[lower], heights[lower + 1] = heights[lower] - push, heights[lower + 1] + push
    for height, (_, text, color) in zip(heights, known, strict=True):
        write(axes, 1.008, height, text, color=color, fontsize=9.5, weight="bold")


def set_scale(axes: "Axes", values: FloatArray) -> None:
    """Limits and grid that fit the values; logarithmic where they differ more than twentyfold."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        axes.set_ylim(0, 1)
        return
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and high / low > 20:
        axes.set_yscale("log")
        axes.set_ylim(low / (high / low) ** 0.06, high * (high / low) ** 0.06)
        ticks = round_powers(low, high)
    else:
        flat = high - low <= 1e-9 * abs(high)
        room = (0.05 * abs(high) or 1.0) if flat else 0.08 * (high - low)
        axes.set_ylim(low - room, high + room)
        ticks = round_numbers(low - room, high + room)
    draw_grid(axes, ticks, [tick_label(tick, ticks) for tick in ticks])


def draw_grid(axes: "Axes", ticks: list[float], labels: list[str]) -> None:
    """Faint lines across, labelled at the left."""
    across = axes.get_yaxis_transform()
    for tick, label in zip(ticks, labels, strict=True):
        draw_rule(axes, tick, GRID, 1)
        write(axes, -0.008, tick, label, ha="right", fontsize=8.5, transform=across)


def draw_rule(axes: "Axes", height: float, color: str, above: float) -> None:
    """A thin line across the panel."""
    across = axes.get_yaxis_transform()
    axes.hlines(height, 0, 1, transform=across, color=color, linewidth=0.8, zorder=above)


def draw_dates(panels: list["Axes"], frame: EpisodeFrame) -> None:
    """Faint lines at round dates in every panel, labelled below the lowest."""
    ticks = round_dates(frame.dates)
    for axes in panels:
        upward = axes.get_xaxis_transform()
        axes.vlines(list(ticks), 0, 1, transform=upward, color=GRID, linewidth=0.8, zorder=1)
    inches = axes.bbox.height / axes.figure.dpi
    for tick, label in ticks.items():
        write(axes, tick, -0.14 / inches, label, ha="center", fontsize=8.5, transform=upward)


def draw_line(axes: "Axes", first: int, values: FloatArray, color: str, width: float) -> None:
    """A line with gaps where values are missing, and a dot where a value stands alone or last."""
    known = np.isfinite(values)
    padded = np.concatenate([[False], known, [False]])
    alone = known & ~padded[:-2] & ~padded[2:]
    if known.any():
        alone[np.flatnonzero(known)[-1]] = True
    sessions = np.arange(first, first + len(values))
    join: dict[str, Any] = {"color": color, "solid_joinstyle": "round"}
    axes.plot(sessions, values, linewidth=width, linestyle="-", marker="", zorder=2, **join)
    dots: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.4 * width}
    dots["markeredgecolor"] = color
    axes.plot(sessions[alone], values[alone], color=color, markeredgewidth=0, zorder=3, **dots)


def draw_blocks(
    axes: "Axes", heights: FloatArray, edges: FloatArray, floor: float, **style: Any
) -> None:
    """Columns without gaps between edges [m + 1], from a floor to heights [m]."""
    corners = np.repeat(edges, 2)[1:-1]
    axes.fill_between(corners, np.repeat(heights, 2), floor, linewidth=0, zorder=2, **style)
