"""Agents of a live experiment: people and chat windows, those with a state, those that fail."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.live.experiment import AnswerError, NotDueError, check
from tests.tasks.live_experiments import Experiment

BUY = [{"symbol": "ACME", "side": "buy", "quantity": 5}]


@pytest.fixture
def asked(tmp_path: Path) -> Experiment:
    """A person was asked after a session."""
    made = Experiment(tmp_path, agents={}, files=["ann"]).start()
    made.step("2021-01-12")
    return made


def answer(made: Experiment, content: Any) -> Path:
    path = made.folder / "agents" / "ann" / "answer.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def fills(made: Experiment) -> dict[str, int]:
    return {entry.session: len(entry.content["fills"]) for entry in made.entries("account")}


def test_an_answer_before_the_open_meets_that_session(asked: Experiment) -> None:
    prompt = (asked.folder / "agents" / "ann" / "prompt.md").read_text()
    assert "# 2021-01-12" in prompt and "Cash 10,000.00" in prompt and "429.79" in prompt
    path = answer(asked, {"session": "2021-01-12", "orders": BUY, "reason": "cheap"})
    assert asked.step("2021-01-13", hour=8).decided == ("ann",)
    assert not path.exists() and (path.parent / "taken").is_dir()
    with pytest.raises(NotDueError):
        asked.step("2021-01-13", hour=9)
    asked.step("2021-01-13")
    assert fills(asked) == {"2021-01-12": 0, "2021-01-13": 1}
    assert check(asked.folder) == ()


def test_an_answer_that_comes_later_meets_the_first_session_that_opens_after_it(
    asked: Experiment,
) -> None:
    answer(asked, BUY)
    asked.step("2021-01-13")
    asked.step("2021-01-14")
    assert fills(asked) == {"2021-01-12": 0, "2021-01-13": 0, "2021-01-14": 1}
    assert "| ACME | 5.0000 |" in (asked.folder / "agents" / "ann" / "prompt.md").read_text()


def test_a_second_answer_before_the_open_stands_in_the_place_of_the_first(
    asked: Experiment,
) -> None:
    answer(asked, BUY)
    asked.step("2021-01-13", hour=8)
    answer(asked, [])
    asked.step("2021-01-13", hour=9)
    asked.step("2021-01-13")
    assert fills(asked)["2021-01-13"] == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{orders", "is no JSON"),
        ({"order": []}, 'no list of "orders"'),
        ({"session": "2021-01-11", "orders": []}, "answers the prompt of '2021-01-11'"),
    ],
)
def test_an_answer_that_cannot_be_taken_stays_and_changes_nothing(
    asked: Experiment, content: Any, says: str
) -> None:
    path, before = answer(asked, content), asked.entries()
    with pytest.raises(AnswerError, match=says):
        asked.step("2021-01-13", hour=8)
    assert path.exists() and asked.entries() == before
    assert says in asked.step("2021-01-13").problems[0]


def test_an_order_that_makes_no_sense_is_rejected_and_the_others_are_executed(
    asked: Experiment,
) -> None:
    wrong = ["buy!", {"symbol": "ACME"}, {**BUY[0], "quantity": "many"}, {**BUY[0], "mood": 1}]
    answer(asked, [*wrong, *BUY, {**BUY[0], "symbol": "NONE"}])
    asked.step("2021-01-13", hour=8)
    asked.step("2021-01-13")
    last = asked.entries("account")[-1].content
    assert len(last["fills"]) == 1 and len(last["rejections"]) == 5


def test_an_answer_that_was_taken_and_not_put_aside_is_not_taken_again(asked: Experiment) -> None:
    path = answer(asked, BUY)
    written = path.stat().st_mtime_ns
    asked.step("2021-01-13", hour=8)
    (taken,) = (path.parent / "taken").iterdir()
    taken.rename(path)  # as a kill before that would have left it
    os.utime(path, ns=(written, written))
    (path.parent / "prompt.md").unlink()
    with pytest.raises(NotDueError):
        asked.step("2021-01-13", hour=9)
    assert not path.exists() and (path.parent / "prompt.md").exists()
    assert len(asked.entries("decision")) == 1


class Counting:
    """Counts its decisions, and what it learned, in a state of its own."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def act(self, observation: Any, info: Any) -> list[Any]:
        self.seen.append(info["session"])
        return []

    def learn(self, reward: float, info: Any) -> None:
        self.seen.append(reward)

    def record(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def save(self, folder: Path) -> None:
        (folder / "seen.json").write_text(json.dumps(self.seen))

    def load(self, folder: Path) -> None:
        self.seen = json.loads((folder / "seen.json").read_text())


def test_an_agent_goes_on_from_the_state_of_its_last_decision(tmp_path: Path) -> None:
    made = Experiment(tmp_path, {"one": Counting()}).start()
    for day in ("2021-01-12", "2021-01-13", "2021-01-14"):
        made.agents = {"one": Counting()}
        made.step(day)
    last = made.entries("decision")[-1].content
    assert last["record"]["seen"] == ["2021-01-12", 0.0, "2021-01-13", 0.0, "2021-01-14"]
    assert [path.name for path in (tmp_path / "state" / "one").iterdir()] == ["2021-01-14"]


def test_an_agent_that_fails_is_asked_again_before_the_open_and_the_others_are_not(
    tmp_path: Path,
) -> None:
    calls: list[str] = []

    def fails(observation: Any, info: Any) -> list[Any]:
        calls.append("bad")
        if len(calls) < 4:
            raise ValueError("no idea")
        return BUY

    def works(observation: Any, info: Any) -> list[Any]:
        calls.append("good")
        return BUY

    made = Experiment(tmp_path, {"bad": fails, "good": works}).start()
    assert made.step("2021-01-12").problems == ("bad did not decide: ValueError: no idea",)
    before = made.entries()
    with pytest.raises(Exception, match="no idea"):
        made.step("2021-01-12", hour=23)
    assert made.entries() == before
    assert made.step("2021-01-13", hour=8).decided == ("bad",)
    assert calls == ["bad", "good", "bad", "bad"]
    made.step("2021-01-13")
    assert [len(each.content["fills"]) for each in made.entries("account")][2:] == [1, 1]
    assert check(tmp_path) == ()


def test_what_an_agent_sees_is_of_the_past_and_is_its_own(tmp_path: Path) -> None:
    seen: list[Any] = []

    def looks(observation: Any, info: Any) -> list[Any]:
        seen.append((observation, info))
        return BUY

    made = Experiment(tmp_path, {"one": looks}).start()
    made.step("2021-01-12")
    made.step("2021-01-13")
    observation, info = seen[-1]
    assert observation["bars"].shape == (5, 2, 5) and observation["mask"].all()
    assert info["session"] == "2021-01-13" and info["fills"][0].quantity == 5.0
    assert observation["bars"][-1, 0, 3] == pytest.approx(428.92)
    assert observation["holdings"][0, 0] == 5.0 and info["account"].positions[0].symbol == "ACME"
    assert info["equity"] == pytest.approx(made.entries("account")[-1].content["equity"])


def test_a_step_may_be_taken_in_a_notebook(tmp_path: Path) -> None:
    made = Experiment(tmp_path).start()

    async def cell() -> Any:
        return made.step("2021-01-12")

    assert asyncio.run(cell()).decided == ("one",)
