"""What a leaderboard can say, against published values, other libraries and plain loops."""

import math
import sys
from dataclasses import astuple, fields
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from arch.bootstrap import SPA, StationaryBootstrap, optimal_block_length
from scipy.stats import false_discovery_control, kurtosis, skew

from investorbench.tasks import statistics
from investorbench.tasks.metrics import performance, sharpe_error
from investorbench.tasks.statistics import Estimate, Moments, ReturnsError
from investorbench.tasks.statistics.estimate import CONSTANT, IDENTICAL, ONE_RATIO, sharpe_scores
from investorbench.tasks.statistics.paired import long_run_variance
from investorbench.tasks.statistics.selection import _stationary_variance
from investorbench_env.errors import MissingDependencyError, UnknownNameError

FloatArray = npt.NDArray[np.float64]
GROWN = 1e5 * 1.0007 ** np.arange(150)
GROWING = GROWN[1:] / GROWN[:-1] - 1.0
"""Returns that are equal but for the rounding of what they are computed from."""
PUBLISHED = Moments(sharpe=0.036 / 0.079, skew=-2.448, kurtosis=10.164, days=24)


def drawn(*shape: int, seed: int = 1, mean: float = 0.0005) -> FloatArray:
    """Fat-tailed daily returns with a common part along the second axis from the end."""
    rng = np.random.default_rng(seed)
    market = rng.standard_t(6, (*shape[:-2], 1, shape[-1])) if len(shape) > 1 else 0.0
    return np.asarray(mean + 0.01 * (market + rng.standard_t(6, shape)))


# One Sharpe ratio.


@pytest.mark.parametrize(
    ("form", "above", "expected"),
    [("null", 0.0, 0.987), ("null", 0.1, 0.939), ("plug-in", 0.0, 0.913), ("plug-in", 0.1, 0.855)],
)
def test_the_probabilistic_sharpe_ratio_is_the_published_one(
    form: Any, above: float, expected: float
) -> None:
    assert round(statistics.probabilistic_sharpe(PUBLISHED, above, form), 3) == expected


@pytest.mark.parametrize(("form", "expected"), [("null", 13.03), ("plug-in", 34.76)])
def test_the_minimum_track_record_is_the_published_one(form: Any, expected: float) -> None:
    record = statistics.minimum_track_record(PUBLISHED, form=form)
    assert record.value is not None
    assert round(record.value, 2) == expected


@pytest.mark.parametrize("above", [0.0, 0.1])
def test_after_the_minimum_track_record_the_probability_is_the_level(above: float) -> None:
    record = statistics.minimum_track_record(PUBLISHED, above, level=0.99)
    assert record.value is not None
    later = Moments(sharpe=PUBLISHED.sharpe, skew=-2.448, kurtosis=10.164, days=record.value)  # type: ignore[arg-type]
    assert statistics.probabilistic_sharpe(later, above) == pytest.approx(0.99, rel=1e-12)


def test_a_sharpe_ratio_that_is_not_above_has_no_track_record() -> None:
    record = statistics.minimum_track_record(PUBLISHED, above=1.0)
    assert_empty(record, "not above 1")


def test_the_best_of_thirteen_without_skill_reaches_the_published_value() -> None:
    assert round(math.sqrt(252 / 149), 2) == 1.30
    assert round(statistics.expected_maximum(13) * math.sqrt(252 / 149), 2) == 2.22


def test_the_best_of_one_is_not_lucky_and_of_none_is_refused() -> None:
    assert statistics.expected_maximum(1) == 0.0
    with pytest.raises(ReturnsError, match="best of 0 trials"):
        statistics.expected_maximum(0)


def test_moments_are_those_of_scipy_and_their_variance_that_of_the_metrics() -> None:
    returns = drawn(149)
    moments = statistics.moments_of(returns)
    assert moments.skew == pytest.approx(skew(returns), rel=1e-12)
    assert moments.kurtosis == pytest.approx(kurtosis(returns, fisher=False), rel=1e-12)
    error = math.sqrt(moments.spread(moments.sharpe) / 149)
    assert error == pytest.approx(sharpe_error(returns), rel=1e-12)


