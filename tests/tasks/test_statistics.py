"""What a leaderboard can say, against published values, other libraries and plain loops."""

import math
import sys
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from arch.bootstrap import SPA, StationaryBootstrap, optimal_block_length
from scipy.stats import kurtosis, skew

from investorbench.tasks import statistics
from investorbench.tasks.metrics import sharpe_error
from investorbench.tasks.statistics import Estimate, Moments, ReturnsError
from investorbench.tasks.statistics.estimate import CONSTANT, IDENTICAL, ONE_RATIO
from investorbench.tasks.statistics.selection import _stationary_variance
from investorbench_env.errors import MissingDependencyError

FloatArray = npt.NDArray[np.float64]
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


# Blocks.


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


def test_there_are_always_six_blocks_whatever_the_days_depend_on() -> None:
    walk = np.cumsum(drawn(1, 60), axis=1)
    assert statistics.politis_white(walk[0]) > 10
    assert statistics.block_length(walk).days == 10


# Two agents in closed form.


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


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (lambda a: a.copy(), IDENTICAL),
        (lambda a: a * 0.5, ONE_RATIO),
        (lambda a: a * 0.0, CONSTANT),
    ],
)
def test_what_has_no_difference_has_the_reason(other: Any, reason: str) -> None:
    returns = drawn(149)
    assert_empty(statistics.jobson_korkie(returns, other(returns)), reason)


def test_returns_of_other_days_are_refused() -> None:
    with pytest.raises(ReturnsError, match="of 30, 31 days"):
        statistics.jobson_korkie(drawn(30), drawn(31))


# Many agents.


def test_superiority_is_that_of_arch_where_all_spread_alike() -> None:
    returns = drawn(4, 149)
    gains = returns[1:] - returns[0]
    cell = statistics.superiority(gains, block=4, draws=500, seed=3)
    scaled = gains / np.sqrt(_stationary_variance(gains, 4))[:, None]
    theirs = SPA(np.zeros(149), -scaled.T, 4, 500, seed=3)
    theirs.compute()
    assert cell.p_value == theirs.pvalues["consistent"]
    assert cell.value == pytest.approx(gains.mean(axis=1).max())


def test_the_variance_of_a_stationary_bootstrap_is_that_of_its_draws() -> None:
    returns = np.convolve(drawn(160), np.ones(4), "valid")
    theirs = StationaryBootstrap(7, returns, seed=4).apply(np.mean, 4000)
    exact = math.sqrt(_stationary_variance(returns[None], 7)[0] / len(returns))
    assert theirs.std() == pytest.approx(exact, rel=0.05)


def test_an_agent_far_above_the_others_is_superior_and_alone_in_the_set() -> None:
    returns = drawn(5, 149)
    returns[3] += 0.02
    assert statistics.superiority(returns[1:] - returns[0], block=2).p_value < 0.01  # type: ignore[operator]
    cells = statistics.confidence_set(returns, block=2)
    assert [cell.p_value > 0.05 for cell in cells] == [k == 3 for k in range(5)]  # type: ignore[operator]
    assert [cell.value for cell in cells] == pytest.approx(returns.mean(axis=1).tolist())


def test_nothing_is_superior_that_never_differs_and_nobody_is_the_best_of_one() -> None:
    assert_empty(statistics.superiority(np.zeros((2, 60)), block=2), "no agent differs")
    assert_empty(statistics.confidence_set(drawn(1, 60), block=2)[0], "no other agent")


def test_without_arch_what_needs_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arch", None)
    monkeypatch.setitem(sys.modules, "arch.bootstrap", None)
    returns = drawn(2, 149)
    for call in (statistics.superiority, statistics.confidence_set):
        with pytest.raises(MissingDependencyError, match=r"pip install 'investorbench\[stats\]'"):
            call(returns, block=1)
    comparison = statistics.compare_agents({"a": returns[:1], "b": returns[1:]}, "a", 252, draws=50)
    assert_empty(comparison.superior, "investorbench[stats]")
    assert_empty(comparison.agents["a"].best, "investorbench[stats]")
    assert comparison.pairs[0].difference.reason is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.01, None, 0.04], [0.02, None, 0.04]),
        ([0.8, 0.9], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([None], [None]),
    ],
)
def test_p_values_without_a_joint_law_are_adjusted_as_holm_did(given: Any, expected: Any) -> None:
    assert statistics.holm(given) == pytest.approx(expected)


def test_a_random_percentile_counts_ties_half() -> None:
    others = np.repeat([1.0, 2.0, 3.0, 4.0], 5)
    cell = statistics.random_percentile(3.0, others)
    assert cell == Estimate(value=0.625, p_value=11 / 21)
    assert statistics.random_percentile(9.0, others) == Estimate(value=1.0, p_value=1 / 21)
    assert_empty(statistics.random_percentile(1.0, others[:19]), "19 random policies")
    assert_empty(statistics.random_percentile(math.nan, others), "not finite")


def assert_empty(cell: Estimate, reason: str) -> None:
    assert cell.reason is not None and reason in cell.reason
    assert (cell.value, cell.low, cell.high, cell.p_value) == (None,) * 4
