"""An episode with perpetuals as pixels: equity, and each coin's price with its positions."""

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from investorbench_env.rendering.arena_frame import ArenaFrame, PositionSpan
from investorbench_env.rendering.figures import last_known
from investorbench_env.rendering.page import (
    draw_equity,
    draw_titles,
    draw_watermark,
    pixels_of,
)
from investorbench_env.rendering.panels import (
    ASSET,
    INK,
    LONG,
    QUIET,
    SHORT,
    WORDS,
    blank_panel,
    draw_dates,
    draw_end_labels,
    draw_line,
    draw_title,
    printable,
    set_scale,
    write,
)
from investorbench_env.rendering.ticks import round_dates
from investorbench_env.rendering.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = 960, 900
MOST_COINS = 6
COLUMNS = 2
BARS = 480
"""Of the coins' prices, the latest; a day of 3-minute bars."""
FURTHEST = 2.0
"""Ranges of the price beyond which a level is named at the edge of a panel and not drawn."""
LEVELS = {"target": ("#007a5a", (0, (4, 2))), "stop": ("#8a6d00", (0, (4, 2))),
          "liquidation": ("#b3261e", "-")}  # fmt: skip
"""Colour and line of what ends a position by itself."""
SHORT_NAMES = {"target": "target", "stop": "stop", "liquidation": "liq."}
_LEFT, _RIGHT, _BOTTOM, _GAP = 0.74, 1.22, 0.62, 0.44  # inches
_EQUITY = 0.9, 1.75
"""Where the panel of equity begins, and how high it is."""
_COINS = 3.6
"""Where those of the coins begin."""
_KEY = "▲ long   ▼ short   ● ended   × liquidated   ·   lines: target, stop, liquidation (liq.)"


def arena_rgb_array(frame: ArenaFrame, size: tuple[int, int] = SIZE) -> npt.NDArray[np.uint8]:
    """The episode so far as a picture: equity, and prices with entries, exits and levels.

    Prices are those of the latest bars, of the coins that were traded most. Like ``rgb_array`` in
    all else.

    Args:
        frame: the episode so far.
        size: width and height in pixels.

    Returns:
        Red, green and blue [height, width, 3].

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    return pixels_of(partial(_draw, frame=frame), size, SIZE)


def _draw(figure: "Figure", frame: ArenaFrame) -> None:
    draw_titles(figure, frame, frame.name)
    width, height = figure.get_size_inches()
    top, high = _EQUITY
    box = (_LEFT / width, 1 - (top + high) / height, 1 - (_LEFT + _RIGHT) / width, high / height)
    equity = blank_panel(figure, box, frame)
    draw_equity(equity, frame, "equal parts of all coins (prices only)", "equal")
    draw_watermark(equity, frame)
    draw_dates([equity], frame)
    figure.text(
        _LEFT / width, 1 - (_COINS - 0.36) / height, _KEY, fontsize=8.5, color=QUIET, **WORDS
    )
    coins = most_traded(frame)
    rows = math.ceil(len(coins) / COLUMNS)
    tall = (height - _COINS - _BOTTOM - _GAP * (rows - 1)) / rows
    for place, symbol in enumerate(coins):
        row, column = divmod(place, COLUMNS)
        left, lower = column * width / COLUMNS + _LEFT, _COINS + row * (tall + _GAP) + tall
        across = width / COLUMNS - _LEFT - _RIGHT
        box = (left / width, 1 - lower / height, across / width, tall / height)
        axes = blank_panel(figure, box, frame)
        _draw_coin(axes, frame, symbol)
        if place >= len(coins) - COLUMNS:
            _draw_times(axes, frame)


def most_traded(frame: ArenaFrame) -> list[str]:
    """The coins that have panels: those that were traded most, in their order."""
    spans: dict[str, int] = dict.fromkeys(frame.symbols, 0)
    for span in frame.positions:
        spans[span.symbol] += 1 + span.is_open * len(frame.dates)
    most = sorted(spans, key=lambda symbol: -spans[symbol])[:MOST_COINS]
    return [symbol for symbol in frame.symbols if symbol in most]


def _first(frame: ArenaFrame) -> int:
    """The first bar of the coins' panels."""
    return max(0, len(frame.dates) - BARS)


