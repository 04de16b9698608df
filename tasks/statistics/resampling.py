"""Days drawn again in blocks, the same for all agents, and what that says of their scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from investorbench.tasks.days import ROUNDING, varies
from investorbench.tasks.metrics import performance
from investorbench.tasks.statistics.draws import BlockLength, IntArray, politis_white
from investorbench.tasks.statistics.estimate import (
    DRAWS,
    LEVEL,
    SEED,
    Estimate,
    FloatArray,
    ReturnsError,
    require_same_days,
    sharpe_of,
    why_not,
)
from investorbench_env.protocols import Convention

RUINED = "the account was ruined: such a return does not compound"


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceSplit:
    """Variance of an agent's Sharpe ratio a step: what the market and what the agent adds.

    Attributes:
        path: over other days like these, with an agent's own randomness averaged out.
        repeat: over repeats on the same days.
        error: standard error of the mean over these repeats, √(path + repeat/R).
        repeats: how many there are, R.
        reason: why there is no split; then the figures are None.
    """

    path: float | None = None
    repeat: float | None = None
    error: float | None = None
    repeats: int
    reason: str | None = None


def block_length(returns: FloatArray) -> BlockLength:
    """One length for all agents [A, T]: the mean of theirs, rounded.

    Returns that do not vary have none and are left out; without any, it is 1.

    Raises:
        ReturnsError: too few returns.
    """
    if (reason := why_not(returns, varying=False)) is not None:
        raise ReturnsError(f"no block length: {reason}")
    lengths = [politis_white(row) for row in returns if varies(row)]
    known = [length for length in lengths if np.isfinite(length)] or [1.0]
    return BlockLength(
        days=max(1, round(float(np.mean(known)))), rule="Politis–White, mean over agents"
    )


def cube_root_block(days: int) -> BlockLength:
    """The length that T^(1/3) gives, for where there are too few days to find another."""
    return BlockLength(
        days=max(1, round(days ** (1.0 / 3.0))), rule="cube root of the number of days"
    )


def stationary_days(days: int, block_days: float, draws: int, rng: np.random.Generator) -> IntArray:
    """Indices of days [draws, T], in blocks of geometric length (Politis and Romano 1994)."""
    if block_days < 1.0:
        raise ReturnsError(f"blocks of {block_days} days: give at least 1")
    begins = rng.random((draws, days)) < 1.0 / block_days
    begins[:, 0] = True
    position = np.arange(days)
    last_begin = np.maximum.accumulate(np.where(begins, position, 0), axis=1)
    starts = np.take_along_axis(rng.integers(days, size=(draws, days)), last_begin, axis=1)
    return np.asarray((starts + position - last_begin) % days)


def times_drawn(indices: IntArray) -> FloatArray:
    """How often each day is among those drawn [draws, T]; sums over draws are products with it."""
    draws, days = indices.shape
    flat = (indices + days * np.arange(draws)[:, None]).ravel()
    return np.bincount(flat, minlength=draws * days).reshape(draws, days).astype(np.float64)


@lru_cache(maxsize=2)  # all agents of a table take the same
def _counts(days: int, block_days: float, draws: int, seed: int) -> FloatArray:
    indices = stationary_days(days, block_days, draws, np.random.default_rng(seed))
    counts = times_drawn(indices)
    counts.setflags(write=False)
    return counts


def score_intervals(
    runs: Sequence[FloatArray],
    periods_a_year: float,
    convention: Convention = "simple",
    *,
    block_days: float,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = SEED,
) -> list[tuple[Estimate, Estimate]]:
    """CR and SR a year of each agent with percentile intervals.

    Each draw takes the same days for all agents, then repeats within an agent; the figures are, as
    in a table, those of the repeat with the median Sharpe ratio.

    Args:
        runs: returns of each agent's repeats [R, T]; R may differ, T may not.
        periods_a_year: how many returns are a year.
        convention: how returns add up.
        block_days: expected length of a block.
        draws: how often.
        level: of the intervals.
        seed: of days and repeats; an agent's interval does not depend on the other agents.
    """
    require_same_days(*runs)
    counts = _counts(runs[0].shape[-1], block_days, draws, seed)
    return [_intervals(run, counts, periods_a_year, convention, level, seed) for run in runs]


def _intervals(
    run: FloatArray,
    counts: FloatArray,
    periods_a_year: float,
    convention: Convention,
    level: float,
    seed: int,
) -> tuple[Estimate, Estimate]:
    if (reason := why_not(run, varying=False)) is None and not varies(run).any():
        reason = why_not(run)
    if reason is not None:
        return Estimate(reason=reason), Estimate(reason=reason)
    figures = performance(run[median_run(run)], convention, periods_a_year)
    compounds = convention == "log" or bool((run > -1.0).all())
    growth = np.log1p(run) if convention == "simple" and compounds else run
    added = counts @ growth.T
    ratios = resampled_sharpe(run, counts)
    repeats = len(run)
    drawn = np.random.default_rng([seed, 1]).integers(repeats, size=(len(counts), repeats))
    ranked = np.argsort(np.take_along_axis(ratios, drawn, axis=1), axis=1, kind="stable")
    middle = np.take_along_axis(drawn, ranked[:, [(repeats - 1) // 2]], axis=1)
    added, ratios = (np.take_along_axis(each, middle, axis=1)[:, 0] for each in (added, ratios))
    total = np.expm1(added) if convention == "simple" else added
    scale = a_year(run.shape[-1], periods_a_year, convention)
    return (
        percentiles(figures["CR"], total, level) if compounds else Estimate(reason=RUINED),
        percentiles(figures["SR"], ratios * scale, level),
    )


def a_year(days: int, periods_a_year: float, convention: Convention) -> float:
    """What a Sharpe ratio a step is multiplied with; the published convention counts prices."""
    return float(np.sqrt(periods_a_year)) * (days / (days + 1) if convention == "log" else 1.0)


def median_run(run: FloatArray) -> int:
    """Which repeat of returns [R, T] has the median Sharpe ratio; of two the lower."""
    vary = varies(run)
    ratios = np.zeros(len(run))
    if vary.any():
        ratios[vary] = sharpe_of(run[vary])
    return int(np.argsort(ratios, kind="stable")[(len(run) - 1) // 2])


def variance_split(
    run: FloatArray, *, block_days: float, draws: int = DRAWS, seed: int = SEED
) -> VarianceSplit:
    """How much of an agent's variance is the market's path, and how much its own randomness.

    The variance over draws of the mean over repeats is path + repeat/R; the repeat's part is
    estimated from the spread on the observed days.

    Args:
        run: returns of its repeats [R, T].
        block_days: expected length of a block.
        draws: how often days are drawn.
        seed: of the days.
    """
    repeats = len(run)
    if (reason := why_not(run)) is not None:
        return VarianceSplit(repeats=repeats, reason=reason)
    if repeats < 2:
        return VarianceSplit(repeats=repeats, reason="1 repeat, at least 2 are needed")
    counts = _counts(run.shape[-1], block_days, draws, seed)
    of_mean = float(resampled_sharpe(run, counts).mean(axis=1).var(ddof=1))
    repeat = float(sharpe_of(run).var(ddof=1))
    path = max(of_mean - repeat / repeats, 0.0)
    error = float(np.sqrt(path + repeat / repeats))
    return VarianceSplit(path=path, repeat=repeat, error=error, repeats=repeats)


def resampled_sharpe(run: FloatArray, counts: FloatArray) -> FloatArray:
    """Sharpe ratio a step of each draw and repeat [draws, R]; 0 where all drawn are equal.

    Args:
        run: returns [R, T].
        counts: how often each day was drawn [draws, T].
    """
    days = np.maximum(counts.sum(axis=1, keepdims=True), 2.0)
    mean = run.mean(axis=-1)
    centred = run - mean[:, None]
    shift = counts @ centred.T / days
    variance = (counts @ (centred**2).T / days - shift**2) * (days / (days - 1))
    vary = (variance > ROUNDING * np.mean(centred**2, axis=-1)) & varies(run)
    return np.asarray(np.where(vary, (mean + shift) / np.sqrt(np.where(vary, variance, 1.0)), 0.0))


def percentiles(value: float, drawn: FloatArray, level: float) -> Estimate:
    """A figure with the interval that its draws [draws] span."""
    low, high = np.quantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Estimate(value=value, low=float(low), high=float(high))
