"""Two agents on the same days: the difference of their Sharpe ratios a step, and its tests."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Self

import numpy as np
import numpy.typing as npt

from tasks.statistics.estimate import (
    DRAWS,
    IDENTICAL,
    LEVEL,
    ONE_RATIO,
    SEED,
    Estimate,
    FloatArray,
    ReturnsError,
    sharpe_of,
    sharpe_scores,
    why_not,
)

NORMAL = NormalDist()
SIZE, POWER = 0.05, 0.80
NO_SPREAD = 1e-12
"""A variance of the difference below it is rounding."""


def jobson_korkie(first: FloatArray, second: FloatArray, level: float = LEVEL) -> Estimate:
    """SR of the first − SR of the second, p-value of no difference, two-sided.

    z = (SR1 − SR2)/√(V/T); Jobson and Korkie (1981) as corrected by Memmel (2003). It takes
    returns to be independent and normal; ``ledoit_wolf`` does not.

    Args:
        first: returns [T].
        second: returns of the same days [T].
        level: of the interval.
    """
    spread = jobson_korkie_spread(first, second)
    if spread.value is None:
        return spread
    error = sqrt(spread.value / len(first))
    difference = float(sharpe_of(first) - sharpe_of(second))
    margin = NORMAL.inv_cdf((1.0 + level) / 2.0) * error
    return Estimate(
        value=difference,
        low=difference - margin,
        high=difference + margin,
        p_value=2.0 * NORMAL.cdf(-abs(difference) / error),
    )


def jobson_korkie_spread(first: FloatArray, second: FloatArray) -> Estimate:
    """V = 2 − 2ρ + ½(SR1² + SR2² − 2·SR1·SR2·ρ²), T times the difference's variance."""
    if (reason := _why_not(first, second)) is not None:
        return Estimate(reason=reason)
    a, b = float(sharpe_of(first)), float(sharpe_of(second))
    rho = float(np.corrcoef(first, second)[0, 1])
    spread = 2.0 - 2.0 * rho + 0.5 * (a**2 + b**2 - 2.0 * a * b * rho**2)
    return Estimate(value=spread) if spread > NO_SPREAD else Estimate(reason=ONE_RATIO)


def days_to_tell_apart(
    first: FloatArray, second: FloatArray, size: float = SIZE, power: float = POWER
) -> Estimate:
    """Days after which a Jobson–Korkie–Memmel test finds the difference seen, if it is real."""
    spread = jobson_korkie_spread(first, second)
    if spread.value is None:
        return spread
    return days_until(float(sharpe_of(first) - sharpe_of(second)), spread.value, size, power)


def days_until(
    difference: float, spread: float, size: float = SIZE, power: float = POWER
) -> Estimate:
    """Days until a two-sided test of that size finds a difference with that power.

    Args:
        difference: of two figures a step.
        spread: T times the variance of its estimate over T days.
        size: how often a difference may be found that is not there.
        power: how often one that is there must be found.
    """
    if difference == 0.0:
        return Estimate(reason="there is no difference: no number of days tells them apart")
    z = NORMAL.inv_cdf(1.0 - size / 2.0) + NORMAL.inv_cdf(power)
    return Estimate(value=z**2 * spread / difference**2)