def test_moments_that_no_distribution_has_are_refused() -> None:
    with pytest.raises(ReturnsError, match="no distribution"):
        Moments(sharpe=0.5, skew=5.0, kurtosis=1.0, days=100).spread(0.5)


def test_the_deflated_sharpe_ratio_is_the_probability_above_the_luckiest() -> None:
    returns, trials = drawn(149), np.array([-0.05, 0.0, 0.04, 0.1])
    g = 0.57722
    z = NormalDist().inv_cdf
    luckiest = np.std(trials, ddof=1) * ((1 - g) * z(3 / 4) + g * z(1 - 1 / (4 * math.e)))
    cell = statistics.deflated_sharpe(returns, trials)
    moments = statistics.moments_of(returns)
    expected = statistics.probabilistic_sharpe(moments, float(luckiest))
    assert cell.value == pytest.approx(expected, rel=1e-12)
    assert_empty(statistics.deflated_sharpe(returns, trials[:1]), "1 trials, at least 2")


# Blocks and intervals.


def test_a_block_length_is_the_mean_of_those_that_arch_finds() -> None:
    returns = np.cumsum(drawn(3, 200), axis=1) + drawn(3, 200, seed=2)
    found = optimal_block_length(returns.T)["stationary"].mean()
    block = statistics.block_length(np.vstack([returns, np.zeros(200)]))
    assert block.days == round(found) > 1
    assert "Politis" in block.rule


@pytest.mark.parametrize("days", [20, 149, 400])
@pytest.mark.parametrize("memory", [-0.8, 0.0, 0.6, 0.95])
def test_a_block_length_is_that_of_arch_whatever_depends_on_what(days: int, memory: float) -> None:
    returns = drawn(5, days, seed=days)
    for day in range(1, days):
        returns[:, day] += memory * returns[:, day - 1]
    returns[0] *= np.arange(days) % 7 == 0
    found = optimal_block_length(returns.T)["stationary"].to_numpy()
    ours = [statistics.politis_white(row) for row in returns]
    assert ours == pytest.approx(found.tolist(), rel=1e-9)


def test_an_agent_that_earned_on_one_day_only_has_a_block_length() -> None:
    assert statistics.block_length(np.eye(149)[[70]]).days == 1


def test_days_are_drawn_in_runs_of_geometric_length_that_wrap_around() -> None:
    indices = statistics.stationary_days(50, 5.0, 4000, np.random.default_rng(0))
    assert indices.shape == (4000, 50)
    goes_on = (indices[:, 1:] - indices[:, :-1]) % 50 == 1
    # A new block begins where the last would have gone on in one of 50 cases.
    assert goes_on.mean() == pytest.approx(0.8 + 0.2 / 50, abs=0.005)
    assert np.bincount(indices.ravel()) / indices.size == pytest.approx(np.full(50, 0.02), rel=0.1)
    assert (indices[:, 1:] < indices[:, :-1])[goes_on].any()


def test_drawn_means_spread_as_those_of_arch() -> None:
    returns = np.convolve(drawn(160), np.ones(4), "valid")
    rng = np.random.default_rng(3)
    ours = returns[statistics.stationary_days(len(returns), 7, 4000, rng)].mean(axis=1)
    theirs = StationaryBootstrap(7, returns, seed=4).apply(np.mean, 4000)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.05)
    exact = math.sqrt(_stationary_variance(returns[None], 7)[0] / len(returns))
    assert ours.std() == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("convention", ["simple", "log"])
def test_intervals_are_those_of_a_plain_loop_over_draws(convention: Any) -> None:
    returns = drawn(2, 1, 60)
    cells = statistics.score_intervals(returns, 252, convention, block_days=3, draws=200, seed=9)
    days = statistics.stationary_days(60, 3, 200, np.random.default_rng(9))
    for agent, pair in zip(returns[:, 0], cells, strict=True):
        figures = [performance(agent[each], convention, 252) for each in days]
        for name, cell in zip(("CR", "SR"), pair, strict=True):
            low, high = np.quantile([figure[name] for figure in figures], [0.025, 0.975])
            assert cell.low == pytest.approx(low, rel=1e-9)
            assert cell.high == pytest.approx(high, rel=1e-9)
            assert cell.value == performance(agent, convention, 252)[name]


