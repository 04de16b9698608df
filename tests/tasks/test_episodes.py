"""An episode that was interrupted is resumed, and refused where it cannot be."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.agent import as_agent
from investorbench.tasks import Task, evaluate
from investorbench.tasks.record.episode_folder import EpisodeFolder
from investorbench.tasks.result import Episode
from investorbench.tasks.running.episode import live
from investorbench.tasks.seeds import Seeds
from investorbench_env.errors import InvestorBenchError
from tests.env.small_markets import small_market
from tests.tasks.plain_records import contents_of, timeless

MARKET = small_market([100.0 + t % 7 for t in range(500)])
TASK = Task.of("InvestorBench/Stock", data=MARKET, end="2020-10-30")
WARMUP_STEPS, TEST_STEPS = 91, 29


class BrokenError(RuntimeError):
    """What breaks an episode off."""


class Counting:
    """Acts by all that it has lived through; can be saved; breaks off at one step of its life."""

    def __init__(self, breaks_at: int | None = None) -> None:
        self.breaks_at = breaks_at
        self.asked = 0

    def begin(self, facts: Any, split: str, seed: int) -> None:
        if split == "warmup":
            self.lived, self.sum = 0, float(seed)

    def act(self, observation: Any, info: Any) -> int:
        if self.lived == self.breaks_at:
            raise BrokenError
        self.asked += 1
        self.lived += 1
        return int(self.sum * 1e9) % 3

    def learn(self, reward: float, info: Any) -> None:
        self.sum += abs(reward) + 0.001 * self.lived

    def save(self, folder: Path) -> None:
        (folder / "state.json").write_text(json.dumps([self.lived, self.sum]))

    def load(self, folder: Path) -> None:
        self.lived, self.sum = json.loads((folder / "state.json").read_text())


class Forgetful(Counting):
    """The same, and cannot be saved."""

    load = None  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        if name in ("save", "load"):
            raise AttributeError(name)
        return super().__getattribute__(name)


def lived(agent: Any, path: Path, save_every: int = 10) -> Episode:
    folder = EpisodeFolder(path, save_every)
    try:
        episode = asyncio.run(
            live(as_agent(agent), TASK, seeds=Seeds(market=5, agent=5), folder=folder)
        )
    finally:
        folder.close()
    folder.finish(episode)
    return episode


def record(path: Path) -> list[dict[str, Any]]:
    """Both files, but for when they were written."""
    files = [path / f"{name}.jsonl" for name in ("warmup", "decisions")]
    return [content for file in files if file.exists() for content in timeless(file)]


def decisions(path: Path) -> list[dict[str, Any]]:
    return [content for content in record(path) if "number" in content]


@pytest.mark.parametrize("kind", [Counting, Forgetful])
@pytest.mark.parametrize("step", [1, 9, 10, 11, 90, 91, 92, 101, 119])
def test_a_broken_episode_ends_as_a_whole_one(kind: Any, step: int, tmp_path: Path) -> None:
    whole = lived(kind(), tmp_path / "whole")
    with pytest.raises(BrokenError):
        lived(kind(breaks_at=step), tmp_path / "broken")
    assert len(decisions(tmp_path / "broken")) == step
    agent = kind()
    episode = lived(agent, tmp_path / "broken")
    assert record(tmp_path / "broken") == record(tmp_path / "whole")
    assert episode.metrics == whole.metrics
    # Decisions since the last checkpoint are taken again, those before it are not.
    known = step // 10 * 10 if kind is Counting else 0
    assert agent.asked == WARMUP_STEPS + TEST_STEPS - known


def test_a_finished_episode_is_read_from_its_record(tmp_path: Path) -> None:
    whole = lived(Counting(), tmp_path)
    agent = Counting(breaks_at=0)
    assert lived(agent, tmp_path).metrics == whole.metrics
    assert agent.asked == 0


@pytest.mark.parametrize("step", [100, 105])  # at the last checkpoint, and after it
def test_half_a_line_is_what_a_kill_left_and_is_written_anew(step: int, tmp_path: Path) -> None:
    lived(Counting(), tmp_path / "whole")
    with pytest.raises(BrokenError):
        lived(Counting(breaks_at=step), tmp_path / "broken")
    path = tmp_path / "broken" / "decisions.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    lived(Counting(), tmp_path / "broken")
    assert record(tmp_path / "broken") == record(tmp_path / "whole")


def test_a_checkpoint_that_was_being_written_does_not_count(tmp_path: Path) -> None:
    lived(Counting(), tmp_path / "whole")
    with pytest.raises(BrokenError):
        lived(Counting(breaks_at=39), tmp_path / "broken")
    half = tmp_path / "broken" / "agent" / "warmup-40"
    half.mkdir()
    (half / "state.json").write_text("[40,")
    lived(Counting(), tmp_path / "broken")
    assert record(tmp_path / "broken") == record(tmp_path / "whole")
    assert [each.name for each in half.parent.iterdir()] == [f"test-{TEST_STEPS}"]


def test_an_agent_that_decides_otherwise_than_recorded_is_stopped(tmp_path: Path) -> None:
    chance = random.Random(0)

    class Whim:
        lived = 0

        def act(self, observation: Any, info: Any) -> int:
            self.lived += 1
            if self.lived == 60:
                raise BrokenError
            return chance.randrange(3)

    with pytest.raises(BrokenError):
        lived(Whim(), tmp_path)
    before = (tmp_path / "warmup.jsonl").read_bytes()
    with pytest.raises(InvestorBenchError, match="its choices do not follow from its seed"):
        lived(Whim(), tmp_path)
    assert (tmp_path / "warmup.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("edit", r"line 8 \(2020-07-07\) was edited"),
        ("drop", r"before line 8 \(2020-07-08\) a line is missing"),
        ("garble", "line 8 cannot be read"),
    ],
)
def test_a_record_that_was_changed_stops_the_run_and_stays_as_it_is(
    change: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(BrokenError):
        lived(Counting(breaks_at=50), tmp_path)
    path = tmp_path / "warmup.jsonl"
    kept = path.read_text().splitlines(keepends=True)
    if change == "edit":
        kept[7] = kept[7].replace('"number": 6', '"number": 6, "note": 1')
    elif change == "drop":
        del kept[7]
    else:
        kept[7] = "{]\n"
    path.write_text("".join(kept))
    with pytest.raises(InvestorBenchError, match=f"{words}.*the record was changed or damaged"):
        lived(Counting(), tmp_path)
    assert path.read_text() == "".join(kept)


def test_what_an_agent_thought_is_in_its_lines(tmp_path: Path) -> None:
    class Thinking(Counting):
        async def record(self) -> dict[str, Any]:
            # Keys that are numbers become texts, whose order is another one.
            return {"lived": self.lived, "nothing": float("nan"), "keys": {99: "a", 100: "b"},
                    "answer": "a text of its own", "decision": "buy"}  # fmt: skip

    lived(Thinking(), tmp_path)
    thoughts = [line["thought"] for line in decisions(tmp_path)]
    others = {"nothing": None, "keys": {"99": "a", "100": "b"},
            "answer": "a text of its own", "decision": "buy"}  # fmt: skip
    assert thoughts[:2] == [{"lived": 1, **others}, {"lived": 2, **others}]
    assert "answers" not in json.loads((tmp_path / "metrics.json").read_text())
    lived(Counting(), tmp_path / "other")
    assert {line["thought"] for line in decisions(tmp_path / "other")} == {None}


@pytest.mark.parametrize("left", [0, 1, 200, -1])  # of the header's bytes, by a kill
def test_a_header_is_written_once_and_anew_where_a_kill_left_half_of_it(
    left: int, tmp_path: Path
) -> None:
    lived(Counting(), tmp_path / "whole")
    with pytest.raises(BrokenError):
        lived(Counting(breaks_at=91), tmp_path / "broken")
    whole = (tmp_path / "whole" / "decisions.jsonl").read_bytes().splitlines(keepends=True)
    path = tmp_path / "broken" / "decisions.jsonl"
    path.write_bytes(whole[0] if left == -1 else whole[0][:left])
    lived(Counting(), tmp_path / "broken")
    assert record(tmp_path / "broken") == record(tmp_path / "whole")
    assert sum("schema" in content for content in contents_of(path)) == 1


def test_a_run_on_other_data_is_not_continued(tmp_path: Path) -> None:
    with pytest.raises(BrokenError):
        lived(Counting(breaks_at=50), tmp_path)
    other = small_market([100.0 + t % 7 for t in range(499)] + [1.0])
    folder = EpisodeFolder(tmp_path)
    task = Task.of(TASK, data=other)
    with pytest.raises(InvestorBenchError, match=r"facts.fingerprint was recorded as"):
        asyncio.run(live(as_agent(Counting()), task, seeds=Seeds(market=5, agent=5), folder=folder))


def test_an_evaluation_works_inside_a_running_loop_as_in_a_notebook() -> None:
    class Waiting:
        async def act(self, observation: Any, info: Any) -> int:
            await asyncio.sleep(0)
            return 2

    async def cell() -> Any:
        return evaluate(Waiting(), TASK).metrics

    assert asyncio.run(cell()) == evaluate(Waiting(), TASK).metrics
