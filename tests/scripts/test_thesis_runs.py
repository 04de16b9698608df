"""Theses from the command line: counted, cached, resumed, verified, replayed, swept."""

import json
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.llm.canonical import digest
from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.record.schema import steps_of
from investorbench.tasks.trading_r1.recorded import RecordedThesis, theses_of
from tests.agents.llm.stub_server import Reply, StubServer
from tests.scripts.calling import Call, Output, results

SHORT = (
    "agent=thesis", "task=trading_r1/sim", "task.end=2020-10-09", "warmup=false", "output=json",
    "seed=0",
)  # fmt: skip
IMPATIENT = "++model.patience={attempts: 1, total_timeout_s: 5.0}"
STEPS = 6


def thoughtful(request: dict[str, Any]) -> str:
    """A thesis that hangs on all that is asked; every third one forgets its decision at first."""
    number = int(digest(request["messages"]), 16)
    decision = f"[[[{CLASSES[number % len(CLASSES)]}]]]"
    if len(request["messages"]) > 2:
        return decision
    return f"<news>\nSo it is, {number % 997}.\n</news>\n{decision if number % 3 else 'Well.'}"


def run(call: Call, server: StubServer, *more: str) -> Output:
    model = ("model=local", "model.id=stub", f"model.base_url={server.url}", IMPATIENT)
    return call(*SHORT, *model, *more)


def recorded(folder: Path) -> tuple[RecordedThesis, ...]:
    (path,) = folder.rglob("decisions.jsonl")
    record = read_record(path)
    assert record.header is not None
    return theses_of(steps_of(record.header, record.lines))


def test_the_offline_reader_trades_by_theses_that_hold(call: Call, tmp_path: Path) -> None:
    output = call(*SHORT, "folder=here")
    assert output.code == 0, output.err
    (result,) = results(output)
    assert result["answers"][0]["test"]["invalid"] == 0
    found = recorded(tmp_path / "here")
    assert len(found) == STEPS and {each.decision for each in found} <= set(CLASSES)
    assert all(each.citable.has(each.briefing[:60]) and "t1" in each.ids for each in found)


@pytest.mark.heavy
def test_theses_are_counted_verified_and_played_again(
    call: Call, command: Call, tmp_path: Path
) -> None:
    with StubServer(thoughtful) as server:
        output = run(call, server, "folder=here")
        assert output.code == 0, output.err
        asked = server.calls
        # A model that is published nowhere has its address in the keys of its answers.
        kept = ("cache=replay_only", "cache_path=here/answers.sqlite", "folder=again")
        assert run(call, server, *kept).code == 0
        assert server.calls == asked
    assert recorded(tmp_path / "again") == recorded(tmp_path / "here")
    (result,) = results(output)
    counted = result["answers"][0]["test"]
    assert counted["decisions"] == STEPS and counted["invalid"] == 0
    assert counted["roles"]["decision"]["answers"] == asked > STEPS
    verified = " ".join(command("verify", "here", "--agent").out.split())
    assert "agent 1 of 1 repeat consistent with this market and these answers" in verified


@pytest.mark.heavy
def test_a_run_that_breaks_off_ends_as_an_unbroken_one_and_asks_nothing_twice(
    call: Call, tmp_path: Path
) -> None:
    with StubServer(thoughtful) as server:
        assert run(call, server, "folder=whole").code == 0
        whole = server.calls
    calls = 0

    def failing(request: dict[str, Any]) -> str | Reply:
        nonlocal calls
        calls += 1
        return Reply(status=401, error="no") if calls in (3, 6) else thoughtful(request)

    with StubServer(failing) as server:
        codes = [run(call, server, "folder=broken").code for _ in range(3)]
        assert codes == [1, 1, 0]
        assert server.calls == whole + 2
    assert recorded(tmp_path / "broken") == recorded(tmp_path / "whole")


@pytest.mark.heavy
def test_a_model_that_never_decides_holds_and_is_counted(call: Call, tmp_path: Path) -> None:
    with StubServer("Well.") as server:
        output = run(call, server, "folder=here")
        assert server.calls == 2 * STEPS
    (result,) = results(output)
    assert result["answers"][0]["test"]["invalid"] == STEPS
    assert result["metrics"]["trades"] == 0
    assert {each.decision for each in recorded(tmp_path / "here")} == {None}


@pytest.mark.heavy
def test_models_of_a_sweep_are_asked_about_the_same_briefings(call: Call, tmp_path: Path) -> None:
    with StubServer(thoughtful) as server:
        own = {"name": "local", "provider": "vllm", "id": "stub", "base_url": server.url}
        for name in ("one", "two"):
            (tmp_path / f"{name}.yaml").write_text(json.dumps({**own, "name": name, "id": name}))
        output = call("-m", *SHORT, "model=./one.yaml,./two.yaml,offline", "folder=here")
        assert output.code == 0, output.err
        users = [request["messages"][1]["content"] for request in server.requests]
    assert len(results(output)) >= 3 and len({*users}) == STEPS
    briefings = [
        [each.briefing for each in recorded(path.parent)]
        for path in sorted((tmp_path / "here").rglob("thesis*/repeat-0/decisions.jsonl"))
    ]
    assert len(briefings) == 3 and briefings[0] == briefings[1] == briefings[2]


@pytest.mark.heavy
def test_baselines_take_their_labels_from_the_task(
    call: Call, command: Call, tmp_path: Path
) -> None:
    short = SHORT[1:]
    output = call("-m", "agent=glob(trading_r1/*)", *short, "folder=here")
    assert output.code == 0, output.err
    names = {path.parent.parent.name for path in (tmp_path / "here").rglob("decisions.jsonl")}
    assert {"constant", "label_oracle", "momentum_class"} <= names
    verified = " ".join(command("verify", "here", "--agent").out.split())
    assert "3 of 3 repeats consistent with this market and these answers" in verified
    refused = call("agent=trading_r1/momentum_class", "task=stock/sim", "seed=0")
    assert refused.code == 1 and "choose a task that has some" in refused.err