def ledoit_wolf(
    first: FloatArray,
    second: FloatArray,
    *,
    block_days: int,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = SEED,
) -> Estimate:
    """SR of the first − SR of the second, p-value of no difference, two-sided.

    A studentised circular block bootstrap (Ledoit and Wolf 2008), which allows for fat tails and
    for dependence from day to day. The standard error of the sample is a HAC one, that of a draw
    comes from its blocks.

    Args:
        first: returns [T].
        second: returns of the same days [T].
        block_days: length of a block.
        draws: how often.
        level: of the interval.
        seed: of the blocks.
    """
    if (reason := _why_not(first, second)) is not None:
        return Estimate(reason=reason)
    one, other = (
        Redrawn.of(returns, block_days=block_days, draws=draws, seed=seed)
        for returns in (first, second)
    )
    return ledoit_wolf_of(one, other, level)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Redrawn:
    """Returns with what their draws come to, which all pairs of an agent share.

    Attributes:
        returns: as they were [T].
        ratios: Sharpe ratio a step of each draw [draws].
        sums: scores of each draw, added up over each block [draws, blocks].
        varies: whether the returns of a draw do [draws]; where not, the others are 0.
        block_days: length of a block.
    """

    returns: FloatArray
    ratios: FloatArray
    sums: FloatArray
    varies: npt.NDArray[np.bool_]
    block_days: int

    @classmethod
    def of(cls, returns: FloatArray, *, block_days: int, draws: int, seed: int) -> Self:
        """Draw circular blocks; with the same arguments, the same days for every agent.

        Returns too few or not finite are not drawn from: their pairs have a reason instead.
        """
        days = len(returns)
        if why_not(returns) is not None:
            return cls(
                returns=returns, ratios=np.zeros(0), sums=np.zeros((0, 0)),
                varies=np.zeros(0, dtype=np.bool_), block_days=block_days,
            )  # fmt: skip
        if not 1 <= block_days <= days // 2:
            raise ReturnsError(
                f"blocks of {block_days} days: give 1 to {days // 2}, half of the days"
            )
        blocks = days // block_days
        starts = np.random.default_rng(seed).integers(days, size=(draws, blocks))
        drawn = returns[(starts[:, :, None] + np.arange(block_days)) % days].reshape(draws, -1)
        varies = np.ptp(drawn, axis=-1) > 0.0
        ratios, sums = np.zeros(draws), np.zeros((draws, blocks))
        ratios[varies] = sharpe_of(drawn[varies])
        sums[varies] = sharpe_scores(drawn[varies]).reshape(-1, blocks, block_days).sum(axis=-1)
        return cls(returns=returns, ratios=ratios, sums=sums, varies=varies, block_days=block_days)


def ledoit_wolf_of(first: Redrawn, second: Redrawn, level: float = LEVEL) -> Estimate:
    """``ledoit_wolf`` of returns whose draws are there already."""
    if (reason := _why_not(first.returns, second.returns)) is not None:
        return Estimate(reason=reason)
    days, draws = len(first.returns), len(first.ratios)
    scores = sharpe_scores(first.returns) - sharpe_scores(second.returns)
    if np.mean(scores**2) <= NO_SPREAD:
        return Estimate(reason=ONE_RATIO)
    difference = float(sharpe_of(first.returns) - sharpe_of(second.returns))
    error = sqrt(long_run_variance(scores) * days / (days - 4) / days)
    distances = _studentised(first, second, difference)
    margin = float(np.quantile(distances, level, method="higher")) * error
    if not np.isfinite(margin):
        return Estimate(reason="too few returns vary: most draws have no Sharpe ratio")
    beyond = int(np.sum(distances >= abs(difference) / error))
    return Estimate(
        value=difference,
        low=difference - margin,
        high=difference + margin,
        p_value=(beyond + 1) / (draws + 1),
    )


def _studentised(first: Redrawn, second: Redrawn, difference: float) -> FloatArray:
    """|Δ* − Δ| in its own standard errors [draws].

    It is infinite, which counts against a difference, where drawn returns do not vary.
    """
    sums = first.sums - second.sums
    length = first.block_days
    errors = np.sqrt(np.mean(sums**2, axis=-1) / length / (sums.shape[1] * length))
    apart = np.abs(first.ratios - second.ratios - difference)
    usable = (errors > 0.0) & first.varies & second.varies
    return np.asarray(np.divide(apart, errors, out=np.full_like(apart, np.inf), where=usable))


def long_run_variance(scores: FloatArray) -> float:
    """HAC variance of scores [T] with mean 0: quadratic-spectral kernel, bandwidth of an AR(1).

    Andrews (1991), equations 2.7, 5.2 and 6.4.
    """
    days = len(scores)
    covariances = np.correlate(scores, scores, "full")[days - 1 :] / days
    rho = float(np.clip(covariances[1] / covariances[0], -0.97, 0.97))
    bandwidth = 1.3221 * (4.0 * rho**2 / (1.0 - rho) ** 4 * days) ** 0.2
    if bandwidth < 1e-6:
        return float(covariances[0])
    x = 1.2 * np.pi * np.arange(1, days) / bandwidth
    weights = 3.0 / x**2 * (np.sin(x) / x - np.cos(x))
    return float(covariances[0] + 2.0 * weights @ covariances[1:])


def _why_not(first: FloatArray, second: FloatArray) -> str | None:
    reason = why_not(first, second)
    if reason is None and np.array_equal(first, second):
        return IDENTICAL
    return reason