def test_repeats_are_drawn_within_the_agent_and_the_median_is_shown() -> None:
    run = drawn(4, 60)
    ((cr, sr),) = statistics.score_intervals([run], 252, block_days=3, draws=300, seed=9)
    days = statistics.stationary_days(60, 3, 300, np.random.default_rng(9))
    repeats = np.random.default_rng([9, 1]).integers(4, size=(300, 4))
    figures = [
        sorted(((p := performance(run[k, each], "simple", 252))["SR"], p["CR"]) for k in which)[1]
        for each, which in zip(days, repeats, strict=True)
    ]
    for column, cell in ((0, sr), (1, cr)):
        low, high = np.quantile([figure[column] for figure in figures], [0.025, 0.975])
        assert (cell.low, cell.high) == pytest.approx((low, high), rel=1e-9)
    assert sr.value == sorted(performance(run, "simple", 252)["SR"])[1]


def test_an_interval_does_not_depend_on_who_else_is_there_and_repeats_itself() -> None:
    runs = drawn(3, 2, 60)
    together = statistics.score_intervals(runs, 252, block_days=3)
    assert statistics.score_intervals(runs[1:2], 252, block_days=3) == together[1:2]
    assert statistics.score_intervals(runs, 252, block_days=3, seed=5) != together


def test_draws_in_which_nothing_moves_count_as_a_ratio_of_zero() -> None:
    ((_, sr),) = statistics.score_intervals([np.eye(40)[[7]] / 10], 252, block_days=1)
    assert sr.low == 0.0 and sr.high is not None and sr.high > 0.0


def test_a_ruined_account_has_no_interval_of_its_return_but_of_its_ratio() -> None:
    returns = drawn(1, 60)
    returns[0, 30] = -1.03
    ((cr, sr),) = statistics.score_intervals([returns], 252, block_days=3)
    assert_empty(cr, "ruined")
    assert sr.reason is None


def test_blocks_shorter_than_a_day_are_refused() -> None:
    with pytest.raises(ReturnsError, match=r"blocks of 0\.5 days"):
        statistics.stationary_days(10, 0.5, 1, np.random.default_rng(0))


# Path and repeat.


def test_repeats_that_agree_leave_all_variance_to_the_path() -> None:
    returns = drawn(149)
    split = statistics.variance_split(np.array([returns, returns]), block_days=1)
    assert split.repeat == 0.0
    assert split.path == pytest.approx(1 / 149, rel=0.2)
    assert split.error == pytest.approx(math.sqrt(split.path))  # type: ignore[arg-type]


def test_one_repeat_has_no_split() -> None:
    split = statistics.variance_split(drawn(1, 149), block_days=1)
    assert split.path is split.repeat is split.error is None
    assert split.reason == "1 repeat, at least 2 are needed"


# Pairs.


def test_jobson_korkie_is_that_of_a_hand_calculation() -> None:
    a, b = drawn(2, 149)
    x, y = (float(each.mean() / each.std(ddof=1)) for each in (a, b))
    rho = float(np.mean((a - a.mean()) * (b - b.mean())) / a.std() / b.std())
    spread = 2 - 2 * rho + (x**2 + y**2 - 2 * x * y * rho**2) / 2
    z = (x - y) / math.sqrt(spread / 149)
    cell = statistics.jobson_korkie(a, b)
    assert cell.value == pytest.approx(x - y, rel=1e-12)
    assert cell.p_value == pytest.approx(2 * (1 - NormalDist().cdf(abs(z))), rel=1e-10)
    margin = 1.959963984540054 * math.sqrt(spread / 149)
    assert (cell.low, cell.high) == pytest.approx((x - y - margin, x - y + margin), rel=1e-9)
    days = statistics.days_to_distinguish(a, b)
    assert days.value == pytest.approx((1.959964 + 0.841621) ** 2 * spread / (x - y) ** 2, rel=1e-5)


