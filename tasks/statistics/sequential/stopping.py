"""When a race is over: what is to be known, how surely, and what ends it without an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from numbers import Real
from typing import Literal

import numpy as np

from investorbench.tasks.statistics.draws import IntArray
from investorbench.tasks.statistics.estimate import FEWEST_DAYS
from investorbench_env.errors import InvestorBenchError, UnknownNameError

Goal = Literal["distinguished", "best", "ranked"]
GOALS: dict[Goal, str] = {
    "distinguished": "each is distinguished from the reference",
    "best": "the best is distinguished from all others",
    "ranked": "each is distinguished from every other",
}
"""What is to be known. In a race for the best an agent that is worse than another one leaves; in
one for ranks an agent whose neighbours are distinguished, and with them those beyond."""


class StoppingError(InvestorBenchError, ValueError):
    """A rule for stopping that is none, or scores that it cannot be applied to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """A rule for stopping, fixed before the first observation.

    Attributes:
        until: what is to be known, one of ``GOALS``.
        most: observations of an agent after which the race ends in any case.
        reference: from which the others are to be distinguished; for ``until="distinguished"``.
        smallest: difference of interest: what is surely smaller, or would hardly be found by the
            end, is not waited for. None where every difference is of interest.
        alpha: the chance that anything is said of any pair, at any look, that is not so.
        anytime: whether looks are unlimited, by a confidence sequence, instead of planned up to
            ``most`` by a group-sequential design.
        bound: between which all scores lie, known before; the confidence sequence then holds for
            any number of observations instead of from the burn-in on.

    Raises:
        InvestorBenchError: it is none.
    """

    until: Goal
    most: int
    reference: str | None = None
    smallest: float | None = None
    alpha: float = 0.05
    anytime: bool = False
    bound: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.until not in GOALS:
            raise UnknownNameError("goal", self.until, GOALS)
        for name, value in (("alpha", self.alpha), ("smallest", self.smallest)):
            if value is not None and not is_number(value):
                raise StoppingError(f"{name}={value!r} must be a number")
        if not isinstance(self.anytime, bool):
            raise StoppingError(f"anytime={self.anytime!r} must be true or false")
        for wrong, what in (
            (not 0.0 < self.alpha < 0.5, f"alpha={self.alpha} must lie between 0 and .5"),
            (
                self.most < FEWEST_DAYS,
                f"at most {self.most} observations: at least {FEWEST_DAYS} are needed",
            ),
            (
                self.smallest is not None and not 0.0 < self.smallest < float("inf"),
                f"smallest={self.smallest}: a difference of interest is above 0",
            ),
            (
                (self.reference is None) == (self.until == "distinguished"),
                "until=distinguished needs the name of a reference: give reference=, an agent"
                if self.reference is None
                else f"reference={self.reference} is for until=distinguished: leave it out",
            ),
            (
                self.bound is not None and not self.anytime,
                "a bound is for anytime=true: leave it out",
            ),
            (
                self.bound is not None and not _is_bound(self.bound),
                f"bound={self.bound}: give the lowest and the highest score that can be",
            ),
        ):
            if wrong:
                raise StoppingError(what)

    def pairs(self, names: Sequence[str]) -> IntArray:
        """Which two agents each difference is of [2, P]: the first less the second.

        Raises:
            StoppingError: there are fewer than two, or the reference is not among them.
        """
        if len(set(names)) < max(len(names), 2):
            raise StoppingError(
                f"a race needs two agents with names of their own: {list(names)} are none"
            )
        if self.until != "distinguished":
            return np.array(list(combinations(range(len(names)), 2)), dtype=np.int64).T
        if self.reference not in names:
            raise StoppingError(
                f"the reference {self.reference!r} did not run: add it to {', '.join(names)}"
            )
        at = list(names).index(str(self.reference))
        others = [number for number in range(len(names)) if number != at]
        return np.array([others, [at] * len(others)], dtype=np.int64)


def is_number(value: object) -> bool:
    """Whether a value is a number, which the truth of something is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_bound(bound: object) -> bool:
    if not isinstance(bound, tuple) or len(bound) != 2 or not all(map(is_number, bound)):
        return False
    low, high = bound
    return isfinite(low) and isfinite(high) and low < high
