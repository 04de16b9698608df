"""A run that is killed again and again ends as one that never was, and asks nothing twice."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from investorbench.memory import Chroma, HashedNgrams, LayeredMemory
from investorbench.scripts.main import main
from tests.agents.llm.stub_server import Reply, StubServer, schema_of
from tests.tasks.plain_records import lines_of, timeless

KILLS, REPEATS, LATENCY_S = 50, 3, 0.01
RUN = (
    "run", "agent=finmem", "task=stock/sim", "task.end=2020-10-30", "model=local", "model.id=stub",
    "memory.store=chroma", f"repeats={REPEATS}", "output=json", "seed=0",
)  # fmt: skip
PASSING = ("latency_s", "attempts", "cached", "cost_usd", "request_hash")
"""Of an answer: what may differ from run to run, the key by the address of the server."""

pytestmark = pytest.mark.heavy


def answer(request: dict[str, Any]) -> Reply:
    """What follows from question and seed: a word, ids, and now and then nonsense at first."""
    asked = json.dumps([request["messages"], request["seed"]])
    chance = random.Random(sha256(asked.encode()).digest())
    if chance.random() < 0.05 and len(request["messages"]) == 2:
        return Reply(text="Let me think about it.")
    parts = schema_of(request)["properties"]
    value: dict[str, Any] = {name: f"{name} {chance.randrange(100)}" for name in parts}
    if "decision" in parts:
        value["decision"] = chance.choice(["buy", "hold", "sell"])
    if "memory_ids" in parts:
        shown = parts["memory_ids"]["items"]["enum"]
        value["memory_ids"] = chance.sample(shown, min(3, len(shown)))
    return Reply(text=json.dumps(value))


PRICED = (
    "run", "agent=finmem", "task=stock/sim", "task.end=2020-10-16", "warmup=false", "model=local",
    "model.id=stub", "output=json", "seed=0", "++model.price={input: 0.0, output: 1000000.0}",
    "++model.sampling.max_tokens=9", "folder=killed",
)  # fmt: skip
"""Each token of output costs 1 USD, and a reply has nine of them at most."""


def test_a_repair_turn_that_was_killed_is_charged_with_what_was_asked_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2}

    def reply(request: dict[str, Any]) -> Reply:
        is_repair = len(request["messages"]) > 2
        first = sum(len(each["messages"]) > 2 for each in server.requests) == 1
        if is_repair and first:
            return Reply(fault="hang")
        nonsense = not is_repair and server.calls == 4
        return replace(Reply(text="Let me think.") if nonsense else answer(request), usage=usage)

    with StubServer(reply) as server:
        url = f"model.base_url={server.url}"
        command = f"from investorbench.scripts.main import main; main({[*PRICED, url]!r})"
        process = subprocess.Popen([sys.executable, "-c", command], cwd=tmp_path)
        deadline = time.monotonic() + 120.0
        while server.calls < 5 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.poll() is None
        process.kill()
        process.wait(60)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as ended:
            main([*PRICED, url])
        assert not ended.value.code
        asked = server.calls
    (path,) = tmp_path.rglob("decisions.jsonl")
    answers = [each for line in lines_of(path) for each in line["answers"]]
    # The call that was cut off counts with its nine tokens, all others with their two.
    whole = 2.0 * (asked - 1) + 9.0
    assert sum(each["cost_usd"] for each in answers) == pytest.approx(whole)
    assert answers[3]["cost_usd"] == pytest.approx(2.0 + 9.0 + 2.0)
    ledger = (tmp_path / "killed" / "spending.txt").read_text().splitlines()
    assert sum(float(line.split()[0]) for line in ledger) == pytest.approx(whole)


def live(folder: Path, url: str) -> None:
    """The command, in a process to be killed."""
    os.chdir(folder.parent)
    main([*RUN, f"model.base_url={url}", f"folder={folder.name}"])


@pytest.mark.long
def test_after_fifty_kills_a_run_ends_as_one_that_was_never_killed(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.end_to_end.warm_start", __name__])
    chance, killed = random.Random(3), 0
    with StubServer(answer, latency_s=LATENCY_S) as server:
        while True:
            process = processes.Process(target=live, args=(tmp_path / "killed", server.url))
            process.start()
            if killed < KILLS:
                # As many calls are made between two kills on a quick machine as on a slow one.
                if chance.random() < 0.2:
                    wait_for(server, server.calls, process, chance.uniform(0.0, 1.0))  # it starts
                else:
                    wait_for(server, server.calls + chance.randrange(7), process)
                    time.sleep(chance.uniform(0.0, 2 * LATENCY_S))
                assert process.is_alive(), f"it ended after {killed} kills"
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
            process.join(300)
            assert process.exitcode is not None
            if killed == KILLS and process.exitcode != -signal.SIGKILL:
                break
        assert process.exitcode == 0
        asked = server.calls
        whole = processes.Process(target=live, args=(tmp_path / "whole", server.url))
        whole.start()
        whole.join(300)
        assert whole.exitcode == 0
        asked_again = questions(server.requests[:asked])
        once = questions(server.requests[asked:])

    assert asked_again.keys() == once.keys() and len(once) == REPEATS
    repeated = 0
    for seed, expected in once.items():
        # A question is asked again at once, as the one that was in flight, or never.
        assert [question for question, _ in groupby(asked_again[seed])] == expected
        repeated += len(asked_again[seed]) - len(expected)
    assert repeated <= KILLS * REPEATS
    print(f"{killed} kills, {repeated} of {sum(map(len, once.values()))} questions asked again")
    for repeat in range(REPEATS):
        killed_repeat, whole_repeat = (
            tmp_path / name / "stock-sim" / "finmem_model=local" / f"repeat-{repeat}"
            for name in ("killed", "whole")
        )
        assert record(killed_repeat) == record(whole_repeat)
        figures = [json.loads((each / "metrics.json").read_text()) for each in
                   (killed_repeat, whole_repeat)]  # fmt: skip
        assert figures[0]["metrics"] == figures[1]["metrics"]
        seed = figures[0]["seed"]
        assert seed == figures[1]["seed"] in once
        assert memories(killed_repeat, seed) == memories(whole_repeat, seed)
        states = [next(each.glob("agent/*/finmem.json")).read_text() for each in
                  (killed_repeat, whole_repeat)]  # fmt: skip
        assert states[0] == states[1]


def wait_for(server: StubServer, asked: int, process: Any, seconds: float | None = None) -> None:
    """Wait until the server was asked more often than that, no process is left, or time is up."""
    deadline = time.monotonic() + (120.0 if seconds is None else seconds)
    while server.calls <= asked and process.is_alive():
        if time.monotonic() >= deadline:
            assert seconds is not None
            return
        time.sleep(0.002)


def questions(requests: Sequence[Mapping[str, Any]]) -> dict[int, list[str]]:
    """What was asked, by the seed of the episode, in order of arrival."""
    found: dict[int, list[str]] = {}
    for request in requests:
        found.setdefault(request["seed"], []).append(json.dumps(request["messages"]))
    return found


def record(repeat: Path) -> list[dict[str, Any]]:
    """All lines of an episode, but for what may differ."""
    files = [repeat / f"{name}.jsonl" for name in ("warmup", "decisions")]
    contents = [content for file in files if file.exists() for content in timeless(file)]
    for content in contents:
        for answer in content.get("answers", ()):
            for name in PASSING:
                del answer[name]
    return contents


def memories(repeat: Path, seed: int) -> dict[str, Any]:
    """Everything in an archive."""
    memory = LayeredMemory("layered", Chroma(repeat / "memory"), HashedNgrams(), seed=seed)
    recalled: Mapping[str, Any] = memory.recall("market", k=10_000)
    memory.close()
    return {"steps": memory.steps, "recalled": recalled}