def _draw_coin(axes: "Axes", frame: ArenaFrame, symbol: str) -> None:
    """The price of a coin, the positions in it, and what ends them by itself."""
    first, prices = _first(frame), frame.price_of(symbol)
    spans = [each for each in frame.positions if each.symbol == symbol and each.last >= first]
    own, shown = prices[first:], _levels_within(spans, prices[first:])
    paid = [price for span in spans for price in (span.entry, span.exit)]
    set_scale(axes, np.concatenate([own, [level for _, _, level in shown], paid]))
    axes.set_xlim(first - 0.5, len(frame.dates) - 0.5)
    draw_line(axes, first, own, ASSET, width=1.2)
    for span in spans:
        _draw_span(axes, span, first)
    for span, name, level in shown:
        _draw_level(axes, span, name, level, first)
    draw_watermark(axes, frame, size=26)
    draw_title(axes, _title(spans, symbol))
    _draw_labels(axes, spans, prices, shown)


def _levels_within(
    spans: list[PositionSpan], prices: npt.NDArray[np.float64]
) -> list[tuple[PositionSpan, str, float]]:
    """The levels of positions that are near enough to the price to be drawn."""
    known = prices[np.isfinite(prices)]
    if not known.size:
        return []
    low, high = float(known.min()), float(known.max())
    room = FURTHEST * max(high - low, 0.01 * abs(high))
    return [
        (span, name, level)
        for span in spans
        for name, level in _levels(span)
        if low - room <= level <= high + room
    ]


def _levels(span: PositionSpan) -> list[tuple[str, float]]:
    every = {"target": span.target, "stop": span.stop, "liquidation": span.last_liquidation}
    return [(name, level) for name, level in every.items() if math.isfinite(level)]


def _draw_span(axes: "Axes", span: PositionSpan, first: int) -> None:
    """Bars in which a position was held, with its entry and its exit."""
    color = LONG if span.is_long else SHORT
    held: dict[str, Any] = {"color": color, "alpha": 0.12, "linewidth": 0, "zorder": 0.8}
    axes.axvspan(max(span.first, first) - 0.5, span.last + 0.5, **held)
    mark: dict[str, Any] = {"linestyle": "none", "markeredgecolor": "white", "zorder": 4}
    mark |= {"markersize": 6.5, "markeredgewidth": 0.4, "color": color}
    if span.first >= first:
        axes.plot([span.first], [span.entry], marker="^" if span.is_long else "v", **mark)
    if span.reason == "liquidation":
        mark |= {"markeredgecolor": LEVELS["liquidation"][0], "markeredgewidth": 2.0}
        axes.plot([span.last], [span.exit], marker="x", **mark)
    elif span.reason:
        axes.plot([span.last], [span.exit], marker="o", **{**mark, "markersize": 5})


def _draw_level(axes: "Axes", span: PositionSpan, name: str, level: float, first: int) -> None:
    color, line = LEVELS[name]
    style: dict[str, Any] = {"color": color, "linestyle": line, "linewidth": 1.1, "zorder": 3}
    begin = max(span.first, first)
    if name == "liquidation":  # which funding moves
        values = span.liquidation[begin - span.first :]
        axes.plot(np.arange(begin, span.last + 1), values, marker="", **style)
        axes.hlines(level, span.last - 0.5, span.last + 0.5, **style)
    else:
        axes.hlines(level, begin - 0.5, span.last + 0.5, **style)


def _title(spans: list[PositionSpan], symbol: str) -> str:
    """The coin, and what is held of it."""
    held = next((span for span in reversed(spans) if span.is_open), None)
    name = printable(symbol, 12)
    if held is None:
        return f"{name}: flat"
    side = "long" if held.is_long else "short"
    return f"{name}: {side} {abs(held.quantity):g}, {held.leverage:g}×"


def _draw_labels(
    axes: "Axes",
    spans: list[PositionSpan],
    prices: npt.NDArray[np.float64],
    shown: list[tuple[PositionSpan, str, float]],
) -> None:
    """The price and the levels of what is held at the right; arrows where they lie further off."""
    low, high = axes.get_ylim()
    labels = [(last_known(prices), number(last_known(prices)), INK)]
    drawn = {(id(span), name) for span, name, _ in shown}
    for span in spans:
        for name, level in _levels(span) if span.is_open else ():
            at = min(max(level, low), high)
            arrow = "" if (id(span), name) in drawn else " ↑" if level > high else " ↓"
            labels.append((at, f"{SHORT_NAMES[name]} {number(level)}{arrow}", LEVELS[name][0]))
    draw_end_labels(axes, labels)


def _draw_times(axes: "Axes", frame: ArenaFrame) -> None:
    """When the latest bars were, below the lowest panels."""
    first = _first(frame)
    inches = axes.bbox.height / axes.figure.dpi
    for tick, label in round_dates(frame.dates[first:]).items():
        where = {"ha": "center", "fontsize": 8.5, "transform": axes.get_xaxis_transform()}
        write(axes, first + tick, -0.14 / inches, label, **where)
