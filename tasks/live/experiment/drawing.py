"""Charts of an experiment as SVG, which take their colours from the page."""

from collections.abc import Mapping, Sequence
from itertools import count

from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.wording import number

WIDTH, HEIGHT = 960, 320
LEFT, RIGHT, TOP, BOTTOM = 88, 8, 14, 34
LINES = 4
"""Of the grid."""
CASH, COLOURS = "cash", 7
"""What has a colour of its own, beside those of all others."""


def lines_chart(
    name: str,
    days: Sequence[str],
    curves: Mapping[str, Sequence[float]],
    *,
    most: float | None = None,
) -> Html:
    """Curves over days, each with a colour of its own and its last value in the legend.

    Args:
        name: of the chart.
        days: of the values.
        curves: by their names.
        most: the largest value that there can be; None for no such bound.
    """
    values = [value for curve in curves.values() for value in curve]
    low, high = _room(min(values), max(values))
    high = high if most is None else min(high, most)
    drawn = [
        element("polyline", points=_points(curve, low, high), fill="none", class_=f"line {colour}")
        for curve, colour in zip(curves.values(), map(_colour, curves, count()), strict=False)
    ]
    legend = {key: number(curve[-1], 2) for key, curve in curves.items()}
    return _figure(name, [*_grid(days, low, high), *drawn], legend)


def areas_chart(name: str, days: Sequence[str], parts: Mapping[str, Sequence[float]]) -> Html:
    """Shares of a whole over days, stacked from the first."""
    shown = {key: part for key, part in parts.items() if any(abs(value) > 5e-4 for value in part)}
    below, drawn = [0.0] * len(days), []
    for place, (key, part) in enumerate(shown.items()):
        above = [one + other for one, other in zip(below, part, strict=True)]
        upper = _points(above, 0.0, 1.0)
        lower = " ".join(reversed(_points(below, 0.0, 1.0).split(" ")))
        drawn.append(
            element("polygon", points=f"{upper} {lower}", class_=f"area {_colour(key, place)}")
        )
        below = above
    legend = {key: f"{number(100.0 * part[-1], 1)} %" for key, part in shown.items()}
    return _figure(name, [*drawn, *_grid(days, 0.0, 1.0, percent=True)], legend)


def _figure(name: str, drawn: Sequence[Html], legend: Mapping[str, str]) -> Html:
    picture = element(
        "svg", *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=name, class_="plain"
    )
    keys = [
        element("li", element("span", class_=f"key {_colour(key, place)}"), f" {key} {text}")
        for place, (key, text) in enumerate(legend.items())
    ]
    return element(
        "figure", picture, element("ul", *keys, class_="legend"), element("figcaption", name)
    )


def _colour(name: str, place: int) -> str:
    return f"c{COLOURS if name == CASH else place % COLOURS}"


def _grid(days: Sequence[str], low: float, high: float, *, percent: bool = False) -> list[Html]:
    found = []
    for step in range(LINES + 1):
        value = low + (high - low) * step / LINES
        y = f"{_height(value, low, high):.1f}"
        text = f"{100 * value:.0f} %" if percent else number(value, 0 if high - low > 20 else 1)
        found.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        found.append(element("text", text, x=LEFT - 6, y=y, class_="scale-y"))
    places = sorted({0, len(days) // 2, len(days) - 1})
    for place in places:
        anchor = "start" if place == 0 else "end" if place == len(days) - 1 else "middle"
        x = f"{_across(place, len(days)):.1f}"
        found.append(element("text", days[place], x=x, y=HEIGHT - 8, text_anchor=anchor))
    return [join(*found)]


def _room(low: float, high: float) -> tuple[float, float]:
    margin = 0.05 * (high - low) or 0.01 * abs(high) or 1.0
    return low - margin, high + margin


def _points(values: Sequence[float], low: float, high: float) -> str:
    return " ".join(
        f"{_across(place, len(values)):.1f},{_height(value, low, high):.1f}"
        for place, value in enumerate(values)
    )


def _across(place: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * place / max(count - 1, 1)


def _height(value: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)
