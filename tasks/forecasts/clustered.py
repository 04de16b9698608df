"""Means and rank correlations of observations that are independent only from cluster to cluster."""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from investorbench.tasks.statistics.estimate import LEVEL, Estimate
from investorbench.tasks.wording import count

FloatArray = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]

FEWEST_CLUSTERS = 20
"""Below it an error of a mean over clusters means nothing."""


def clustered_mean(
    values: FloatArray,
    clusters: Clusters,
    overlap: int = 1,
    *,
    fewest: int = FEWEST_CLUSTERS,
    level: float = LEVEL,
    neighbours: float = 0.0,
) -> Estimate:
    """The mean of values with an interval by the spread between clusters.

    Args:
        values: [N].
        clusters: of each, such as the number of its day [N].
        overlap: clusters whose numbers differ by less may depend on each other, too.
        fewest: independent clusters for an interval; few do where each is itself a mean of many.
        level: of the interval.
        neighbours: how far sums of clusters whose numbers differ by one are correlated, where that
            is known beforehand: few clusters cannot tell it themselves.
    """
    if not len(values):
        return Estimate(reason="there are none")
    mean = float(values.mean())
    number = _independent(clusters, overlap)
    if (reason := _too_few(number, fewest)) is not None:
        return Estimate(value=mean, reason=reason)
    half = _quantile(number, level) * _error(values - mean, clusters, overlap, neighbours)
    return Estimate(value=mean, low=mean - half, high=mean + half)


def rank_correlation(
    first: FloatArray,
    second: FloatArray,
    clusters: Clusters,
    overlap: int = 1,
    *,
    fewest: int = FEWEST_CLUSTERS,
    neighbours: float = 0.0,
) -> Estimate:
    """Spearman's rank correlation, ties at their mean rank, with a clustered interval.

    The error is that of its influence function, which knows that ranks are estimated, too; the
    interval is symmetric in Fisher's z.

    Args:
        first, second: [N] each.
        clusters: of each pair [N].
        overlap: clusters whose numbers differ by less may depend on each other, too.
        fewest: independent clusters for an interval.
        neighbours: how far clusters whose numbers differ by one are correlated, as of a mean.
    """
    number = _independent(clusters, overlap)
    if len(first) < 2 or _is_constant(first) or _is_constant(second):
        return Estimate(reason="what is ranked does not vary")
    u, v = _Ranked(first), _Ranked(second)
    both = float((u.places * v.places).mean())
    of_u, of_v = float((u.places**2).mean()), float((v.places**2).mean())
    value = both / math.sqrt(of_u * of_v)
    if (reason := _too_few(number, fewest)) is not None:
        return Estimate(value=value, reason=reason)
    moved = u.places * v.places + u.above(v.places) + v.above(u.places) - 3.0 * both
    spread_u, spread_v = u.spread_influence(of_u), v.spread_influence(of_v)
    influence = moved / math.sqrt(of_u * of_v) - value / 2.0 * (spread_u / of_u + spread_v / of_v)
    if 1.0 - value**2 < 1e-12:
        return Estimate(value=value, reason="the ranks are the same, or reversed")
    error = _error(influence, clusters, overlap, neighbours)
    half = _quantile(number) * error / (1.0 - value**2)
    z = math.atanh(value)
    return Estimate(value=value, low=math.tanh(z - half), high=math.tanh(z + half))


class _Ranked:
    """Values by their ranks.

    Attributes:
        places: P(X' < x) + ½ P(X' = x) − ½ over the sample [N].
    """

    def __init__(self, values: FloatArray) -> None:
        _, self._group, self._sizes = np.unique(values, return_inverse=True, return_counts=True)
        below = np.cumsum(self._sizes) - self._sizes
        self.places = ((below + self._sizes / 2.0) / len(values) - 0.5)[self._group]

    def above(self, weights: FloatArray) -> FloatArray:
        """Σ of weights of larger values, and half of those of equal ones, over N; they sum to 0."""
        of_group = np.bincount(self._group, weights, minlength=len(self._sizes))
        larger = of_group.sum() - np.cumsum(of_group)
        return np.asarray((larger + of_group / 2.0)[self._group] / len(weights))

    def spread_influence(self, spread: float) -> FloatArray:
        """How each value moves the variance of the places [N]."""
        return np.asarray(self.places**2 + 2.0 * self.above(self.places) - 3.0 * spread)


def _error(influence: FloatArray, clusters: Clusters, overlap: int, neighbours: float) -> float:
    """Standard error of a mean by what each observation adds to it, clusters summed.

    Sums of clusters near each other are multiplied as they are (Hansen and Hodrick, 1980); where
    that comes to less than clusters by themselves, these count. A correlation of neighbours that
    is known makes the sum of all vary by more, and sums about their mean by less.
    """
    numbers, places = np.unique(clusters, return_inverse=True)
    sums = np.bincount(places, influence)
    own = float((sums**2).sum())
    up_to = np.append(0.0, np.cumsum(sums))
    last = np.searchsorted(numbers, numbers + overlap)
    total = own + 2.0 * float((sums * (up_to[last] - up_to[1:])).sum())
    together = len(numbers) + 2.0 * neighbours * np.count_nonzero(np.diff(numbers) == 1)
    freedom = together / (len(numbers) - together / len(numbers))
    return math.sqrt(max(total, own) * freedom) / len(influence)


def _independent(clusters: Clusters, overlap: int) -> int:
    """How many clusters there are of which no two depend on each other, from the first on."""
    number, free_from = 0, -math.inf
    for cluster in np.unique(clusters).tolist():
        if cluster >= free_from:
            number, free_from = number + 1, cluster + overlap
    return number


def _quantile(clusters: int, level: float = LEVEL) -> float:
    """Of Student's law with one degree less than clusters, by its expansion in the normal's.

    Few clusters take two terms more; with 4 of them it is .1 % off at 95 %, and 1 % at 99 %.
    """
    z, freedom = NormalDist().inv_cdf((1.0 + level) / 2.0), clusters - 1
    first = (z**3 + z) / (4.0 * freedom)
    found = z + first + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * freedom**2)
    if clusters >= FEWEST_CLUSTERS:
        return found
    third = (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / (384.0 * freedom**3)
    fourth = 79.0 * z**9 + 776.0 * z**7 + 1482.0 * z**5 - 1920.0 * z**3 - 945.0 * z
    return found + third + fourth / (92_160.0 * freedom**4)


def _too_few(clusters: int, fewest: int) -> str | None:
    if clusters >= fewest:
        return None
    found = count(clusters, "independent observation")
    return f"{found}, at least {fewest} are needed"


def _is_constant(values: FloatArray) -> bool:
    return bool((values == values[0]).all())
