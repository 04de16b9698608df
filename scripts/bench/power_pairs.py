"""How many decisions it takes to distinguish neighbours among five policies, by kinds of score."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.scripts.bench.snapshot_pool import POLICIES, Pool
from investorbench.tasks.snapshots.controlled import controlled
from investorbench.tasks.snapshots.figures import figures_of
from investorbench.tasks.snapshots.power import SIZE, decisions_needed
from investorbench.tasks.snapshots.references import SnapshotReference
from investorbench.tasks.snapshots.scores import (
    BPS,
    SnapshotDecisions,
    edge,
    in_pairs,
    realised_edge,
)

FloatArray = npt.NDArray[np.float64]

Z = NormalDist().inv_cdf(1 - SIZE / 2)
SEED = 91_000
"""Of the draws of samples."""


class Samples(NamedTuple):
    """Samples that are drawn from a pool, with replacement: how many, of how many decisions."""

    number: int
    decisions: int


class ByScore(NamedTuple):
    """What one kind of score says of two agents.

    Attributes:
        spread: standard deviation of their difference over observations, in basis points.
        decisions: for 80 % power at 5 %.
        found: the share of samples that distinguish them.
    """

    spread: float
    decisions: float
    found: float


class Pair(NamedTuple):
    """Two neighbours in the order.

    Attributes:
        better, worse: their names.
        difference: of their mean edges, in basis points a decision.
        expected, realised: by either return; both have the same mean.
        controlled: by expected ones, with the filter's edge as a control variate.
        antithetic: by expected ones of antithetic pairs; None where none were drawn.
    """

    better: str
    worse: str
    difference: float
    expected: ByScore
    realised: ByScore
    controlled: ByScore
    antithetic: ByScore | None

    @property
    def name(self) -> str:
        """Both."""
        return f"{self.better} − {self.worse}"

    @property
    def fewer(self) -> float:
        """By what factor expected returns need fewer decisions than realised ones."""
        return self.realised.decisions / self.expected.decisions


class PolicyOrder(NamedTuple):
    """The policies on one task: intervals of their figures by name, and neighbours."""

    horizon: int
    action: str
    constant: float
    figures: Mapping[str, Mapping[str, Sequence[float | None]]]
    pairs: Sequence[Pair]


def order_of(
    pool: Pool,
    action: str,
    reference: SnapshotReference,
    samples: Samples,
    mirrored: Pool | None = None,
) -> PolicyOrder:
    """The policies on a pool.

    Args:
        pool: of independent snapshots.
        action: one of ``ACTIONS``.
        reference: of the task.
        samples: to draw.
        mirrored: a pool of antithetic pairs.
    """
    decided = _decided(pool, action, reference)
    twins = None if mirrored is None else _decided(mirrored, action, reference)
    figures = {
        name: {
            key: (cell.value, cell.low, cell.high)
            for key, cell in figures_of(own, reference, decided["filter"])._asdict().items()
        }
        for name, own in decided.items()
    }
    pairs = [_pair(names, decided, twins, reference, samples) for names in pairwise(POLICIES)]
    return PolicyOrder(pool.horizon, action, reference.constant, figures, pairs)


def _decided(pool: Pool, action: str, reference: SnapshotReference) -> dict[str, SnapshotDecisions]:
    return {name: pool.decisions(name, action, reference.constant) for name in POLICIES}


def _pair(
    names: tuple[str, str],
    decided: Mapping[str, SnapshotDecisions],
    twins: Mapping[str, SnapshotDecisions] | None,
    reference: SnapshotReference,
    samples: Samples,
) -> Pair:
    better, worse = names
    gap = edge(decided[better]) - edge(decided[worse])
    noisy = realised_edge(decided[better]) - realised_edge(decided[worse])
    surprise = edge(decided["filter"]) - reference.filter
    rest = gap - controlled(gap, surprise).slope * surprise
    difference = float(gap.mean())
    antithetic = None
    if twins is not None:
        both = in_pairs(edge(twins[better]) - edge(twins[worse]))
        antithetic = by_score(both, difference, samples, each=2)
    return Pair(
        *names,
        difference * BPS,
        by_score(gap, difference, samples),
        by_score(noisy, difference, samples),
        by_score(rest, difference, samples),
        antithetic,
    )


def by_score(gaps: FloatArray, difference: float, samples: Samples, *, each: int = 1) -> ByScore:
    """What a score says of two agents.

    Args:
        gaps: the better's less the worse's, by observation [n].
        difference: their true mean, as well as it is known.
        samples: to draw.
        each: decisions in an observation.
    """
    spread = float(gaps.std(ddof=1))
    size = samples.number, samples.decisions // each
    drawn = gaps[np.random.default_rng(SEED).integers(len(gaps), size=size)]
    errors = drawn.std(axis=1, ddof=1) / np.sqrt(size[1])
    found = float((drawn.mean(axis=1) > Z * errors).mean())
    return ByScore(spread * BPS, each * decisions_needed(difference, spread), found)


def plain(value: Any) -> Any:
    """Named tuples as JSON values, numbers to four digits after the point."""
    if isinstance(value, float):
        return round(value, 4)
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value
