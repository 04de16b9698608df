"""Closed forms for one Sharpe ratio a step: how sure it is, and how lucky the best of many is."""

from dataclasses import dataclass
from math import e, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np

from investorbench.tasks.statistics.estimate import (
    LEVEL,
    Estimate,
    FloatArray,
    ReturnsError,
    sharpe_of,
)

Form = Literal["null", "plug-in"]
"""Whose variance: that at the Sharpe ratio tested against, or at the one observed (2012)."""
NORMAL = NormalDist()
EULER = 0.57722


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Of returns: all that the closed forms know of them.

    Attributes:
        sharpe: Sharpe ratio a step.
        skew: γ3, 0 for a normal distribution.
        kurtosis: γ4, raw: 3 for a normal distribution.
        days: number of returns T.
    """

    sharpe: float
    skew: float
    kurtosis: float
    days: int

    def spread(self, sharpe: float) -> float:
        """T times the variance of a Sharpe ratio whose true value is ``sharpe`` (Mertens 2002)."""
        factor = 1.0 - self.skew * sharpe + (self.kurtosis - 1.0) / 4.0 * sharpe**2
        if factor <= 0.0:
            raise ReturnsError(
                f"skew {self.skew} and kurtosis {self.kurtosis} belong to no distribution"
            )
        return factor


def moments_of(returns: FloatArray) -> Moments:
    """Moments of returns [T], which vary."""
    centred = returns - returns.mean()
    scale = sqrt(float(np.mean(centred**2)))
    return Moments(
        sharpe=float(sharpe_of(returns)),
        skew=float(np.mean((centred / scale) ** 3)),
        kurtosis=float(np.mean((centred / scale) ** 4)),
        days=len(returns),
    )


def probabilistic_sharpe(moments: Moments, above: float = 0.0, form: Form = "null") -> float:
    """PSR: how probable it is that the true Sharpe ratio a step is ``above`` that.

    Bailey and López de Prado (2012); the null form as López de Prado, Lipton and Zoonekynd (2025).
    """
    at, days = (above, moments.days) if form == "null" else (moments.sharpe, moments.days - 1)
    return NORMAL.cdf((moments.sharpe - above) / sqrt(moments.spread(at) / days))


def minimum_track_record(
    moments: Moments, above: float = 0.0, level: float = LEVEL, form: Form = "null"
) -> Estimate:
    """MinTRL: days until PSR(``above``) reaches ``level`` if all stays as it is (2012)."""
    if moments.sharpe <= above:
        return Estimate(reason=f"the Sharpe ratio is not above {above:g}: no number of days is")
    gap = NORMAL.inv_cdf(level) / (moments.sharpe - above)
    if form == "null":
        return Estimate(value=moments.spread(above) * gap**2)
    return Estimate(value=1.0 + moments.spread(moments.sharpe) * gap**2)


def expected_maximum(trials: int) -> float:
    """Of that many standard normal draws (Bailey and López de Prado 2014); 0 of a single one."""
    if trials < 1:
        raise ReturnsError(f"the best of {trials} trials: there must be at least one")
    if trials == 1:
        return 0.0
    first, second = (NORMAL.inv_cdf(1.0 - 1.0 / n) for n in (trials, trials * e))
    return (1.0 - EULER) * first + EULER * second
