"""What the forecasts of results were about: what came of them, and their law."""

import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.agents.forecasts import Decision, Forecast, NormalForecast, UpForecast
from investorbench.tasks import Result, Task, evaluate, load
from investorbench.tasks.forecasts import ForecastScores
from investorbench.tasks.forecasts.scores import NO_TRUTH
from investorbench.tasks.foretold import observations_of
from investorbench.tasks.record.replaying import replay
from investorbench.tasks.record.run_folder import job_in
from investorbench_env.errors import ForecastError, SimulatedDataWarning
from investorbench_env.market.market import CLOSE, OPEN
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.market.simulated.horizon_law import HorizonLaw
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
    return result, result.forecast_scores


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


@pytest.mark.heavy
def test_laws_of_the_return_are_held_against_markets_drawn_once_more() -> None:
    found = played(NORMAL).forecast_scores
    realised, expected = found.crps.realised, found.crps.expected
    assert realised.low is not None and realised.high is not None and expected.value is not None
    assert realised.low < expected.value < realised.high
    assert found.crps.excess.low is not None and found.crps.excess.low > 0.0


def test_a_record_gives_the_same_scores_without_its_market(tmp_path: Path) -> None:
    task = Task.of(SIM)
    result = evaluate(Saying(UP), task, 1, seed=5, folder=tmp_path / "run")
    (read,) = load(tmp_path / "run").results
    assert read.forecast_scores == result.forecast_scores


def test_an_antithetic_pair_is_one_observation() -> None:
    result = evaluate(Saying(UP), Task.of(SIM, options={"antithetic": True}), 1, seed=5)
    (block,) = result.episodes
    assert block.scored is not None
    pairs = block.scored._replace(market_seeds=tuple(range(2**70, 2**70 + 25)))
    found = replace(result, episodes=(replace(block, scored=pairs),)).forecast_scores
    reason = found.brier.realised.reason
    assert reason == "13 independent observations, at least 20 are needed"


def test_an_agent_that_says_nothing_has_the_reason() -> None:
    result = evaluate(Saying(None), Task.of(SIM), 1, seed=5)
    assert result.forecast_scores.brier.realised.reason == "no forecasts were given"


class Daily:
    """Says something every other day."""

    name = "daily"

    def __init__(self) -> None:
        self.step = 0

    def act(self, observation: object, info: object) -> Decision:
        self.step += 1
        return Decision(1, forecast=UpForecast(up=0.7, horizon=1) if self.step % 2 else None)


WINDOW: Any = {"end": "2020-11-13", "warmup": False, "seed": 3}


def test_in_an_account_each_step_is_held_against_its_day(tmp_path: Path) -> None:
    result = evaluate(Daily(), "stock/sim", 1, folder=tmp_path / "run", **WINDOW)
    (episode,) = result.episodes
    market = result.task.market(episode.market_seed)
    at = np.searchsorted(market.sessions, episode.sessions[1:])
    days = market.bars[at, 0, CLOSE] / market.bars[at, 0, OPEN] - 1.0
    said = np.arange(len(days)) % 2 == 0
    assert episode.earned is not None
    assert episode.earned[said] == pytest.approx(days[said])
    assert np.isnan(episode.earned[~said]).all()
    found = result.forecast_scores
    scores = np.where(said, (0.7 - (days > 0.0)) ** 2, 0.25)
    assert found.brier.realised.value == pytest.approx(scores.mean())
    assert found.brier.realised.reason == "1 independent observation, at least 20 are needed"
    assert (found.given, found.decisions) == (int(said.sum()), len(days))
    (read,) = load(tmp_path / "run").results
    assert read.forecast_scores == found
    assert replay(job_in(next((tmp_path / "run").rglob("repeat-0")).parent), 0).difference is None


def test_in_an_account_the_law_of_each_day_is_that_of_its_hidden_state() -> None:
    result = evaluate(Daily(), "stock/sim", 2, **WINDOW)
    found = result.forecast_scores
    states = []
    for episode in result.episodes:
        market = result.task.market(episode.market_seed)
        at = np.searchsorted(market.sessions, episode.sessions[:-1])
        assert market.hidden_state is not None
        states.append({name: of[at, 0] for name, of in market.hidden_state.items()})
    ups = np.concatenate([HorizonLaw.of(dynamics_of(), own, 1).up for own in states])
    said = np.concatenate([np.arange(len(each.actions)) % 2 == 0 for each in result.episodes])
    excess = (np.where(said, 0.7, 0.5) - ups) ** 2
    assert found.brier.excess.value == pytest.approx(excess.mean())


def test_on_a_real_market_every_day_is_an_observation() -> None:
    closes = 100.0 + np.cumsum(np.random.default_rng(0).normal(size=60))
    task = Task.of(
        "InvestorBench/Stock", data=small_market(closes.tolist()), start=date(12), end=date(59)
    )
    found = evaluate(Daily(), task, 2, warmup=False, seed=1).forecast_scores
    assert found.brier.realised.low is not None
    assert found.brier.expected.reason == "the true law of these returns is not known"


def test_of_several_assets_what_a_forecast_is_about_is_not_recorded() -> None:
    class Foretelling(Daily):
        def act(self, observation: object, info: object) -> Decision:
            return Decision([0.1] * 10, forecast=UpForecast(up=0.5, horizon=1))

    result = evaluate(Foretelling(), "portfolio/sim", 1, **{**WINDOW, "end": "2020-10-05"})
    with pytest.raises(ForecastError, match="is not recorded: they are scored for one asset"):
        _ = result.forecast_scores


@pytest.mark.parametrize("simulated", [False, True])
def test_of_snapshots_of_a_market_that_is_there_each_day_is_an_observation(simulated: bool) -> None:
    closes = 100.0 + np.cumsum(np.random.default_rng(0).normal(size=90))
    task = Task.of(
        "InvestorBench/Snapshot",
        data=small_market(closes.tolist(), simulated=simulated),
        start=date(12),
        end=date(89),
        options={"window": 5, "horizon": 2},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimulatedDataWarning)
        result = evaluate(Saying(UpForecast(up=0.6, horizon=2)), task, 1, seed=5)
    days, overlap = observations_of(result)
    asked = result.episodes[0].sessions[:-1]
    assert overlap == 2
    assert len(np.unique(days)) == len(np.unique(asked))
    assert ((days[:, None] < days) == (asked[:, None] < asked)).all()
    assert result.forecast_scores.brier.expected.reason == NO_TRUTH


def test_a_result_on_snapshots_says_what_decisions_were_worth_and_how_good_forecasts_are() -> None:
    title, figures, *notes = str(of_probability()[0]).splitlines()
    assert title.endswith("100 decisions, 4 blocks")
    assert figures.startswith("Edge bps 0.0 (0.0 to 0.0)   Skill ")
    assert any(note.startswith("100 of 100 decisions with a forecast: Brier 0.2") for note in notes)


class Boasts(gym.Wrapper[Any, Any, Any, Any]):
    """Says that more was earned than was."""

    earned = 0.5


def test_no_wrapper_says_what_a_snapshot_earned() -> None:
    plain, wrapped = (
        evaluate(Saying(None), SIM, 1, seed=3, wrapper=each).episodes[0].scored
        for each in (None, Boasts)
    )
    assert plain is not None and wrapped is not None
    assert list(plain.returns) == list(wrapped.returns)
