"""An episode so far as pixels: price, events, position, and equity beside the asset."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MissingDependencyError
from investorbench_env.rendering.event_rows import draw_events, event_rows
from investorbench_env.rendering.figures import (
    account_words,
    indexed,
    last_known,
    origin,
    position_words,
    price_index,
)
from investorbench_env.rendering.frame import Frame, Trade
from investorbench_env.rendering.panels import (
    AGENT,
    ASSET,
    INK,
    LONG,
    QUIET,
    SHORT,
    WORDS,
    blank_panel,
    draw_blocks,
    draw_dates,
    draw_end_labels,
    draw_grid,
    draw_line,
    draw_rule,
    draw_title,
    printable,
    set_scale,
    write,
)
from investorbench_env.rendering.words import level, number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _ROW = 0.74, 1.14, 0.9, 0.62, 0.34, 0.19  # inches


def rgb_array(frame: Frame, size: tuple[int, int] = (960, 640)) -> npt.NDArray[np.uint8]:
    """The episode so far as a picture: price, events, position, and equity beside the asset.

    Uses no global state of matplotlib, so it may run in any thread; the same frame gives the same
    bytes. Text keeps its share of the picture, whatever the size.

    Args:
        frame: the episode so far.
        size: width and height in pixels.

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
    width, height = size
    dpi = 100.0 * min(width / 960, height / 640)
    inches = ((width + 0.01) / dpi, (height + 0.01) / dpi)
    figure = Figure(inches, dpi=dpi, facecolor="white")
    figure.set_layout_engine("none")
    canvas = FigureCanvasAgg(figure)
    _draw(figure, frame)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba(), dtype=np.uint8)  # type: ignore[no-untyped-call]
    return pixels[..., :3].copy()


def _draw(figure: "Figure", frame: Frame) -> None:
    rows = event_rows(frame)
    panels = _panels(figure, frame, rows=len(rows))
    _draw_titles(figure, frame)
    _draw_price(panels["price"], frame)
    _draw_position(panels["position"], frame)
    _draw_equity(panels["equity"], frame)
    if rows:
        draw_events(panels["events"], frame, rows)
    draw_dates(list(panels.values()), frame)


def _panels(figure: "Figure", frame: Frame, rows: int) -> dict[str, "Axes"]:
    """The panels by name, from top to bottom; events only where there are some."""
    width, height = figure.get_size_inches()
    strip = {"events": rows * _ROW} if rows else {}
    free = height - _TOP - _BOTTOM - sum(strip.values()) - _GAP * (2 + len(strip))
    heights = {"price": 0.47 * free, **strip, "position": 0.18 * free, "equity": 0.35 * free}
    panels, top = {}, height - _TOP
    for name, inches in heights.items():
        across = (width - _LEFT - _RIGHT) / width
        box = (_LEFT / width, (top - inches) / height, across, inches / height)
        panels[name] = blank_panel(figure, box, frame)
        top -= inches + _GAP
    return panels


def _draw_titles(figure: "Figure", frame: Frame) -> None:
    """Which asset, protocol and date; how the account stands; where the market comes from."""
    width, height = figure.get_size_inches()
    edge, margin = _LEFT / width, 1 - _RIGHT / width
    symbol, protocol = printable(frame.symbol, 24), printable(frame.protocol, 24)
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


def _draw_price(axes: "Axes", frame: Frame) -> None:
    """The asset's price with the fills: buys point up at it, sells down."""
    set_scale(axes, np.append(frame.close, [trade.price for trade in frame.trades]))
    draw_line(axes, 0, frame.close, ASSET, width=1.3)
    _draw_fills(axes, [trade for trade in frame.trades if trade.side > 0], "^", LONG, "bought")
    _draw_fills(axes, [trade for trade in frame.trades if trade.side <= 0], "v", SHORT, "sold")
    if frame.simulated:
        faint: dict[str, Any] = {"alpha": 0.08, "ha": "center", "weight": "bold", "zorder": 0.5}
        write(axes, 0.5, 0.5, "SIMULATED", color=SHORT, fontsize=64, **faint)
    missing = int(np.count_nonzero(~np.isfinite(frame.close)))
    gaps = f", {missing:,} of {len(frame.close):,} bars missing" if missing else ""
    draw_title(axes, "Price" + gaps)
    draw_end_labels(axes, [(last_known(frame.close), number(last_known(frame.close)), INK)])


def _draw_fills(axes: "Axes", trades: list[Trade], marker: str, color: str, name: str) -> None:
    """Triangles whose tip is at the price of the fill, smaller where there are many."""
    from matplotlib.transforms import ScaledTranslation

    if not trades:
        return
    size = float(np.clip(8 - 0.03 * len(trades), 4, 7))
    points = (-0.6 if marker == "^" else 0.6) * size
    at_tip = axes.transData + ScaledTranslation(0, points / 72, axes.figure.dpi_scale_trans)
    sessions, prices = [trade.index for trade in trades], [trade.price for trade in trades]
    style: dict[str, Any] = {"marker": marker, "color": color, "markersize": size}
    style |= {"linestyle": "none", "markeredgecolor": "white", "markeredgewidth": 0.4}
    label = f"{len(trades):,} {name}"
    axes.plot(sessions, prices, label=label, transform=at_tip, zorder=4, **style)


def _draw_position(axes: "Axes", frame: Frame) -> None:
    """The position in every session, as an area above (long) or below (short) zero."""
    weight = np.nan_to_num(frame.weight)
    reach = max(1.0, float(np.abs(weight).max()))
    edges = np.arange(frame.start, len(frame.dates) + 1, dtype=np.float64) - 0.5
    for side, color in ((weight.clip(min=0), LONG), (weight.clip(max=0), SHORT)):
        draw_blocks(axes, side, edges, 0.0, color=color, alpha=0.75)
    # A whole position is the natural scale, up to where one of many times the equity dwarfs it.
    full = 1.0 if reach < 2.0 else reach
    draw_grid(axes, [-full, 0, full], [percent(-full), "flat", percent(full)])
    axes.set_ylim(-1.08 * reach, 1.08 * reach)
    draw_rule(axes, 0, QUIET, 3)
    draw_title(axes, "Position, share of equity")
    color = {"l": LONG, "s": SHORT}.get(position_words(frame)[0], INK)
    draw_end_labels(axes, [(last_known(weight), position_words(frame), color)])


def _draw_equity(axes: "Axes", frame: Frame) -> None:
    """The account and the asset's price, both 100 at the first decision."""
    agent, held = indexed(frame.equity), price_index(frame)
    set_scale(axes, np.concatenate([agent, held, [100.0]]))
    draw_rule(axes, 100, QUIET, 1.5)
    if frame.start > 0.1 * len(frame.dates):
        to_share = axes.transData - axes.transAxes
        center, height = to_share.transform((frame.start / 2 - 0.5, 100)).tolist()
        clear = 0.14 if height > 0.5 else 0.86
        write(axes, center, clear, "history", ha="center", fontsize=8.5)
    draw_line(axes, frame.start, held, ASSET, width=1.3)
    draw_line(axes, frame.start, agent, AGENT, width=2.0)
    draw_title(axes, "Equity and buy-and-hold (price only), first decision = 100")
    name = "agent" if last_known(frame.equity) > 0 else "ruined"
    draw_end_labels(
        axes,
        [
            (last_known(agent), f"{level(last_known(agent))} {name}", AGENT),
            (last_known(held), f"{level(last_known(held))} hold", QUIET),
        ],
    )
