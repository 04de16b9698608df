"""A run whose model calls tools and is killed at random ends as one that never was.

``TOOL_KILLS=50`` kills it as often as that; a few are enough to see that it works at all.
"""

import json
import multiprocessing
import os
import random
import signal
import time
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.main import main
from tests.agents.llm.stub_server import Reply, StubServer
from tests.end_to_end.test_killed_runs import questions, record, wait_for

KILLS = int(os.environ.get("TOOL_KILLS", "3"))
END = "2020-10-23" if KILLS < 10 else "2020-12-18"
REPEATS, LATENCY_S = 2, 0.01
RUN = (
    "run", "agent=tool_user", "task=stock/sim", f"task.end={END}", "warmup=false", "model=local",
    "model.id=stub", f"repeats={REPEATS}", "output=json", "seed=0",
)  # fmt: skip
CALLS: list[tuple[str, Any]] = [
    ("search", {"query": "orders growth"}), ("bars", {"last": 5}), ("documents", {"kind": "10-Q"}),
    ("bars", {"start": "2030-01-01"}), ("read", {"id": "none"}), ("sell_all", {}), ("search", "{"),
]  # fmt: skip

pytestmark = pytest.mark.heavy


def reply(request: dict[str, Any]) -> Reply:
    """What follows from question and seed: up to three calls at once, or a decision."""
    asked = json.dumps([request["messages"], request["seed"]])
    chance = random.Random(sha256(asked.encode()).digest())
    turns = sum(message["role"] == "assistant" for message in request["messages"])
    if chance.random() < 0.8 - 0.25 * turns and len(request["tools"]) > 1:
        return Reply(text=f"Turn {turns}.", calls=chance.choices(CALLS, k=chance.randint(1, 3)))
    value = {"rationale": f"turn {turns}", "decision": chance.choice(["buy", "hold", "sell"])}
    return Reply(text=json.dumps(value))


def live(folder: Path, url: str) -> None:
    """The command, in a process to be killed."""
    os.chdir(folder.parent)
    tools = "model.accepts.rungs=[tool,text]"
    main([*RUN, f"model.base_url={url}", tools, f"folder={folder.name}"])


def test_a_run_with_tools_that_is_killed_ends_as_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.end_to_end.warm_start", __name__])
    chance, killed = random.Random(6), 0
    with StubServer(reply, latency_s=LATENCY_S) as server, StubServer(reply) as other:
        whole = processes.Process(target=live, args=(tmp_path / "whole", other.url))
        whole.start()
        whole.join(300)
        assert whole.exitcode == 0
        most = max(1, other.calls // (KILLS + 1))
        while True:
            process = processes.Process(target=live, args=(tmp_path / "killed", server.url))
            process.start()
            if killed < KILLS:
                wait_for(server, server.calls + chance.randrange(most), process)
                time.sleep(chance.uniform(0.0, 2 * LATENCY_S))
                assert process.is_alive(), f"it ended after {killed} kills"
                os.kill(process.pid or 0, signal.SIGKILL)
                killed += 1
            process.join(300)
            if process.exitcode != -signal.SIGKILL:
                break
        assert process.exitcode == 0 and killed == KILLS
        again, once = questions(server), questions(other)
    repeated = 0
    assert again.keys() == once.keys() and len(once) == REPEATS
    for seed, expected in once.items():
        # A question is asked again at once, as the one that was in flight, or never.
        assert [question for question, _ in groupby(again[seed])] == expected
        repeated += len(again[seed]) - len(expected)
    assert repeated <= KILLS * REPEATS
    with capsys.disabled():
        print(f"\n{killed} kills; {repeated} of {other.calls} questions asked again")
    paths = sorted((tmp_path / "whole").rglob("decisions.jsonl"))
    assert len(paths) == REPEATS
    for path in paths:
        same = tmp_path / "killed" / path.parent.relative_to(tmp_path / "whole")
        lines = record(same)
        assert lines == record(path.parent)
        calls = [call for line in lines[1:] for call in line["thought"]["tool_calls"]]
        assert {"future", "unknown_tool", "arguments", None} <= {each["error"] for each in calls}
        figures = [json.loads((each / "metrics.json").read_text()) for each in (same, path.parent)]
        assert figures[0]["metrics"] == figures[1]["metrics"]
        counted = [each["answers"]["test"]["tool_calls"] for each in figures]
        assert counted[0] == counted[1] and counted[0]["count"] == len(calls)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--agent", "killed"])
    assert not ended.value.code
