"""Bars of skill: where an agent stands between the best constant weight, the filter and above."""

from collections.abc import Sequence

from investorbench.tasks.report.markup import Html, element
from investorbench.tasks.report.tables import empty
from investorbench.tasks.statistics import Estimate


class SkillScale:
    """One scale for the bars of a table, from the lowest figure to the ceiling of the oracle.

    Args:
        skills: of all agents.
        ceiling: the skill of the oracle; None where that is not known.
    """

    WIDTH, HEIGHT = 300.0, 18.0

    def __init__(self, skills: Sequence[Estimate], ceiling: float | None) -> None:
        ends = [end for each in skills for end in (each.low, each.value, each.high)]
        known = [0.0, 1.0, *(end for end in (*ends, ceiling) if end is not None)]
        self.ceiling = ceiling
        room = (max(known) - min(known)) / 50.0
        self.low, self.high = min(known) - room, max(known) + room

    def draw(self, skill: Estimate) -> Html:
        """A bar from 0 to the skill, with its interval; the figures stand beside it."""
        if skill.value is None:
            return empty(skill.reason or "not computed")
        zero, end = self._x(0.0), self._x(skill.value)
        parts = [
            element(
                "rect", x=f"{min(zero, end):.1f}", y="4", height="10",
                width=f"{abs(end - zero):.1f}", class_="bar" if skill.value >= 0.0 else "bar below",
            ),
            self._upright(0.0, "zero"),
            self._upright(1.0, "filter"),
            None if self.ceiling is None else self._upright(self.ceiling, "ceiling"),
        ]  # fmt: skip
        if skill.low is not None and skill.high is not None:
            ends = {"x1": f"{self._x(skill.low):.1f}", "x2": f"{self._x(skill.high):.1f}"}
            parts.append(element("line", y1="9", y2="9", class_="whisker", **ends))
        view = f"0 0 {self.WIDTH:g} {self.HEIGHT:g}"
        picture = element("svg", *parts, viewBox=view, class_="skill", aria_hidden="true")
        return element("td", picture, data_sort=repr(skill.value), class_="drawn")

    def _upright(self, value: float, kind: str) -> Html:
        x = f"{self._x(value):.1f}"
        return element("line", x1=x, x2=x, y1="0", y2=f"{self.HEIGHT:g}", class_=kind)

    def _x(self, value: float) -> float:
        return self.WIDTH * (value - self.low) / (self.high - self.low)
