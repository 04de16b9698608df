"""Plots of calibration: how often what was given a probability came, one square an agent."""

from collections.abc import Mapping, Sequence

from investorbench.tasks.forecasts import CalibrationBin
from investorbench.tasks.report.leaderboard_tables import agent_name
from investorbench.tasks.report.markup import Html, element
from investorbench.tasks.wording import count, probability

SIDE, EDGE = 200.0, 12.0


def calibration_plots(found: Mapping[str, Sequence[CalibrationBin]]) -> Html:
    """A plot of each agent with forecasts, and all of their bins in a table of words.

    Args:
        found: the bins of each agent.
    """
    plots = (_plot(agent, bins) for agent, bins in found.items())
    return element("div", *plots, class_="calibration")


def _plot(agent: str, bins: Sequence[CalibrationBin]) -> Html:
    low, high = f"{_x(0.0):.1f}", f"{_x(1.0):.1f}"
    parts = [
        element("rect", x=low, y=low, width=f"{_x(1.0) - _x(0.0):.1f}",
                height=f"{_x(1.0) - _x(0.0):.1f}", class_="ground"),
        element("line", x1=low, y1=high, x2=high, y2=low, class_="diagonal"),
        *(part for each in bins for part in _bin(each)),
    ]  # fmt: skip
    words = "; ".join(
        f"{probability(each.stated, 2)} came in {probability(each.came, 2)} of {each.count}"
        for each in bins
    )
    picture = element(
        "svg", *parts, viewBox=f"0 0 {SIDE:g} {SIDE:g}", role="img",
        aria_label=f"Calibration of {agent}: {words}",
    )  # fmt: skip
    total = count(sum(each.count for each in bins), "forecast")
    return element("figure", picture, element("figcaption", agent_name(agent), f" {total}"))


def _bin(each: CalibrationBin) -> list[Html]:
    x, (low, high) = f"{_x(each.stated):.1f}", each.interval
    title = element(
        "title",
        f"stated {probability(each.stated, 2)}, came {probability(each.came, 2)} of {each.count}",
    )
    parts = [
        element("line", x1=x, x2=x, y1=_y(low), y2=_y(high), class_="whisker"),
        element("circle", title, cx=x, cy=_y(each.came), r="4"),
    ]
    if each.true is not None:
        parts.append(element("circle", cx=x, cy=_y(each.true), r="4", class_="true"))
    return parts


def _x(share: float) -> float:
    return EDGE + (SIDE - 2 * EDGE) * share


def _y(share: float) -> str:
    return f"{SIDE - _x(share):.1f}"
