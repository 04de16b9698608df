"""A sweep over the 13 models that is killed five times ends as one that never was."""

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.main import main
from tests.agents.llm.stub_server import Reply, StubServer, schema_of
from tests.end_to_end.test_killed_runs import questions, record, wait_for

MODELS = (
    "gpt-4", "gpt-4o", "o1-preview", "llama-3.1-8b", "llama-3.1-70b", "qwen2.5-7b", "qwen2.5-32b",
    "qwen2.5-72b", "yi-1.5-9b", "yi-1.5-34b", "deepseek-v2-lite", "deepseek-67b", "palmyra-fin-70b",
)  # fmt: skip
TASKS, REPEATS, STEPS = ("stock/sim", "stock/tsla", "stock/msft"), 3, 9
KILLS, AT_ONCE = 5, len(TASKS) * REPEATS
LATENCY_S = float(os.environ.get("SWEEP_LATENCY_S", "0.05"))
"""Of the server; a longer one leaves less of the wall time to our own work."""
SWEEP = (
    "run", "-m", "agent=finmem", f"model={','.join(MODELS)}", f"task={','.join(TASKS)}",
    "data=simulated", "task.end=2020-10-14", "warmup=false", f"repeats={REPEATS}", "output=json",
    "++model.accepts.seed=true", "seed=0",
)  # fmt: skip

pytestmark = pytest.mark.heavy


def answer(request: dict[str, Any]) -> Reply:
    """Each model leans to buying or selling in its own way, and talks nonsense as often."""
    own = random.Random(request["model"])
    leaning, nonsense = own.random(), 0.2 * own.random()
    asked = json.dumps([request["model"], request["messages"], request["seed"]])
    chance = random.Random(sha256(asked.encode()).digest())
    if chance.random() < nonsense:
        return Reply(text="I would rather not say.")
    value: dict[str, Any] = {}
    for name, part in schema_of(request)["properties"].items():
        value[name] = [] if part.get("type") == "array" else f"{name} {chance.randrange(100)}"
    value["decision"] = "buy" if chance.random() < leaning else chance.choice(["hold", "sell"])
    return Reply(text=json.dumps(value))


def live(folder: Path, url: str) -> None:
    """The command, in a process to be killed."""
    os.environ["OPENAI_API_KEY"] = "sk-of-no-use-to-anyone"
    os.chdir(folder.parent)
    main([*SWEEP, f"model.base_url={url}", f"folder={folder.name}"])


@pytest.mark.long
def test_a_sweep_over_13_models_that_is_killed_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.end_to_end.warm_start", __name__])
    chance, killed = random.Random(4), 0
    with (
        StubServer(answer, latency_s=LATENCY_S) as server,
        StubServer(answer, latency_s=LATENCY_S) as other,
    ):
        begun = time.monotonic()
        whole = processes.Process(target=live, args=(tmp_path / "whole", other.url))
        whole.start()
        whole.join(300)
        took = time.monotonic() - begun
        assert whole.exitcode == 0
        # None so near the end that a busy machine would come too late.
        kills = sorted(chance.sample(range(1, other.calls * 9 // 10), KILLS))
        while True:
            process = processes.Process(target=live, args=(tmp_path / "killed", server.url))
            process.start()
            if killed < KILLS:
                wait_for(server, kills[killed], process)
                time.sleep(chance.uniform(0.0, LATENCY_S))
                assert process.is_alive()
                os.kill(process.pid or 0, signal.SIGKILL)
                killed += 1
            process.join(300)
            if process.exitcode != -signal.SIGKILL:
                break
        assert process.exitcode == 0 and killed == KILLS
        again, once = questions(server.requests), questions(other.requests)

    episodes = len(MODELS) * len(TASKS) * REPEATS
    assert again.keys() == once.keys() and len(once) == episodes  # a seed each
    for seed, expected in once.items():
        assert [question for question, _ in groupby(again[seed])] == expected
    repeated = server.calls - other.calls
    assert 0 < repeated <= KILLS * AT_ONCE
    ideal = other.calls * LATENCY_S / AT_ONCE
    # An episode asks one question after another, and a model waits for its longest one.
    calls = Counter((request["model"], request["seed"]) for request in other.requests)
    longest: dict[str, int] = {}
    for (model, _), number in calls.items():
        longest[model] = max(number, longest.get(model, 0))
    print(
        f"{episodes} episodes, {other.calls} calls, {repeated} asked again after {KILLS} kills; "
        f"unbroken {took:.1f} s, server time ÷ concurrency {ideal:.1f} s, "
        f"longest episodes one after another {sum(longest.values()) * LATENCY_S:.1f} s"
    )
    paths = [path.parent for path in (tmp_path / "whole").rglob("decisions.jsonl")]
    assert len(paths) == episodes
    for path in paths:
        same = tmp_path / "killed" / path.relative_to(tmp_path / "whole")
        assert record(same) == record(path) and len(record(path)) == 1 + STEPS
        for name in ("seed", "metrics"):
            figures = [json.loads((each / "metrics.json").read_text()) for each in (same, path)]
            assert figures[0][name] == figures[1][name]
    behaviours = {json.dumps([line["action"] for line in record(path)[1:]]) for path in paths}
    assert len(behaviours) > len(MODELS)  # each model has its own behaviour
