"""Tasks whose action is a target weight, and what the words mean to the model there."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.rules import Rules
from investorbench_env.errors import InvestorBenchError
from tests.agents.facts import facts
from tests.agents.finmem.episodes import (
    CLOSES,
    STEPS,
    Day,
    Scripted,
    answer,
    arrays,
    environment,
    market,
    play,
    task_of,
)

WORDS = ("buy", "hold", "sell", "hold")


def episode_of(**options: Any) -> list[Day]:
    """An episode whose decisions in the test go around WORDS."""
    words: Iterator[str] = cycle(WORDS)

    def say(messages: Any, schema: dict[str, Any]) -> dict[str, Any]:
        is_training = "This is training" in messages[-1]["content"]
        return answer(messages, decision="hold" if is_training else next(words))

    # Opens are the closes of the day before: weights drift on the day of a fill.
    data = market(opens=[CLOSES[0], *CLOSES[:-1]])
    return play(FinMem(Scripted(say), arrays), task_of(data, **options))


@pytest.mark.parametrize(("long_only", "lowest"), [(False, -1.0), (True, 0.0)])
def test_words_become_target_weights_and_hold_aims_at_the_one_there_is(
    long_only: bool, lowest: float
) -> None:
    episode = episode_of(action="weight", long_only=long_only)
    space = gym.spaces.Box(lowest, 1.0, (1,), np.float32)
    for day in episode:
        assert day.action.dtype == np.float32 and space.contains(day.action)
    warm, test = episode[: STEPS["warmup"]], episode[STEPS["warmup"] :]
    for day in warm:
        assert day.action[0] == (1.0 if day.info["label"] > 0 else lowest)
    for word, day in zip(cycle(WORDS), test, strict=False):
        weight = float(np.clip(day.info["weight"], lowest, 1.0))
        target = {"buy": 1.0, "sell": lowest, "hold": np.float32(weight)}[word]
        assert day.thought.decision.word == word and day.action[0] == target
        if word == "hold":
            # A weight that was kept trades no more than what prices and clipping moved it by.
            assert day.outcome["notional"] <= 0.12 * day.outcome["equity"]


def test_a_short_position_that_outgrew_the_account_is_held_at_the_lowest_weight() -> None:
    held = [day for day in episode_of(action="weight") if day.thought.decision.word == "hold"]
    grown = [day for day in held if day.info["weight"] < -1.001]
    assert grown and all(day.action[0] == -1.0 for day in grown)


@pytest.mark.parametrize("action", ["trade", "weight"])
@pytest.mark.parametrize(
    ("long_only", "words"),
    [
        (False, "sell: be short of the asset with all of the account."),
        (True, "sell: close the position and stay in cash."),
    ],
)
def test_the_prompt_says_what_selling_means(action: str, long_only: bool, words: str) -> None:
    episode = episode_of(action=action, long_only=long_only)
    assert words in episode[0].thought.question.system
    assert "hold: keep the position that you have." in episode[0].thought.question.system
    positions = [day.outcome["position"] for day in episode]
    assert min(positions) == 0.0 if long_only else min(positions) < 0.0


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ("standard", "is filled at the next open and costs 0.10% of what is traded."),
        ("paper", "is filled at today's close and costs nothing."),
    ],
)
def test_the_prompt_says_when_a_change_is_filled_and_what_it_costs(
    protocol: str, words: str
) -> None:
    rules = Rules.of(environment(task_of(market(), protocol), "test").unwrapped.facts)
    assert rules.words()["change"].startswith(words)
    assert ("worth the cost" in rules.words()["change"]) == (protocol == "standard")


def test_the_paper_protocol_says_that_hold_means_no_position() -> None:
    episode = episode_of(protocol="paper")
    assert "hold: have no position." in episode[0].thought.question.system
    held = [day for day in episode[STEPS["warmup"] :] if day.thought.decision.word == "hold"]
    assert held and all(day.outcome["position"] == 0.0 for day in held)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action": "orders"}, "finmem decides on one asset, by sell, hold or buy"),
        ({"interval": "3m"}, "once a session, on bars of 1d; Stock has bars of 3m"),
    ],
)
def test_what_it_cannot_decide_is_refused_before_anything_is_asked(
    changes: dict[str, Any], words: str
) -> None:
    model = Scripted(lambda messages, schema: None)
    with pytest.raises(InvestorBenchError, match=words):
        FinMem(model, arrays).begin(facts(**changes), "warmup", 0)
    assert model.asked == []
