"""Agents that ask with a client of their own, through the proxy of their run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agents.llm.stub_server import Reply, StubServer
from tests.scripts.calling import Call, Output, results
from tests.tasks.plain_records import lines_of

STEPS = 5
"""Sessions from 2020-10-01 to 2020-10-07; on the 8th the last step is marked."""
AGENT = '''
"""Asks OpenAI's own client twice a day: what there is to say, and what to do."""

import openai


class Caller:
    name = "caller"

    def __init__(self, proxy, sync=False, swallows=False, embeds=False):
        self.swallows, self.embeds = swallows, embeds
        make = openai.OpenAI if sync else openai.AsyncOpenAI
        self.client = make(base_url=proxy.base_url, api_key=proxy.api_key)
        self.sync = sync

    async def ask(self, text):
        messages = [{"role": "user", "content": text}]
        asked = self.client.chat.completions.create(model="x", messages=messages, max_tokens=9)
        return (asked if self.sync else await asked).choices[0].message.content or ""

    async def act(self, observation, info):
        try:
            said = await self.ask(f"What of {info['session']}?")
            word = await self.ask(f"Sell, hold or buy, after: {said}?")
        except openai.APIError:
            if not self.swallows:
                raise
            word = "hold"
        if self.embeds:
            await self.client.embeddings.create(model="small", input=[said])
        return ["sell", "hold", "buy"].index(word if word in ("sell", "buy") else "hold")

    async def close(self):
        closed = self.client.close()
        if not self.sync:
            await closed
