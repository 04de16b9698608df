"""How long until the tests of a table would find a difference, if it is what was seen."""

from math import inf, isfinite, sqrt
from statistics import NormalDist

import numpy as np

from investorbench.tasks.statistics.contrasts import Contrasts
from investorbench.tasks.statistics.estimate import LEVEL, Estimate
from investorbench.tasks.statistics.families import Hypothesis

POWER = 0.80
NORMAL = NormalDist()
NO_DAYS = "repeats differ by too much: more days would not help, more repeats would"


def days_to_distinguish(found: Hypothesis, days: int, level: float = LEVEL) -> Estimate:
    """Days until the test of a family finds a difference with a power of 80 %.

    n with |Δ|/√(variance of n days + between) = c + z(80 %), c its critical value in the family.
    The interval is that of |Δ| alone, by its standard error; it has no end where that includes 0.

    Args:
        found: the difference.
        days: that the difference was seen over.
        level: of the interval.
    """
    value, reason = found.estimate.value, found.estimate.reason
    if reason is not None or value is None or not isfinite(found.critical):
        return Estimate(reason=reason or "no critical value is known")
    margin = NORMAL.inv_cdf((1.0 + level) / 2.0) * sqrt(found.variance + found.between)
    needed = [
        _days(size, found, days)
        for size in (abs(value), abs(value) + margin, max(abs(value) - margin, 0.0))
    ]
    if not isfinite(needed[0]):
        return Estimate(reason=NO_DAYS)
    return Estimate(value=needed[0], low=needed[1], high=needed[2])


def selection_bias(leads: Contrasts) -> float:
    """What picking the largest of several leads adds to it: the mean over draws.

    It is how far the largest of a draw lies above that agent's own value.
    """
    added = 0.0
    for apart, _ in leads.drawn():
        largest = np.argmax(leads.values + apart, axis=1)
        added += float(np.take_along_axis(apart, largest[:, None], axis=1).sum())
    return added / leads.resampling.draws


def _days(size: float, found: Hypothesis, days: int) -> float:
    error = size / (found.critical + NORMAL.inv_cdf(POWER))
    left = error**2 - found.between
    return found.variance * days / left if left > 0.0 else inf
