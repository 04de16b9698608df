"""An episode so far as pixels: price, events, position, and equity beside the asset."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from investorbench_env.rendering.event_rows import draw_events, event_rows
from investorbench_env.rendering.figures import last_known, position_words
from investorbench_env.rendering.frame import Frame, Trade
from investorbench_env.rendering.page import (
    draw_equity,
    draw_titles,
    draw_watermark,
    pixels_of,
    stacked_panels,
)
from investorbench_env.rendering.panels import (
    ASSET,
    INK,
    LONG,
    QUIET,
    SHORT,
    draw_blocks,
    draw_dates,
    draw_end_labels,
    draw_grid,
    draw_line,
    draw_rule,
    draw_title,
    set_scale,
)
from investorbench_env.rendering.words import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    return pixels_of(partial(_draw, frame=frame), size, (960, 640))


def _draw(figure: "Figure", frame: Frame) -> None:
    rows = event_rows(frame)
    shares = {"price": 0.47, "events": 0.0, "position": 0.18, "equity": 0.35}
    if not rows:
        del shares["events"]
    panels = stacked_panels(figure, frame, shares, {"events": len(rows)})
    draw_titles(figure, frame, frame.symbol)
    _draw_price(panels["price"], frame)
    _draw_position(panels["position"], frame)
    draw_equity(panels["equity"], frame, "buy-and-hold (price only)", "hold")
    if rows:
        draw_events(panels["events"], frame, rows)
    draw_dates(list(panels.values()), frame)


def _draw_price(axes: "Axes", frame: Frame) -> None:
    """The asset's price with the fills: buys point up at it, sells down."""
    set_scale(axes, np.append(frame.close, [trade.price for trade in frame.trades]))
    draw_line(axes, 0, frame.close, ASSET, width=1.3)
    _draw_fills(axes, [trade for trade in frame.trades if trade.side > 0], "^", LONG, "bought")
    _draw_fills(axes, [trade for trade in frame.trades if trade.side <= 0], "v", SHORT, "sold")
    draw_watermark(axes, frame)
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
