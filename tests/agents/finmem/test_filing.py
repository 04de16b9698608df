"""Where the agent files documents in memories that have other layers than its own."""

import re
from typing import Any

import pytest

from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.perception import LAYERS, Arrival
from investorbench.agents.finmem.state import AgentState
from investorbench.agents.llm import connect, load_model
from investorbench.memory import PROFILES, Arrays, HashedNgrams, LayeredMemory
from investorbench.tasks import evaluate
from investorbench_env.market.simulated import simulate
from tests.agents.finmem.episodes import store

MARKET = simulate(seed=3, start="2020-01-02", end="2021-01-29")
ITEM = re.compile(r"(?m)^N\d+[ :]")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_kind_of_document_has_a_place_in_every_profile(profile: str) -> None:
    memory = LayeredMemory(profile, Arrays(), HashedNgrams(64))
    state = AgentState(task="task", seed=0, split="test", memory=memory)
    store(
        state,
        [
            Arrival(key=kind, layer=layer, text=kind, time="2021-01-01", metadata={"kind": ""})
            for kind, layer in LAYERS.items()
        ],
    )
    found = memory.recall("10-K", 100)
    filed = {each.text: name for name, memories in found.items() for each in memories}
    (only,) = memory.profile.names if len(memory.profile.names) == 1 else ("",)
    assert filed == {kind: only or layer for kind, layer in LAYERS.items()}


def thoughts_with(profile: str) -> list[Any]:
    """The steps of an episode with the offline reader."""

    class Thinking(FinMem):
        def record(self) -> dict[str, Any]:
            thoughts.append(self.last)
            return super().record()

    thoughts: list[Any] = []
    agent = Thinking(
        connect(load_model("offline")),
        lambda seed: LayeredMemory(profile, Arrays(), HashedNgrams(64), seed=seed),
    )
    evaluate(agent, "stock/sim", data=MARKET, end="2020-10-30")
    return thoughts


def test_without_memory_the_agent_is_shown_what_came_in_this_step_and_nothing_else() -> None:
    thoughts = thoughts_with("off")
    assert any(thought.stored for thought in thoughts)
    for thought in thoughts:
        assert not thought.recalled and "<memory" not in thought.question.user
        assert thought.news.shown == len(thought.stored) == len(ITEM.findall(thought.question.user))
        assert {*thought.deleted} == {*thought.stored, *thought.reflections}


def test_in_a_single_layer_documents_and_reflections_are_ranked_together() -> None:
    recalled = [thought.recalled for thought in thoughts_with("single")]
    # With what was concluded last, which stands below the recent decisions, twenty.
    assert max(map(len, recalled)) == len(recalled[-1]) == 19
    assert {memory.layer for shown in recalled for memory in shown} == {"all"}
    kinds = {memory.metadata["kind"] for shown in recalled for memory in shown}
    assert {"news", "10-Q", "reflection"} <= kinds
