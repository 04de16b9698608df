"""Two agents on the same days: the difference of their Sharpe ratios a step, and its tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Self

import numpy as np
import numpy.typing as npt

from investorbench.tasks.days import varies
from investorbench.tasks.statistics.estimate import (
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
DRAWS_AT_ONCE = 1000
"""Of many pairs, so that what is held at a time does not grow with the draws."""
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


def days_to_distinguish(
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
        return Estimate(reason="there is no difference: no number of days would show one")
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
    both = {"first": first, "second": second}
    (estimate,) = ledoit_wolf_pairs(
        both, [("first", "second")], block_days=block_days, draws=draws, level=level, seed=seed
    )
    return estimate


def ledoit_wolf_pairs(
    returns: Mapping[str, FloatArray],
    pairs: Sequence[tuple[str, str]],
    *,
    block_days: int,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = SEED,
) -> list[Estimate]:
    """``ledoit_wolf`` of many pairs, the same days drawn for all.

    Args:
        returns: of the same days, by name [T] each.
        pairs: the names of each pair.
        block_days: length of a block.
        draws: how often.
        level: of the interval.
        seed: of the blocks.
    """
    reasons = {two: _why_not(*(returns[name] for name in two)) for two in pairs}
    tested = [two for two in pairs if reasons[two] is None]
    needed = {name: returns[name] for two in tested for name in two}
    days = len(next(iter(returns.values()), ()))
    if tested and not 1 <= block_days <= days // 2:
        raise ReturnsError(f"blocks of {block_days} days: give 1 to {days // 2}, half of the days")
    differences = {two: _sharpe_difference(*(returns[name] for name in two)) for two in tested}
    distances: dict[tuple[str, str], list[FloatArray]] = {two: [] for two in tested}
    chance = np.random.default_rng(seed)
    for begun in range(0, draws if tested else 0, DRAWS_AT_ONCE):
        number = min(DRAWS_AT_ONCE, draws - begun)
        starts = chance.integers(days, size=(number, days // block_days))
        redrawn = {name: Redrawn.of(own, starts, block_days) for name, own in needed.items()}
        for two in tested:
            one, other = (redrawn[name] for name in two)
            distances[two].append(_studentised(one, other, differences[two]))
    found = {
        (one, other): _tested(
            returns[one], returns[other], differences[one, other], np.concatenate(parts), level
        )
        for (one, other), parts in distances.items()
    }
    return [found[two] if two in found else Estimate(reason=reasons[two]) for two in pairs]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Redrawn:
    """What follows from draws of an agent's returns, which all its pairs share.

    Attributes:
        ratios: Sharpe ratio a step of each draw [draws].
        sums: scores of each draw, added up over each block [draws, blocks].
        varies: whether the returns of a draw do [draws]; where not, the others are 0.
        block_days: length of a block.
    """

    ratios: FloatArray
    sums: FloatArray
    varies: npt.NDArray[np.bool_]
    block_days: int

    @classmethod
    def of(cls, returns: FloatArray, starts: npt.NDArray[np.int64], block_days: int) -> Self:
        """Returns [T] in circular blocks that begin on these days [draws, blocks]."""
        draws, blocks = starts.shape
        days = (starts[:, :, None] + np.arange(block_days)) % len(returns)
        drawn = returns[days].reshape(draws, -1)
        does_vary = varies(drawn)
        ratios, sums = np.zeros(draws), np.zeros((draws, blocks))
        ratios[does_vary] = sharpe_of(drawn[does_vary])
        scores = sharpe_scores(drawn[does_vary])
        sums[does_vary] = scores.reshape(-1, blocks, block_days).sum(axis=-1)
        return cls(ratios=ratios, sums=sums, varies=does_vary, block_days=block_days)


def _sharpe_difference(first: FloatArray, second: FloatArray) -> float:
    return float(sharpe_of(first) - sharpe_of(second))


def _studentised(first: Redrawn, second: Redrawn, difference: float) -> FloatArray:
    """|Δ* − Δ| in its own standard errors [draws].

    It is infinite, which counts against a difference, where drawn returns do not vary.
    """
    sums = first.sums - second.sums
    length = first.block_days
    errors = np.sqrt(np.mean(sums**2, axis=-1) / length / (sums.shape[1] * length))
    distances = np.abs(first.ratios - second.ratios - difference)
    usable = (errors > 0.0) & first.varies & second.varies
    return np.asarray(
        np.divide(distances, errors, out=np.full_like(distances, np.inf), where=usable)
    )


def _tested(
    first: FloatArray, second: FloatArray, difference: float, distances: FloatArray, level: float
) -> Estimate:
    """A difference beside how far those of draws lie from it, in standard errors."""
    days = len(first)
    scores = sharpe_scores(first) - sharpe_scores(second)
    if np.mean(scores**2) <= NO_SPREAD:
        return Estimate(reason=ONE_RATIO)
    error = sqrt(long_run_variance(scores) * days / (days - 4) / days)
    margin = float(np.quantile(distances, level, method="higher")) * error
    if not np.isfinite(margin):
        return Estimate(reason="too few returns vary: most draws have no Sharpe ratio")
    beyond = int(np.sum(distances >= abs(difference) / error))
    return Estimate(
        value=difference,
        low=difference - margin,
        high=difference + margin,
        p_value=(beyond + 1) / (len(distances) + 1),
    )


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
