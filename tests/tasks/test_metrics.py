"""Scores of equity curves, against hand calculation, two other libraries and published values."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import empyrical
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import quantstats.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.metrics import (
    activity,
    equity_of,
    max_drawdown,
    mean_of,
    performance,
    sharpe_error,
)
from investorbench_env.errors import UnknownNameError

STEPS = np.eye(2) * 1e-6

FloatArray = npt.NDArray[np.float64]

HAND = np.array([0.10, -0.20, 0.05, 0.15])
"""Equity 1, 1.1, .88, .924, 1.0626; mean .025, deviations .075, -.225, .025, .125."""
HAND_DEVIATION = math.sqrt((0.075**2 + 0.225**2 + 0.025**2 + 0.125**2) / 3)


def test_the_simple_convention_is_that_of_a_hand_calculation() -> None:
    figures = performance(HAND, "simple", 252)
    assert figures["CR"] == pytest.approx(0.0626, abs=1e-15)
    assert figures["SR"] == pytest.approx(0.025 / HAND_DEVIATION * math.sqrt(252), rel=1e-14)
    assert figures["AV"] == pytest.approx(HAND_DEVIATION * math.sqrt(252), rel=1e-14)
    assert figures["MDD"] == pytest.approx(0.2, rel=1e-14)
    # One of four returns is below zero: the downside is sqrt(.04 / 4) = .1.
    assert figures["sortino"] == pytest.approx(0.025 / 0.1 * math.sqrt(252), rel=1e-14)
    assert figures["calmar"] == pytest.approx((1.0626 ** (252 / 4) - 1) / 0.2, rel=1e-12)


def test_the_log_convention_counts_prices_not_steps() -> None:
    figures = performance(HAND, "log", 252)
    # Four returns lie between five prices, so the window is 5/252 of a year long.
    a_year = 0.10 / (5 / 252)
    assert figures["CR"] == pytest.approx(0.10, rel=1e-14)
    assert figures["AV"] == pytest.approx(HAND_DEVIATION * math.sqrt(252), rel=1e-14)
    assert figures["SR"] == pytest.approx(a_year / figures["AV"], rel=1e-14)
    assert figures["MDD"] == pytest.approx(0.2, rel=1e-14)  # of the product of 1 + r
    assert figures["calmar"] == pytest.approx(a_year / 0.2, rel=1e-14)


def test_a_risk_free_rate_is_taken_off_each_step_at_its_daily_share() -> None:
    daily = 1.05 ** (1 / 365) - 1
    figures = performance(HAND, "simple", 365, risk_free=0.05)
    expected = (0.025 - daily) / HAND_DEVIATION * math.sqrt(365)
    assert figures["SR"] == pytest.approx(expected, rel=1e-14)
    downside = math.sqrt((3 * 0.0 + (-0.20 - daily) ** 2) / 4)
    assert figures["sortino"] == pytest.approx((0.025 - daily) / downside * math.sqrt(365))


def test_performance_that_cannot_be_manipulated_is_that_of_a_hand_calculation() -> None:
    figures = performance(HAND, "simple", 252)
    mean = (1.1**-2 + 0.8**-2 + 1.05**-2 + 1.15**-2) / 4
    assert figures["MPPM"] == pytest.approx(-math.log(mean) / 2 * 252, rel=1e-13)
    over_cash = performance(HAND, "simple", 252, risk_free=0.05)["MPPM"]
    assert over_cash == pytest.approx(figures["MPPM"] - math.log(1.05), rel=1e-12)
    # Under the log convention returns are logs: ln of the mean of exp(−2·r).
    mean = (math.exp(-0.2) + math.exp(0.4) + math.exp(-0.1) + math.exp(-0.3)) / 4
    log = performance(HAND, "log", 252)["MPPM"]
    assert log == pytest.approx(-math.log(mean) / 2 * 252, rel=1e-13)


@given(rate=st.floats(-0.5, 0.5), days=st.integers(2, 300))
def test_a_sure_return_is_as_good_as_itself(rate: float, days: int) -> None:
    returns = np.full((2, days), rate)
    expected = pytest.approx([252 * math.log1p(rate)] * 2, abs=1e-9)
    assert performance(returns, "simple", 252)["MPPM"] == expected
    assert performance(np.log1p(returns), "log", 252)["MPPM"] == expected


def test_taking_less_risk_after_luck_raises_the_sharpe_ratio_and_not_this() -> None:
    rng = np.random.default_rng(74000)
    first, second = 0.0008 + 0.01 * rng.standard_normal((2, 4000, 126))
    lucky = first.mean(axis=-1, keepdims=True) > 0.0008
    as_ever = np.concatenate([first, second], axis=-1)
    less = np.concatenate([first, second * np.where(lucky, 0.3, 1.5)], axis=-1)
    sharpe, proof = (
        [performance(each, "simple", 252)[key].mean() for each in (as_ever, less)]
        for key in ("SR", "MPPM")
    )
    assert sharpe[1] > sharpe[0] + 0.02
    assert proof[1] < proof[0]


@pytest.mark.parametrize("last", [-1.0, -1.3])
def test_once_all_is_lost_no_sure_return_is_as_bad(last: float) -> None:
    assert math.isnan(performance(np.append(HAND, last), "simple", 252)["MPPM"])
    assert math.isfinite(performance(np.append(HAND, last), "log", 252)["MPPM"])


@pytest.mark.parametrize("days", [252, 365])
@pytest.mark.parametrize("seed", range(5))
def test_figures_agree_with_quantstats(seed: int, days: int) -> None:
    # Its Calmar ratio is a growth a year over a drawdown, as ours is. Its max_drawdown takes the
    # start for a peak only since it adds a value before the first one; so does ours.
    returns = random_returns(seed)
    series = pd.Series(returns, index=pd.date_range("2020-01-01", periods=len(returns)))
    expected = {
        "CR": quantstats.stats.comp(series),
        "SR": quantstats.stats.sharpe(series, periods=days),
        "AV": quantstats.stats.volatility(series, periods=days),
        "MDD": -quantstats.stats.max_drawdown(series),
        "sortino": quantstats.stats.sortino(series, periods=days),
        "calmar": quantstats.stats.calmar(series, periods=days),
    }
    assert chosen(performance(returns, "simple", days), expected) == pytest.approx(
        expected, rel=1e-12, abs=1e-12
    )


DEGENERATE = {
    "only losses": [-0.01, -0.03, -0.02],
    "one loss among nothing": [0.0, 0.0, -0.01, 0.0],
    "one gain among nothing": [0.0, 0.02, 0.0, 0.0],
    "two steps": [0.01, -0.02],
    "ruin, then nothing": [0.1, -1.0, 0.0, 0.0],
    "a gain of four hundred percent": [4.0, -0.5, 0.1],
    "nothing": [0.0, 0.0, 0.0],
    "the same loss each day": [-0.25, -0.25, -0.25],
    "the same gain each day": [0.25, 0.25, 0.25],
    "too small to see": [1e-9, -2e-9, 1e-9],
}
UNDEFINED = {"SR": 0.0, "sortino": math.nan, "calmar": math.nan}
"""What we give where quantstats divides by zero."""


@pytest.mark.parametrize("returns", DEGENERATE.values(), ids=DEGENERATE.keys())
@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered:RuntimeWarning")
def test_curves_at_the_edge_agree_with_quantstats_wherever_it_has_a_number(
    returns: list[float],
) -> None:
    series = pd.Series(returns, index=pd.date_range("2020-01-01", periods=len(returns)))
    figures = performance(np.array(returns), "simple", 252)
    theirs = {
        "CR": quantstats.stats.comp(series),
        "SR": quantstats.stats.sharpe(series),
        "AV": quantstats.stats.volatility(series),
        "MDD": -quantstats.stats.max_drawdown(series),
        "sortino": quantstats.stats.sortino(series),
        "calmar": calmar_of_quantstats(series),
    }
    expected = {k: v if math.isfinite(v) else UNDEFINED[k] for k, v in theirs.items()}
    assert chosen(figures, expected) == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)


def calmar_of_quantstats(series: "pd.Series[float]") -> float:
    try:
        return float(quantstats.stats.calmar(series))
    except ZeroDivisionError:
        return math.nan


def test_the_hit_ratio_is_quantstats_win_rate_where_every_position_earns() -> None:
    # It has no positions and counts returns other than zero in their place.
    rng = np.random.default_rng(8)
    weights = rng.choice([-1.0, 0.0, 1.0], 250)
    returns = weights * rng.normal(0.0, 0.01, 250)
    series = pd.Series(returns, index=pd.date_range("2020-01-01", periods=250))
    figures = activity(returns, weights, np.abs(weights), np.ones(251))
    assert figures["hit_ratio"] == pytest.approx(quantstats.stats.win_rate(series), abs=1e-12)
    # It rounds the time in the market up to a percent.
    above = quantstats.stats.exposure(series) - figures["time_in_market"]
    assert 0.0 <= above < 0.01


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("risk_free", [0.0, 0.045])
def test_figures_agree_with_empyrical(seed: int, risk_free: float) -> None:
    # It takes the risk-free return of one step, which we derive from that of a year.
    returns = random_returns(seed)
    daily = (1 + risk_free) ** (1 / 252) - 1
    expected = {
        "CR": empyrical.cum_returns_final(returns),
        "SR": empyrical.sharpe_ratio(returns, risk_free=daily),
        "AV": empyrical.annual_volatility(returns),
        "MDD": -empyrical.max_drawdown(returns),
        "sortino": empyrical.sortino_ratio(returns, required_return=daily),
        "calmar": empyrical.calmar_ratio(returns),
    }
    assert chosen(performance(returns, "simple", 252, risk_free), expected) == pytest.approx(
        expected, rel=1e-12, abs=1e-12
    )


@pytest.mark.parametrize("convention", ["simple", "log"])
@pytest.mark.parametrize("constant", [0.0, 0.001, -0.3])
def test_returns_that_do_not_vary_have_a_sharpe_ratio_of_zero(
    convention: Any, constant: float
) -> None:
    figures = performance(np.full(10, constant), convention, 252)
    assert figures["SR"] == 0.0
    assert figures["AV"] == 0.0
    assert math.isnan(figures["SR_low"]) and math.isnan(figures["SR_high"])


@settings(max_examples=200, deadline=None)
@given(
    start=st.floats(1e-3, 1e9),
    growth=st.floats(-0.01, 0.01),
    cash=st.floats(0.0, 5.0),
    steps=st.integers(2, 300),
    convention=st.sampled_from(["simple", "log"]),
)
def test_returns_equal_but_for_rounding_have_no_sharpe_ratio(
    start: float, growth: float, cash: float, steps: int, convention: Any
) -> None:
    # Cash beside a position, as an account holds it: each sum rounds once more.
    held = start * cash
    equity = held + (start * np.cumprod(np.full(steps + 1, 1.0 + growth)) - held)
    returns = equity[1:] / equity[:-1] - 1.0
    returns = returns if convention == "simple" else np.log1p(returns)
    figures = performance(returns, convention, 252)
    assert (figures["SR"], figures["AV"]) == (0.0, 0.0)
    assert np.isnan([figures["SR_low"], figures["SR_high"]]).all()
    assert math.isnan(figures["sortino"]) or growth < 0.0
    several = np.stack([returns, -returns])
    assert performance(several, convention, 252)["SR"].tolist() == [0.0, 0.0]


@settings(max_examples=100, deadline=None)
@given(spread=st.floats(1e-10, 1e-3), mean=st.floats(-0.01, 0.01), seed=st.integers(0, 2**32 - 1))
def test_however_small_returns_that_differ_have_their_sharpe_ratio(
    spread: float, mean: float, seed: int
) -> None:
    returns = mean + spread * np.random.default_rng(seed).standard_normal(50)
    figures = performance(returns, "simple", 252)
    own = [float(each) for each in returns]
    centre = math.fsum(own) / 50
    deviation = math.sqrt(math.fsum((each - centre) ** 2 for each in own) / 49)
    assert figures["SR"] == pytest.approx(centre / deviation * math.sqrt(252), rel=1e-4)
    assert figures["SR_low"] < figures["SR"] < figures["SR_high"]


def test_without_a_loss_the_ratios_to_a_loss_are_undefined() -> None:
    figures = performance(np.array([0.01, 0.0, 0.02]), "simple", 252)
    assert figures["MDD"] == 0.0
    assert math.isnan(figures["sortino"]) and math.isnan(figures["calmar"])


@pytest.mark.parametrize("convention", ["simple", "log"])
def test_one_step_is_enough(convention: Any) -> None:
    figures = performance(np.array([-0.1]), convention, 252)
    assert figures["CR"] == pytest.approx(-0.1, rel=1e-14)
    assert figures["SR"] == 0.0 and figures["AV"] == 0.0
    assert figures["MDD"] == pytest.approx(0.1, rel=1e-14)


def test_the_start_value_counts_in_the_drawdown() -> None:
    # 1, .9, .99, .95: the largest fall is from the start, which no return stands for.
    equity = np.array([1.0, 0.9, 0.99, 0.95])
    assert max_drawdown(equity) == pytest.approx(0.1, rel=1e-14)
    assert performance(equity[1:] / equity[:-1] - 1, "simple", 252)["MDD"] == pytest.approx(0.1)


def test_a_drawdown_is_measured_from_the_last_peak() -> None:
    assert max_drawdown(np.array([1.0, 2.0, 1.5, 3.0, 1.8, 2.5])) == pytest.approx(0.4, rel=1e-14)


def test_equity_starts_at_one_and_compounds() -> None:
    expected = [1.0, 1.1, 0.88, 0.924, 1.0626]
    np.testing.assert_allclose(equity_of(HAND), expected, rtol=1e-14)


def test_more_than_everything_lost_is_no_growth_a_year() -> None:
    figures = performance(np.array([-0.5, -1.2]), "simple", 252)
    assert figures["CR"] == pytest.approx(-1.1, rel=1e-14)
    assert figures["calmar"] == pytest.approx(-1.0 / figures["MDD"], rel=1e-14)


@pytest.mark.parametrize("convention", ["simple", "log"])
def test_leading_axes_give_what_a_loop_gives(convention: Any) -> None:
    rng = np.random.default_rng(3)
    returns = rng.normal(0.0005, 0.02, (4, 3, 60))
    returns[1, 2] = 0.0  # one that does not vary, among others that do
    together = performance(returns, convention, 252, 0.01)
    for i, j in np.ndindex(4, 3):
        alone = performance(returns[i, j], convention, 252, 0.01)
        for name, figure in alone.items():
            assert isinstance(figure, float)
            np.testing.assert_allclose(together[name][i, j], figure, rtol=1e-15, err_msg=name)


def test_an_unknown_convention_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="nearest first: simple, log"):
        performance(HAND, "simpel", 252)  # type: ignore[arg-type]


def test_activity_is_that_of_a_hand_calculation() -> None:
    figures = activity(
        returns=np.array([0.1, -0.1, 0.2, 0.0]),
        exposure=np.array([1.0, 1.0, 0.5, 0.0]),
        notional=np.array([100.0, 0.0, 150.0, 50.0]),
        equity=np.array([100.0, 110.0, 99.0, 118.8, 118.8]),
        costs=0.5,
    )
    assert figures == pytest.approx(
        {
            "hit_ratio": 2 / 3,
            "turnover": 300 / 109.32,
            "exposure": 2.5 / 4,
            "time_in_market": 3 / 4,
            "trades": 3,
            "costs": 0.5,
            "steps": 4,
        }
    )


def test_an_account_that_holds_nothing_has_no_hit_ratio() -> None:
    nothing = np.zeros(3)
    figures = activity(nothing, nothing, nothing, np.ones(4))
    assert math.isnan(figures["hit_ratio"])
    assert figures["time_in_market"] == figures["turnover"] == figures["exposure"] == 0.0


def test_the_error_of_a_sharpe_ratio_gives_the_published_probability() -> None:
    # Bailey and López de Prado (2012): SR = .036/.079, T = 24, γ3 = -2.448, γ4 = 10.164 has a
    # plug-in PSR(0) of .913 and PSR(.1) of .855; that form puts T - 1 for T.
    returns = with_moments(24, mean=0.036, deviation=0.079, skew=-2.448, kurtosis=10.164)
    error = float(sharpe_error(returns)) * math.sqrt(24 / 23)
    sharpe = 0.036 / 0.079
    assert round(NormalDist().cdf(sharpe / error), 3) == 0.913
    assert round(NormalDist().cdf((sharpe - 0.1) / error), 3) == 0.855
    by_formula = math.sqrt((1 + 2.448 * sharpe + (10.164 - 1) / 4 * sharpe**2) / 24)
    assert float(sharpe_error(returns)) == pytest.approx(by_formula, rel=1e-6)


DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], FloatArray]] = {
    "normal": lambda rng, shape: rng.normal(0.2, 1.0, shape),
    # A gamma distribution of shape 4 has a standard deviation of 2 and a skew of 1.
    "right-skewed": lambda rng, shape: rng.gamma(4.0, 1.0, shape) - 4.0 + 0.8,
    "left-skewed": lambda rng, shape: 4.0 - rng.gamma(4.0, 1.0, shape) + 0.8,
}


@pytest.mark.parametrize("kind", DRAWS)
def test_the_error_of_a_sharpe_ratio_is_the_spread_over_simulated_samples(kind: str) -> None:
    returns = DRAWS[kind](np.random.default_rng(11), (4000, 250))
    sharpes = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
    # The spread over 4,000 samples is itself known to 1.1 %.
    assert sharpe_error(returns).mean() == pytest.approx(sharpes.std(ddof=1), rel=0.04)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    returns = np.random.default_rng(5).normal(0.1, 1.0, (4000, 149))
    figures = performance(returns, "simple", 252)
    truth = 0.1 * math.sqrt(252)
    covered = (figures["SR_low"] < truth) & (truth < figures["SR_high"])
    assert covered.mean() == pytest.approx(0.95, abs=0.012)


def random_returns(seed: int) -> FloatArray:
    """A year of returns with a fat tail, beginning with a loss from the start value."""
    returns = np.random.default_rng(seed).standard_t(4, 252) * 0.01
    return np.concatenate([[-0.02], returns])


def chosen(figures: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in names}


def with_moments(
    count: int, *, mean: float, deviation: float, skew: float, kurtosis: float
) -> FloatArray:
    """A sample with these moments: an even spread and two outliers, by Newton's method."""
    aim = np.array([skew, kurtosis])
    spread = np.linspace(-1.0, 1.0, count - 2)
    outliers = np.array([-6.0, -2.0])

    def shape(outliers: FloatArray) -> FloatArray:
        centred = np.append(spread, outliers)
        centred = centred - centred.mean()
        scale = np.sqrt(np.mean(centred**2))
        return np.array([np.mean(centred**n) / scale**n for n in (3, 4)])

    for _ in range(20):
        slopes = [(shape(outliers + step) - shape(outliers - step)) / 2e-6 for step in STEPS]
        outliers = outliers - np.linalg.solve(np.array(slopes).T, shape(outliers) - aim)
    np.testing.assert_allclose(shape(outliers), aim, rtol=1e-9)
    sample = np.append(spread, outliers)
    scaled: FloatArray = (sample - sample.mean()) / sample.std(ddof=1) * deviation + mean
    return scaled


