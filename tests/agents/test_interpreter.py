"""A day in words and a decision as an action, whatever form a mind gives it in."""

from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import investorbench_env  # noqa: F401 - registers the environments
from investorbench.agents.forecasts import Decision, UpForecast
from investorbench.agents.interpreter import Interpreter
from investorbench_env.errors import InvestorBenchError
from investorbench_env.registration import facts_in
from tests.agents.facts import facts

INFO = {"weight": 0.25}
WORDS = {"sell": 0, "hold": 1, "buy": 2}


def interpreter(**options: Any) -> Interpreter:
    return Interpreter(facts_in(gym.make("InvestorBench/Stock-SIM", **options)), "mind")


BY_WORD, BY_WEIGHT = interpreter(), interpreter(action="weight")
LONG_ONLY = interpreter(action="weight", long_only=True)


def forms_of(word: str) -> list[Any]:
    return [
        word, f"  {word.upper()}\n", WORDS[word], np.int64(WORDS[word]), {"decision": word},
        {"decision": WORDS[word], "rationale": None}, SimpleNamespace(decision=word),
        f'{{"decision": "{word}"}}', f'I think so.\n```json\n{{"decision": "{word}"}}\n```',
    ]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", range(len(forms_of("buy"))))
def test_a_word_is_read_in_all_its_forms(word: str, form: int) -> None:
    decided = BY_WORD.read(forms_of(word)[form], INFO)
    assert (decided.action, decided.said, decided.valid) == (WORDS[word], word, True)


HUGE = st.integers(300, 2_000).map(lambda digits: 10**digits)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), HUGE, st.floats(), st.text(), st.binary()),
    lambda parts: st.one_of(st.lists(parts), st.dictionaries(st.text(), parts)),
    max_leaves=5,
)


@given(said=st.one_of(ANYTHING, ANYTHING.map(lambda part: {"decision": part})))
@pytest.mark.parametrize("by", [BY_WORD, BY_WEIGHT, LONG_ONLY], ids=["word", "weight", "long"])
def test_whatever_is_said_an_action_comes_of_it(by: Interpreter, said: Any) -> None:
    decided = by.read(said, INFO)
    if by is BY_WORD:
        assert decided.action in (0, 1, 2) and (decided.valid or decided.action == 1)
    else:
        (weight,) = decided.action.tolist()
        assert (0.0 if by is LONG_ONLY else -1.0) <= weight <= 1.0
        assert decided.valid or weight == 0.25


@pytest.mark.parametrize(
    ("by", "said", "weight"),
    [
        (BY_WEIGHT, 0.5, 0.5),
        (BY_WEIGHT, "sell", -1.0),
        (LONG_ONLY, "sell", 0.0),
        (BY_WEIGHT, "hold", 0.25),
        (BY_WEIGHT, {"decision": -1}, -1.0),
        (LONG_ONLY, -0.5, None),
        (BY_WEIGHT, 1.5, None),
        (BY_WEIGHT, "0.5", None),
        (BY_WEIGHT, float("nan"), None),
        (BY_WEIGHT, True, None),
    ],
)
def test_weights_are_read_within_their_bounds(by: Interpreter, said: Any, weight: Any) -> None:
    decided = by.read(said, INFO)
    assert decided.valid == (weight is not None)
    assert decided.action.tolist() == [0.25 if weight is None else weight]


def test_a_day_is_worded_with_its_chart_where_that_is_observed() -> None:
    env = gym.make("InvestorBench/Stock-SIM", modalities=["bars", "news", "chart"])
    observation, info = env.reset(seed=0)
    content = BY_WORD.content(observation, info)
    assert [part["type"] for part in content] == ["text", "image"]  # type: ignore[index]
    del observation["chart"]
    text = BY_WORD.content(observation, info)
    assert isinstance(text, str) and "# News since the last decision" in text
    assert "SIMULATED" in BY_WORD.task(observation) and "0 SELL" in BY_WORD.task(observation)


def test_several_assets_are_refused() -> None:
    with pytest.raises(InvestorBenchError, match="mind decides on one asset"):
        Interpreter(facts(symbols=("A", "B")), "mind")


FORETELLING = Interpreter(facts(horizon=5), "mind", "probability")


@pytest.mark.parametrize(
    "given_",
    [
        {"decision": "buy", "probability_up": 0.7},
        SimpleNamespace(decision="buy", probability_up=0.7),
        'So: {"rationale": "", "probability_up": 0.7, "decision": "buy"}',
    ],
)
def test_a_probability_is_read_in_all_forms_that_can_hold_one(given_: Any) -> None:
    decided = FORETELLING.read(given_, INFO)
    assert decided.chosen == Decision(2, forecast=UpForecast(up=0.7, horizon=5))
    assert [*FORETELLING.schema["properties"]] == ["rationale", "probability_up", "decision"]


@given(said=ANYTHING, up=ANYTHING)
def test_whatever_is_said_for_a_probability_an_action_comes_of_it(said: Any, up: Any) -> None:
    decided = FORETELLING.read({"decision": said, "probability_up": up}, INFO)
    chosen = decided.chosen if isinstance(decided.chosen, Decision) else Decision(decided.chosen)
    assert chosen.action == decided.action


def test_a_task_asks_for_a_probability_only_where_one_is_wanted() -> None:
    env = gym.make("InvestorBench/Stock-SIM")
    observation, _ = env.reset(seed=0)
    plain, asked = (
        Interpreter(facts_in(env), "mind", kind).task(observation) for kind in (None, "probability")
    )
    assert asked.startswith(plain + "\n\n# Forecast\nWith a decision comes `probability_up`: how")
    assert BY_WORD.read("buy", INFO).chosen == 2
