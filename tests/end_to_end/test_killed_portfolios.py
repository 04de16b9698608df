"""A run on a portfolio that is killed again and again ends as one that never was."""

import json
import multiprocessing
import os
import random
import re
import signal
import time
from datetime import date
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.main import main
from tests.agents.llm.stub_server import Reply, StubServer, schema_of
from tests.agents.portfolio.episodes import order
from tests.end_to_end.test_killed_runs import questions, record, wait_for

KILLS, LATENCY_S = 4, 0.02
RUN = (
    "run", "agent=portfolio/finmem", "task=portfolio/sim", "task.options.action=orders",
    "task.start=2020-10-01", "task.end=2020-10-23", "warmup=false", "model=local",
    "model.id=stub", "memory.embedder.dimension=64", "output=json", "seed=0",
)  # fmt: skip

pytestmark = pytest.mark.heavy


def answer(request: dict[str, Any]) -> Reply:
    """What follows from the question: orders, of which on Mondays one is for an unknown asset.

    So seldom that no process takes the way of asking for the fault.
    """
    chance = random.Random(sha256(json.dumps(request["messages"][:2]).encode()).digest())
    parts = schema_of(request)["properties"]
    if "orders" not in parts:
        return Reply(text=json.dumps({name: f"{name} {chance.randrange(100)}" for name in parts}))
    symbols = parts["orders"]["items"]["properties"]["symbol"]["enum"]
    (session,) = re.findall(r"Session: ([\d-]+)", request["messages"][1]["content"])
    orders = [
        order(
            chance.choice(symbols), chance.choice(["buy", "sell", "cancel"]),
            chance.choice([5, 20, -3]), id=f"W{chance.randrange(9)}",
            until=chance.choice(["day", "cancelled"]), limit=chance.choice([None, 10.0, 500.0]),
        )
        for _ in range(4)
    ]  # fmt: skip
    orders[0]["symbol"] = "GOOG" if date.fromisoformat(session).weekday() == 0 else symbols[0]
    views = [
        {"symbol": symbol, "rationale": f"{chance.randrange(100)}", "memory_ids": ["M1", "N1"]}
        for symbol in chance.sample(symbols, 3)
    ]
    texts = {"reflection": f"r {chance.randrange(100)}", "rationale": f"{chance.randrange(100)}"}
    return Reply(text=json.dumps({**texts, "views": views, "orders": orders}))


def live(folder: Path, url: str) -> None:
    """The command, in a process to be killed."""
    os.chdir(folder.parent)
    main([*RUN, f"model.base_url={url}", f"folder={folder.name}"])


def test_after_four_kills_a_portfolio_ends_as_one_that_was_never_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.end_to_end.warm_start", __name__])
    chance, killed = random.Random(5), 0
    with StubServer(answer, latency_s=LATENCY_S) as server:
        while True:
            process = processes.Process(target=live, args=(tmp_path / "killed", server.url))
            process.start()
            if killed < KILLS:
                wait_for(server, server.calls + chance.randrange(3), process)
                time.sleep(chance.uniform(0.0, 2 * LATENCY_S))
                assert process.is_alive(), f"it ended after {killed} kills"
                os.kill(process.pid or 0, signal.SIGKILL)
                killed += 1
            process.join(300)
            if process.exitcode != -signal.SIGKILL:
                break
        assert process.exitcode == 0 and killed == KILLS
        asked = server.calls
        whole = processes.Process(target=live, args=(tmp_path / "whole", server.url))
        whole.start()
        whole.join(300)
        assert whole.exitcode == 0
        ((_, again),) = questions(server.requests[:asked]).items()
        ((_, once),) = questions(server.requests[asked:]).items()
    # A question is asked again at once, as the one that was in flight, or never.
    assert [question for question, _ in groupby(again)] == once
    assert len(again) - len(once) <= KILLS
    repeats = [next((tmp_path / name).rglob("repeat-0")) for name in ("killed", "whole")]
    assert record(repeats[0]) == record(repeats[1])
    states = [next(each.glob("agent/*/finmem_portfolio.json")).read_text() for each in repeats]
    assert states[0] == states[1]
    # What could not be meant is counted, and a check takes the others from the recorded answers.
    metrics = json.loads((repeats[0] / "metrics.json").read_text())
    lines = [line for line in record(repeats[0]) if "thought" in line]
    left_out = sum(line["thought"]["decision"]["orders_left_out"] for line in lines)
    assert metrics["answers"]["test"]["orders_left_out"] == left_out > 0
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["verify", "killed", "--agent"])
    assert not ended.value.code