def test_after_the_days_needed_a_difference_has_the_z_of_size_and_power() -> None:
    days = statistics.days_until(0.05, 0.8, size=0.01, power=0.9).value
    assert days is not None
    z = 0.05 / math.sqrt(0.8 / days)
    assert z == pytest.approx(NormalDist().inv_cdf(0.995) + NormalDist().inv_cdf(0.9), rel=1e-12)
    assert_empty(statistics.days_until(0.0, 0.8), "no difference")


@pytest.mark.parametrize("block", [1, 4])
def test_ledoit_wolf_is_that_of_its_paper_written_with_matrices(block: int) -> None:
    a, b = drawn(2, 61)
    cell = statistics.ledoit_wolf(a, b, block_days=block, draws=300, seed=5)
    error = math.sqrt(long_run_variance(sharpe_scores(a) - sharpe_scores(b)) / 57)
    apart = ratio(a) - ratio(b)
    starts = np.random.default_rng(5).integers(61, size=(300, 61 // block))
    distances = []
    for each in starts:
        days = np.concatenate([(start + np.arange(block)) % 61 for start in each])
        x, y = a[days], b[days]
        moments = np.array([x, y, x**2, y**2])
        means = moments.mean(axis=1)
        centred = moments - means[:, None]
        zeta = centred.reshape(4, -1, block).sum(axis=-1) / math.sqrt(block)
        psi = zeta @ zeta.T / zeta.shape[1]
        m, n, g, h = means
        gradient = np.array(
            [
                g / (g - m**2) ** 1.5,
                -h / (h - n**2) ** 1.5,
                -m / 2 / (g - m**2) ** 1.5,
                n / 2 / (h - n**2) ** 1.5,
            ]
        )
        star = math.sqrt(gradient @ psi @ gradient / len(days))
        distances.append(abs(ratio(x) - ratio(y) - apart) / star)
    beyond = sum(distance >= abs(apart) / error for distance in distances)
    assert cell.p_value == (beyond + 1) / 301
    margin = np.quantile(distances, 0.95, method="higher") * error
    assert (cell.low, cell.high) == pytest.approx((apart - margin, apart + margin), rel=1e-8)


def test_the_long_run_variance_is_that_of_a_plain_loop() -> None:
    scores = np.convolve(drawn(120), [1.0, 0.6], "valid")
    scores -= scores.mean()
    days = len(scores)
    gamma = [
        sum(scores[t] * scores[t - lag] for t in range(lag, days)) / days for lag in range(days)
    ]
    rho = gamma[1] / gamma[0]
    width = 1.3221 * (4 * rho**2 / (1 - rho) ** 4 * days) ** 0.2
    total = gamma[0]
    for lag in range(1, days):
        z = 6 * math.pi * (lag / width) / 5
        total += 2 * 3 / z**2 * (math.sin(z) / z - math.cos(z)) * gamma[lag]
    assert long_run_variance(scores) == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("block", [0, 75])
def test_blocks_longer_than_half_of_the_days_are_refused(block: int) -> None:
    with pytest.raises(ReturnsError, match="give 1 to 74"):
        statistics.ledoit_wolf(*drawn(2, 149), block_days=block)


def test_a_pair_that_hardly_moves_has_a_reason_and_no_number() -> None:
    # Most draws leave out the one day on which the first moved.
    cell = statistics.ledoit_wolf(np.eye(40)[7] / 10, drawn(40), block_days=1)
    assert_empty(cell, "most draws have no Sharpe ratio")


# Many agents.


def test_superiority_is_that_of_arch_where_all_spread_alike() -> None:
    returns = drawn(4, 149)
    cell = statistics.superiority(
        returns[0], returns[1:], block_days=4, measure="return", draws=500, seed=3
    )
    gains = returns[1:] - returns[0]
    scaled = gains / np.sqrt(_stationary_variance(gains, 4))[:, None]
    theirs = SPA(np.zeros(149), -scaled.T, 4, 500, seed=3)
    theirs.compute()
    assert cell.p_value == theirs.pvalues["consistent"]
    assert cell.value == pytest.approx(gains.mean(axis=1).max())


def test_what_agents_are_compared_by_has_their_sharpe_ratio_as_its_mean() -> None:
    returns = drawn(3, 149)
    cells = statistics.confidence_set(returns, block_days=4, draws=200)
    assert [cell.value for cell in cells] == pytest.approx([ratio(row) for row in returns])


def test_an_agent_far_above_the_others_is_superior_and_alone_in_the_set() -> None:
    returns = drawn(5, 149)
    returns[3] += 0.02
    assert statistics.superiority(returns[0], returns[1:], block_days=2).p_value < 0.01  # type: ignore[operator]
    cells = statistics.confidence_set(returns, block_days=2)
    assert [cell.p_value > 0.05 for cell in cells] == [k == 3 for k in range(5)]  # type: ignore[operator]


@pytest.mark.parametrize("measure", ["sharpe", "return"])
def test_agents_with_equal_returns_share_their_place(measure: Any) -> None:
    returns = drawn(3, 149)[[0, 1, 1, 2, 0]]
    cells = statistics.confidence_set(returns, block_days=2, measure=measure, draws=200)
    assert cells[1] == cells[2] and cells[0] == cells[4]
    alone = statistics.confidence_set(returns[[0, 0]], block_days=2, measure=measure)
    assert_empty(alone[0], "identical")
    cell = statistics.superiority(returns[0], returns[[4]], block_days=2, measure=measure)
    assert_empty(cell, "no agent differs")


def test_an_agent_without_a_ratio_is_left_out_of_the_set_with_its_reason() -> None:
    returns = np.vstack([drawn(3, 149), np.zeros(149)])
    cells = statistics.confidence_set(returns, block_days=2, draws=200)
    assert_empty(cells[3], CONSTANT)
    assert cells[:3] == statistics.confidence_set(returns[:3], block_days=2, draws=200)
    leads = [
        statistics.superiority(returns[0], rivals, block_days=2, draws=200)
        for rivals in (returns[1:], returns[1:3])
    ]
    assert leads[0] == leads[1]
    assert_empty(statistics.superiority(returns[3], returns[:3], block_days=2), CONSTANT)


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(ReturnsError, match="valid: sharpe, return"):
        statistics.confidence_set(drawn(2, 30), block_days=2, measure="cr")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["BH", "BY"])
@pytest.mark.parametrize("count", [1, 2, 13])
def test_adjusted_p_values_are_those_of_scipy(method: Any, count: int) -> None:
    given = np.random.default_rng(count).random(count) ** 3
    expected = false_discovery_control(given, method=method.lower())
    assert statistics.adjusted_p_values(given.tolist(), method) == pytest.approx(expected.tolist())


def test_a_missing_p_value_stays_missing_and_does_not_count() -> None:
    assert statistics.adjusted_p_values([0.01, None, 0.04]) == [0.02, None, 0.04]
    assert statistics.adjusted_p_values([None]) == [None]
    assert statistics.adjusted_p_values([]) == []


def test_a_random_percentile_counts_ties_half() -> None:
    others = np.repeat([1.0, 2.0, 3.0, 4.0], 5)
    cell = statistics.random_percentile(3.0, others)
    assert cell == Estimate(value=0.625, p_value=11 / 21)
    assert statistics.random_percentile(9.0, others) == Estimate(value=1.0, p_value=1 / 21)
    assert_empty(statistics.random_percentile(1.0, others[:19]), "19 random policies")
    assert_empty(statistics.random_percentile(math.nan, others), "not finite")


# No number without ground.


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        (np.zeros(1), "1 returns, at least 20 are needed"),
        (np.array([0.01, -0.01]), "2 returns, at least 20 are needed"),
        (drawn(19), "19 returns, at least 20 are needed"),
        (np.zeros(149), CONSTANT),
        (np.full(149, 0.1), CONSTANT),
        (GROWING, CONSTANT),
        (np.append(drawn(148), np.nan), "a return is missing or not finite"),
    ],
)
def test_returns_that_carry_no_statistic_get_the_reason_everywhere(
    returns: FloatArray, reason: str
) -> None:
    other = drawn(len(returns), seed=8)
    for cell in (
        *statistics.score_intervals([returns[None]], 252, block_days=1)[0],
        statistics.jobson_korkie(returns, other),
        statistics.ledoit_wolf(other, returns, block_days=1),
        statistics.days_to_distinguish(returns, other),
        statistics.deflated_sharpe(returns, np.array([0.0, 0.1])),
        statistics.superiority(returns, other[None], block_days=1),
        *statistics.confidence_set(np.array([returns, returns]), block_days=1),
    ):
        assert_empty(cell, reason)
    split = statistics.variance_split(np.array([returns, other]), block_days=1)
    assert split.reason == reason