'''
PRICE = (
    "++model.price={input: 100.0, output: 1000.0}", "++model.context_length=1000",
    "++model.patience={first_wait_s: 0.01, longest_wait_s: 0.01, total_timeout_s: 0.05}",
)  # fmt: skip
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}
"""Costs 0.02 USD."""


def answer(request: dict[str, Any]) -> Reply:
    """What it says depends on the question alone."""
    if "input" in request:
        return Reply(
            raw=json.dumps({"data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 100}})
        )
    question = request["messages"][-1]["content"]
    word = ("buy", "sell")[sum(question.encode()) % 2]
    return Reply(text=word if "Sell" in question else question[::-1], usage=USAGE)


@pytest.fixture
def run(call: Call, tmp_path: Path) -> Callable[..., Output]:
    """`investorbench run` of the agent, on a few days."""
    (tmp_path / "caller.py").write_text(AGENT)
    days = ("task=stock/sim", "task.end=2020-10-08", "warmup=false", "seed=0", "output=json")

    def called(url: str, *more: str) -> Output:
        own = ("model=local", "model.id=stub", f"model.base_url={url}", *PRICE)
        return call("agent=caller:Caller", *days, *own, *more)

    return called


def lines(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.rglob("decisions.jsonl")
    return lines_of(path)


def timeless(folder: Path) -> list[dict[str, Any]]:
    """The lines of a record, but for when and from where its answers came."""
    own = lines(folder)
    for line in own:
        for name in ("written_at", "before"):
            del line[name]
        for each in line["answers"]:
            for name in ("cached", "cost_usd", "attempts", "latency_s"):
                del each[name]
    return own


def test_answers_and_what_they_cost_stand_in_the_record_like_those_of_our_own_client(
    run: Callable[..., Output], command: Call, tmp_path: Path
) -> None:
    with StubServer(answer) as server:
        output = run(server.url, "folder=here", "max_usd=1")
        assert output.code == 0, output.err
        assert server.calls == 2 * STEPS
    (result,) = results(output)
    counted = result["answers"][0]["test"]
    assert counted["status"] == {"ok": 2 * STEPS} and counted["invalid"] == 0
    assert counted["tokens"]["input"] == 100 * 2 * STEPS
    assert counted["cost_usd"] == pytest.approx(0.02 * 2 * STEPS)
    texts = [[each["text"] for each in line["answers"]] for line in lines(tmp_path / "here")]
    asked = [answer(request).text for request in server.requests]
    assert [text for two in texts for text in two] == asked
    paid = (tmp_path / "here" / "spending.txt").read_text().splitlines()
    assert {line.partition(" ")[2] for line in paid} == {"stock-sim/caller_model=local/repeat-0"}
    assert command("verify", "here").code == 0
    again = command("verify", "--agent", "here")
    assert "cache=replay_only" in again.out


def test_embeddings_are_paid_and_recorded_and_are_no_answers_that_decide(
    run: Callable[..., Output], command: Call, tmp_path: Path
) -> None:
    with StubServer(answer) as server:
        output = run(server.url, "agent.embeds=true", "folder=here", "max_usd=1")
    assert output.code == 0, output.err
    roles = [[each["role"] for each in line["answers"]] for line in lines(tmp_path / "here")]
    assert roles == [["decision", "decision", "embedding"]] * STEPS
    counted = results(output)[0]["answers"][0]["test"]
    assert counted["roles"]["embedding"]["cost_usd"] == pytest.approx(0.01 * STEPS)
    assert counted["invalid"] == 0 and command("verify", "here").code == 0


@pytest.mark.heavy
def test_a_run_that_a_cap_stopped_goes_on_and_comes_to_the_same(
    run: Callable[..., Output], tmp_path: Path
) -> None:
    with StubServer(answer) as server:
        assert run(server.url, "folder=whole").code == 0
        calls = server.calls
        stopped = run(server.url, "folder=here", "max_usd=0.11")
        assert (
            stopped.code == 1 and "max_usd=0.11" in stopped.err and "Traceback" not in stopped.err
        )
        assert server.calls == calls + 5
        resumed = run(server.url, "folder=here", "max_usd=1")
        assert resumed.code == 0, resumed.err
        assert server.calls == 2 * calls  # nothing that was answered is asked again
    assert timeless(tmp_path / "here") == timeless(tmp_path / "whole")
    (cost,) = (each["test"]["cost_usd"] for each in results(resumed)[0]["answers"])
    assert cost == pytest.approx(0.02 * calls)


def test_a_framework_that_makes_a_hold_of_every_error_cannot_play_on_without_a_model(
    run: Callable[..., Output], tmp_path: Path
) -> None:
    def until_the_third_day(request: dict[str, Any]) -> Reply:
        return answer(request) if server.calls <= 4 else Reply(status=503, error="away")

    hasty = "++model.patience.total_timeout_s=0.0"
    with StubServer(until_the_third_day) as server:
        output = run(server.url, "agent.swallows=true", hasty, "folder=here")
    assert output.code == 1 and "away" in output.err and len(lines(tmp_path / "here")) == 2


def test_what_a_server_refuses_is_the_frameworks_to_mend(
    run: Callable[..., Output], tmp_path: Path
) -> None:
    refused = Reply(status=400, error='{"error": {"message": "no such field"}}')

    def but_the_first(request: dict[str, Any]) -> Reply:
        return answer(request) if server.calls > 1 else refused

    with StubServer(but_the_first) as server:
        output = run(server.url, "agent.swallows=true", "folder=here")
        assert output.code == 0, output.err
    first, *rest = (len(line["answers"]) for line in lines(tmp_path / "here"))
    assert first == 0 and rest == [2] * (STEPS - 1)
    with StubServer(refused) as server:
        output = run(server.url, "folder=there")
    assert output.code == 1 and "no such field" in output.err and "Traceback" not in output.err


@pytest.mark.heavy
def test_a_replay_asks_no_server_and_comes_to_the_same(
    run: Callable[..., Output], tmp_path: Path
) -> None:
    with StubServer(answer) as server:
        first = run(server.url, "folder=one", "agent.sync=true")
        url, calls = server.url, server.calls
    replay = ("cache=replay_only", "cache_path=one/answers.sqlite")
    second = run(url, "folder=two", "agent.sync=true", *replay)
    assert (first.code, second.code, server.calls) == (0, 0, calls), second.err
    assert timeless(tmp_path / "one") == timeless(tmp_path / "two")
    assert results(first)[0]["metrics"] == results(second)[0]["metrics"]
    other = run(url, "folder=three", *replay, "seed=1")
    assert other.code == 1 and "replay_only" in other.err


@pytest.mark.heavy
def test_equal_questions_of_different_repeats_are_samples_of_their_own(
    run: Callable[..., Output],
) -> None:
    with StubServer(answer) as server:
        assert run(server.url, "repeats=3", "folder=here").code == 0
        assert server.calls == 3 * 2 * STEPS


def test_an_episode_ends_after_twenty_answers_in_a_row_that_cannot_be_used(
    run: Callable[..., Output], tmp_path: Path
) -> None:
    with StubServer(Reply(text="", reasoning="Hm.", usage=USAGE)) as server:
        output = run(server.url, "folder=here", "task.end=2020-10-30")
    assert output.code == 1 and "the last 20 answers" in output.err
    assert sum(len(line["answers"]) for line in lines(tmp_path / "here")) == 20


def test_a_model_without_a_server_has_no_proxy(call: Call, tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(AGENT)
    output = call("agent=caller:Caller", "task=stock/sim", "model=offline", "folder=here")
    assert output.code == 1 and "no server that a proxy could ask" in output.err
    assert json.dumps(output.err).count("Traceback") == 0
