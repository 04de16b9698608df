"""What a run gives an agent: by the name of a parameter that it cannot be made without."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from investorbench import evaluate
from investorbench.scripts.jobs import maker_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from tests.scripts.calling import Call, results

AGENTS = """
from functools import partial

SIDE = {"type": "object", "properties": {"decision": {"enum": ["buy", "sell"]}},
        "required": ["decision"], "additionalProperties": False}

class Reads:
    def __init__(self, model, memory, lines: int = 1):
        self.model, self.new_memory, self.lines = model, memory, lines

    def begin(self, facts, split, seed):
        self.memory = self.new_memory(seed)

    async def act(self, observation, info):
        (_,) = self.memory.add(info["session"], "short", info["session"])
        texts = " ".join(map(str, info["documents"]))
        answer = await self.model.decide([{"role": "user", "content": texts}], SIDE)
        return 2 if answer.value["decision"] == "buy" else 0

    def describe(self):
        return {"model": self.model.name, "memory": self.memory.identity, "lines": self.lines}

class Likes(Reads):
    def __init__(self, memory, *, model="gpt-9", market=None):
        super().__init__(model, memory)

class Takes(Reads):
    def __init__(self, **settings):
        self.settings = settings

def made(model, memory):
    return Reads(model, memory)

async def policy(observation, info, *, model, lines=1):
    return await Reads(model, None, lines).act(observation, info)

def plain(observation, info):
    return 1

eager = partial(Reads, lines=5)
bound = partial(Reads, "mine")
"""
SHORT = ("warmup=false", "task.end=2020-10-09", "output=json")


@pytest.fixture
def agents(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of agents in the working folder."""
    monkeypatch.delitem(sys.modules, "minds", raising=False)  # the one of another test's folder
    (tmp_path / "minds.py").write_text(AGENTS)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "asks_for"),
    [
        ("Reads", {"model", "memory"}),
        ("made", {"model", "memory"}),
        ("eager", {"model", "memory"}),
        ("bound", {"memory"}),
        ("Likes", {"memory"}),
        ("Takes", set()),
        ("policy", {"model"}),
        ("plain", set()),
    ],
)
@pytest.mark.parametrize("partial", [{}, {"_partial_": True}])
def test_an_agent_asks_by_parameters_without_a_default(
    name: str, asks_for: set[str], partial: dict[str, bool], agents: Path
) -> None:
    maker = maker_of(OmegaConf.create({"_target_": f"minds.{name}", **partial}))
    assert maker.asks_for == asks_for
    agent = maker.make(**dict.fromkeys(asks_for, "given"))
    assert callable(getattr(agent, "act", agent))
    if name == "eager":
        assert (agent.model, agent.new_memory, agent.lines) == ("given", "given", 5)
    if name in ("Likes", "bound"):
        assert (agent.model, agent.new_memory) == (
            {"Likes": "gpt-9", "bound": "mine"}[name], "given",
        )  # fmt: skip


def test_what_the_settings_say_is_not_asked_for(agents: Path) -> None:
    settings = {"_target_": "minds.Reads", "model": "mine", "lines": 2}
    maker = maker_of(OmegaConf.create(settings))
    assert maker.asks_for == {"memory"}
    agent = maker.make(memory=int)
    assert (agent.model, agent.new_memory, agent.lines) == ("mine", int, 2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"_target_": "minds.Reads", "lins": 2}, "unknown setting of Reads 'lins'"),
        ({"_target_": "minds.Takes", "anything": 2}, ""),
        ({"_target_": "minds.Likes", "_args_": [1]}, ""),
    ],
)
def test_settings_are_checked_before_anything_runs(
    settings: dict[str, Any], words: str, agents: Path
) -> None:
    config = OmegaConf.create(settings)
    if not words:
        maker_of(config)
        return
    with pytest.raises(UnknownNameError, match=words):
        maker_of(config)


def test_an_agent_by_its_class_gets_model_and_memory_and_is_derived_again(
    call: Call, command: Call, agents: Path
) -> None:
    asked = ("agent._target_=minds.Reads", "++agent.lines=3", *SHORT, "folder=here")
    output = call(*asked)
    assert output.code == 0, output.err
    assert [result["agent"] for result in results(output)] == ["Reads model=offline"]
    (manifest,) = (agents / "here").rglob("manifest.json")
    described = json.loads(manifest.read_text())["described"]
    assert (described["model"]["name"], described["lines"]) == ("offline", 3)
    verified = command("verify", "here", "--agent")
    assert verified.code == 0, verified.out + verified.err
    words = " ".join(verified.out.split())
    assert "agent 1 of 1 repeat consistent with this market and these answers" in words


def test_python_says_how_to_give_what_only_a_run_can(agents: Path) -> None:
    with pytest.raises(InvestorBenchError, match=r"here: functools.partial\(Reads, model=…, mem"):
        evaluate("minds:Reads", "stock/sim")
