"""The order of a step, what feedback memories get, and that only the warm-up has labels."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from math import prod
from typing import Any

import numpy as np
import pytest

from investorbench.agents.finmem import FinMem
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.memory.layered import Recalled, Stepped
from tests.agents.finmem.episodes import (
    CLOSES,
    NEWS,
    STEPS,
    Day,
    Scripted,
    answer,
    arrays,
    market,
    play,
    shown_labels,
    task_of,
    varied,
)
from tests.memory.small_memories import everything

LOOK_BACK = 3


class Recording(LayeredMemory):
    """A memory that writes down what is done with it, in one letter each.

    Documents and conclusions added, recall, feedback, step; the model adds an "a" when asked.
    """

    def __init__(self) -> None:
        super().__init__("layered", Arrays(), HashedNgrams(64))
        self.done = ""
        self.stored: list[tuple[str, str]] = []
        self.feedback: list[tuple[tuple[int, ...], int]] = []

    def add(self, texts: Any, layer: str, *more: Any, **named: Any) -> list[int]:
        is_conclusion = layer == "reflection"
        self.done += "c" if is_conclusion else "d"
        listed = [texts] if isinstance(texts, str) else texts
        self.stored += [] if is_conclusion else [(text, layer) for text in listed]
        return super().add(texts, layer, *more, **named)

    def recall(self, *query: Any) -> dict[str, list[Recalled]]:
        self.done += "r"
        return super().recall(*query)

    def reinforce(self, ids: Iterable[int], sign: int) -> list[int]:
        self.done += "f"
        self.feedback.append((tuple(ids), sign))
        return super().reinforce(ids, sign)

    def step(self) -> Stepped:
        self.done += "s\n"
        return super().step()


def test_a_step_recalls_asks_stores_reflects_hears_feedback_and_forgets() -> None:
    memory = Recording()

    def say(messages: Any, schema: dict[str, Any]) -> dict[str, Any]:
        memory.done += "a"
        return varied(messages, schema)

    episode = play(FinMem(Scripted(say), lambda seed: memory), task_of(market()))
    steps = memory.done.splitlines()
    assert len(steps) == sum(STEPS.values())
    assert [step for step in steps if not re.fullmatch(r"rad+c{1,2}fs", step)] == []
    # What came stands in the prompt by itself; an extended reflection comes every three steps.
    for day in episode:
        assert day.thought.stored and day.thought.news.shown == len(day.thought.stored)
        assert not {*day.thought.stored} & {recalled.id for recalled in day.thought.recalled}
    assert [step.count("c") for step in steps] == [
        2 if number and number % LOOK_BACK == 0 else 1 for number in range(len(steps))
    ]


def test_every_document_is_stored_once_in_the_layer_of_its_kind() -> None:
    memory = Recording()
    play(FinMem(Scripted(varied), lambda seed: memory), task_of(market()))
    # 2020-07-01 is session 182, and 2020-07-20 session 201. What came on the last day of the
    # warm-up is stored in the first step of the test; what came in between was never shown.
    days = [*range(182, 193), *range(201, 213)]
    filings = {"Report of the year.": "long", "Report 100.": "mid", "Report 190.": "mid",
               "Report 205.": "mid"}  # fmt: skip
    assert dict(memory.stored) == filings | {NEWS[day]: "short" for day in days}
    assert len(memory.stored) == len(filings) + len(days)


def account_earned(days: Sequence[Day]) -> float:
    """The account's return, from the equities that the environment names."""
    return prod(day.outcome["equity"] / day.info["equity"] for day in days) - 1.0


def unit_earned(days: Sequence[Day]) -> float:
    """Σ pos_s·(p_{s+1} − p_s), written down here again from positions and closes.

    Between the splits the account is another one, and the price jumps: each price is that of the
    day before, moved by the return of the step.
    """
    price, total = 100.0, 0.0
    for day in days:
        t = (np.datetime64(day.info["session"]) - np.datetime64("2020-01-01")).astype(int)
        change = price * (CLOSES[t + 1] / CLOSES[t] - 1.0)
        total += np.sign(day.outcome["position"]) * change
        price += change
    return total


