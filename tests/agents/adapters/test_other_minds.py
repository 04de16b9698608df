"""Debates, graphs and agents of others over a run's model: counted, cached, resumed, verified."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.adapters.debate import Debate
from investorbench.agents.llm.canonical import digest
from investorbench_env.errors import InvestorBenchError
from tests.agents.llm.stub_server import Reply, StubServer, fill, schema_of
from tests.scripts.calling import Call, Output, results
from tests.tasks.plain_records import lines_of

SHORT = ("task=stock/sim", "task.end=2020-10-09", "warmup=false", "output=json", "seed=0")
IMPATIENT = "++model.patience={attempts: 1, total_timeout_s: 5.0}"
STEPS = 6
MINDS = "agent._target_=other_minds"
DEBATE = ("agent=debate", "agent.rounds=2")
GRAPH, PYDANTIC = (f"{MINDS}.graph",), (f"{MINDS}.pydantic",)
CALLS = {DEBATE: 5, GRAPH: 3, PYDANTIC: 2}
"""Of a decision: four arguments and a verdict; two tools and an answer of each, then a decision;
a tool and a decision."""
ALL = [
    pytest.param(DEBATE, id="debate"),
    pytest.param(GRAPH, id="langgraph", marks=pytest.mark.heavy),
    pytest.param(PYDANTIC, id="pydantic_ai", marks=pytest.mark.heavy),
]


@pytest.fixture
def call(command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`investorbench run` in a folder with agents of a user's own."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(Path(__file__).with_name("minds.py"), tmp_path / "other_minds.py")
    monkeypatch.delitem(sys.modules, "other_minds", raising=False)  # that of another test
    return lambda *arguments: command("run", *arguments)


def thoughtful(request: dict[str, Any]) -> Reply:
    """An answer that hangs on all that is asked; a tool is called before anything else."""
    sha = digest(request["messages"])
    names = [each["function"]["name"] for each in request.get("tools", ())]
    last = request["messages"][-1]
    if names and names != ["decision"] and last["role"] != "tool":
        name = names[0]
        return Reply(calls=[(name, {"number": 21})])
    if last["role"] == "tool" and last["content"] != "42":
        return Reply(status=400, error=f"a tool returned {last['content']}")
    is_form = "response_format" in request or "decision" in names
    schema = schema_of(request) if is_form else {}
    if not schema:
        return Reply(text=f"An argument, {sha[:8]}.")
    word = ("buy", "hold", "sell")[int(sha, 16) % 3]
    return Reply(text=json.dumps({**fill(schema), "rationale": sha[:8], "decision": word}))


def run(call: Call, mind: tuple[str, ...], server: StubServer, *more: str) -> Output:
    for name in ("langgraph", "pydantic_ai") if mind in (GRAPH, PYDANTIC) else ():
        pytest.importorskip(name, reason=f"the extra {name.replace('_', '-')} is not installed")
    model = ("model=local", "model.id=stub", f"model.base_url={server.url}", IMPATIENT)
    return call(*mind, *SHORT, *model, *more)


def decisions(folder: Path) -> list[Any]:
    """What was decided and answered, without what another run takes or pays for it."""
    (path,) = folder.rglob("decisions.jsonl")
    return [
        (
            line["session"], line["action"], line["reward"], line["thought"]["decision"],
            [(a["role"], a["text"], a["value"]) for a in line["answers"]],
        )
        for line in lines_of(path)
    ]  # fmt: skip


@pytest.mark.parametrize("mind", ALL)
def test_all_answers_are_counted_and_the_last_decides(
    mind: tuple[str, ...], call: Call, command: Call, tmp_path: Path
) -> None:
    with StubServer(thoughtful) as server:
        output = run(call, mind, server, "folder=here")
        assert output.code == 0, output.err
        assert server.calls == STEPS * CALLS[mind]
    (result,) = results(output)
    (answers,) = result["answers"]
    assert answers["test"]["decisions"] == STEPS and answers["test"]["invalid"] == 0
    roles = {name: counts["answers"] for name, counts in answers["test"]["roles"].items()}
    assert sum(roles.values()) == STEPS * CALLS[mind]
    if mind == DEBATE:
        assert roles == {"bull": 2 * STEPS, "bear": 2 * STEPS, "decision": STEPS}
    for _, action, _, decision, said in decisions(tmp_path / "here"):
        verdict = said[-1][2]
        assert decision == {
            "word": verdict["decision"], "valid": True, "rationale": verdict["rationale"],
        }  # fmt: skip
        assert action == ("sell", "hold", "buy").index(verdict["decision"])
    verified = " ".join(command("verify", "here", "--agent").out.split())
    assert "agent 1 of 1 repeat consistent with this market and these answers" in verified


@pytest.mark.parametrize("mind", ALL)
def test_a_run_that_breaks_off_ends_as_an_unbroken_one_and_asks_nothing_twice(
    mind: tuple[str, ...], call: Call, tmp_path: Path
) -> None:
    with StubServer(thoughtful) as server:
        assert run(call, mind, server, "folder=whole").code == 0
    calls = 0

    def failing(request: dict[str, Any]) -> Reply:
        nonlocal calls
        calls += 1
        broken = calls in (4, 9)
        return Reply(status=401, error="no") if broken else thoughtful(request)

    with StubServer(failing) as server:
        codes = [run(call, mind, server, "folder=broken").code for _ in range(3)]
        assert codes == [1, 1, 0]
        assert server.calls <= STEPS * CALLS[mind] + 2 * 2  # and what was asked beside a failure
    assert decisions(tmp_path / "broken") == decisions(tmp_path / "whole")


def test_a_debate_lets_each_side_hear_the_other_and_the_judge_both(
    call: Call, tmp_path: Path
) -> None:
    def named(request: dict[str, Any]) -> str:
        part = request["messages"][-1]["content"].rpartition("# Your part")[2]
        if "You are the judge" in part:
            return json.dumps({"rationale": "", "decision": "hold"})
        side = "bull" if "You are the bull" in part else "bear"
        return f"{side} {2 if 'Answer it' in part else 1}"

    with StubServer(named) as server:
        assert run(call, DEBATE, server, "task.end=2020-10-02").code == 0
    parts = [r["messages"][-1]["content"].partition("# Your part")[2] for r in server.requests]
    assert len({r["messages"][-1]["content"].partition("# Your part")[0] for r in server.requests}
               ) == 1  # fmt: skip
    replies = {part.split(" in a debate")[0][-4:]: part for part in parts if "Answer it" in part}
    assert "bear 1" in replies["bull"] and "bull 1" in replies["bear"]
    assert "bull 2" in parts[-1] and "bear 2" in parts[-1] and "bull 1" not in parts[-1]
    (path,) = tmp_path.rglob("decisions.jsonl")
    question = lines_of(path)[0]["thought"]["question"]
    system, user = (message["content"] for message in server.requests[0]["messages"])
    assert system == question["system"] and user.startswith(question["user"])


def test_a_debate_asks_nothing_in_a_warmup_and_holds(call: Call, tmp_path: Path) -> None:
    with StubServer(thoughtful) as server:
        output = run(call, ("agent=debate",), server, "warmup=true", "folder=here")
        assert output.code == 0, output.err
        assert server.calls == 3 * STEPS
    with pytest.raises(InvestorBenchError, match="rounds=0 must be at least 1"):
        Debate(None, rounds=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", ["{action: weight}", "{action: weight, long_only: true}"])
def test_a_debate_decides_on_weights_too(options: str, call: Call, tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> str:
        schema = schema_of(request)
        if "properties" not in schema:
            return "Up."
        assert schema["properties"]["decision"]["minimum"] == (0 if "long" in options else -1)
        return json.dumps({"rationale": "", "decision": 0.25})

    with StubServer(answer) as server:
        output = run(call, ("agent=debate",), server, f"task.options={options}", "folder=here")
    assert output.code == 0, output.err
    assert [action for _, action, *_ in decisions(tmp_path / "here")] == [[0.25]] * STEPS


def test_a_judge_who_gives_no_decision_holds_and_is_counted(call: Call) -> None:
    with StubServer("Well.") as server:
        output = run(call, ("agent=debate",), server)
    (result,) = results(output)
    assert result["answers"][0]["test"]["invalid"] == STEPS
    assert result["metrics"]["trades"] == 0
