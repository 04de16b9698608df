"""Many agents at once: is the best one better, which may be the best; and random policies."""

from typing import TYPE_CHECKING

import numpy as np

from investorbench.tasks.days import varies
from investorbench.tasks.statistics.estimate import SEED, Estimate, FloatArray
from investorbench_env.errors import MissingDependencyError

if TYPE_CHECKING:
    from types import ModuleType

FEWEST_RANDOM = 20
TIE = 1e-9
"""Scores closer than this differ by rounding: one policy in two environments."""
JOINT_DRAWS = 2_000
"""Of tests over all agents, which nothing is adjusted for."""


def superiority(
    gains: FloatArray, *, block: int, draws: int = JOINT_DRAWS, seed: int = SEED
) -> Estimate:
    """The best agent's lead over the benchmark; p-value that none is better.

    Hansen's (2005) test for superior predictive ability, the consistent p-value, by ``arch``. Its
    statistic there is not studentised, so each lead is first divided by its standard error.

    Args:
        gains: what each day or market counts for each agent over the benchmark; the mean is its
            lead [A, U].
        block: expected length of a block.
        draws: how often.
        seed: of the blocks.

    Raises:
        MissingDependencyError: arch is not installed.
    """
    bootstrap = _arch()
    gains = gains[varies(gains)]
    if not len(gains):
        return Estimate(reason="no agent differs from the benchmark")
    scaled = gains / np.sqrt(_stationary_variance(gains, block))[:, None]
    test = bootstrap.SPA(np.zeros(gains.shape[1]), -scaled.T, block, draws, seed=seed)
    test.compute()
    best = float(gains.mean(axis=-1).max())
    return Estimate(value=best, p_value=float(test.pvalues["consistent"]))


def confidence_set(
    gains: FloatArray, *, block: int, draws: int = JOINT_DRAWS, seed: int = SEED
) -> list[Estimate]:
    """Of each agent its figure, and the p-value that it may be the best.

    Model confidence set (Hansen, Lunde and Nason 2011) by ``arch``: with a chance of at least 95 %
    the best one is among those whose p-value is above 5 %.

    Args:
        gains: what each day or market counts for each agent, all of them different [A, U]; the mean
            is its figure.
        block: expected length of a block.
        draws: how often.
        seed: of the blocks.

    Raises:
        MissingDependencyError: arch is not installed.
    """
    bootstrap = _arch()
    if len(gains) < 2:
        return [Estimate(reason="there is no other agent")] * len(gains)
    test = bootstrap.MCS(-gains.T, 0.05, draws, block, seed=seed)
    test.compute()
    means, p_values = gains.mean(axis=-1), test.pvalues["Pvalue"]
    return [
        Estimate(value=float(mean), p_value=float(p_values.loc[number]))
        for number, mean in enumerate(means)
    ]


def random_percentile(score: float, random_scores: FloatArray) -> Estimate:
    """Share of random policies, 0 to 1, that score worse; ties but for rounding count half.

    Args:
        score: of the agent.
        random_scores: of random policies on the same task [N].

    Returns:
        The share, and the p-value that a random policy scores as well.
    """
    number = len(random_scores)
    if number < FEWEST_RANDOM:
        return Estimate(reason=f"{number} random policies, at least {FEWEST_RANDOM} are needed")
    if not np.isfinite(score) or not np.isfinite(random_scores).all():
        return Estimate(reason="a score is missing or not finite")
    below = np.sum(random_scores < score - TIE)
    equal = np.sum(np.abs(random_scores - score) <= TIE)
    return Estimate(
        value=float((below + equal / 2.0) / number),
        p_value=float((number - below + 1) / (number + 1)),
    )


def _stationary_variance(series: FloatArray, block_days: float) -> FloatArray:
    """Variance of √T times the mean under the stationary bootstrap (Politis and Romano 1994)."""
    days = series.shape[-1]
    centred = series - series.mean(axis=-1, keepdims=True)
    keep = 1.0 - 1.0 / block_days
    lags = np.arange(1, days)
    weights = (1.0 - lags / days) * keep**lags + lags / days * keep ** (days - lags)
    covariances = np.array([np.correlate(row, row, "full")[days - 1 :] / days for row in centred])
    weighed = (covariances[:, 1:] * weights).sum(axis=-1)  # to the bit, however many rows there are
    return np.asarray(covariances[:, 0] + 2.0 * weighed)


def _arch() -> "ModuleType":
    try:
        import arch.bootstrap
    except ImportError:
        raise MissingDependencyError("arch", "stats", "a test over all agents") from None
    return arch.bootstrap
