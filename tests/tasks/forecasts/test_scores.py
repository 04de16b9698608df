import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.forecasts import (
    Forecast,
    NormalForecast,
    QuantileForecast,
    UpForecast,
)
from investorbench.tasks.forecasts import (
    Outcomes,
    calibration,
    forecast_scores,
)
from investorbench.tasks.forecasts.clustered import FloatArray
from investorbench.tasks.forecasts.proper import normal_cdf
from investorbench.tasks.statistics.proportions import Share
from investorbench_env.errors import ForecastError

SD = 0.03


class Normal:
    """Normal laws of a known spread."""

    def __init__(self, expected: FloatArray) -> None:
        self.expected = expected

    @property
    def up(self) -> FloatArray:
        return normal_cdf(self.expected / SD)

    def returns(self, count: int) -> FloatArray:
        deviations = [NormalDist().inv_cdf((place + 0.5) / count) for place in range(count)]
        return np.asarray(self.expected[:, None] + SD * np.array(deviations))


def world(count: int = 400, seed: int = 0) -> tuple[FloatArray, Outcomes]:
    """Normal returns whose means are known, and their law."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=count) * 0.02
    returns = means + rng.normal(size=count) * SD
    return means, Outcomes(returns=returns, clusters=np.arange(count), law=Normal(means))


def of_means(means: FloatArray) -> list[Forecast | None]:
    return [NormalForecast(mean=mean, sd=SD, horizon=5) for mean in means.tolist()]


def test_who_knows_the_law_has_no_excess_and_is_ranked_as_the_truth() -> None:
    means, outcomes = world()
    found = forecast_scores(of_means(means), outcomes)
    assert (found.decisions, found.given) == (400, 400)
    assert found.brier.excess.value == pytest.approx(0.0, abs=1e-12)
    assert found.log.excess.value == pytest.approx(0.0, abs=1e-12)
    assert found.information.expected.value == pytest.approx(1.0)
    assert found.crps.excess.value == pytest.approx(0.0, abs=0.02 * SD)


@pytest.mark.heavy
def test_expected_scores_are_those_that_came_but_for_chance_and_less_noisy() -> None:
    means, outcomes = world(4_000)
    found = forecast_scores(of_means(-means / 2), outcomes)
    for each in (found.brier, found.log, found.crps):
        realised, expected = each.realised, each.expected
        assert realised.low is not None and realised.high is not None
        assert expected.value is not None and expected.low is not None
        assert realised.low < expected.value < realised.high
        assert expected.value - expected.low < realised.high - expected.value + 0.02


def test_brier_by_hand() -> None:
    outcomes = Outcomes(returns=np.array([0.1, -0.1, 0.0]), clusters=np.arange(3))
    ups = [UpForecast(up=0.8, horizon=1), None, UpForecast(up=0.4, horizon=1)]
    found = forecast_scores(ups, outcomes)
    assert found.brier.realised.value == pytest.approx((0.2**2 + 0.5**2 + 0.4**2) / 3)
    assert found.given == 2
    assert found.brier.realised.reason == "3 independent observations, at least 20 are needed"


def test_an_agent_without_forecasts_has_empty_cells_with_the_reason() -> None:
    _, outcomes = world(40)
    found = forecast_scores([None] * 40, outcomes)
    for each in (found.brier, found.log, found.crps, found.information):
        for cell in (each.realised, each.expected, each.excess):
            assert (cell.value, cell.reason) == (None, "no forecasts were given")


def test_on_real_markets_there_is_no_expected_score() -> None:
    means, outcomes = world(40)
    real = Outcomes(returns=outcomes.returns, clusters=outcomes.clusters)
    found = forecast_scores(of_means(means), real)
    assert found.brier.realised.value is not None
    assert found.brier.expected.reason == "the true law of these returns is not known"


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([UpForecast(up=0.5, horizon=5)] * 2, "a probability alone is no law of the return"),
        (
            [UpForecast(up=0.5, horizon=5), NormalForecast(mean=0, sd=1, horizon=5)],
            "its forecasts are not all of one kind",
        ),
        ([NormalForecast(mean=0, sd=1, horizon=5), None], "1 of 2 decisions have no forecast"),
        (
            [
                QuantileForecast(levels=levels, values=(0.0, 0.0), horizon=5)
                for levels in ((0.1, 0.9), (0.2, 0.8))
            ],
            "its quantiles are not all of the same levels",
        ),
    ],
)
def test_what_is_no_law_throughout_has_no_crps_and_the_reason(
    others: list[Forecast | None], reason: str
) -> None:
    outcomes = Outcomes(returns=np.array([0.1, -0.1]), clusters=np.arange(2))
    assert forecast_scores(others, outcomes).crps.realised.reason == reason


def test_forecasts_over_several_horizons_are_not_scored_together() -> None:
    outcomes = Outcomes(returns=np.array([0.1, -0.1]), clusters=np.arange(2))
    ups = [UpForecast(up=0.5, horizon=horizon) for horizon in (1, 5)]
    with pytest.raises(ForecastError, match="over 1, 5 sessions"):
        forecast_scores(ups, outcomes)


def test_there_is_one_forecast_a_return() -> None:
    outcomes = Outcomes(returns=np.zeros(2), clusters=np.arange(2))
    with pytest.raises(ForecastError, match="1 decisions and 2 returns"):
        forecast_scores([None], outcomes)
    with pytest.raises(ForecastError, match="2 returns, 3 clusters"):
        Outcomes(returns=np.zeros(2), clusters=np.arange(3))
    with pytest.raises(ForecastError, match="missing or not finite"):
        Outcomes(returns=np.array([np.nan]), clusters=np.arange(1))


def test_calibration_counts_what_came_of_each_probability() -> None:
    up = np.array([0.1, 0.19, 0.1, 0.95, 1.0])
    rose = np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    low, high = calibration(up, rose, np.array([0, 0, 1, 2, 3]), true=np.full(5, 0.5))
    assert (low.low, low.high, low.count) == (0.1, 0.2, 3)
    assert (low.stated, low.came) == pytest.approx((0.13, 1 / 3))
    assert (high.low, high.high, high.count, high.came, high.true) == (0.9, 1.0, 2, 1.0, 0.5)
    assert high.interval == Share(2, 2).interval()


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=60))
def test_bins_of_calibration_are_those_of_a_loop(given_: list[tuple[float, bool]]) -> None:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for up, rose in given_:
        bins.setdefault(max(n for n in range(10) if up >= n / 10), []).append((up, rose))
    ups, roses = zip(*given_, strict=True)
    found = calibration(np.array(ups), np.array(roses, dtype=float), np.arange(len(ups)))
    assert [each.low for each in found] == [n / 10 for n in sorted(bins)]
    for each, n in zip(found, sorted(bins), strict=True):
        own = bins[n]
        assert each.count == len(own)
        stated, came = (math.fsum(map(float, part)) / len(own) for part in zip(*own, strict=True))
        assert (each.stated, each.came) == pytest.approx((stated, came), rel=0.0, abs=1e-12)
        assert each.interval == Share(sum(rose for _, rose in own), len(own)).interval()


def test_calibrated_probabilities_lie_within_their_intervals() -> None:
    rng = np.random.default_rng(5)
    up = rng.random(20_000)
    bins = calibration(up, (rng.random(20_000) < up).astype(float), np.arange(20_000))
    assert len(bins) == 10
    assert sum(low <= each.stated <= high for each in bins for low, high in [each.interval]) >= 8


@pytest.mark.parametrize(
    "say",
    [
        lambda view: UpForecast(up=0.5 + view, horizon=1),
        lambda view: NormalForecast(mean=view, sd=0.1, horizon=1),
        lambda view: QuantileForecast(levels=(0.5,), values=(view,), horizon=1),
    ],
)
def test_leaving_out_forecasts_adds_no_information(say: Callable[[float], Forecast]) -> None:
    rng = np.random.default_rng(5)
    returns = rng.normal(0.0, 1.0, 400)
    views = np.clip(0.05 * returns + rng.normal(0.0, 0.1, 400), -0.49, 0.49)
    every = [say(view) for view in views.tolist()]
    sure = [each if abs(view) > 0.2 else None for each, view in zip(every, views, strict=True)]
    silent = [say(0.0) if each is None else each for each in sure]
    outcomes = Outcomes(returns=returns, clusters=np.arange(400))
    information = [forecast_scores(each, outcomes).information for each in (every, sure, silent)]
    value = [each.realised.value for each in information]
    assert value[1] == value[2] < value[0]
