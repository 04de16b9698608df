"""An episode that is saved and resumed continues as if it had never been interrupted."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.finmem import FinMem
from investorbench.memory import Arrays, Chroma, HashedNgrams, LayeredMemory
from investorbench.memory.errors import ArchiveMismatchError
from investorbench_env.errors import InvestorBenchError
from tests.agents.finmem.episodes import (
    STEPS,
    Day,
    Scripted,
    arrays,
    days,
    environment,
    market,
    play,
    task_of,
    varied,
)
from tests.memory.small_memories import everything

NewMemory = Callable[[int], LayeredMemory]
TASK = task_of(market())
FACTS = environment(TASK, "warmup").unwrapped.facts
LOST = 2
"""Steps that the broken episode took after it was saved, for nothing."""
CUTS = [1, 5, STEPS["warmup"], STEPS["warmup"] + 1, STEPS["warmup"] + 7]
"""Steps after which an episode is saved: in the warm-up, at its end, and in the test."""


def agent_with(new_memory: NewMemory) -> FinMem:
    return FinMem(Scripted(varied), new_memory)


def broken_off(agent: FinMem, after: int, folder: Path) -> list[Day]:
    """The days of an episode up to its save; it continues a little, and is then abandoned."""

    async def live() -> list[Day]:
        taken: list[Day] = []
        async for day in days(agent, TASK):
            taken.append(day)
            if len(taken) == after:
                agent.save(folder)
            if len(taken) == after + LOST:
                break
        return taken[:after]

    taken = asyncio.run(live())
    agent.close()
    return taken


def taken_up(agent: FinMem, taken: list[Day], folder: Path) -> list[Day]:
    agent.begin(FACTS, taken[-1].split, 0)
    agent.load(folder)
    return [*taken, *play(agent, TASK, taken=taken)]


def records_of(episode: list[Day]) -> list[Any]:
    return [(day.action, day.thought.record()) for day in episode]


def assert_goes_on(new_memory: NewMemory, after: int, folder: Path) -> None:
    whole, again = agent_with(arrays), agent_with(new_memory)
    expected = play(whole, TASK)
    taken = broken_off(agent_with(new_memory), after, folder)
    found = taken_up(again, taken, folder)
    assert len(found) == sum(STEPS.values())
    assert records_of(found) == records_of(expected)
    assert everything(again.memory) == everything(whole.memory)
    assert again.counts == whole.counts and whole.counts.decisions == len(expected)
    again.close()


@pytest.mark.parametrize("after", CUTS)
def test_an_episode_in_arrays_goes_on_from_its_folder(after: int, tmp_path: Path) -> None:
    assert_goes_on(arrays, after, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("after", CUTS)
def test_an_episode_in_chroma_goes_back_to_where_it_was_saved(after: int, tmp_path: Path) -> None:
    def archived(seed: int) -> LayeredMemory:
        return LayeredMemory("layered", Chroma(tmp_path / "archive"), HashedNgrams(64), seed=seed)

    assert_goes_on(archived, after, tmp_path / "agent")


@pytest.mark.heavy
def test_a_new_episode_over_an_old_archive_is_refused(tmp_path: Path) -> None:
    def archived(seed: int) -> LayeredMemory:
        return LayeredMemory("layered", Chroma(tmp_path), HashedNgrams(64), seed=seed)

    first = agent_with(archived)
    play(first, TASK)
    first.close()
    second = agent_with(archived)
    with pytest.raises(InvestorBenchError, match="its memory holds 22 steps already"):
        play(second, TASK)
    second.close()


def test_a_folder_keeps_one_episode_alone(tmp_path: Path) -> None:
    agent = agent_with(arrays)
    for _ in range(2):
        broken_off(agent, 5, tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "finmem.json",
            "memory-warmup-5.npz",
        ]


def test_anothers_episode_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    broken_off(agent_with(arrays), 5, tmp_path / "saved")
    agent = agent_with(lambda seed: LayeredMemory("layered", Arrays(), HashedNgrams(64)))
    agent.begin(FACTS, "warmup", 1)
    with pytest.raises(InvestorBenchError, match="give the same task and seed"):
        agent.load(tmp_path / "saved")
    with pytest.raises(InvestorBenchError, match="no FinMem agent can be read from"):
        agent.load(tmp_path / "nowhere")
    assert len(agent.memory) == 0 and agent.counts.decisions == 0


def test_a_memory_of_other_constants_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    broken_off(agent_with(arrays), 5, tmp_path)
    agent = agent_with(lambda seed: LayeredMemory("paper", Arrays(), HashedNgrams(64), seed=seed))
    agent.begin(FACTS, "warmup", 0)
    with pytest.raises(ArchiveMismatchError):
        agent.load(tmp_path)
    assert len(agent.memory) == 0 and agent.counts.decisions == 0


def test_a_state_saved_by_an_earlier_version_is_refused_in_plain_words(tmp_path: Path) -> None:
    broken_off(agent_with(arrays), 5, tmp_path)
    saved = json.loads((tmp_path / "finmem.json").read_text())
    earlier = saved | {"format": 1, "task": "InvestorBench/Stock"}
    (tmp_path / "finmem.json").write_text(json.dumps(earlier))
    agent = agent_with(arrays)
    agent.begin(FACTS, "warmup", 0)
    with pytest.raises(InvestorBenchError, match="saved in format 1, and this version reads forma"):
        agent.load(tmp_path)


def test_another_seed_begins_an_episode_that_knows_nothing_of_the_one_before() -> None:
    agent, fresh = agent_with(arrays), agent_with(arrays)
    play(agent, TASK)
    assert records_of(play(agent, TASK)) == records_of(play(fresh, TASK))
    agent.begin(FACTS, "test", 1)
    assert len(agent.memory) == 0