def test_a_repeat_equal_but_for_rounding_counts_as_one_that_does_not_vary() -> None:
    assert np.ptp(GROWING) > 0.0
    both = [np.array([drawn(149), each]) for each in (GROWING, np.full(149, 0.0004))]
    rounded, exact = (
        statistics.score_intervals([run], 252, block_days=5, draws=200)[0][1] for run in both
    )
    assert astuple(rounded)[:3] == pytest.approx(astuple(exact)[:3], rel=1e-9)


def test_a_leaderboard_of_one_day_has_reasons_only() -> None:
    comparison = statistics.compare_agents(
        {"one": np.array([[0.01]]), "buy_and_hold": np.array([[0.02]])}, "buy_and_hold", 252
    )
    agent = comparison.agents["one"]
    cells = [getattr(agent, each.name) for each in fields(agent) if each.type is Estimate]
    for cell in (*cells, comparison.pairs[0].difference, comparison.superior):
        assert cell.value is None and cell.reason


def test_identical_agents_and_multiples_of_one_another_have_no_difference() -> None:
    returns = drawn(149)
    for other, reason in ((returns.copy(), IDENTICAL), (returns * 0.5, ONE_RATIO)):
        assert_empty(statistics.jobson_korkie(returns, other), reason)
        assert_empty(statistics.ledoit_wolf(returns, other, block_days=3), reason)
        assert_empty(statistics.days_to_distinguish(returns, other), reason)