@pytest.mark.parametrize("look_back", [1, 3])
@pytest.mark.parametrize(
    ("protocol", "earned"), [("standard", account_earned), ("paper", unit_earned)]
)
def test_memories_cited_some_steps_ago_get_the_sign_of_what_was_earned_since(
    protocol: str, earned: Callable[[Sequence[Day]], float], look_back: int
) -> None:
    memory, words = Recording(), cycle(("sell", "sell", "hold", "buy"))

    def say(messages: Any, schema: dict[str, Any]) -> dict[str, Any]:
        reply = varied(messages, schema)
        return reply | {"decision": next(words)} if "decision" in reply else reply

    agent = FinMem(Scripted(say), lambda seed: memory, look_back=look_back)
    episode = play(agent, task_of(market(), protocol))
    expected: list[tuple[tuple[int, ...], int]] = [((), 0)] * look_back
    for number in range(look_back, len(episode)):
        since = episode[number - look_back : number]
        expected.append((since[0].thought.decision.cited, int(np.sign(earned(since)))))
    assert memory.feedback == expected
    assert {sign for _, sign in expected} >= {-1, 1} and len({*expected}) > 10


def test_the_warm_up_does_what_its_label_says_whatever_the_model_does() -> None:
    def says_otherwise(messages: Any, schema: dict[str, Any]) -> dict[str, Any]:
        return {**answer(messages), "decision": "hold"}

    opens = [close * (1.0 + 0.01 * (t % 5 - 2)) for t, close in enumerate(CLOSES)]
    episode = play(FinMem(Scripted(says_otherwise), arrays), task_of(market(opens=opens)))
    for day in episode[: STEPS["warmup"]]:
        t = (np.datetime64(day.info["session"]) - np.datetime64("2020-01-01")).astype(int)
        earns = CLOSES[t + 1] / opens[t + 1] - 1.0
        assert day.action == (1 if t % 5 == 1 else 2 if earns > 0 else 0)
        assert day.thought.label == pytest.approx(earns, abs=1e-12)
    assert all(day.action == 1 for day in episode[STEPS["warmup"] :])


def test_a_label_in_the_info_of_the_test_split_changes_nothing() -> None:
    def with_label(split: str, info: dict[str, Any]) -> dict[str, Any]:
        assert split == "warmup" or "label" not in info
        return info | {"label": 0.4321} if split == "test" else info

    episodes = []
    for options in ({}, {"shown": with_label}):
        memory, model = arrays(0), Scripted(varied)
        agent = FinMem(model, lambda seed, memory=memory: memory)
        episode = play(agent, task_of(market()), **options)
        episodes.append(([day.thought for day in episode], model.asked, everything(memory)))
        assert "43.21" not in str(model.asked)
    assert episodes[0] == episodes[1]


def test_a_step_whose_model_could_not_be_asked_can_be_taken_again() -> None:
    failing = iter([True, False] * 100)

    def fails_first(messages: Any, schema: dict[str, Any]) -> dict[str, Any]:
        if next(failing):
            raise ConnectionError("the server is down")
        return varied(messages, schema)

    class Stubborn(FinMem):
        async def act(self, observation: Any, info: Any) -> Any:
            with pytest.raises(ConnectionError):
                await super().act(observation, info)
            return await super().act(observation, info)

    memories = arrays(0), arrays(0)
    quiet = play(FinMem(Scripted(varied), lambda seed: memories[0]), task_of(market()))
    stubborn = play(Stubborn(Scripted(fails_first), lambda seed: memories[1]), task_of(market()))
    for one, other in zip(quiet, stubborn, strict=True):
        assert one.thought.question == other.thought.question
        assert one.action == other.action
    assert everything(memories[0]) == everything(memories[1])


def test_shown_labels_are_the_ones_that_can_be_cited() -> None:
    episode = play(FinMem(Scripted(varied), arrays), task_of(market()))
    for day in episode:
        labels = shown_labels(day.thought.question.messages)
        schema = day.thought.question.schema
        assert {*labels} <= {*schema["properties"]["memory_ids"]["items"]["enum"]}
        assert schema == episode[0].thought.question.schema
        assert len(labels) == len({*labels})


def test_a_model_that_cites_what_it_was_not_shown_is_not_believed() -> None:
    def say(messages: Any, schema: dict[str, Any]) -> dict[str, Any]:
        first, *_ = shown_labels(messages)
        return answer(messages, memory_ids=["M20", first, 3, first])

    for day in play(FinMem(Scripted(say), arrays), task_of(market())):
        (cited,), dropped = day.thought.decision.cited, day.thought.decision.dropped
        shown = [*(memory.id for memory in day.thought.recalled), *day.thought.stored]
        assert cited == shown[0]
        assert dropped == 2
