"""The bootstrap of all tests and intervals, against plain loops and for any agents."""

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.statistics.contrasts import NO_DIFFERENCE, TOO_FEW_COUNT
from investorbench.tasks.statistics.draws import Resampling
from investorbench.tasks.statistics.families import FEW_DRAWS, intervals, step_down
from investorbench.tasks.statistics.scores import (
    MeanFigure,
    long_run_variance,
    over_markets,
    over_repeats,
    sharpe,
)

FloatArray = npt.NDArray[np.float64]
DAYS = 60


def figures_of(agents: int, seed: int, *, repeats: int = 1, edge: float = 0.0) -> list[MeanFigure]:
    """Sharpe ratios of agents that share a market; the first has an edge a day."""
    rng = np.random.default_rng(seed)
    market = rng.standard_t(5, DAYS)
    own = rng.standard_t(5, (agents, repeats, DAYS))
    own[0] += edge
    return [over_repeats(sharpe(0.01 * (market + 2.0 * each))) for each in own]


def drawn_starts(resampling: Resampling) -> npt.NDArray[np.int64]:
    """The draws of the engine, one a row."""
    rng = np.random.default_rng([resampling.seed, resampling.block])
    return rng.integers(resampling.units, size=(resampling.draws, resampling.blocks))


def plain_step_down(
    figures: list[MeanFigure], pairs: list[tuple[int, int]], resampling: Resampling
) -> tuple[list[float], list[float], list[float]]:
    """p-values alone and adjusted, and critical values, from the definitions, without noise."""
    days, block = resampling.units, resampling.block
    observed, statistics = [], []
    for one, other in pairs:
        scores = figures[one].scores - figures[other].scores
        error = math.sqrt(long_run_variance(scores) / (days - 4))
        observed.append(abs(figures[one].value - figures[other].value) / error)
        of_draws = []
        for starts in drawn_starts(resampling):
            sums = [sum(scores[(start + k) % days] for k in range(block)) for start in starts]
            number = len(sums) * block
            mean = sum(sums) / number
            spread = sum((each - block * mean) ** 2 for each in sums) / number
            of_draws.append(abs(mean) / math.sqrt(spread / number))
        statistics.append(of_draws)
    drawn = np.array(statistics)
    count = resampling.draws + 1
    alone = [(int(np.sum(row >= t)) + 1) / count for row, t in zip(drawn, observed, strict=True)]
    # Each by its own quantile, so that none has the largest of most draws.
    beyond = max(0.005, 10 / resampling.draws)
    scales = [sorted(row)[math.ceil((1.0 - beyond) * (len(row) - 1))] for row in drawn]
    drawn = drawn / np.array(scales)[:, None]
    observed = [t / scale for t, scale in zip(observed, scales, strict=True)]
    # Step down: the largest statistic of those that are left, until one is not rejected.
    left = sorted(range(len(pairs)), key=lambda at: -observed[at])
    adjusted, floor = [0.0] * len(pairs), 0.0
    while left:
        largest = drawn[left].max(axis=0)
        floor = max(floor, (int(np.sum(largest >= observed[left[0]])) + 1) / count)
        adjusted[left.pop(0)] = floor
    ordered = sorted(drawn.max(axis=0))
    largest = ordered[math.ceil(0.95 * count) - 1]
    return alone, adjusted, [largest * scale for scale in scales]


@pytest.mark.parametrize(("seed", "block"), [(1, 1), (2, 3)])
def test_p_values_are_those_of_a_plain_loop_to_the_digit(seed: int, block: int) -> None:
    figures = figures_of(4, seed, edge=0.8)
    pairs = list(combinations(range(4), 2))
    resampling = Resampling(units=DAYS, block=block, draws=99, seed=seed)
    found = step_down(figures, resampling, pairs)
    alone, adjusted, critical = plain_step_down(figures, pairs, resampling)
    assert [each.estimate.p_value for each in found] == alone
    assert [each.adjusted_p for each in found] == adjusted
    assert [each.critical for each in found] == pytest.approx(critical, rel=1e-9)
    assert min(adjusted) < max(adjusted)


def test_figures_themselves_are_tested_like_differences_to_nothing() -> None:
    figures = figures_of(3, 4, edge=0.5)
    nothing = MeanFigure(value=0.0, scores=np.zeros(DAYS))
    resampling = Resampling(units=DAYS, block=2, draws=299, seed=5)
    alone = step_down(figures, resampling)
    beside = step_down([*figures, nothing], resampling, [(at, 3) for at in range(3)])
    assert [each.estimate for each in alone] == [each.estimate for each in beside]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    agents=st.integers(2, 6),
    repeats=st.integers(1, 3),
    block=st.integers(1, 5),
    edge=st.floats(-1.0, 1.0),
    draws=st.integers(19, 200),
)
def test_an_interval_without_0_always_has_an_adjusted_p_of_at_most_5_per_cent(
    seed: int, agents: int, repeats: int, block: int, edge: float, draws: int
) -> None:
    figures = figures_of(agents, seed, repeats=repeats, edge=edge)
    resampling = Resampling(units=DAYS, block=block, draws=draws, seed=seed)
    for pairs in (None, list(combinations(range(agents), 2))):
        for member in step_down(figures, resampling, pairs):
            estimate = member.estimate
            assert estimate.low is not None and estimate.high is not None
            assert member.adjusted_p is not None and estimate.p_value is not None
            assert member.adjusted_p >= estimate.p_value
            if estimate.low > 0.0 or estimate.high < 0.0:
                assert member.adjusted_p <= 0.05
    for own in intervals(figures, resampling):
        assert own.low is not None and own.high is not None and own.p_value is not None
        assert own.p_value <= 0.05 or own.low <= 0.0 <= own.high


