"""Tests of many hypotheses at once, and intervals that agree with them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from investorbench.tasks.statistics.contrasts import MOST_WITHOUT, Contrasts, in_errors
from investorbench.tasks.statistics.draws import Resampling
from investorbench.tasks.statistics.estimate import LEVEL, Estimate, FloatArray
from investorbench.tasks.statistics.scores import MeanFigure

AT_ONCE = 500
"""Draws that are compared at a time."""
FEWEST_BEYOND = 10
"""Draws beyond a quantile that is to be relied on."""
FEW_DRAWS = "the draws are too few, or too alike, for an interval"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hypothesis:
    """A hypothesis of a family: that a figure, or a difference, is 0.

    Attributes:
        estimate: with the simultaneous interval of the family, and the p-value of this one alone.
        adjusted_p: after step-down; None where there is no test.
        variance: of the value over other units like these.
        between: variance besides, because repeats differ for good.
        critical: how many standard errors the interval reaches to each side; NaN without a test.
    """

    estimate: Estimate
    adjusted_p: float | None = None
    variance: float
    between: float
    critical: float = math.nan


def step_down(
    figures: Sequence[MeanFigure],
    resampling: Resampling,
    pairs: Sequence[tuple[int, int]] | None = None,
    level: float = LEVEL,
) -> tuple[Hypothesis, ...]:
    """Test that each figure is 0, or that both of each pair are the same, as one family.

    Romano and Wolf's (2005) step-down from the largest statistic, by p-values (2016). Intervals are
    those of its first step, so that a member whose interval leaves out 0 has an adjusted p-value of
    at most 1 − ``level``.

    Statistics are measured by a quantile of their own (Beran 1988). Otherwise a single account that
    one day decides, as a ruin does, or one that is out of the benchmark for three days, would have
    the largest of all in one draw of twenty, and no other agent could be distinguished.

    Args:
        figures: of agents, over the same units.
        resampling: how units are drawn.
        pairs: indices of figures to compare; None to test the figures themselves.
        level: of all intervals together.
    """
    if not figures:
        return ()
    every = Contrasts.of(figures, resampling, pairs)
    reasons = every.reasons()
    members = [
        Hypothesis(
            estimate=Estimate(value=float(every.values[at]), reason=reason),
            variance=float(every.variances[at]),
            between=float(every.between[at]),
        )
        for at, reason in enumerate(reasons)
    ]
    usable = [at for at, reason in enumerate(reasons) if reason is None]
    if not usable:
        return tuple(members)
    tested = every.only(usable)
    alone, adjusted, critical = _largest(tested, level)
    for number, at in enumerate(usable):
        margin = float(critical[number] * tested.errors[number])
        members[at] = replace(
            members[at],
            estimate=_estimate(float(tested.values[number]), margin, float(alone[number])),
            adjusted_p=float(adjusted[number]),
            critical=float(critical[number]),
        )
    return tuple(members)


def intervals(
    figures: Sequence[MeanFigure], resampling: Resampling, level: float = LEVEL
) -> list[Estimate]:
    """Each figure with an interval of its own, and the p-value that it is 0."""
    every = Contrasts.of(figures, resampling)
    drawn = _distances(every)
    found = []
    for at, reason in enumerate(every.reasons()):
        value, error = float(every.values[at]), float(every.errors[at])
        if reason is not None:
            found.append(Estimate(value=value, reason=reason))
            continue
        beyond = int(np.sum(drawn[:, at] >= abs(value) / error))
        margin = _critical(drawn[:, at], level) * error
        found.append(_estimate(value, margin, (beyond + 1) / (len(drawn) + 1)))
    return found


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for tests of which no joint law is known (Holm 1979); None is no test."""
    given = sorted(p for p in p_values if p is not None)
    stepped: dict[float, float] = {}
    floor = 0.0
    for place, p in enumerate(given):
        floor = max(floor, min(1.0, (len(given) - place) * p))
        stepped.setdefault(p, floor)
    return [None if p is None else stepped[p] for p in p_values]


def _largest(tested: Contrasts, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of each member its p-value alone and after step-down, and its critical value [H]."""
    draws, drawn = tested.resampling.draws, _distances(tested)
    scales = np.array([_own_scale(own) for own in drawn.T])
    statistics = np.abs(tested.values) / tested.errors / scales
    order = np.argsort(-statistics, kind="stable")
    ordered = statistics[order]
    alone, stepped = np.zeros(len(order)), np.zeros(len(order))
    largest = np.empty(draws)
    for first in range(0, draws, AT_ONCE):
        part = drawn[first : first + AT_ONCE, order] / scales[order]
        alone += np.sum(part >= ordered, axis=0)
        # Of each member and all with smaller statistics, which are left when it is its turn.
        left = np.maximum.accumulate(part[:, ::-1], axis=1)[:, ::-1]
        stepped += np.sum(left >= ordered, axis=0)
        largest[first : first + AT_ONCE] = left[:, 0]
    p_values = np.empty((2, len(order)))
    p_values[:, order] = (
        (alone + 1) / (draws + 1),
        np.maximum.accumulate((stepped + 1) / (draws + 1)),
    )
    return p_values[0], p_values[1], _critical(largest, level) * scales


def _distances(contrasts: Contrasts) -> FloatArray:
    """How far draws lie from the values, in their own standard errors [draws, H]."""
    drawn, begun = np.empty((contrasts.resampling.draws, len(contrasts.values))), 0
    for part in contrasts.drawn():
        found = np.abs(in_errors(*part))
        drawn[begun : begun + len(found)] = found
        begun += len(found)
    return drawn


def _own_scale(drawn: FloatArray) -> float:
    """A quantile of a member's own draws [draws], of those in which it has an error."""
    known = drawn[np.isfinite(drawn)]
    if len(known) <= FEWEST_BEYOND:
        return 1.0
    beyond = max(MOST_WITHOUT, FEWEST_BEYOND / len(drawn))
    return float(np.quantile(known, 1.0 - beyond, method="higher"))


def _critical(drawn: FloatArray, level: float) -> float:
    """What a statistic must be larger than for a p-value of at most 1 − level."""
    place = math.ceil(level * (len(drawn) + 1)) - 1
    return float(np.partition(drawn, place)[place]) if place < len(drawn) else math.inf


def _estimate(value: float, margin: float, p_value: float) -> Estimate:
    if not math.isfinite(margin):
        return Estimate(value=value, p_value=p_value, reason=FEW_DRAWS)
    return Estimate(value=value, low=value - margin, high=value + margin, p_value=p_value)
