"""Days drawn again in blocks, the same for all agents, and what that says of their scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MissingDependencyError
from investorbench_env.protocols import Convention
from tasks.metrics import performance
from tasks.statistics.estimate import (
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

IntArray = npt.NDArray[np.int64]
RUINED = "the account was ruined: such a return does not compound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """How long blocks are.

    Attributes:
        days: expected length, a whole number, so that every test can use the same.
        rule: where it comes from, in words.
    """

    days: int
    rule: str


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


def block_length(returns: FloatArray) -> Block:
    """One length for all agents [A, T]: the mean of theirs, rounded (Politis and White 2004).

    Returns that do not vary have none and are left out; without any, it is 1.

    Raises:
        MissingDependencyError: arch is not installed.
        ReturnsError: too few returns.
    """
    if (reason := why_not(returns, varying=False)) is not None:
        raise ReturnsError(f"no block length: {reason}")
    try:
        from arch.bootstrap import optimal_block_length
    except ImportError:
        raise MissingDependencyError("arch", "stats", "a block length by Politis–White") from None
    varying = returns[np.ptp(returns, axis=-1) > 0.0]
    lengths = [1.0]
    # A return that stands alone among equal ones has autocorrelations of 0/0.
    with np.errstate(divide="ignore", invalid="ignore"):
        if len(varying):
            found = np.asarray(optimal_block_length(varying.T)["stationary"])
            lengths = found[np.isfinite(found)].tolist() or lengths
    return Block(
        days=max(1, round(float(np.mean(lengths)))), rule="Politis–White, mean over agents"
    )


def cube_root_block(days: int) -> Block:
    """The length that T^(1/3) gives, for where arch is missing."""
    return Block(days=max(1, round(days ** (1.0 / 3.0))), rule="cube root of the number of days")


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


def score_intervals(
    runs: Sequence[FloatArray],
    days_a_year: int,
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
        days_a_year: steps a year.
        convention: how returns add up.
        block_days: expected length of a block.
        draws: how often.
        level: of the intervals.
        seed: of days and repeats; an agent's interval does not depend on the other agents.
    """
    require_same_days(*runs)
    counts = times_drawn(
        stationary_days(runs[0].shape[-1], block_days, draws, np.random.default_rng(seed))
    )
    return [_intervals(run, counts, days_a_year, convention, level, seed) for run in runs]


def _intervals(
    run: FloatArray,
    counts: FloatArray,
    days_a_year: int,
    convention: Convention,
    level: float,
    seed: int,
) -> tuple[Estimate, Estimate]:
    if (reason := why_not(run, varying=False)) is None and np.ptp(run, axis=-1).max() == 0.0:
        reason = why_not(run)
    if reason is not None:
        return Estimate(reason=reason), Estimate(reason=reason)
    figures = performance(run[median_run(run)], convention, days_a_year)
    compounds = convention == "log" or bool((run > -1.0).all())
    growth = np.log1p(run) if convention == "simple" and compounds else run
    added = counts @ growth.T
    ratios = _resampled_sharpe(run, counts)
    repeats = len(run)
    drawn = np.random.default_rng([seed, 1]).integers(repeats, size=(len(counts), repeats))
    ranked = np.argsort(np.take_along_axis(ratios, drawn, axis=1), axis=1, kind="stable")
    middle = np.take_along_axis(drawn, ranked[:, [(repeats - 1) // 2]], axis=1)
    added, ratios = (np.take_along_axis(each, middle, axis=1)[:, 0] for each in (added, ratios))
    total = np.expm1(added) if convention == "simple" else added
    scale = a_year(run.shape[-1], days_a_year, convention)
    return (
        _percentiles(figures["CR"], total, level) if compounds else Estimate(reason=RUINED),
        _percentiles(figures["SR"], ratios * scale, level),
    )


def a_year(days: int, days_a_year: int, convention: Convention) -> float:
    """What a Sharpe ratio a step is multiplied with; the published convention counts prices."""
    return float(np.sqrt(days_a_year)) * (days / (days + 1) if convention == "log" else 1.0)


def median_run(run: FloatArray) -> int:
    """Which repeat of returns [R, T] has the median Sharpe ratio; of two the lower."""
    varies = np.ptp(run, axis=-1) > 0.0
    ratios = np.zeros(len(run))
    if run.shape[-1] > 1:
        ratios[varies] = sharpe_of(run[varies])
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
    rng = np.random.default_rng(seed)
    counts = times_drawn(stationary_days(run.shape[-1], block_days, draws, rng))
    of_mean = float(_resampled_sharpe(run, counts).mean(axis=1).var(ddof=1))
    repeat = float(sharpe_of(run).var(ddof=1))
    path = max(of_mean - repeat / repeats, 0.0)
    error = float(np.sqrt(path + repeat / repeats))
    return VarianceSplit(path=path, repeat=repeat, error=error, repeats=repeats)


def _resampled_sharpe(run: FloatArray, counts: FloatArray) -> FloatArray:
    """Sharpe ratio a step of each draw and repeat [draws, R]; 0 where all drawn are equal."""
    days = run.shape[-1]
    mean = run.mean(axis=-1)
    centred = run - mean[:, None]
    shift = counts @ centred.T / days
    variance = (counts @ (centred**2).T / days - shift**2) * (days / (days - 1))
    varies = variance > 1e-12 * np.mean(centred**2, axis=-1)
    return np.asarray(
        np.where(varies, (mean + shift) / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
    )


def _percentiles(value: float, drawn: FloatArray, level: float) -> Estimate:
    low, high = np.quantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Estimate(value=value, low=float(low), high=float(high))
