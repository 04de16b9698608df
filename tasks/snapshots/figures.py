"""The figures of an agent on a task of snapshots, with their intervals, as tables show them."""

from typing import NamedTuple

import numpy as np

from investorbench.tasks.metrics import NORMAL_95
from investorbench.tasks.snapshots.controlled import FEWEST, Controlled, controlled
from investorbench.tasks.snapshots.references import SnapshotReference
from investorbench.tasks.snapshots.scores import (
    BPS,
    FloatArray,
    SnapshotDecisions,
    edge,
    in_pairs,
    linear_edge,
    loss,
    realised,
)
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.statistics.sequential.spending import in_students


class SnapshotFigures(NamedTuple):
    """What an agent's snapshots show; in basis points a decision, but for skill.

    Attributes:
        edge: what was to be expected: linear for sell, hold, buy; less ½γw²σ² for weights.
        linear: what was to be expected, risk left aside.
        realised: what came of it.
        loss: what the best decision would have had more.
        skill: 0 for the best constant weight, 1 for the filter.
    """

    edge: Estimate
    linear: Estimate
    realised: Estimate
    loss: Estimate
    skill: Estimate


def figures_of(
    given: SnapshotDecisions,
    reference: SnapshotReference | None,
    filter_decisions: SnapshotDecisions | None = None,
    *,
    antithetic: bool = False,
) -> SnapshotFigures:
    """All figures of one agent.

    Args:
        given: its decisions.
        reference: of the task; without one there is no skill, and nothing to control by.
        filter_decisions: those of the filter on the same snapshots, as a control variate.
        antithetic: whether two snapshots that follow one another are a pair, and so one
            observation.

    Raises:
        InvestorBenchError: decisions that cannot be scored, see ``SnapshotDecisions``.
    """
    given.require_sound()

    def independent(scores: FloatArray) -> FloatArray:
        return in_pairs(scores) if antithetic else scores

    scores = independent(edge(given))
    figures = SnapshotFigures(
        edge=_plain(scores),
        linear=_plain(independent(linear_edge(given))),
        realised=_plain(independent(realised(given))),
        loss=_plain(independent(loss(given))),
        skill=Estimate(reason="no reference run of this task is known"),
    )
    if reference is None:
        return figures
    control = None if filter_decisions is None else independent(edge(filter_decisions))
    own = controlled(scores, control, reference.filter)
    return figures._replace(edge=edge_of(own, reference), skill=skill_of(own, reference))


def edge_of(own: Controlled, reference: SnapshotReference) -> Estimate:
    """An edge in basis points, whose interval counts the error of the control variate's mean."""
    variance = own.error**2 + own.slope**2 * float(reference.covariance[1, 1])
    return _interval(own.mean * BPS, float(np.sqrt(variance)) * BPS, own.n)


def skill_of(own: Controlled, reference: SnapshotReference) -> Estimate:
    """Skill, whose interval counts the errors of the reference, too (delta method)."""
    floor, span = reference.floor, reference.filter - reference.floor
    if not span > 0.0:
        return Estimate(reason="the filter has no more than the best constant weight")
    skill = (own.mean - floor) / span
    # By floor, filter and oracle; the run's own edge moves with the filter's by its slope.
    slopes = np.array([(skill - 1.0) / span, (own.slope - skill) / span, 0.0])
    variance = (own.error / span) ** 2 + slopes @ reference.covariance @ slopes
    return _interval(skill, float(np.sqrt(variance)), own.n)


def _plain(scores: FloatArray) -> Estimate:
    own = controlled(scores)
    return _interval(own.mean * BPS, own.error * BPS, own.n)


def _interval(value: float, error: float, n: int) -> Estimate:
    if n < FEWEST:
        return Estimate(value=value, reason=f"{n} decisions, at least {FEWEST} are needed")
    margin = in_students(NORMAL_95, n) * error
    return Estimate(value=value, low=value - margin, high=value + margin)
