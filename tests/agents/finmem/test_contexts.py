"""The models of the paper finish MSFT at servers that keep to their context."""

import asyncio
from typing import Any

import pytest

from investorbench.agents.agent import as_agent
from investorbench.agents.finmem import FinMem
from investorbench.agents.llm import Endpoints, Model, connect, load_model, model_names
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.tasks.running.episode import live
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.task import Task
from tests.agents.llm.counting_server import CountingModel, Style
from tests.agents.llm.stub_server import StubServer

PAPER = [name for name in model_names() if name.startswith("paper/")]
MOST_SCHEMAS = 4


def alike() -> dict[str, list[str]]:
    """Models that are asked the same, each by the first of them: they differ in their ids alone."""
    found: dict[Any, list[str]] = {}
    for name in PAPER:
        model = load_model(name)
        asked = (model.provider, model.context_length, model.tokenizer)
        found.setdefault((*asked, model.accepts, str(model.sampling)), []).append(name)
    return {names[0]: names for names in found.values()}


def play(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[CountingModel, Any]:
    """One episode of FinMem over MSFT, warm-up and test."""
    model: Model = load_model(name)
    if model.key_env:
        monkeypatch.setenv(model.key_env, "not-a-real-key-0000")
    style: Style = "openai" if model.provider == "openai" else "vllm"
    assert model.context_length is not None
    counting = CountingModel(model.context_length, style)
    embedder = HashedNgrams()
    with StubServer(counting, models=(model.id,)) as server:
        asking = connect(model, base_url=server.url, endpoints=Endpoints())
        agent = FinMem(asking, lambda seed: LayeredMemory("layered", Arrays(), embedder, seed=seed))
        episode = asyncio.run(live(as_agent(agent), Task.of("stock/msft"), seeds=Seeds(0, 0)))
    return counting, episode


@pytest.mark.long
@pytest.mark.real_data
@pytest.mark.parametrize("name", alike())
def test_every_model_of_the_paper_finishes_msft(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counting, episode = play(name, monkeypatch)
    assert len(episode.actions) == Task.of("stock/msft").facts("test").steps
    assert len(counting.schemas) <= MOST_SCHEMAS
    assert counting.refused <= 3  # the estimate errs on the safe side nearly always


def test_there_are_thirteen_of_them() -> None:
    assert len(PAPER) == sum(map(len, alike().values())) == 13
