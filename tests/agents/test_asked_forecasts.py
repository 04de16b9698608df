"""A language model that is asked for a probability beside its decision, and one that is not."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.adapters.debate import Debate
from investorbench.agents.adapters.http import Http
from investorbench.agents.asked_forecasts import AskedForecast
from investorbench.agents.finmem import FinMem
from investorbench.agents.forecasts import Decision, UpForecast
from investorbench.agents.llm import connect, load_model
from investorbench.agents.tool_user import ToolUser
from investorbench.tasks import evaluate
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from tests.agents.adapters.json_server import serving
from tests.agents.facts import facts
from tests.agents.finmem.episodes import arrays
from tests.scripts.calling import Call

SHORT: dict[str, Any] = {"end": "2020-10-05", "seed": 0}
STEPS = 2
SCHEMA = {
    "type": "object",
    "properties": {"rationale": {"type": "string"}, "decision": {"enum": ["buy", "sell"]}},
    "required": ["rationale", "decision"],
}
SYSTEM = 'Keys:\n- `rationale`: why.\n- `decision`: what.\n{"rationale": "", "decision": "buy"}'
OFFLINE = connect(load_model("offline"))
AGENTS = [
    pytest.param(partial(FinMem, OFFLINE, arrays), id="finmem"),
    pytest.param(partial(ToolUser, OFFLINE), id="tool_user"),
    pytest.param(partial(Debate, OFFLINE), id="debate"),
]


def test_the_probability_comes_after_the_reasons_and_before_the_decision() -> None:
    asked = AskedForecast("probability", facts())
    schema = asked.schema(SCHEMA)
    assert [*schema["properties"]] == ["rationale", "probability_up", "decision"]
    assert schema["required"] == ["rationale", "probability_up", "decision"]
    keys = [line[:18] for line in asked.system(SYSTEM).split("\n")[1:4]]
    assert keys == ["- `rationale`: why", "- `probability_up`", "- `decision`: what"]
    example = json.loads(asked.system(SYSTEM).split("\n")[-1])
    assert [*example] == ["rationale", "probability_up", "decision"]


def test_where_nothing_is_asked_for_nothing_is_otherwise() -> None:
    asked = AskedForecast(None, facts())
    assert json.dumps(asked.schema(SCHEMA)) == json.dumps(SCHEMA)
    assert asked.system(SYSTEM) == SYSTEM
    assert asked.decided(2, {"decision": "buy", "probability_up": 0.7}) == 2
    assert asked.described() == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "to the close of the next session,"),
        ({"horizon": 5}, "to the close of the last of the next 5 sessions,"),
        ({"interval": "1h"}, "to the close of the next bar,"),
    ],
)
def test_what_the_probability_is_of_follows_from_the_score(
    changes: dict[str, Any], said: str
) -> None:
    assert said in AskedForecast("probability", facts(**changes)).words


@given(st.one_of(st.floats(), st.integers(), st.text(), st.booleans(), st.none()))
def test_only_a_probability_becomes_a_forecast(up: Any) -> None:
    decided = AskedForecast("probability", facts(horizon=5)).decided(2, {"probability_up": up})
    is_number = isinstance(up, int | float) and not isinstance(up, bool)
    if is_number and 0.0 <= up <= 1.0:
        assert decided == Decision(2, forecast=UpForecast(up=float(up), horizon=5))
    else:
        assert decided == 2


def test_an_unusable_answer_is_a_decision_without_a_forecast() -> None:
    assert AskedForecast("probability", facts()).decided(1, None) == 1


@pytest.mark.parametrize("make", AGENTS)
def test_each_decision_of_a_test_has_a_probability(make: Any) -> None:
    agent = partial(make, forecast="probability")
    result = evaluate(agent, "stock/sim", warmup=False, **SHORT)
    forecasts = result.episodes[0].forecasts
    assert forecasts is not None and len(forecasts) == STEPS
    assert all(each is not None and 0.0 < each["up"] < 1.0 for each in forecasts)


@pytest.mark.parametrize("make", AGENTS)
def test_a_kind_that_there_is_not_is_refused(make: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown forecast 'mean'; valid, .*: probability"):
        make(forecast="mean")


def test_it_is_asked_for_on_the_command_line(command: Call, tmp_path: Path) -> None:
    run = ("run", "task=stock/sim", "task.end=2020-10-05", "warmup=false", "model=offline")
    assert (
        command(*run, "agent=debate", "agent.forecast=probability", f"folder={tmp_path}/on").code
        == 0
    )
    (path,) = (tmp_path / "on").rglob("decisions.jsonl")
    header, first, *_ = map(json.loads, path.read_text().splitlines())
    assert header["agent"]["described"]["forecast"] == "probability"
    assert first["forecast"]["horizon"] == 1
    refused = command(*run, "agent=arena", "agent.forecast=probability", f"folder={tmp_path}/no")
    assert refused.code == 1 and "agent.forecast" in refused.err


def test_a_server_may_reply_with_a_forecast_and_is_asked_to_mend_one_that_is_none() -> None:
    pytest.importorskip("httpx", reason="the extra llm is not installed")
    good = {"mean": 0.001, "sd": 0.02, "horizon": 1}
    with serving(lambda question: {"action": "buy", "forecast": good}) as server:
        result = evaluate(Http(server.url), "stock/sim", warmup=False, **SHORT)
    assert result.episodes[0].forecasts == (good,) * STEPS
    for bad, why in (({"up": 2, "horizon": 1}, "no probability"), (0.6, "0.6 is no object")):
        with (
            serving(lambda question, bad=bad: {"action": "buy", "forecast": bad}) as server,  # type: ignore[misc]
            pytest.raises(InvestorBenchError, match=f"{why}.*mend it, and resume the run"),
        ):
            evaluate(Http(server.url), "stock/sim", warmup=False, **SHORT)
