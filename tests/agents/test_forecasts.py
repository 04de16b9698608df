import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.forecasts import (
    Decision,
    Forecast,
    NormalForecast,
    QuantileForecast,
    UpForecast,
    forecast_of,
    plain_forecast,
)
from investorbench.tasks import evaluate, load
from investorbench.tasks.record.replaying import replay
from investorbench.tasks.record.run_folder import job_in
from investorbench.tasks.record.verifying import verify_job
from investorbench_env.errors import ForecastError
from tests.agents.facts import facts

finite = st.floats(-1e6, 1e6)
no_probability = st.one_of(
    st.floats(max_value=0.0, exclude_max=True),
    st.floats(min_value=1.0, exclude_min=True),
    st.just(math.nan),
)
levels = st.lists(
    st.floats(0.0, 1.0, exclude_min=True, exclude_max=True), min_size=1, max_size=9, unique=True
).map(sorted)
laws = st.one_of(
    st.builds(UpForecast, up=st.floats(0.0, 1.0), horizon=st.just(1)),
    st.builds(NormalForecast, mean=finite, sd=st.floats(1e-9, 1e6), horizon=st.just(1)),
    levels.flatmap(
        lambda own: st.lists(finite, min_size=len(own), max_size=len(own)).map(
            lambda values: QuantileForecast(levels=own, values=sorted(values), horizon=1)  # type: ignore[arg-type]
        )
    ),
)


@given(laws)
def test_a_forecast_comes_back_from_its_json_as_it_was(forecast: Forecast) -> None:
    plain = plain_forecast(forecast, facts())
    assert forecast_of(json.loads(json.dumps(plain))) == forecast


@given(no_probability)
def test_what_is_no_probability_is_refused(up: float) -> None:
    with pytest.raises(ForecastError, match="up="):
        UpForecast(up=up, horizon=1)


@given(levels, st.data())
def test_quantiles_that_cross_are_refused(own: list[float], data: st.DataObject) -> None:
    values = data.draw(st.lists(finite, min_size=len(own), max_size=len(own)))
    given_ = {"levels": tuple(own), "values": tuple(values), "horizon": 1}
    if values == sorted(values):
        assert QuantileForecast(**given_).values == tuple(values)  # type: ignore[arg-type]
    else:
        with pytest.raises(ForecastError, match="cross"):
            QuantileForecast(**given_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "parts", "said"),
    [
        (UpForecast, {"up": True}, "up=True must be a finite number"),
        (UpForecast, {"up": "60 %"}, "must be a finite number"),
        (NormalForecast, {"mean": math.nan, "sd": 1.0}, "mean=nan"),
        (NormalForecast, {"mean": 0.0, "sd": 0.0}, "at least 1e-09"),
        (NormalForecast, {"mean": 0.0, "sd": math.inf}, "sd=inf"),
        (NormalForecast, {"mean": 2e6, "sd": 1.0}, "no return as a fraction"),
        (QuantileForecast, {"levels": [0.5], "values": [0.0, 1.0]}, "1 levels and 2 values"),
        (QuantileForecast, {"levels": [], "values": []}, "at least one"),
        (QuantileForecast, {"levels": [0.0, 0.5], "values": [0.0, 1.0]}, "strictly between"),
        (QuantileForecast, {"levels": [0.5, 0.5], "values": [0.0, 1.0]}, "must ascend"),
        (QuantileForecast, {"levels": [0.5], "values": [math.nan]}, "values=nan"),
        (QuantileForecast, {"levels": 0.5, "values": [0.0]}, "must be a list"),
    ],
)
def test_what_is_no_law_is_refused_in_one_line(kind: Any, parts: dict[str, Any], said: str) -> None:
    with pytest.raises(ForecastError, match=said) as error:
        kind(**parts, horizon=1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("horizon", [0, -1, 1.0, True, None, "5"])
def test_a_horizon_is_a_whole_number_of_sessions(horizon: Any) -> None:
    with pytest.raises(ForecastError, match="horizon="):
        UpForecast(up=0.5, horizon=horizon)


def test_arrays_and_numbers_of_numpy_are_taken() -> None:
    forecast = QuantileForecast(
        levels=np.array([0.1, 0.9]), values=np.array([-1.0, 1.0]), horizon=np.int64(1)
    )
    assert asdict(forecast) == {"levels": (0.1, 0.9), "values": (-1.0, 1.0), "horizon": 1}


def test_a_decision_takes_forecasts_alone() -> None:
    with pytest.raises(ForecastError, match=r"forecast=0\.6 is none of UpForecast"):
        Decision(2, forecast=0.6)  # type: ignore[arg-type]


def test_plain_values_of_no_forecast_are_refused_with_the_parts_that_there_are() -> None:
    with pytest.raises(ForecastError, match=r"up, horizon; mean, sd, horizon; .* given are up"):
        forecast_of({"up": 0.5})


class Foretelling:
    name = "foretelling"

    def __init__(self, horizon: int = 1) -> None:
        self.horizon, self.step = horizon, 0

    def act(self, observation: object, info: object) -> Any:
        self.step += 1
        if self.step % 3 == 0:
            return 2
        if self.step % 3 == 1:
            return Decision(2, forecast=UpForecast(up=0.6, horizon=self.horizon))
        return Decision(0, forecast=NormalForecast(mean=-0.01, sd=0.02, horizon=self.horizon))


WINDOW = {"start": "2020-10-01", "end": "2020-10-12", "data": "simulated", "warmup": False}


def test_forecasts_are_recorded_beside_actions_and_read_again(tmp_path: Path) -> None:
    result = evaluate(Foretelling(), "stock/tsla", 1, folder=tmp_path / "run", **WINDOW)  # type: ignore[arg-type]
    up, normal = {"up": 0.6, "horizon": 1}, {"mean": -0.01, "sd": 0.02, "horizon": 1}
    own = result.episodes[0].forecasts
    assert own is not None and own[:4] == (up, normal, None, up)
    (path,) = (tmp_path / "run").rglob("decisions.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert [line.get("forecast") for line in lines[:3]] == [up, normal, None]
    assert "forecast" not in lines[2]
    (read,) = load(tmp_path / "run").results
    assert read.episodes[0].forecasts == own
    job = job_in(path.parent.parent)
    assert replay(job, 0).difference is None
    assert not any(found.is_wrong for found in verify_job(job))
    again = evaluate(Foretelling(), "stock/tsla", 1, folder=tmp_path / "run", **WINDOW)  # type: ignore[arg-type]
    assert again.episodes[0].forecasts == own


def test_a_forecast_over_other_sessions_than_the_score_ends_the_run_with_a_line() -> None:
    with pytest.raises(ForecastError, match=r"horizon=5: in Stock a decision is scored over 1 se"):
        evaluate(Foretelling(5), "stock/tsla", 1, **WINDOW)  # type: ignore[arg-type]


def test_an_agent_that_says_nothing_leaves_no_forecasts() -> None:
    result = evaluate("buy_and_hold", "stock/tsla", 1, **WINDOW)  # type: ignore[arg-type]
    assert result.episodes[0].forecasts is None
