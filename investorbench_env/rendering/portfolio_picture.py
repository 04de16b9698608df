"""An episode with several assets as pixels: equity, drawdown, stacked weights and fills."""

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.rendering.figures import deepest, drawdowns
from investorbench_env.rendering.frame import FloatArray, PortfolioFrame
from investorbench_env.rendering.page import (
    draw_equity,
    draw_titles,
    draw_watermark,
    pixels_of,
    stacked_panels,
)
from investorbench_env.rendering.panels import (
    AGENT,
    GRID,
    LONG,
    QUIET,
    SHORT,
    draw_blocks,
    draw_dates,
    draw_end_labels,
    draw_grid,
    draw_rule,
    draw_title,
    printable,
    write,
)
from investorbench_env.rendering.ticks import round_numbers, tick_label
from investorbench_env.rendering.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = 960, 800
MOST_ROWS = 12
"""Assets whose fills have a row of their own."""
# Colours of Okabe and Ito, but for black, a yellow that is no letter's, and that of the account.
BANDS = ("#0072b2", "#e69f00", "#56b4e9", "#d55e00", "#cc79a7", "#98980f", "#8c6d4f", "#3f4d9b")
REST = "#b4bac2"
"""Of all assets that have no colour of their own."""


class Band(NamedTuple):
    """What is stacked upon others."""

    name: str
    color: str
    weights: FloatArray


