"""Forecasts on snapshots: what came of them and their law, as records hold both."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.forecasts import Decision, Forecast, NormalForecast, UpForecast
from investorbench.tasks import Result, Task, evaluate, load
from investorbench.tasks.forecasts import ForecastScores
from investorbench.tasks.snapshots.forecasts import forecast_scores_of
from investorbench_env.errors import ForecastError
from tests.env.small_markets import date, small_market

SIM = "InvestorBench/Snapshot-SIM"
UP = UpForecast(up=0.6, horizon=5)
NORMAL = NormalForecast(mean=0.002, sd=0.04, horizon=5)


class Saying:
    """Says the same of each return."""

    name = "saying"

    def __init__(self, forecast: Forecast | None) -> None:
        self._forecast = forecast

    def act(self, observation: object, info: object) -> Decision:
        return Decision(1, forecast=self._forecast)


def played(forecast: Forecast | None, **options: Any) -> Result:
    return evaluate(Saying(forecast), Task.of(SIM, options=options), 4, seed=5)


@cache
def of_probability() -> tuple[Result, ForecastScores]:
    result = played(UP)
    return result, forecast_scores_of(result)


def test_probabilities_are_held_against_what_a_position_of_weight_1_returned() -> None:
    result, found = of_probability()
    returns = np.concatenate([each.scored.returns for each in result.episodes if each.scored])
    assert found.given == found.decisions == len(returns) == 100
    assert found.brier.realised.value == pytest.approx(np.mean((0.6 - (returns > 0.0)) ** 2))
    (own,) = found.calibration
    assert (own.stated, own.came) == pytest.approx((0.6, np.mean(returns > 0.0)))
    assert own.true is not None and 0.4 < own.true < 0.7


def test_what_came_and_the_recorded_law_agree_but_for_chance() -> None:
    result, found = of_probability()
    realised, expected = found.brier.realised, found.brier.expected
    assert realised.low is not None and realised.high is not None and expected.value is not None
    assert realised.low < expected.value < realised.high
    ups = np.concatenate([each.scored.ups for each in result.episodes if each.scored])
    assert found.brier.excess.value == pytest.approx(np.mean((0.6 - ups) ** 2))


def test_laws_of_the_return_are_held_against_markets_drawn_once_more() -> None:
    found = forecast_scores_of(played(NORMAL))
    realised, expected = found.crps.realised, found.crps.expected
    assert realised.low is not None and realised.high is not None and expected.value is not None
    assert realised.low < expected.value < realised.high
    assert found.crps.excess.low is not None and found.crps.excess.low > 0.0


def test_a_record_gives_the_same_scores_without_its_market(tmp_path: Path) -> None:
    task = Task.of(SIM)
    result = evaluate(Saying(UP), task, 1, seed=5, folder=tmp_path / "run")
    (read,) = load(tmp_path / "run").results
    assert forecast_scores_of(read) == forecast_scores_of(result)


def test_an_antithetic_pair_is_one_observation() -> None:
    result = evaluate(Saying(UP), Task.of(SIM, options={"antithetic": True}), 1, seed=5)
    (block,) = result.episodes
    assert block.scored is not None
    pairs = block.scored._replace(market_seeds=tuple(range(2**70, 2**70 + 25)))
    found = forecast_scores_of(replace(result, episodes=(replace(block, scored=pairs),)))
    reason = found.brier.realised.reason
    assert reason == "13 independent observations, at least 20 are needed"


def test_an_agent_that_says_nothing_has_the_reason() -> None:
    result = evaluate(Saying(None), Task.of(SIM), 1, seed=5)
    assert forecast_scores_of(result).brier.realised.reason == "it gives no forecasts"


def test_decisions_in_an_account_are_no_snapshots() -> None:
    result = evaluate("buy_and_hold", "stock/sim", 1, end="2020-10-05", warmup=False)
    with pytest.raises(ForecastError, match="has no snapshots"):
        forecast_scores_of(result)


def test_on_real_markets_days_are_observations_and_the_law_is_not_known() -> None:
    closes = 100.0 + np.cumsum(np.random.default_rng(0).normal(size=60))
    task = Task.of(
        "InvestorBench/Snapshot",
        data=small_market(closes.tolist()),
        start=date(12),
        end=date(59),
        options={"window": 5, "horizon": 2},
    )
    result = evaluate(Saying(UpForecast(up=0.6, horizon=2)), task, 1, seed=5)
    found = forecast_scores_of(result)
    assert found.brier.expected.reason == "the true law of these returns is not known"
    assert found.brier.realised.value is not None
