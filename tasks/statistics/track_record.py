"""How sure a Sharpe ratio above 0 is, where days depend on each other and repeats differ.

Closed forms take returns to be independent. Their variance is multiplied by that of dependent days
over that of independent ones, and what repeats differ in for good stays however many days come.
"""

from math import sqrt
from statistics import NormalDist

import numpy as np

from investorbench.tasks.statistics.estimate import LEVEL, Estimate
from investorbench.tasks.statistics.scores import (
    MeanFigure,
    Scored,
    long_run_variance,
    variance_of_mean,
)

NORMAL = NormalDist()


def probability_above_zero(figure: MeanFigure, variance: float) -> Estimate:
    """PSR(0) of a mean Sharpe ratio (Bailey and López de Prado 2012, null form of 2025).

    Args:
        figure: the Sharpe ratio a step.
        variance: of its value over other days or markets, see ``variance_without_skill``.
    """
    return Estimate(value=NORMAL.cdf(figure.value / sqrt(variance + figure.between)))


def days_until_sure(
    figure: MeanFigure, variance: float, days: int, level: float = LEVEL
) -> Estimate:
    """MinTRL: days until ``probability_above_zero`` reaches a level if all stays as it is.

    Args:
        figure: the Sharpe ratio a step.
        variance: of its value, as above.
        days: over which it is.
        level: to reach.
    """
    if figure.value <= 0.0:
        return Estimate(reason="the Sharpe ratio is not above 0: no number of days is")
    left = (figure.value / NORMAL.inv_cdf(level)) ** 2 - figure.between
    if left <= 0.0:
        return Estimate(reason="repeats differ by more than that: no number of days is enough")
    return Estimate(value=variance * days / left)


def variance_without_skill(scored: Scored, scale: float = 1.0) -> float:
    """Variance of the mean Sharpe ratio of repeats whose true one is 0, over other days like these.

    1/T of a single run whose days are independent, times the long-run variance of the scores that
    all repeats have on average over the mean variance of a run's own.

    Args:
        scored: the Sharpe ratio of each repeat.
        scale: what a Sharpe ratio a step was multiplied with.
    """
    dependent = float(long_run_variance(scored.scores.mean(axis=0)))
    independent = float(np.mean(scored.scores**2))
    days: int = scored.scores.shape[-1]
    return scale**2 * dependent / independent / days


def variance_over_markets(figure: MeanFigure) -> float:
    """The same where each repeat has a market of its own."""
    return float(variance_of_mean(figure.scores, "market"))