def portfolio_rgb_array(
    frame: PortfolioFrame, size: tuple[int, int] = SIZE
) -> npt.NDArray[np.uint8]:
    """The episode so far as a picture: equity beside equal parts, drawdown, weights and fills.

    Like ``rgb_array`` in all else.

    Args:
        frame: the episode so far.
        size: width and height in pixels.

    Returns:
        Red, green and blue [height, width, 3].

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    return pixels_of(partial(_draw, frame=frame), size, SIZE)


def _draw(figure: "Figure", frame: PortfolioFrame) -> None:
    rows = _rows(frame)
    shares = {"equity": 0.42, "drawdown": 0.17, "weights": 0.41, "fills": 0.0}
    panels = stacked_panels(figure, frame, shares, {"fills": max(len(set(rows.values())), 1)})
    draw_titles(figure, frame, frame.name)
    draw_equity(panels["equity"], frame, "equal parts of all assets (prices only)", "equal")
    draw_watermark(panels["equity"], frame)
    _draw_drawdown(panels["drawdown"], frame)
    _draw_weights(panels["weights"], frame)
    _draw_fills(panels["fills"], frame, rows)
    draw_dates(list(panels.values()), frame)


def _edges(frame: PortfolioFrame) -> FloatArray:
    return np.arange(frame.start, len(frame.dates) + 1, dtype=np.float64) - 0.5


def _draw_drawdown(axes: "Axes", frame: PortfolioFrame) -> None:
    """How far equity is below its highest so far, downwards."""
    fallen = np.nan_to_num(drawdowns(frame.equity))
    most = max(float(fallen.max()), 0.01)
    axes.set_ylim(-1.08 * most, 0)
    round_ = round_numbers(-most, 0.0)
    ticks = round_[:: -math.ceil(len(round_) / 3)]
    draw_grid(axes, ticks, _percents(ticks))
    draw_blocks(axes, -fallen, _edges(frame), 0.0, color=AGENT, alpha=0.45)
    draw_rule(axes, 0, QUIET, 3)
    draw_title(axes, f"Drawdown, deepest {percent(deepest(drawdowns(frame.equity)))}")
    now = 0.0 - fallen.item(-1)
    draw_end_labels(axes, [(now, percent(now), AGENT)])


def _percents(ticks: list[float]) -> list[str]:
    """Shares as percent, with no more decimals than their neighbours need."""
    scaled = [100.0 * tick for tick in ticks]
    return [f"{tick_label(tick, scaled)}%" for tick in scaled]


def bands(frame: PortfolioFrame) -> list[Band]:
    """The assets that were held, those that weighed most by themselves, and the rest as one."""
    weights = np.nan_to_num(frame.weights)
    size = np.abs(weights).mean(axis=0)
    held = [number for number in np.argsort(-size, kind="stable").tolist() if size[number] > 0]
    own = held if len(held) <= len(BANDS) else held[: len(BANDS) - 1]
    found = [
        Band(frame.symbols[number], color, weights[:, number])
        for number, color in zip(sorted(own), BANDS, strict=False)
    ]
    rest = held[len(own) :]
    if rest:
        found.append(Band("others", REST, weights[:, rest].sum(axis=1)))
    return found


def _draw_weights(axes: "Axes", frame: PortfolioFrame) -> None:
    """What is held long upwards and what is held short downwards; what is left is cash."""
    corners = np.repeat(_edges(frame), 2)[1:-1]
    labels: list[tuple[float, str, str]] = []
    above, below = np.zeros(len(frame.weights)), np.zeros(len(frame.weights))
    for band in bands(frame):
        name, last = printable(band.name, 6), band.weights.item(-1)
        up, down = band.weights.clip(min=0), band.weights.clip(max=0)
        middle = (above if last >= 0 else below).item(-1) + last / 2
        if abs(last) >= 0.005:
            sign = "−" if last < 0 else ""
            labels.append((middle, f"{sign}{abs(last):.0%} {name}", band.color))
        for side, floor in ((up, above), (down, below)):
            if side.any():
                low, high = np.repeat(floor, 2), np.repeat(floor + side, 2)
                axes.fill_between(corners, low, high, linewidth=0, zorder=2, color=band.color)
        axes.fill_between([], [], linewidth=0, color=band.color, label=name)
        above, below = above + up, below + down
    top, bottom = max(1.0, float(above.max())), min(0.0, float(below.min()))
    axes.set_ylim(bottom * 1.04, top * 1.04)
    ticks = [tick for tick in (-1.0, -0.5, 0.0, 0.5, 1.0) if bottom <= tick <= top]
    draw_grid(axes, ticks, _percents(ticks))
    draw_rule(axes, 0, QUIET, 3)
    cash = 1.0 - float(np.nansum(frame.weights[-1]))
    draw_title(axes, f"Weights, {percent(cash)} cash")
    draw_end_labels(axes, labels)


def _rows(frame: PortfolioFrame) -> dict[str, str]:
    """The name of the row of each asset that was traded: its own, or one for the rest."""
    traded: dict[str, float] = {}
    for trade in frame.trades:
        traded[trade.symbol] = traded.get(trade.symbol, 0.0) + abs(trade.share)
    most = sorted(traded, key=lambda symbol: -traded[symbol])
    own = set(most if len(most) <= MOST_ROWS else most[: MOST_ROWS - 1])
    named = {symbol: symbol for symbol in frame.symbols if symbol in own}
    others = [symbol for symbol in frame.symbols if symbol in traded and symbol not in own]
    return named | dict.fromkeys(others, f"{len(others)} others")


def _draw_fills(axes: "Axes", frame: PortfolioFrame, rows: dict[str, str]) -> None:
    """A row an asset: what was bought upwards and what was sold downwards, by its size."""
    names = list(dict.fromkeys(rows.values()))
    axes.set_ylim(-max(len(names), 1), 0)
    for depth, name in enumerate(names):
        draw_rule(axes, -depth - 0.5, GRID, 1)
        height = 1 - (depth + 0.5) / len(names)
        write(axes, -0.008, height, printable(name, 10), ha="right", fontsize=8)
    largest = max((abs(trade.share) for trade in frame.trades), default=1.0) or 1.0
    thick = float(np.clip(600 / len(frame.dates), 0.8, 4.0))
    for sign, color, what in ((1, LONG, "bought"), (-1, SHORT, "sold")):
        own = [trade for trade in frame.trades if trade.quantity * sign > 0]
        if own:
            floor = [-names.index(rows[trade.symbol]) - 0.5 for trade in own]
            sizes = [sign * 0.47 * max((abs(t.share) / largest) ** 0.5, 0.2) for t in own]
            tips = [low + size for low, size in zip(floor, sizes, strict=True)]
            label = f"{len(own):,} {what}"
            at = [trade.index for trade in own]
            axes.vlines(at, floor, tips, color=color, linewidth=thick, zorder=3, label=label)
    draw_title(axes, "Fills" if names else "Fills: none so far")
