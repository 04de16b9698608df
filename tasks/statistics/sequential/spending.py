"""Group-sequential boundaries: an error that is spent look by look, over correlated differences.

The error spent up to a share t of the most observations is that of Lan and DeMets (1983) in the
shape of O'Brien and Fleming, 2 − 2Φ(z/√t) on either side. All differences share it: the boundary
of a look is passed by the largest of them, in absolute standard errors, as often as the error that
is new allows, among normal paths of the same correlation that have passed none before.
"""

from dataclasses import dataclass, field
from math import exp, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.statistics.draws import IntArray
from investorbench.tasks.statistics.estimate import FloatArray

BoolArray = npt.NDArray[np.bool_]
NORMAL = NormalDist()
DRAWS = 20_000
SEED = 19_830_411
FEWEST_PATHS = 50
"""A boundary that fewer paths pass is not simulated: Bonferroni's is exact so far out."""
RIDGE = 1e-9
"""Of the usual variance, what is added to each agent's: two that are equal count as two."""


def error_spent(share: float, alpha: float) -> float:
    """The error that may be spent up to a share of the most observations, on both sides."""
    if share >= 1.0:
        return alpha
    return 4.0 * NORMAL.cdf(NORMAL.inv_cdf(alpha / 4.0) / sqrt(share))


def in_students(critical: float, observations: int) -> float:
    """A normal boundary as one of Student's t with an estimated variance (Wallace 1959)."""
    freedom = observations - 1
    scaled = critical * (8.0 * freedom + 3.0) / (8.0 * freedom + 1.0)
    exponent = scaled * scaled / freedom
    return sqrt(freedom * (exp(exponent) - 1.0)) if exponent < 700.0 else float("inf")


class Critical(NamedTuple):
    """Boundaries in normal standard errors.

    Attributes:
        now: of a look.
        at_end: of a single look at the end, below which that of the last one does not lie; None
            early on, where nothing is simulated.
    """

    now: float
    at_end: float | None = None


@dataclass(slots=True, kw_only=True)
class Boundary:
    """The boundaries of one race, look after look.

    Attributes:
        pairs: the agents whose scores are compared [2, P].
        most: observations at which all of the error is spent.
        alpha: the error, over all pairs and looks.
    """

    pairs: IntArray
    most: int
    alpha: float
    _spent: float = 0.0
    _spent_before: float = 0.0
    _observations: int = 0
    _looks: int = 0
    _paths: FloatArray = field(init=False)
    _passed: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        self._paths = np.zeros((self.pairs.shape[1], DRAWS))
        self._passed = np.zeros(DRAWS, dtype=bool)

    def look(self, observations: int, scores: FloatArray) -> Critical:
        """The boundary of the next look.

        Args:
            observations: how many there are; more than at the look before.
            scores: those that all agents have [A, n], whose correlation counts.
        """
        allowed = error_spent(observations / self.most, self.alpha)
        new, self._spent = allowed - self._spent, allowed
        passing = int((allowed - self._spent_before) * DRAWS) - int(self._passed.sum())
        if passing < FEWEST_PATHS and not self._looks:
            self._spent_before = allowed
            return Critical(self._bonferroni(new))
        self._advance(observations, scores)
        largest = np.abs(self._paths).max(axis=0) / sqrt(observations)
        critical = min(self._bonferroni(new), self._passed_by(largest, passing))
        self._passed |= largest >= critical
        return Critical(critical, float(np.quantile(largest, 1.0 - self.alpha)))

    def _advance(self, observations: int, scores: FloatArray) -> None:
        """Let the paths go on by what was observed since, each difference in its own deviation."""
        covariance = np.cov(scores)
        usual = float(np.trace(covariance)) / len(scores)
        covariance = covariance + (RIDGE * usual or 1.0) * np.eye(len(scores))
        factor = np.linalg.cholesky(covariance)
        contrasts = factor[self.pairs[0]] - factor[self.pairs[1]]
        contrasts /= np.linalg.norm(contrasts, axis=1, keepdims=True)
        rng = np.random.default_rng([SEED, self._looks])
        new = contrasts @ rng.standard_normal((len(scores), DRAWS))
        self._paths += sqrt(observations - self._observations) * new
        self._observations, self._looks = observations, self._looks + 1

    def _bonferroni(self, new: float) -> float:
        tail = new / (2.0 * self.pairs.shape[1])
        return -NORMAL.inv_cdf(tail) if tail > 0.0 else float("inf")

    def _passed_by(self, largest: FloatArray, passing: int) -> float:
        """What so many of the paths that are below all boundaries pass."""
        going = largest[~self._passed]
        if passing < FEWEST_PATHS:
            return float("inf")
        return float(np.partition(going, len(going) - passing)[len(going) - passing])


def chance_left(
    mean: float, deviation: float, observations: int, most: int, critical: float, smallest: float
) -> float:
    """The chance to pass a boundary at the end if the difference from here on is the smallest.

    The conditional power of Lan, Simon and Halperin (1982): who stops where it is below γ loses at
    most β/(1 − γ) where β was the chance to miss such a difference.

    Args:
        mean: of the differences.
        deviation: of the differences.
        observations: so far.
        most: at the end.
        critical: boundary at the end, in standard errors.
        smallest: difference of interest.
    """
    left = most - observations
    needed = critical * deviation * sqrt(most) - abs(mean) * observations
    if left <= 0 or deviation == 0.0:
        return float(needed <= 0.0)
    return NORMAL.cdf((left * smallest - needed) / (deviation * sqrt(left)))