REPEATS = st.lists(
    st.fixed_dictionaries(
        {
            "SR": st.floats(-5.0, 5.0),
            "margin": st.one_of(st.none(), st.floats(0.1, 5.0)),
            "calmar": st.one_of(st.none(), st.just(math.nan), st.floats(-9.0, 9.0)),
        }
    ),
    min_size=1,
    max_size=6,
)


@given(given_repeats=REPEATS)
def test_a_mean_over_repeats_leaves_out_what_is_not_defined_and_counts_idle_ones_as_nothing(
    given_repeats: list[dict[str, float | None]],
) -> None:
    repeats = []
    for each in given_repeats:
        is_idle = each["margin"] is None
        sr, margin = (0.0, math.nan) if is_idle else (each["SR"], each["margin"])
        ends = {"SR_low": sr - margin, "SR_high": sr + margin}
        repeats.append({"SR": sr, **ends, "calmar": each["calmar"]})
    found = mean_of(repeats)
    assert found["SR"] == pytest.approx(np.mean([each["SR"] for each in repeats]))
    known = [each["calmar"] for each in repeats if each["calmar"] is not None]
    known = [each for each in known if not math.isnan(each)]
    assert found["calmar"] == pytest.approx(np.mean(known) if known else math.nan, nan_ok=True)
    margins = [0.0 if each["margin"] is None else each["margin"] for each in given_repeats]
    half = np.mean(margins) if any(margins) else math.nan
    for end, sign in (("SR_low", -1), ("SR_high", 1)):
        assert found[end] == pytest.approx(found["SR"] + sign * half, nan_ok=True)
