"""`investorbench run` of models whose answers cannot be used, or are paid for and lost."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks import load
from investorbench.tasks.leaderboard import leaderboards
from tests.agents.llm.stub_server import Reply, StubServer, fill, schema_of
from tests.scripts.calling import Call, results
from tests.tasks.plain_records import lines_of

NONSENSE = "I would rather talk about the weather. " * 10
MOST = 20
QUICK = ("++model.patience={attempts: 1, total_timeout_s: 0.0}",)
LONG = ("task=stock/sim", "task.end=2020-11-13", "warmup=false", "output=json", "seed=0")
STEPS = 31
"""Sessions from 2020-10-01 to 2020-11-12; the day after, the last step is marked."""
PRICED = ("++model.price={input: 0.0, output: 1000000.0}", "++model.sampling.max_tokens=9")
"""Each token of output costs 1 USD, and a reply has nine of them at most."""


def at(server: StubServer, *more: str, agent: str = "finmem") -> list[str]:
    model = ("model=local", "model.id=stub", f"model.base_url={server.url}")
    return [f"agent={agent}", *LONG, *model, *QUICK, *more]


def lines(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.rglob("decisions.jsonl")
    return lines_of(path)


def useful(request: dict[str, Any], **fields: Any) -> Reply:
    return Reply(text=json.dumps(fill(schema_of(request))), **fields)


def is_repair(request: dict[str, Any]) -> bool:
    return len(request["messages"]) > 2


def test_a_model_is_stopped_after_twenty_unusable_answers_and_its_last_ones_are_shown(
    call: Call, tmp_path: Path
) -> None:
    with StubServer(NONSENSE) as server:
        stopped = call(*at(server, "folder=here"))
        assert stopped.code == 1 and stopped.out == ""
        said = " ".join(stopped.err.split())
        assert f"the last {MOST} answers of stub cannot be used" in said
        assert f"not_json: {NONSENSE[:200]!r}" in said and NONSENSE[:201] not in said
        assert "Traceback" not in said
        assert server.calls == 2 * MOST  # each was asked once more
        assert len(lines(tmp_path / "here")) == MOST
        (failure,) = (tmp_path / "here").rglob("failure.json")
        assert json.loads(failure.read_text())["kind"] == "model"

        again = call(*at(server, "folder=here"))  # it may try, and is stopped at once
        assert again.code == 1 and f"the last {MOST + 1} answers" in " ".join(again.err.split())
        assert server.calls == 2 * MOST + 2

        server._answers = useful  # the server is mended
        whole = call(*at(server, "folder=here"))
        assert whole.code == 0, whole.err
        assert server.calls == 2 * MOST + 2 + STEPS - MOST - 1
    assert [line["number"] for line in lines(tmp_path / "here")] == list(range(STEPS))
    assert not list((tmp_path / "here").rglob("failure.json"))
    (result,) = results(whole)
    assert result["answers"][0]["test"]["invalid"] == MOST + 1


def test_a_usable_answer_ends_the_row(call: Call) -> None:
    def answer(request: dict[str, Any]) -> Reply | str:
        day = sum(not is_repair(each) for each in server.requests)
        return useful(request) if day == MOST else NONSENSE

    with StubServer(answer) as server:
        output = call(*at(server))
    assert output.code == 0, output.err
    assert results(output)[0]["answers"][0]["test"]["invalid"] == STEPS - 1


@pytest.mark.heavy
def test_the_episodes_of_another_model_go_on(call: Call, tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> Reply | str:
        return useful(request) if request["model"] == "good" else NONSENSE

    with StubServer(answer, models=("bad", "good")) as server:
        output = call(*at(server, "model.id=bad,good", "folder=here", "-m"))
    assert output.code == 1 and "answers of bad cannot be used" in output.err
    (result,) = results(output)
    assert result["answers"][0]["test"]["decisions"] == STEPS


SCHEMA = {"type": "object", "properties": {"side": {"type": "integer", "minimum": 2}},
          "required": ["side"], "additionalProperties": False}  # fmt: skip


class Silent:
    """An agent that records nothing, and holds without an answer."""

    def __init__(self, model: Any) -> None:
        self.model = model

    async def act(self, observation: Any, info: Any) -> int:
        asked = [{"role": "user", "content": f"What on {info['session']}?"}]
        answer = await self.model.decide(asked, SCHEMA)
        return 1 if answer.value is None else int(answer.value["side"])


class Stubborn(Silent):
    """An agent that asks until it is answered."""

    async def act(self, observation: Any, info: Any) -> int:
        asked = [{"role": "user", "content": f"What on {info['session']}?"}]
        for number in range(1000):
            answer = await self.model.decide(asked, SCHEMA, repeat=number)
            if answer.value is not None:
                return int(answer.value["side"])
        raise AssertionError("it was not stopped")


class Boastful(Silent):
    """An agent that says that each of its answers is good, and cost nothing."""

    def record(self) -> dict[str, Any]:
        usage = {"input": 0, "output": 0, "cached": 0, "reasoning": 0}
        said = {"status": "ok", "usage": usage, "cost_usd": 0.0, "latency_s": 0.0}
        return {"answer": {**said, "is_language_model": False}, "decision": {"valid": True}}


class Talkative(Silent):
    """An agent that asks for a summary, too, and records but its decision."""

    async def act(self, observation: Any, info: Any) -> int:
        asked = [{"role": "user", "content": f"Sum up {info['session']}."}]
        await self.model.decide(asked, SCHEMA)
        asked = [{"role": "user", "content": f"What on {info['session']}?"}]
        self.answer = await self.model.decide(asked, SCHEMA)
        return 1

    def record(self) -> dict[str, Any]:
        return {"answer": asdict(self.answer)}


def own(agent: type) -> tuple[str]:
    return (f"agent._target_={__name__}.{agent.__name__}",)


@pytest.mark.parametrize("agent", [Silent, Stubborn, Boastful])
def test_it_is_stopped_whatever_agent_asks(call: Call, agent: type, tmp_path: Path) -> None:
    with StubServer(NONSENSE) as server:
        output = call(*at(server, "folder=here")[1:], *own(agent))
        assert output.code == 1
        assert f"the last {MOST} answers of stub cannot be used" in " ".join(output.err.split())
        assert server.calls == 2 * MOST


@pytest.mark.parametrize(("agent", "roles"), [(Silent, ["decision"]),
                                              (Talkative, ["decision", "other"])])  # fmt: skip
def test_answers_that_an_agent_does_not_record_are_counted_all_the_same(
    call: Call, command: Call, agent: type, roles: list[str], tmp_path: Path
) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    with StubServer(lambda request: useful(request, usage=usage)) as server:
        output = call(*at(server, *PRICED, "folder=here")[1:], *own(agent))
    assert output.code == 0, output.err
    counted = results(output)[0]["answers"][0]["test"]
    assert list(counted["roles"]) == roles
    assert counted["cost_usd"] == pytest.approx(2.0 * STEPS * len(roles))
    assert counted["roles"][roles[-1]]["tokens"]["output"] == 2 * STEPS
    table = command("score", tmp_path / "here")
    assert table.code == 0
    page = tmp_path / "page.html"
    assert command("report", tmp_path / "here", "--output", page).code == 0
    assert ("Answers of each role" in page.read_text()) == (len(roles) > 1)
    if len(roles) > 1:
        assert f"by role: decision {STEPS} answers" in " ".join(table.out.split())


def spent(folder: Path) -> float:
    ledger = (folder / "spending.txt").read_text().splitlines()
    return sum(float(line.split()[0]) for line in ledger)


def charged(folder: Path) -> float:
    return sum(answer["cost_usd"] for line in lines(folder) for answer in line["answers"])


@pytest.mark.heavy
def test_what_was_asked_before_a_repair_turn_that_failed_is_charged_after_resuming(
    call: Call, tmp_path: Path
) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 3}
    fails: list[bool] = [True]

    def answer(request: dict[str, Any]) -> Reply:
        if is_repair(request) and fails:
            fails.pop()
            return Reply(status=400, error="no second turns today")
        nonsense = not is_repair(request) and server.calls == 4
        return Reply(text=NONSENSE, usage=usage) if nonsense else useful(request, usage=usage)

    with StubServer(answer) as server:
        broken = call(*at(server, *PRICED, "folder=here"))
        assert broken.code == 1 and "no second turns today" in broken.err
        assert len(lines(tmp_path / "here")) == 3
        resumed = call(*at(server, *PRICED, "folder=here"))
        assert resumed.code == 0, resumed.err
    assert lines(tmp_path / "here")[3]["answers"][0]["cost_usd"] == pytest.approx(2 * 3.0)
    assert charged(tmp_path / "here") == pytest.approx(3.0 * (STEPS + 1))
    assert spent(tmp_path / "here") == pytest.approx(3.0 * (STEPS + 1))
    counted = results(resumed)[0]["answers"][0]["test"]
    assert counted["cost_usd"] == pytest.approx(3.0 * (STEPS + 1))


@pytest.mark.heavy
def test_every_answer_says_what_gave_it_and_a_change_is_a_finding(
    call: Call, command: Call, tmp_path: Path
) -> None:
    def answer(request: dict[str, Any]) -> Reply:
        is_new = server.calls > 10
        server.fingerprint = "fp_2" if is_new else "fp_1"
        server.served_as = "stub-2026" if is_new else "stub-2025"
        return useful(request)

    with StubServer(answer, version="0.11.0") as server:
        output = call(*at(server, "folder=here"))
        assert output.code == 0, output.err
    answers = [line["answers"][0] for line in lines(tmp_path / "here")]
    said = [(each["model"], each["system_fingerprint"], each["response_id"], each["server"])
            for each in answers]  # fmt: skip
    assert said == [("stub-2025", "fp_1", "stub", "vLLM 0.11.0")] * 10 + [
        ("stub-2026", "fp_2", "stub", "vLLM 0.11.0")
    ] * (STEPS - 10)
    table = command("score", tmp_path / "here")
    assert table.code == 0, table.err
    assert "the model changed within the run" in " ".join(table.out.split())
    assert f"stub-2025 (10 answers), stub-2026 ({STEPS - 10} answers)" in " ".join(
        table.out.split()
    )


def test_answers_of_an_older_model_are_not_mixed_in_from_a_cache_without_a_word(
    call: Call, command: Call, tmp_path: Path
) -> None:
    kept = f"cache_path={tmp_path}/answers.sqlite"
    with StubServer(useful) as server:
        server.served_as = "stub-2025"
        assert call(*at(server, kept, "task.end=2020-10-16", "folder=one")).code == 0
        early = server.calls
        server.served_as = "stub-2026"
        output = call(*at(server, kept, "folder=two"))
        assert output.code == 0, output.err
        assert server.calls < early + STEPS
    table = " ".join(command("score", tmp_path / "two").out.split())
    assert "the model changed within the run" in table
    assert "answers; from the cache), stub-2026" in table


@pytest.mark.heavy
@pytest.mark.parametrize("breaks", [(1,), (7, 3), (STEPS - 1, 12, 30)])
def test_what_is_asked_again_without_a_cache_is_charged_again(
    call: Call, breaks: tuple[int, ...], tmp_path: Path
) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    asked: list[int] = []

    def answer(request: dict[str, Any]) -> Reply:
        asked[-1] -= 1
        return useful(request, usage=usage) if asked[-1] >= 0 else Reply(status=400, error="{}")

    with StubServer(answer) as server:
        command = (*at(server, *PRICED, "folder=here", "cache=off")[1:], *own(Silent))
        for calls in breaks:  # an agent that cannot be saved begins again each time
            asked.append(calls)
            assert call(*command).code == 1
        asked.append(STEPS)
        assert call(*command).code == 0
    here = tmp_path / "here"
    assert charged(here) == pytest.approx(spent(here))
    assert spent(here) == pytest.approx(2.0 * (sum(breaks) + STEPS))


@pytest.mark.heavy
def test_an_older_run_without_a_usable_answer_has_no_rank_and_is_no_trial(
    call: Call, command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("investorbench.tasks.running.unusable.MOST_IN_A_ROW", 10**6)
    with StubServer(NONSENSE) as server:
        assert call(*at(server, "folder=older")).code == 0
    for agent in ("momentum", "always_sell"):
        assert call(f"agent={agent}", *LONG, "folder=older").code == 0
    outcome = load(tmp_path / "older")
    assert outcome.failed == []
    (board,) = leaderboards(outcome.entries, draws=200)
    rows = {row.agent: row for row in board.rows}
    silent = rows.pop("finmem model=local")
    assert silent.answers is not None and silent.answers.share_unusable == 1.0
    assert silent.rank is None and silent.against is None
    assert silent.metrics["CR"] == 0.0  # its figures are shown: it held all the time
    assert all(row.rank is not None for row in rows.values()) and len(rows) == 3
    assert not any("finmem model=local" in pair.names for pair in board.comparison.pairs)
    assert "finmem model=local" not in board.comparison.against
    without = [each for each in outcome.entries if each.result.agent != "finmem model=local"]
    (other,) = leaderboards(without, draws=200)
    assert other.comparison.luck == board.comparison.luck
    assert [(row.agent, row.rank) for row in other.rows] == [
        (row.agent, row.rank) for row in board.rows if row.rank is not None
    ]
    table = " ".join(command("score", tmp_path / "older").out.split())
    assert "§ decided without a usable answer: finmem model=local in 100.0 % of its" in table
    assert "more than 20%: it has no rank" in table
    page = command("report", tmp_path / "older")
    assert page.code == 0, page.err


def test_a_table_may_hold_nothing_that_has_a_rank(
    call: Call, command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("investorbench.tasks.running.unusable.MOST_IN_A_ROW", 10**6)
    with StubServer(NONSENSE) as server:
        assert call(*at(server, "folder=older")).code == 0
    (entry,) = load(tmp_path / "older").entries
    result = replace(entry.result, references=(), facts=replace(entry.result.facts, benchmark=None))
    (board,) = leaderboards([replace(entry, result=result)], draws=200)
    assert [row.rank for row in board.rows] == [None]
    assert board.sentence
