"""An episode of a portfolio that is saved and resumed continues as if nothing had happened."""

import asyncio
from pathlib import Path

import pytest

from investorbench.agents.portfolio import FinMemPortfolio
from investorbench.memory import Chroma, HashedNgrams, LayeredMemory
from investorbench_env.errors import InvestorBenchError
from tests.agents.finmem.episodes import Scripted
from tests.agents.portfolio.episodes import (
    STEPS,
    Day,
    agent_of,
    days,
    environment,
    everything,
    market,
    play,
    varied,
)

DATA = market()
CUTS = [1, 4, STEPS["warmup"], STEPS["warmup"] + 5]
LOST = 2
"""Steps that the broken episode took after it was saved, for nothing."""


def broken_off(agent: FinMemPortfolio, action: str, after: int, folder: Path) -> list[Day]:
    """The days of an episode up to its save; it continues a little, and is then abandoned."""

    async def live() -> list[Day]:
        taken: list[Day] = []
        async for day in days(agent, DATA, action):
            taken.append(day)
            if len(taken) == after:
                agent.save(folder)
            if len(taken) == after + LOST:
                break
        return taken[:after]

    taken = asyncio.run(live())
    agent.close()
    return taken


def taken_up(agent: FinMemPortfolio, action: str, taken: list[Day], folder: Path) -> list[Day]:
    agent.begin(environment(DATA, taken[-1].split, action).unwrapped.facts, taken[-1].split, 0)
    agent.load(folder)
    return [*taken, *play(agent, DATA, action, taken=taken)]


@pytest.mark.parametrize("after", CUTS)
@pytest.mark.parametrize("action", ["orders", "weights"])
def test_an_episode_goes_on_from_its_folder_and_asks_nothing_twice(
    action: str, after: int, tmp_path: Path
) -> None:
    whole = agent_of(varied)
    expected = play(whole, DATA, action)
    taken = broken_off(agent_of(varied), action, after, tmp_path)
    model = Scripted(varied)
    again = FinMemPortfolio(model, whole._new_memory)
    found = taken_up(again, action, taken, tmp_path)
    assert [day.thought.record() for day in found] == [day.thought.record() for day in expected]
    assert len(model.asked) == sum(STEPS.values()) - after
    assert everything(again.memories) == everything(whole.memories)
    assert again.counts == whole.counts


@pytest.mark.heavy
def test_an_episode_in_chroma_goes_back_to_where_it_was_saved(tmp_path: Path) -> None:
    def archived(seed: int, symbol: str) -> LayeredMemory:
        store = Chroma(tmp_path / "archive" / symbol)
        return LayeredMemory("layered", store, HashedNgrams(64), seed=seed)

    expected = play(agent_of(varied), DATA)
    first = FinMemPortfolio(Scripted(varied), archived)
    taken = broken_off(first, "orders", 7, tmp_path / "agent")
    again = FinMemPortfolio(Scripted(varied), archived)
    found = taken_up(again, "orders", taken, tmp_path / "agent")
    assert [day.thought.record() for day in found] == [day.thought.record() for day in expected]
    again.close()


def test_a_folder_keeps_one_state_alone_and_anothers_is_refused(tmp_path: Path) -> None:
    for _ in range(2):
        broken_off(agent_of(varied), "orders", 5, tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "finmem_portfolio.json", *(f"memory-{place}-warmup-5.npz" for place in range(3)),
        ]  # fmt: skip
    agent = agent_of(varied)
    agent.begin(environment(DATA, "warmup").unwrapped.facts, "warmup", 1)
    with pytest.raises(InvestorBenchError, match="give the same task and seed"):
        agent.load(tmp_path)
    with pytest.raises(InvestorBenchError, match="no FinMemPortfolio agent can be read"):
        agent.load(tmp_path / "nowhere")
    assert all(len(memory) == 0 for memory in agent.memories.values())
