"""Many agents at once: is the best one better, which may be the best, what is left of p-values."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from investorbench.tasks.days import ROUNDING, varies
from investorbench.tasks.statistics.estimate import (
    DRAWS,
    IDENTICAL,
    SEED,
    Estimate,
    FloatArray,
    Measure,
    ReturnsError,
    sharpe_of,
    sharpe_scores,
    why_not,
)
from investorbench_env.errors import MissingDependencyError

if TYPE_CHECKING:
    from types import ModuleType

FEWEST_RANDOM = 20
TIE = 1e-9
"""Scores closer than this differ by rounding: one policy in two environments."""
MOST_DRAWS = 20_000


def superiority(
    benchmark: FloatArray,
    agents: FloatArray,
    *,
    block_days: int,
    measure: Measure = "sharpe",
    draws: int = DRAWS,
    seed: int = SEED,
) -> Estimate:
    """The best agent's lead over the benchmark a step; p-value that none is better.

    Hansen's (2005) test for superior predictive ability, the consistent p-value, by ``arch``. Its
    statistic there is not studentised, so each difference is first divided by its standard error.

    Args:
        benchmark: returns [T].
        agents: returns of the same days [A, T].
        block_days: expected length of a block.
        measure: what to compare by.
        draws: how often.
        seed: of the blocks.

    Raises:
        MissingDependencyError: arch is not installed.
    """
    bootstrap = _arch()
    varying = measure == "sharpe"
    if (reason := why_not(benchmark, varying=varying)) is not None:
        return Estimate(reason=reason)
    usable = [agent for agent in agents if why_not(agent, varying=varying) is None]
    gains = _gains([benchmark, *usable], measure)
    gains = gains[1:] - gains[0]
    gains = gains[varies(gains)]
    if not len(gains):
        return Estimate(reason="no agent differs from the benchmark")
    scaled = gains / np.sqrt(_stationary_variance(gains, block_days))[:, None]
    test = bootstrap.SPA(np.zeros(gains.shape[1]), -scaled.T, block_days, draws, seed=seed)
    test.compute()
    best = float(gains.mean(axis=-1).max())
    return Estimate(value=best, p_value=float(test.pvalues["consistent"]))


def confidence_set(
    agents: FloatArray,
    *,
    block_days: int,
    measure: Measure = "sharpe",
    draws: int = DRAWS,
    seed: int = SEED,
) -> list[Estimate]:
    """Of each agent its figure a step, and the p-value that it may be the best.

    Model confidence set (Hansen, Lunde and Nason 2011) by ``arch``: with a chance of at least 95 %
    the best one is among those whose p-value is above 5 %. Agents with equal returns share theirs.

    Args:
        agents: returns of the same days [A, T].
        block_days: expected length of a block.
        measure: what to compare by.
        draws: how often.
        seed: of the blocks.

    Raises:
        MissingDependencyError: arch is not installed.
    """
    bootstrap = _arch()
    reasons = [why_not(agent, varying=measure == "sharpe") for agent in agents]
    usable = [agent for agent, reason in zip(agents, reasons, strict=True) if reason is None]
    if not usable:
        return [Estimate(reason=reason) for reason in reasons]
    gains = _gains(usable, measure)
    _, kept, which = np.unique(
        np.round(gains / ROUNDING), axis=0, return_index=True, return_inverse=True
    )
    if len(kept) == 1:
        lone = f"{IDENTICAL} for all agents" if len(usable) > 1 else "there is no other agent"
        cells = [Estimate(reason=lone)]
    else:
        test = bootstrap.MCS(-gains[kept].T, 0.05, draws, block_days, seed=seed)
        test.compute()
        means, p_values = gains[kept].mean(axis=-1), test.pvalues["Pvalue"]
        cells = [
            Estimate(value=float(mean), p_value=float(p_values.loc[number]))
            for number, mean in enumerate(means)
        ]
    remaining = iter(np.ravel(which).tolist())
    return [Estimate(reason=reason) if reason else cells[next(remaining)] for reason in reasons]


def adjusted_p_values(
    p_values: Sequence[float | None], method: Literal["BH", "BY"] = "BH"
) -> list[float | None]:
    """p-values after control of the false-discovery rate; None stays None and does not count.

    ``BH`` (Benjamini and Hochberg 1995) for tests that depend on one another positively at most,
    such as all agents against one benchmark; ``BY`` (Benjamini and Yekutieli 2001) for any.
    """
    given = np.array([p for p in p_values if p is not None])
    tests = len(given)
    ranks = np.arange(1, tests + 1)
    penalty = float(np.sum(1.0 / ranks)) if method == "BY" else 1.0
    order = np.argsort(given, kind="stable")
    stepped = np.minimum.accumulate((given[order] * tests * penalty / ranks)[::-1])[::-1]
    adjusted = np.empty(tests)
    adjusted[order] = np.minimum(stepped, 1.0)
    remaining = iter(adjusted.tolist())
    return [None if p is None else next(remaining) for p in p_values]


def draws_for(pairs: int, least: int = DRAWS) -> int:
    """How many draws a bootstrap needs so that one pair among many can be distinguishable.

    Its smallest p-value is 1/(draws + 1); after ``BY`` over all pairs that is to be half of 5 %.

    Args:
        pairs: how many are tested.
        least: never fewer.

    Returns:
        The number, at most 20,000: enough for some 20 agents.
    """
    wanted = pairs * sum(1.0 / rank for rank in range(1, pairs + 1)) / (0.05 / 2.0)
    return max(least, min(math.ceil(wanted), MOST_DRAWS))


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


def _gains(agents: Sequence[FloatArray], measure: Measure) -> FloatArray:
    """What each step counts [A, T]; their mean is the Sharpe ratio a step, or the mean return."""
    if measure not in ("sharpe", "return"):
        raise ReturnsError(f"unknown measure {measure!r}; valid: sharpe, return")
    returns = np.array(agents)
    if measure == "return":
        return returns
    return sharpe_scores(returns) + sharpe_of(returns)[:, None]


def _stationary_variance(series: FloatArray, block_days: float) -> FloatArray:
    """Variance of √T times the mean under the stationary bootstrap (Politis and Romano 1994)."""
    days = series.shape[-1]
    centred = series - series.mean(axis=-1, keepdims=True)
    keep = 1.0 - 1.0 / block_days
    lags = np.arange(1, days)
    weights = (1.0 - lags / days) * keep**lags + lags / days * keep ** (days - lags)
    covariances = np.array([np.correlate(row, row, "full")[days - 1 :] / days for row in centred])
    return np.asarray(covariances[:, 0] + 2.0 * covariances[:, 1:] @ weights)


def _arch() -> "ModuleType":
    try:
        import arch.bootstrap
    except ImportError:
        raise MissingDependencyError("arch", "stats", "SPA and the model confidence set") from None
    return arch.bootstrap
