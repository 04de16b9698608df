"""Bars of rewards by stage: all stages and agents of a table on one scale."""

from collections.abc import Sequence

from investorbench.tasks.report.markup import Html, element
from investorbench.tasks.report.tables import empty
from investorbench.tasks.statistics import Estimate


class StageScale:
    """One scale for all bars, which begin at 0.

    Args:
        rewards: all that are drawn.
    """

    WIDTH, HEIGHT = 132.0, 18.0

    def __init__(self, rewards: Sequence[Estimate]) -> None:
        ends = [end for each in rewards for end in (each.low, each.value, each.high)]
        known = [0.0, *(end for end in ends if end is not None)]
        room = (max(known) - min(known)) / 50.0 or 1.0
        self.low, self.high = min(known) - room, max(known) + room

    def draw(self, reward: Estimate) -> Html:
        """A bar with its interval; the figures stand beside it."""
        if reward.value is None:
            return empty(reward.reason or "not computed")
        zero, end = self._x(0.0), self._x(reward.value)
        kind = "bar" if reward.value >= 0.0 else "bar below"
        parts = [
            element("rect", x=f"{min(zero, end):.1f}", y="4", height="10",
                    width=f"{abs(end - zero):.1f}", class_=kind),
            element("line", x1=f"{zero:.1f}", x2=f"{zero:.1f}", y1="0", y2=f"{self.HEIGHT:g}",
                    class_="zero"),
        ]  # fmt: skip
        if reward.low is not None and reward.high is not None:
            ends = {"x1": f"{self._x(reward.low):.1f}", "x2": f"{self._x(reward.high):.1f}"}
            parts.append(element("line", y1="9", y2="9", class_="whisker", **ends))
        view = f"0 0 {self.WIDTH:g} {self.HEIGHT:g}"
        picture = element("svg", *parts, viewBox=view, class_="skill stage", aria_hidden="true")
        return element("td", picture, data_sort=repr(reward.value), class_="drawn")

    def _x(self, value: float) -> float:
        return self.WIDTH * (value - self.low) / (self.high - self.low)
