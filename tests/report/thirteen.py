"""A run of thirteen models against one server of ours that gives each its own behaviour."""

import json
import random
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.main import main
from tests.agents.llm.stub_server import Reply, StubServer, schema_of

MODELS = (
    "deepseek-67b", "deepseek-v2-lite", "gpt-4", "gpt-4o", "llama-3.1-70b", "llama-3.1-8b",
    "o1-preview", "palmyra-fin-70b", "qwen2.5-32b", "qwen2.5-72b", "qwen2.5-7b", "yi-1.5-34b",
    "yi-1.5-9b",
)  # fmt: skip
HOSTILE = "</script><img src=x onerror=\"document.title='broken in'\"><!-- <script>"
"""What one of them writes into its reasons."""
WINDOWS = (
    ("stock/sim", "2020-10-01", "2020-11-06"),
    ("etf/sim", "2020-01-02", "2020-02-10"),
)


def answer(request: dict[str, Any]) -> Reply:
    """What follows from model and question: leanings, doubts, nonsense and refusals."""
    model = request["model"]
    leaning = random.Random(model).random()
    asked = json.dumps([model, request["messages"], request.get("seed")])
    chance = random.Random(sha256(asked.encode()).digest())
    if "Yi-1.5-9B" in model and chance.random() < 0.2:
        refusal = "I cannot give advice." if chance.random() < 0.5 else None
        return Reply(text="Let me think about it.", refusal=refusal)
    more = f" {HOSTILE}" if "gpt-4o" in model else ""
    value: dict[str, Any] = {
        name: f"The {name} of {model}, draft {chance.randrange(1000)}.{more}"
        for name in schema_of(request)["properties"]
    }
    if "decision" in value:
        word = "buy" if chance.random() < leaning else "sell"
        value["decision"] = word if chance.random() < 0.7 else "hold"
    if "memory_ids" in value:
        value["memory_ids"] = []
    return Reply(text=json.dumps(value))


def run_thirteen(folder: Path, *, repeats: int = 1, models: Sequence[str] = MODELS) -> list[Path]:
    """Run all models and two baselines on two short windows; returns a run folder for each."""
    runs = []
    with StubServer(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("OPENAI_API_KEY", "not-a-key")
        for task, start, end in WINDOWS:
            name = task.replace("/", "-")
            window = [f"task={task}", f"task.start={start}", f"task.end={end}", "warmup=false"]
            more = [*window, f"repeats={repeats}", f"folder=runs/{name}", "output=json", "seed=0"]
            call("-m", "agent=finmem", f"model={','.join(models)}", *more,
                 f"model.base_url={server.url}")  # fmt: skip
            call("-m", "agent=momentum,random,buy_and_hold", *more)
            runs.append(folder / "runs" / name)
    return runs


def call(*arguments: str) -> None:
    """`investorbench run`, which must succeed."""
    with pytest.raises(SystemExit) as ended:
        main(["run", *arguments])
    assert ended.value.code == 0
