"""The intervals of a design, for the differences that are still open at a look."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from investorbench.tasks.statistics.draws import IntArray
from investorbench.tasks.statistics.estimate import FEWEST_DAYS, FloatArray
from investorbench.tasks.statistics.sequential.anytime import critical_at, empirical_bernstein
from investorbench.tasks.statistics.sequential.spending import Boundary, chance_left, in_students
from investorbench.tasks.statistics.sequential.stopping import Stopping


class Intervals(NamedTuple):
    """Of differences [P]: both ends, and the chance that waiting for the end is worth it."""

    low: FloatArray
    high: FloatArray
    chances: FloatArray


class Design(Protocol):
    """What intervals hold, look after look."""

    def look(self, differences: FloatArray, scores: FloatArray) -> Intervals:
        """The intervals of the next look.

        Args:
            differences: of each open pair [P, n].
            scores: that all agents have, those that have left among them [A, m].
        """


def design_of(stopping: Stopping, pairs: IntArray) -> Design:
    """The design that a rule asks for, over the agents of each pair [2, P]."""
    if not stopping.anytime:
        return GroupSequential(rule=stopping, pairs=pairs)
    if stopping.bound is None:
        return ConfidenceSequence(alpha=stopping.alpha / pairs.shape[1])
    return BoundedSequence(alpha=stopping.alpha / pairs.shape[1], bound=stopping.bound)


@dataclass(slots=True, kw_only=True)
class GroupSequential:
    """Repeated confidence intervals (Jennison and Turnbull 1989) of boundaries that spend alpha."""

    rule: Stopping
    pairs: IntArray
    _boundary: Boundary = field(init=False)

    def __post_init__(self) -> None:
        self._boundary = Boundary(pairs=self.pairs, most=self.rule.most, alpha=self.rule.alpha)

    def look(self, differences: FloatArray, scores: FloatArray) -> Intervals:
        """The intervals of the next look, and by conditional power whether to go on."""
        count = differences.shape[1]
        if count < FEWEST_DAYS:
            return Intervals(*around(differences, np.inf), np.ones(len(differences)))
        critical = self._boundary.look(count, scores)
        low, high = around(differences, in_students(critical.now, count), skewed=True)
        return Intervals(low, high, self._chances(differences, critical.at_end))

    def _chances(self, differences: FloatArray, at_end: float | None) -> FloatArray:
        """Of passing the boundary at the end, were the difference the smallest of interest."""
        smallest = self.rule.smallest
        if smallest is None or at_end is None:
            return np.ones(len(differences))
        count, most = differences.shape[1], self.rule.most
        means, deviations = differences.mean(axis=1), differences.std(axis=1, ddof=1)
        return np.array(
            [
                chance_left(mean, deviation, count, most, at_end, smallest)
                for mean, deviation in zip(means.tolist(), deviations.tolist(), strict=True)
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSequence:
    """The asymptotic confidence sequence, its error split among the pairs."""

    alpha: float

    def look(self, differences: FloatArray, scores: FloatArray) -> Intervals:
        """The intervals of any look."""
        low, high = around(differences, critical_at(differences.shape[1], self.alpha))
        return Intervals(low, high, np.ones(len(differences)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedSequence:
    """The empirical-Bernstein confidence sequence of scores within a bound."""

    alpha: float
    bound: tuple[float, float]

    def look(self, differences: FloatArray, scores: FloatArray) -> Intervals:
        """The intervals of any look."""
        widest = self.bound[1] - self.bound[0]
        low, high = empirical_bernstein(differences, -widest, widest, self.alpha)
        return Intervals(low, high, np.ones(len(differences)))


def around(
    differences: FloatArray, critical: float, *, skewed: bool = False
) -> tuple[FloatArray, FloatArray]:
    """So many standard errors on either side of means; all numbers where nothing varies.

    Args:
        differences: of each pair [P, n].
        critical: standard errors.
        skewed: whether a side is longer where skewed differences would else be missed on it.
    """
    count = differences.shape[1]
    means = differences.mean(axis=1)
    if count < 2 or not np.isfinite(critical):
        anything = np.full(len(differences), np.inf)
        return -anything, anything
    deviations = differences.std(axis=1, ddof=1)
    varies = deviations > 1e-12 * np.abs(means)
    errors = np.where(varies, deviations / np.sqrt(count), np.inf)
    below = above = np.full(len(differences), critical)
    if skewed:
        scaled = (differences - means[:, None]) / np.where(varies, deviations, 1.0)[:, None]
        skewness = (scaled**3).mean(axis=1)
        below, above = (_longer(critical, sign * skewness, count) for sign in (1.0, -1.0))
    return means - errors * below, means + errors * above


def _longer(critical: float, skewness: FloatArray, count: int) -> FloatArray:
    """Standard errors below means, by Hall's (1992) cubic transformation where that asks for more.

    A statistic of skewed numbers is skewed the other way; the transformed one is not.
    """
    shift = skewness / np.sqrt(count)
    scale = np.where(np.abs(shift) > 1e-9, shift, 1.0)
    cubic = 3.0 / scale * (np.cbrt(1.0 + scale * (critical - scale / 6.0)) - 1.0)
    return np.maximum(critical, np.where(np.abs(shift) > 1e-9, cubic, critical))
