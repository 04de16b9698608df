"""What pictures of an episode have in common: the page, its titles, its panels, and equity."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MissingDependencyError
from investorbench_env.rendering.figures import (
    account_words,
    compared_with,
    indexed,
    last_known,
    origin,
)
from investorbench_env.rendering.frame import EpisodeFrame
from investorbench_env.rendering.panels import (
    AGENT,
    ASSET,
    INK,
    QUIET,
    SHORT,
    WORDS,
    blank_panel,
    draw_end_labels,
    draw_line,
    draw_rule,
    draw_title,
    printable,
    set_scale,
    write,
)
from investorbench_env.rendering.words import level

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _ROW = 0.74, 1.14, 0.9, 0.62, 0.34, 0.19  # inches


def pixels_of(
    draw: Callable[["Figure"], None], size: tuple[int, int], whole: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """What is drawn on a page as pixels.

    Args:
        draw: draws it.
        size: width and height in pixels.
        whole: the size at which an inch has 100 of them.

    Returns:
        Red, green and blue [height, width, 3].

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError("matplotlib", "plot", "render_mode='rgb_array'") from None
    dpi = 100.0 * min(size[0] / whole[0], size[1] / whole[1])
    inches = ((size[0] + 0.01) / dpi, (size[1] + 0.01) / dpi)
    figure = Figure(inches, dpi=dpi, facecolor="white")
    figure.set_layout_engine("none")
    canvas = FigureCanvasAgg(figure)
    draw(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba(), dtype=np.uint8)  # type: ignore[no-untyped-call]
    return pixels[..., :3].copy()


def stacked_panels(
    figure: "Figure", frame: EpisodeFrame, shares: Mapping[str, float], rows: Mapping[str, int]
) -> dict[str, "Axes"]:
    """Panels by name, from top to bottom.

    Args:
        figure: the page.
        frame: gives the dates.
        shares: of the height that is left, for each panel.
        rows: how many rows those have that are as high as their rows.
    """
    width, height = figure.get_size_inches()
    fixed = {name: rows.get(name, 0) * _ROW for name in shares}
    free = height - _TOP - _BOTTOM - sum(fixed.values()) - _GAP * (len(shares) - 1)
    panels, top = {}, height - _TOP
    for name, share in shares.items():
        inches = fixed[name] or share * free
        across = (width - _LEFT - _RIGHT) / width
        box = (_LEFT / width, (top - inches) / height, across, inches / height)
        panels[name] = blank_panel(figure, box, frame)
        top -= inches + _GAP
    return panels


def draw_titles(figure: "Figure", frame: EpisodeFrame, name: str) -> None:
    """What is traded, protocol and date; how the account stands; where the market comes from."""
    width, height = figure.get_size_inches()
    edge, margin = _LEFT / width, 1 - _RIGHT / width
    symbol, protocol = printable(name, 24), printable(frame.protocol, 24)
    top, second = 1 - 0.24 / height, 1 - 0.48 / height
    bold = {**WORDS, "fontsize": 15, "weight": "bold"}
    if frame.simulated:
        box = {"boxstyle": "round,pad=0.25", "facecolor": SHORT, "edgecolor": "none"}
        stamp = {**bold, "fontsize": 11, "color": "white", "bbox": box}
        figure.text(edge + 0.06 / width, top, "SIMULATED", **stamp)
    figure.text(edge + (1.22 / width if frame.simulated else 0), top, symbol, color=INK, **bold)
    quiet = {**WORDS, "fontsize": 10, "color": QUIET}
    decision = f"{protocol} protocol  ·  decision of {frame.moment(-1)}"
    figure.text(margin, top, decision, ha="right", **quiet)
    figure.text(edge, second, "   ·   ".join(account_words(frame)), **quiet)
    figure.text(edge, 0.16 / height, printable(origin(frame), 130), **{**quiet, "fontsize": 8})


def draw_watermark(axes: "Axes", frame: EpisodeFrame, size: float = 64) -> None:
    """That the market is simulated where it is, so that no part of the picture hides it."""
    if frame.simulated:
        faint: dict[str, Any] = {"alpha": 0.08, "ha": "center", "weight": "bold", "zorder": 0.5}
        write(axes, 0.5, 0.5, "SIMULATED", color=SHORT, fontsize=size, **faint)


def draw_equity(axes: "Axes", frame: EpisodeFrame, what: str, short: str) -> None:
    """The account and what it is compared with, both 100 at the first decision.

    Args:
        axes: the panel.
        frame: the episode so far.
        what: it is compared with.
        short: the same in a word.
    """
    agent, held = indexed(frame.equity), compared_with(frame)[1]
    set_scale(axes, np.concatenate([agent, held, [100.0]]))
    draw_rule(axes, 100, QUIET, 1.5)
    if frame.start > 0.1 * len(frame.dates):
        to_share = axes.transData - axes.transAxes
        center, height = to_share.transform((frame.start / 2 - 0.5, 100)).tolist()
        clear = 0.14 if height > 0.5 else 0.86
        write(axes, center, clear, "history", ha="center", fontsize=8.5)
    draw_line(axes, frame.start, held, ASSET, width=1.3)
    draw_line(axes, frame.start, agent, AGENT, width=2.0)
    draw_title(axes, f"Equity and {what}, first decision = 100")
    name = "agent" if last_known(frame.equity) > 0 else "ruined"
    draw_end_labels(
        axes,
        [
            (last_known(agent), f"{level(last_known(agent))} {name}", AGENT),
            (last_known(held), f"{level(last_known(held))} {short}", QUIET),
        ],
    )
