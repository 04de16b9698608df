"""Confidence sequences: intervals that hold at every look at once, however many there are.

The asymptotic one is that of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024) with a delayed
start, whose boundary is Robbins' (1970); the other is the empirical-Bernstein one with predictable
weights of Waudby-Smith and Ramdas (2024), which needs a bound and holds for any number.
"""

from functools import lru_cache
from math import log, pi, sqrt
from statistics import NormalDist

import numpy as np

from investorbench.tasks.statistics.estimate import FloatArray

NORMAL = NormalDist()
BURN_IN = 100
"""Observations before the first look that counts; the approximation is by a normal law."""
MOST_WEIGHT = 0.5
"""Of one observation in the empirical-Bernstein sequence: the authors' choice."""


def critical_at(observations: int, alpha: float, burn_in: int = BURN_IN) -> float:
    """Standard errors on either side of the mean, at all looks from the burn-in on."""
    if observations < burn_in:
        return float("inf")
    return sqrt(_start(alpha) ** 2 + log(observations / burn_in))


@lru_cache
def _start(alpha: float) -> float:
    """The a with 2(1 − Φ(a) + a·φ(a)) = α, by bisection.

    With that chance a Brownian path passes √(t(a² + ln(t/m))) at some t ≥ m.
    """
    low, high = 1.0, 40.0
    while high - low > 1e-12:
        middle = (low + high) / 2.0
        density = np.exp(-middle * middle / 2.0) / sqrt(2.0 * pi)
        chance = 2.0 * (NORMAL.cdf(-middle) + middle * density)
        low, high = (middle, high) if chance > alpha else (low, middle)
    return high


def empirical_bernstein(
    values: FloatArray, low: float, high: float, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """Intervals of the means of values [..., n] that lie within [low, high], at the last of them.

    The mean is weighted: an observation counts the less, the more vary and the later it is.
    """
    unit = (values - low) / (high - low)
    count = np.arange(1, unit.shape[-1] + 1)
    means = (0.5 + np.cumsum(unit, axis=-1)) / (count + 1)
    spread = (0.25 + np.cumsum((unit - means) ** 2, axis=-1)) / (count + 1)
    before_mean, before_spread = _delayed(means, 0.5), _delayed(spread, 0.25)
    bits = log(2.0 / alpha)
    weights = np.sqrt(2.0 * bits / (before_spread * count * np.log1p(count)))
    weights = np.minimum(weights, MOST_WEIGHT)
    charge = (unit - before_mean) ** 2 * (-np.log1p(-weights) - weights)
    total = weights.sum(axis=-1)
    centre = (weights * unit).sum(axis=-1) / total
    margin = (bits + charge.sum(axis=-1)) / total
    scale = high - low
    return low + scale * (centre - margin), low + scale * (centre + margin)


def _delayed(values: FloatArray, first: float) -> FloatArray:
    """What was known before each observation."""
    return np.concatenate([np.full((*values.shape[:-1], 1), first), values[..., :-1]], axis=-1)
