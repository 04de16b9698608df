"""What a decision was worth, from what was to be expected of it; arrays of decisions [n].

A snapshot's return is the sum R of a horizon's simple returns, from the fill on; ``mean`` and
``variance`` are those of R given the hidden state at the decision. A weight w costs ``cost_rate``
once for each unit of it. Everything is a share of equity; tables show basis points a decision.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.snapshots import AVERSION, best_side, best_weight
from investorbench_env.errors import InvestorBenchError

FloatArray = npt.NDArray[np.float64]

BPS = 10_000.0
"""Basis points in one."""


class SnapshotDecisions(NamedTuple):
    """Snapshots that one agent decided on, with what its evaluator alone knows of them [n] each."""

    weight: FloatArray
    """−1 for sell, 0 for hold and 1 for buy, or a weight between them."""
    mean: FloatArray
    variance: FloatArray
    realised: FloatArray
    """R as it came."""
    cost_rate: float
    by_weight: bool
    """Whether any weight could be chosen, so that risk counts; else sell, hold or buy alone."""

    def require_sound(self) -> None:
        """Refuse what cannot be scored.

        Raises:
            InvestorBenchError: a weight outside [−1, 1], or a figure that is missing.
        """
        if not all(np.isfinite(part).all() for part in self[:4]):
            raise InvestorBenchError(
                "a snapshot without a decision, or without its law, has no score"
            )
        if np.abs(self.weight).max(initial=0.0) > 1.0:
            raise InvestorBenchError(
                f"a weight of {np.abs(self.weight).max():g} cannot be scored: weights of snapshots "
                "lie in [-1, 1]"
            )


def linear_edge(given: SnapshotDecisions) -> FloatArray:
    """w·μ − cost·|w|: what was to be expected, risk left aside [n]."""
    return np.asarray(given.weight * given.mean - paid(given))


def certainty_equivalent(given: SnapshotDecisions, aversion: float = AVERSION) -> FloatArray:
    """w·μ − ½γ·w²·σ² − cost·|w|: the sure return that would be as good [n].

    A linear score always pays the largest weight, and so does log growth within [−1, 1], where the
    best weight of a session is about 6.
    """
    return linear_edge(given) - aversion / 2 * given.weight**2 * given.variance


def edge(given: SnapshotDecisions, aversion: float = AVERSION) -> FloatArray:
    """The headline: linear for sell, hold and buy, the certainty equivalent for weights [n]."""
    return certainty_equivalent(given, aversion) if given.by_weight else linear_edge(given)


def realised(given: SnapshotDecisions) -> FloatArray:
    """w·R − cost·|w|: what came of it, as the environment's reward has it [n]."""
    return np.asarray(given.weight * given.realised - paid(given))


def realised_edge(given: SnapshotDecisions, aversion: float = AVERSION) -> FloatArray:
    """The headline with R in the place of μ: of the same mean, and as lucky as R [n]."""
    return edge(given._replace(mean=given.realised), aversion)


def loss(given: SnapshotDecisions, aversion: float = AVERSION) -> FloatArray:
    """What the best decision would have had more of the headline, never below 0 [n].

    For weights, where trading is free and the best one w* lies inside, it is ½γσ²(w − w*)².
    """
    mean, variance, cost_rate = given.mean, given.variance, given.cost_rate
    if given.by_weight:
        best = best_weight(mean, variance, cost_rate, aversion)
    else:
        best = best_side(mean, cost_rate)
    return np.asarray(edge(given._replace(weight=best), aversion) - edge(given, aversion))


def paid(given: SnapshotDecisions) -> FloatArray:
    """Costs [n]."""
    return np.asarray(given.cost_rate * np.abs(given.weight))


def in_pairs(scores: FloatArray) -> FloatArray:
    """Antithetic pairs as one observation each: means of two that follow one another [n / 2].

    Raises:
        InvestorBenchError: one has no twin.
    """
    if len(scores) % 2:
        raise InvestorBenchError(
            f"{len(scores)} snapshots are no antithetic pairs: play an even number of them"
        )
    return np.asarray(scores.reshape(-1, 2).mean(axis=1))