def test_returns_of_other_days_are_refused() -> None:
    with pytest.raises(ReturnsError, match="of 30, 31 days"):
        statistics.jobson_korkie(drawn(30), drawn(31))
    with pytest.raises(ReturnsError, match="of 30, 31 days"):
        statistics.compare_agents({"a": drawn(1, 30), "b": drawn(1, 31)}, "a", 252)


# The whole leaderboard.


def test_a_comparison_has_everything_of_all_agents_and_pairs() -> None:
    runs = dict(zip("abcd", drawn(4, 3, 149), strict=True))
    runs["cash"] = np.zeros((1, 149))
    comparison = statistics.compare_agents(
        runs, "a", 252, random_sharpes=np.linspace(-3, 3, 50), draws=200
    )
    assert list(comparison.agents) == [*"abcd", "cash"]
    assert list(comparison.against) == [*"bcd", "cash"]
    assert [pair.names for pair in comparison.pairs][3:5] == [("cash", "a"), ("b", "c")]
    assert (comparison.luck.trials, comparison.days, comparison.bootstrap.draws) == (4, 149, 200)
    for name in "abcd":
        agent = comparison.agents[name]
        median = sorted(runs[name], key=lambda run: ratio(run))[1]
        assert agent.sr.value == performance(median, "simple", 252)["SR"]
        assert agent.best.value == pytest.approx(agent.sr.value)
        assert all(cell is not None for cell in astuple(agent.variance)[:4])
    by_names = {pair.names: pair for pair in comparison.pairs}
    b = by_names["b", "a"].difference
    values = [comparison.agents[name].sr.value for name in "ba"]
    assert b.value == pytest.approx(values[0] - values[1])  # type: ignore[operator]
    assert_empty(by_names["cash", "a"].difference, CONSTANT)
    assert by_names["cash", "a"].adjusted_p is None
    again = statistics.compare_agents(
        runs, "a", 252, random_sharpes=np.linspace(-3, 3, 50), draws=200
    )
    assert again == comparison


