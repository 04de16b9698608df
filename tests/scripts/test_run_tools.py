"""`investorbench run` of an agent whose model calls tools: counted, kept, resumed, verified."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agents.llm.stub_server import Reply, StubServer, fill, schema_of
from tests.scripts.calling import Call, results
from tests.tasks.plain_records import lines_of

SHORT = ("agent=tool_user", "task=stock/sim", "task.end=2020-10-09", "seed=7", "output=json")
STEPS = 6


def turns(body: dict[str, Any]) -> Reply:
    """Two calls at once, one of which is wrong; then one for the future; then a decision."""
    results = sum(message["role"] == "tool" for message in body["messages"])
    if results == 0:
        return Reply(calls=[("search", {"query": "orders"}), ("bars", '{"last": ')])
    if results == 2:
        return Reply(text="Once more.", calls=[("documents", {"start": "2021-01-01"})])
    return Reply(text=json.dumps(fill(schema_of(body))))


def at(server: StubServer, *more: str) -> list[str]:
    return [*SHORT, "model=local", "model.id=stub", f"model.base_url={server.url}", *more]


def decisions(folder: Path) -> bytes:
    """What a folder holds of its decisions, but for when they were written."""
    (path,) = folder.rglob("decisions.jsonl")
    return json.dumps(
        [
            {name: part for name, part in line.items() if name not in ("written_at", "before")}
            for line in lines_of(path)
        ]
    ).encode()


def test_all_calls_and_answers_are_counted_kept_and_come_out_again(
    call: Call, command: Call, tmp_path: Path
) -> None:
    with StubServer(turns) as server:
        output = call(*at(server, "folder=here"))
        assert output.code == 0, output.err
        assert server.calls == 3 * STEPS
    (result,) = results(output)
    test = result["answers"][0]["test"]
    assert test["tool_calls"] == {"count": 3 * STEPS, "errors": {"arguments": 6, "future": 6}}
    assert {role: own["answers"] for role, own in test["roles"].items()} == {
        "look_up": 2 * STEPS, "decision": STEPS,
    }  # fmt: skip
    assert test["tokens"]["output"] == sum(
        own["tokens"]["output"] for own in test["roles"].values()
    )
    table = call(*at(server, "folder=here", "output=table"))
    assert "18 calls of tools, errors: 6 arguments, 6 future" in " ".join(table.out.split())
    checked = command("verify", "--agent", "here")
    assert checked.code == 0, checked.out
    replayed = call(
        *at(server, "folder=again", "cache=replay_only", "cache_path=here/answers.sqlite")
    )
    assert replayed.code == 0, replayed.err
    first, second = (json.loads(decisions(tmp_path / name)) for name in ("here", "again"))
    for line in (*first, *second):
        for answer in line["answers"]:
            del answer["cached"], answer["attempts"], answer["cost_usd"]
    assert first == second


@pytest.mark.heavy
def test_a_run_that_is_broken_off_among_calls_goes_on_to_the_same_end(
    call: Call, tmp_path: Path
) -> None:
    with StubServer(turns) as server:
        assert call(*at(server, "folder=whole")).code == 0
    for broken in (2, 7, 12):

        def answer(body: dict[str, Any], broken: int = broken) -> Reply:
            return Reply(status=400, error="{}") if server.calls == broken else turns(body)

        with StubServer(answer) as server:
            assert call(*at(server, f"folder=b{broken}")).code == 1
            output = call(*at(server, f"folder=b{broken}"))
            assert output.code == 0, output.err
            # Not one answer was asked for twice.
            assert server.calls == 3 * STEPS + 1
        whole, resumed = (
            json.loads(decisions(tmp_path / name)) for name in ("whole", f"b{broken}")
        )
        for line in (*whole, *resumed):
            for each in line["answers"]:
                del each["cached"], each["attempts"], each["latency_s"]
                del each["address"], each["request_hash"]  # of another server
        assert whole == resumed
