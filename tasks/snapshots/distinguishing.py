"""What a table of snapshots can distinguish, and what it would take to distinguish more."""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.snapshots.power import SIZE, decisions_needed, smallest_difference

FloatArray = npt.NDArray[np.float64]


class PairNeeds(NamedTuple):
    """Two agents.

    Attributes:
        difference: of their mean scores, the first less the second.
        spread: standard deviation of that difference over observations.
        observations: that distinguish a difference of this size with 80 % power at 5 %, in a test
            of these two alone; infinitely many where there is none.
    """

    difference: float
    spread: float
    observations: float


class SeenDifference(NamedTuple):
    """Differences that are seen with 80 % power, of the pair that varies least, and the one most.

    Attributes:
        least, most: in a test of two agents alone.
        least_of_all, most_of_all: in tests of all pairs at once, by Bonferroni.
    """

    least: float
    most: float
    least_of_all: float
    most_of_all: float


def pair_needs(one: FloatArray, other: FloatArray) -> PairNeeds:
    """What it takes to distinguish two agents, from scores on the same snapshots [n] each."""
    gap = one - other
    difference, spread = float(gap.mean()), float(gap.std(ddof=1))
    needed = decisions_needed(difference, spread) if spread else float("inf")
    return PairNeeds(difference, spread, needed)


def seen_difference(scores: Mapping[str, FloatArray]) -> SeenDifference | None:
    """What so many observations show; None where no two agents differ in any, or there are few.

    Args:
        scores: of each agent on the same snapshots [n] each.
    """
    pairs = list(combinations(scores.values(), 2))
    spreads = [float((one - other).std(ddof=1)) for one, other in pairs if len(one) > 1]
    varying = [spread for spread in spreads if spread > 0.0]
    if not varying:
        return None
    n = len(pairs[0][0])
    ends = min(varying), max(varying)
    of_two = [smallest_difference(n, each) for each in ends]
    of_all = [smallest_difference(n, each, size=SIZE / len(pairs)) for each in ends]
    return SeenDifference(*of_two, *of_all)