def test_the_number_of_trials_deflates() -> None:
    runs = {"a": drawn(1, 149, mean=0.003), "hold": drawn(1, 149, seed=2)}
    few, many = (
        statistics.compare_agents(
            runs, "hold", 252, trial_sharpes=np.linspace(-1, 1, n), draws=50
        ).agents["a"]
        for n in (5, 50)
    )
    assert few.deflated.value > many.deflated.value  # type: ignore[operator]
    assert few.probabilistic == many.probabilistic


def test_a_benchmark_that_is_not_there_is_answered_with_who_is() -> None:
    with pytest.raises(UnknownNameError, match="buy_and_hold"):
        statistics.compare_agents({"buy_and_hold": drawn(1, 30)}, "buy and hold", 252)


def test_returns_without_repeats_are_refused() -> None:
    with pytest.raises(ReturnsError, match="at least one of each"):
        statistics.compare_agents({"a": drawn(30)}, "a", 252)


def test_a_ruined_account_earns_nothing_more() -> None:
    assert statistics.filled_up(np.array([0.1, -1.2]), 4).tolist() == [0.1, -1.2, 0.0, 0.0]


def test_without_arch_what_needs_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arch", None)
    monkeypatch.setitem(sys.modules, "arch.bootstrap", None)
    returns = drawn(2, 149)
    for call in (
        lambda: statistics.superiority(returns[0], returns[1:], block_days=1),
        lambda: statistics.confidence_set(returns, block_days=1),
    ):
        with pytest.raises(MissingDependencyError, match=r"pip install 'investorbench\[stats\]'"):
            call()
    comparison = statistics.compare_agents({"a": returns[:1], "b": returns[1:]}, "a", 252, draws=50)
    assert comparison.bootstrap.block == statistics.block_length(returns)
    assert_empty(comparison.superior, "investorbench[stats]")
    assert_empty(comparison.agents["a"].best, "investorbench[stats]")
    assert comparison.pairs[0].difference.reason is None


def assert_empty(cell: Estimate, reason: str) -> None:
    assert cell.reason is not None and reason in cell.reason
    assert (cell.value, cell.low, cell.high, cell.p_value) == (None,) * 4


def ratio(returns: FloatArray) -> float:
    return float(returns.mean() / returns.std(ddof=1))


def test_among_many_agents_one_pair_is_still_distinguishable() -> None:
    chance = np.random.default_rng(8)
    common = chance.normal(0.0, 0.01, 300)
    runs = {f"agent {n}": (common + chance.normal(0.0, 0.002, 300))[None] for n in range(12)}
    runs["hold"] = common[None] + 0.0
    runs["agent 3"] = runs["agent 3"] + 0.001
    runs["agent 7"] = runs["agent 7"] - 0.001
    found = statistics.compare_agents(runs, "hold", 252)
    (pair,) = [each for each in found.pairs if each.names == ("agent 3", "agent 7")]
    assert pair.adjusted_p is not None and pair.adjusted_p < 0.05


def test_pairs_tested_together_come_to_what_they_come_to_alone() -> None:
    chance = np.random.default_rng(9)
    returns = {name: chance.normal(0.0005, 0.01, 120) for name in "abc"}
    pairs = [("a", "b"), ("c", "a")]
    together = statistics.ledoit_wolf_pairs(returns, pairs, block_days=3, draws=2500, seed=4)
    for (one, other), estimate in zip(pairs, together, strict=True):
        alone = statistics.ledoit_wolf(
            returns[one], returns[other], block_days=3, draws=2500, seed=4
        )
        assert estimate == alone
