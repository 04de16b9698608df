"""The closed test of two Sharpe ratios on the same days, for independent, normal returns."""

from math import sqrt
from statistics import NormalDist

import numpy as np

from investorbench.tasks.statistics.estimate import (
    IDENTICAL,
    LEVEL,
    ONE_RATIO,
    Estimate,
    FloatArray,
    sharpe_of,
    why_not,
)

NORMAL = NormalDist()
NO_SPREAD = 1e-12
"""A variance of the difference below it is rounding."""


def jobson_korkie(first: FloatArray, second: FloatArray, level: float = LEVEL) -> Estimate:
    """SR a step of the first less that of the second, p-value of no difference, two-sided.

    z = (SR1 − SR2)/√(V/T) with V = 2 − 2ρ + ½(SR1² + SR2² − 2·SR1·SR2·ρ²); Jobson and Korkie (1981)
    as corrected by Memmel (2003).

    Args:
        first: returns [T].
        second: returns of the same days [T].
        level: of the interval.
    """
    if (reason := why_not(first, second)) is not None:
        return Estimate(reason=reason)
    if np.array_equal(first, second):
        return Estimate(reason=IDENTICAL)
    a, b = float(sharpe_of(first)), float(sharpe_of(second))
    rho = float(np.corrcoef(first, second)[0, 1])
    spread = 2.0 - 2.0 * rho + 0.5 * (a**2 + b**2 - 2.0 * a * b * rho**2)
    if spread <= NO_SPREAD:
        return Estimate(reason=ONE_RATIO)
    error = sqrt(spread / len(first))
    margin = NORMAL.inv_cdf((1.0 + level) / 2.0) * error
    return Estimate(
        value=a - b,
        low=a - b - margin,
        high=a - b + margin,
        p_value=2.0 * NORMAL.cdf(-abs(a - b) / error),
    )