@pytest.mark.parametrize(("repeats", "t"), [(2, 12.706), (4, 3.182), (10, 2.262)])
def test_what_repeats_differ_in_for_good_is_known_as_well_as_that_of_so_many_numbers(
    repeats: int, t: float
) -> None:
    market = np.random.default_rng(6).normal(0.002, 0.01, DAYS)
    sides = np.resize([1.0, -1.0], repeats)
    mixed = over_repeats(sharpe(sides[:, None] * market))
    assert np.allclose(mixed.scores, 0.0) and mixed.between > 0.0
    resampling = Resampling(units=DAYS, draws=19_999, seed=7)
    (alone,) = step_down([mixed], resampling)
    assert alone.estimate.low is not None
    # Without any noise of days it is the normal term alone that an interval rests on.
    assert -alone.estimate.low / math.sqrt(mixed.between) == pytest.approx(t, rel=0.06)


def test_repeats_that_are_the_same_differ_in_nothing() -> None:
    market = np.random.default_rng(6).normal(0.002, 0.01, DAYS)
    same = over_repeats(sharpe(np.array([market, market, market])))
    assert same.between == 0.0


def test_noise_of_days_is_no_difference_between_repeats() -> None:
    rng = np.random.default_rng(8)
    share = [
        over_repeats(sharpe(rng.normal(0.0, 0.01, (5, 149)))).between * 149 for _ in range(200)
    ]
    # A fifth of the variance of one run would be counted twice, had it not been taken off.
    assert np.mean(share) < 0.1
    skills = rng.normal(0.0, 0.3, (200, 5, 1))
    apart = [over_repeats(sharpe(each + rng.normal(0.0, 1.0, (5, 149)))).between for each in skills]
    assert np.mean(apart) * 5 == pytest.approx(0.09, rel=0.15)


def test_what_cannot_be_tested_has_a_reason_and_moves_nobody_else() -> None:
    figures = figures_of(3, 9, edge=0.7)
    rare = np.zeros(DAYS)
    rare[[7, 30]] = 0.01, 0.02
    odd = [over_repeats(sharpe(rare[None])), MeanFigure(value=0.1, scores=np.zeros(DAYS))]
    resampling = Resampling(units=DAYS, draws=499, seed=10)
    alone, beside = (step_down(each, resampling) for each in (figures, [*figures, *odd]))
    assert [m.adjusted_p for m in beside[:3]] == [m.adjusted_p for m in alone]
    assert [m.estimate.reason for m in beside[3:]] == [TOO_FEW_COUNT, NO_DIFFERENCE]
    assert all(m.adjusted_p is None and m.estimate.value is not None for m in beside[3:])
    assert [each.reason for each in intervals(odd, resampling)] == [TOO_FEW_COUNT, NO_DIFFERENCE]


@pytest.mark.parametrize("jump", [-1.0, 5.0])
def test_an_account_that_one_day_decides_takes_nothing_from_others(jump: float) -> None:
    rng = np.random.default_rng(12)
    runs = 0.01 * rng.standard_normal((6, 149))
    runs[0] += 0.004
    ruined = np.append(runs[5, :100], [jump, *np.zeros(48)])
    resampling = Resampling(units=149, draws=999, seed=3)
    figures = [MeanFigure(value=float(run.mean()), scores=run - run.mean()) for run in runs]
    odd = MeanFigure(value=float(ruined.mean()), scores=ruined - ruined.mean())
    alone, beside = (step_down(each, resampling) for each in (figures, [*figures, odd]))
    assert alone[0].adjusted_p is not None and beside[0].adjusted_p is not None
    assert beside[0].adjusted_p <= 0.01 and alone[0].adjusted_p <= 0.01
    for before, after in zip(alone, beside, strict=False):
        assert after.critical == pytest.approx(before.critical, rel=0.1)


