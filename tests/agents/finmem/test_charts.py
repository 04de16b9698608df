"""FinMem with eyes: the chart of the window in its question, and in its record by its hash."""

import json
from base64 import b64decode
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

import gymnasium as gym
import pytest

from investorbench import evaluate
from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.question import CHART_TOKENS, Question
from investorbench.agents.llm import Message
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench_env.rendering.png import png_of
from tests.agents.finmem.episodes import Scripted

MODALITIES = ["bars", "account", "time"]
SHORT: dict[str, Any] = {"end": "2020-10-09", "seed": 0, "warmup": False}
STEPS = 6


def memory(seed: int) -> LayeredMemory:
    return LayeredMemory("layered", Arrays(), HashedNgrams(), seed=seed)


def plain(messages: Sequence[Message], schema: Any) -> dict[str, Any]:
    """An answer that is the same whatever is asked."""
    empty: dict[str, Any] = {"string": "", "array": []}
    parts = schema["properties"].items()
    return {name: part.get("enum", [empty.get(part["type"])])[0] for name, part in parts}


class Watched(gym.ObservationWrapper[Any, Any, Any]):
    """Keeps what is observed."""

    seen: ClassVar[list[Any]] = []

    def observation(self, observation: Any) -> Any:
        self.seen.append(observation)
        return observation


def episode(*more: str) -> tuple[Scripted, list[Any]]:
    """What was asked, and the steps."""
    Watched.seen.clear()
    model, steps = Scripted(plain), list[Any]()
    options = {"modalities": [*MODALITIES, *more], "wrapper": Watched, **SHORT}
    evaluate(partial(FinMem, model, memory), "stock/sim", watch=steps.append, **options)
    return model, steps


def test_the_chart_that_is_observed_stands_before_the_question() -> None:
    model, steps = episode("chart")
    assert len(model.asked) == STEPS
    observed = Watched.seen[:STEPS]
    for (messages, _), step, seen in zip(model.asked, steps, observed, strict=True):
        words, picture, text = messages[-1]["content"]
        file = png_of(seen["chart"])
        assert b64decode(picture["data"]) == file and picture["media_type"] == "image/png"
        assert words["text"].startswith("The chart shows") and "# Today" in text["text"]
        question = step.thought["question"]
        assert question["user"] == text["text"]
        assert question["chart_sha256"] == sha256(file).hexdigest()
        assert len(json.dumps(question)) < len(json.dumps([*messages])) - len(file)


def test_without_a_chart_the_question_is_a_text_and_the_same() -> None:
    (seeing, _), (blind, steps) = episode("chart"), episode()
    for (seen, _), (unseen, _) in zip(seeing.asked, blind.asked, strict=True):
        assert unseen[-1]["content"] == seen[-1]["content"][-1]["text"]
    assert all("chart_sha256" not in step.thought["question"] for step in steps)


@pytest.mark.parametrize("counter", [len, lambda text: 0])
def test_a_chart_takes_room_and_is_part_of_the_hash(counter: Any) -> None:
    asked = {"system": "You trade.", "user": "What now?", "schema": {"type": "object"}}
    blind, seeing, other = (Question(**asked, chart=chart) for chart in (b"", b"one", b"other"))
    assert seeing.tokens(counter) >= blind.tokens(counter) + CHART_TOKENS
    assert len({each.sha256 for each in (blind, seeing, other)}) == 3
