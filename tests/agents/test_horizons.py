"""What language models are asked where a decision is the only one and held for a horizon."""

import asyncio
from functools import partial
from typing import Any

import gymnasium as gym
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.question import template
from investorbench.agents.horizons import over_horizon
from investorbench.agents.llm import connect, load_model
from investorbench.agents.tool_user import ToolUser
from tests.agents.finmem.episodes import arrays

OFFLINE = connect(load_model("offline"))
OF_AN_ACCOUNT = (
    "Each decision",
    "for the next session",
    "for the next bar",
    "the position that you have",
    "since your last",
    "not because a day",
)
TEXTS = (
    template("system"),
    template("weigh"),
    template("test"),
    template("system", "investorbench.agents.tool_user"),
)


@pytest.mark.parametrize("action", ["trade", "weight"])
@pytest.mark.parametrize("make", [partial(FinMem, OFFLINE, arrays), partial(ToolUser, OFFLINE)])
def test_a_model_is_told_how_long_its_one_decision_is_held(make: Any, action: str) -> None:
    env = gym.make("InvestorBench/Snapshot-SIM", horizon=7, action=action)
    observation, info = env.reset(seed=0)
    agent = make()
    agent.begin(env.unwrapped.facts, "test", 0)
    asyncio.run(agent.act(observation, info))
    question = agent.record()["question"]
    system, user = question["system"], question["user"].rpartition("# Question")[-1]
    assert "held for 7 " in system and "hold: have no position" in system
    assert not [words for words in OF_AN_ACCOUNT if words in system or words in user]


@given(st.sampled_from(TEXTS), st.integers(2, 250))
def test_nothing_of_an_account_is_left_at_any_horizon(text: str, horizon: int) -> None:
    asked = over_horizon(text, horizon)
    assert not [words for words in OF_AN_ACCOUNT if words in asked]
    assert (str(horizon) in asked) == ("for the next session" in text or "Each decision" in text)
    assert over_horizon(asked, horizon) == asked


@given(st.sampled_from(TEXTS))
def test_an_account_is_asked_about_as_ever(text: str) -> None:
    assert over_horizon(text, None) == text