@pytest.mark.parametrize("days_out", [3, 4, 6])
def test_three_agents_that_leave_the_benchmark_for_a_few_days_take_nothing_from_others(
    days_out: int,
) -> None:
    rng = np.random.default_rng(13)
    held = 0.02 * rng.standard_t(5, 149)
    others = [0.6 * held + 0.01 * rng.standard_t(5, 149) for _ in range(6)]
    nearly = []
    for _ in range(3):
        own = held.copy()
        own[rng.choice(149, days_out, replace=False)] = 0.0
        nearly.append(own)
    figures = [over_repeats(sharpe(each[None])) for each in [held, *others, *nearly]]
    resampling = Resampling(units=149, block=2, draws=1999, seed=3)
    few, many = (list(combinations(range(number), 2)) for number in (7, 10))
    alone = step_down(figures[:7], resampling, few)
    beside = dict(zip(many, step_down(figures, resampling, many), strict=True))
    for two, before in zip(few, alone, strict=True):
        # More hypotheses widen a little; half of them are new.
        assert beside[two].critical < before.critical * 1.12


def test_a_family_without_a_hypothesis_has_no_critical_value() -> None:
    assert step_down([], Resampling(units=DAYS, draws=99, seed=1), []) == ()


def test_fewer_draws_than_a_level_needs_leave_no_interval() -> None:
    (member,) = step_down(figures_of(1, 1), Resampling(units=DAYS, draws=18, seed=1))
    assert member.estimate.reason == FEW_DRAWS and member.adjusted_p is not None


@pytest.mark.parametrize(("markets", "t"), [(4, 3.182), (6, 2.571), (12, 2.201)])
def test_an_interval_of_few_markets_is_that_of_student(markets: int, t: float) -> None:
    values = np.random.default_rng(markets).normal(1.0, 1.0, markets)
    resampling = Resampling(units=markets, unit="market", draws=19_999, seed=2)
    (cell,) = intervals([over_markets(values)], resampling)
    error = values.std(ddof=1) / math.sqrt(markets)
    assert cell.value is not None and cell.low is not None
    assert (cell.value - cell.low) / error == pytest.approx(t, rel=0.04)


def test_of_many_markets_these_themselves_are_drawn() -> None:
    values = np.random.default_rng(3).normal(1.0, 1.0, 25)
    resampling = Resampling(units=25, unit="market", draws=9_999, seed=2)
    (cell,) = intervals([over_markets(values)], resampling)
    starts = drawn_starts(resampling)
    drawn = values[starts] - values.mean()
    means, spreads = drawn.mean(axis=1), drawn.std(axis=1)
    own = sorted(np.abs(means) / (spreads / 5.0))[math.ceil(0.95 * 10_000) - 1]
    margin = own * values.std(ddof=1) / 5.0
    assert cell.value is not None and cell.low is not None
    assert cell.value - cell.low == pytest.approx(margin, rel=1e-9)


# The variance of scores over days that depend on one another.


def test_the_long_run_variance_is_that_of_a_plain_loop() -> None:
    scores = np.convolve(np.random.default_rng(3).normal(size=120), [1.0, 0.6], "valid")
    scores -= scores.mean()
    days = len(scores)
    first = sum(scores[t] * scores[t - 1] for t in range(1, days))
    rho = first / sum(scores[t] ** 2 for t in range(days - 1))
    left = [scores[t] - rho * scores[t - 1] for t in range(1, days)]
    left = [each - sum(left) / len(left) for each in left]
    number = len(left)
    gamma = [sum(left[t] * left[t - k] for t in range(k, number)) / number for k in range(number)]
    again = gamma[1] / gamma[0]
    width = 1.3221 * (4 * again**2 / (1 - again) ** 4 * number) ** 0.2
    total = gamma[0]
    for lag in range(1, number):
        z = 6 * math.pi * (lag / width) / 5
        total += 2 * 3 / z**2 * (math.sin(z) / z - math.cos(z)) * gamma[lag]
    assert long_run_variance(scores) == pytest.approx(total / (1 - rho) ** 2, rel=1e-10)
    together = long_run_variance(np.array([scores, np.zeros(days), 3.0 * scores]))
    assert together == pytest.approx(np.array([1.0, 0.0, 9.0]) * long_run_variance(scores))


@pytest.mark.parametrize("echo", [-0.5, 0.0, 0.5])
def test_the_long_run_variance_is_that_of_an_autoregression(echo: float) -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(300, 600))
    for day in range(1, 600):
        noise[:, day] += echo * noise[:, day - 1]
    rows = noise[:, 100:] - noise[:, 100:].mean(axis=1, keepdims=True)
    assert np.mean(long_run_variance(rows)) == pytest.approx(1 / (1 - echo) ** 2, rel=0.05)


def test_scores_of_sharpe_ratios_predict_what_a_small_change_does() -> None:
    returns = np.random.default_rng(5).normal(0.001, 0.01, (1, 149))
    values, scores = sharpe(returns)
    for day in (0, 70, 148):
        weights = np.ones(149)
        weights[day] += 1e-6
        mean = np.average(returns[0], weights=weights)
        spread = np.average((returns[0] - mean) ** 2, weights=weights)
        change = mean / math.sqrt(spread) * math.sqrt(148 / 149) - values[0]
        assert change / 1e-6 * 149 == pytest.approx(scores[0, day], rel=0.02, abs=0.02)
