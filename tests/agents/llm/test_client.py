import asyncio
import json
import logging
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.llm import (
    Answer,
    Cache,
    Endpoints,
    MissingKeyError,
    ModelError,
    RequestRefusedError,
    ServerError,
    connect,
    load_model,
    model_of,
)
from investorbench.agents.llm.endpoints import Gate
from investorbench.agents.llm.retrying import Fault, Patience, retry_after_s
from investorbench.agents.llm.send_queue import SendQueue
from tests.agents.llm.asking import GOOD, GOOD_TEXT, HASTY, MESSAGES, QUICK, SCHEMA, ask, client
from tests.agents.llm.stub_server import Reply, StubServer

KEY = "sk-test-0123456789abcdef"


def test_an_answer_carries_value_usage_cost_and_how_it_was_got() -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    price = {"price": {"input": 2.0, "output": 8.0, "cached": 0.5}}
    with StubServer(Reply(text=GOOD_TEXT, usage=usage)) as server:
        answer = ask(client(server.url, price))
    assert answer.value == GOOD and answer.status == "ok" and answer.rung == "json_schema"
    used = answer.usage
    assert (used.input, used.output, used.cached, used.reasoning) == (1000, 100, 400, 30)
    assert answer.cost_usd == pytest.approx((600 * 2.0 + 400 * 0.5 + 100 * 8.0) / 1e6)
    assert (answer.attempts, answer.cached, answer.is_language_model) == (1, False, True)
    assert len(answer.request_hash) == 64 and answer.latency_s > 0


def test_a_model_without_a_price_has_no_cost() -> None:
    with StubServer(GOOD_TEXT) as server:
        assert ask(client(server.url)).cost_usd is None


def test_only_what_the_model_accepts_is_sent() -> None:
    o1 = {
        "accepts": {
            "temperature": False,
            "seed": False,
            "system_role": None,
            "rungs": ["text"],
            "max_tokens": "max_completion_tokens",
        }
    }
    with StubServer(GOOD_TEXT) as server:
        ask(client(server.url, o1), seed=7)
        ask(client(server.url, {"accepts": {"system_role": "developer"}}), seed=7)
    first, second = server.requests
    assert set(first) == {"model", "messages", "max_completion_tokens"}
    assert [message["role"] for message in first["messages"]] == ["user"]
    assert first["messages"][0]["content"].startswith("You trade.\n\nWhat now?")
    assert second["messages"][0]["role"] == "developer"
    assert (second["seed"], second["temperature"]) == (7, 0.6)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thinking_is_read_from_either_field(name: str) -> None:
    with StubServer(Reply(text=GOOD_TEXT, reasoning="Hm.", reasoning_field=name)) as server:
        answer = ask(client(server.url))
    assert (answer.reasoning, answer.text) == ("Hm.", GOOD_TEXT)


def test_plain_text_is_asked_for_without_a_schema() -> None:
    with StubServer("A summary.") as server:
        answer = asyncio.run(client(server.url).decide(MESSAGES, None))
    assert (answer.text, answer.value, answer.status) == ("A summary.", None, "ok")
    assert "response_format" not in server.requests[0]


def test_the_repair_turn_shows_the_reply_and_what_was_wrong_with_it() -> None:
    with StubServer(['{"decision": "UP"}', GOOD_TEXT]) as server:
        answer = ask(client(server.url))
    assert (answer.status, answer.repaired, answer.defects) == ("repaired", True, ("schema",))
    *_, shown, wish = server.requests[1]["messages"]
    assert shown == {"role": "assistant", "content": '{"decision": "UP"}'}
    assert "UP" in wish["content"] and "decision" in wish["content"]
    assert answer.attempts == 2


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_what_a_reply_says_can_be_said_again(schema: Any) -> None:
    """A lone surrogate, legal in JSON, could be sent to no server."""
    with StubServer(["up \ud83d", GOOD_TEXT, GOOD_TEXT]) as server:
        asked = client(server.url)
        answer = asyncio.run(asked.decide(MESSAGES, schema))
        again = [*MESSAGES, {"role": "assistant", "content": answer.text}]
        asyncio.run(asked.decide(again, None))
    texts = [each["content"] for request in server.requests for each in request["messages"]]
    assert "up ?" in texts and len(server.requests) == (2 if schema is None else 3)


# The ladder


@pytest.mark.parametrize(
    ("rejects", "rung"),
    [
        ((), "json_schema"),
        (("response_format",), "structured_outputs"),
        (("response_format", "structured_outputs"), "tool"),
        (("response_format", "structured_outputs", "tools"), "text"),
    ],
)
def test_the_ladder_goes_down_to_what_the_server_takes(rejects: tuple[str, ...], rung: str) -> None:
    with StubServer(GOOD_TEXT, rejects=rejects) as server:
        answer = ask(client(server.url))
    assert (answer.rung, answer.value, answer.status) == (rung, GOOD, "ok")


def test_the_schema_is_sent_in_words_where_it_is_sent_in_no_other_way() -> None:
    with StubServer(
        GOOD_TEXT, rejects=("response_format", "structured_outputs", "tools")
    ) as server:
        ask(client(server.url))
    question = server.requests[-1]["messages"][-1]["content"]
    assert (
        question.startswith("What now?")
        and json.loads(question.rpartition("Schema:\n")[2]) == SCHEMA
    )


def test_the_ladder_remembers_per_address_and_model_what_worked() -> None:
    endpoints = Endpoints()
    with StubServer(GOOD_TEXT, rejects=("response_format",)) as server:
        ask(client(server.url, endpoints=endpoints))
        asked = server.calls
        ask(client(server.url, endpoints=endpoints))
        assert server.calls == asked + 1
        other = client(server.url, {"id": "another"}, endpoints=endpoints)
        assert other.ladder.rung == "json_schema"


def test_one_bad_answer_changes_no_rung() -> None:
    with StubServer(["no", "no", GOOD_TEXT]) as server:
        asking = client(server.url)
        assert ask(asking).status == "invalid"
        assert ask(asking).rung == "json_schema"
        for _ in range(5):
            ask(asking)
    assert asking.ladder.rung == "json_schema" and asking.ladder.evidence == []


def test_a_server_that_ignores_the_schema_is_asked_in_another_way() -> None:
    def answer(request: dict[str, Any]) -> str:
        return GOOD_TEXT if request.get("tools") else "Buy, I would say."

    with StubServer(answer) as server:
        asking = client(server.url)
        found = [ask(asking) for _ in range(4)]
    assert [answer.status for answer in found] == ["invalid", "invalid", "invalid", "ok"]
    assert found[-1].rung == "tool" and len(asking.ladder.evidence) == 2


def test_answers_that_a_token_limit_cut_are_no_evidence_against_a_rung() -> None:
    with StubServer(Reply(text='{"ration', finish_reason="length")) as server:
        asking = client(server.url)
        assert {ask(asking).status for _ in range(5)} == {"truncated"}
    assert asking.ladder.rung == "json_schema"


def test_an_error_that_names_no_parameter_is_the_callers_and_is_not_repeated() -> None:
    with StubServer(Reply(status=400, error='{"error": "the context is too long"}')) as server:
        with pytest.raises(RequestRefusedError, match="context is too long"):
            ask(client(server.url))
        assert server.calls == 1


# A server in trouble


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(status=429, error="{}", headers={"Retry-After": "0"}),
        Reply(status=500, error="boom"),
        Reply(status=503, error="<html>later</html>"),
        Reply(fault="html"),
        Reply(fault="close"),
        Reply(fault="close_mid_body", text=GOOD_TEXT),
        Reply(fault="bad_chunks"),
        Reply(raw='{"choices": []}'),
        Reply(raw='{"choices": [{"message": null}]}'),
        Reply(raw="[" * 100_000),
    ],
    ids=lambda reply: str(reply.fault or reply.raw or reply.status)[:20],
)
def test_passing_trouble_is_retried(trouble: Reply) -> None:
    with StubServer([trouble, trouble, GOOD_TEXT]) as server:
        answer = ask(client(server.url))
    assert (answer.value, answer.attempts, answer.status) == (GOOD, 3, "ok")


PRICED = {"price": {"input": 1.0, "output": 1.0}}


@pytest.mark.parametrize(
    ("trouble", "settings", "why", "words"),
    [
        (Reply(fault="html"), {}, "HTML", "502 Bad Gateway"),
        (Reply(raw="{}"), {}, "no chat completion", ""),
        (Reply(fault="close_mid_body"), PRICED, "connection broke", ""),
        (Reply(fault="close"), PRICED, "connection broke", ""),
    ],
    ids=["html", "empty", "mid-body", "close"],
)
def test_what_may_cost_money_is_tried_so_often(
    trouble: Reply, settings: dict[str, Any], why: str, words: str
) -> None:
    with StubServer(trouble) as server, pytest.raises(ServerError, match="3 requests") as caught:
        ask(client(server.url, settings))
    message = str(caught.value)
    assert server.calls == 3
    assert server.url in message and why in message and words in message and "resumed" in message
    assert len(caught.value.last_reply) <= 300


@pytest.mark.parametrize(
    ("trouble", "settings", "why"),
    [
        (Reply(status=429, error='{"error": "slow down"}'), PRICED, "HTTP 429.*slow down"),
        (Reply(status=500, error="boom"), PRICED, "HTTP 500"),
        (Reply(status=503, error="<html>later</html>"), PRICED, "HTTP 503"),
        (Reply(fault="close"), {}, "connection broke"),
    ],
    ids=["limit", "fault", "away", "own server"],
)
def test_what_costs_nothing_is_tried_for_so_long(
    trouble: Reply, settings: dict[str, Any], why: str
) -> None:
    given_up = rf"gave up after total_timeout_s=0\.05: .*{why}"
    with StubServer(trouble) as server, pytest.raises(ServerError, match=given_up) as caught:
        ask(client(server.url, settings | {"patience": HASTY}))
    assert server.url in str(caught.value)


def test_a_server_that_is_down_is_named() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        with pytest.raises(ServerError, match="cannot connect") as caught:
            ask(client(url, {"patience": HASTY}))
    assert url in str(caught.value)


def test_a_server_that_never_answers_is_given_up() -> None:
    patience = QUICK | {"attempt_timeout_s": 0.1, "attempts": 2}
    with (
        StubServer(Reply(fault="hang")) as server,
        pytest.raises(ServerError, match=r"no reply within 0\.1 s"),
    ):
        ask(client(server.url, {"patience": patience}))


@pytest.mark.parametrize("status", [200, 503])
def test_of_a_body_without_an_end_no_more_is_read_than_an_answer_may_have(status: int) -> None:
    endless = Reply(fault="endless", status=status)
    patience = QUICK | {"total_timeout_s": 60.0, "attempts": 2}
    with (
        StubServer(endless) as server,
        pytest.raises(ServerError, match="more than the 16,777,216"),
    ):
        ask(client(server.url, {"patience": patience}))
    assert server.calls == 2
    with StubServer([endless, GOOD_TEXT]) as server:
        assert ask(client(server.url, {"patience": patience})).value == GOOD


def test_a_reply_is_read_as_json_is_written_whatever_its_head_says() -> None:
    strange = {"Content-Type": "application/json; charset=rot13"}
    text = GOOD_TEXT.replace("Demand", "Nachfrage für Öl: demand")
    with StubServer(Reply(text=text, headers=strange)) as server:
        assert ask(client(server.url)).text == text


def test_retry_after_is_waited_for() -> None:
    limit = Reply(status=429, error="{}", headers={"retry-after": "0.2"})
    with StubServer([limit, GOOD_TEXT]) as server:
        started = time.monotonic()
        ask(client(server.url))
    assert time.monotonic() - started >= 0.2


def test_a_wait_beyond_the_total_timeout_is_not_begun() -> None:
    limit = Reply(status=429, error="{}", headers={"retry-after": "7200"})
    with StubServer(limit) as server, pytest.raises(ServerError, match="asks for 7200 s"):
        ask(client(server.url))


def test_an_exhausted_quota_is_not_retried() -> None:
    spent = Reply(status=429, error='{"error": {"code": "insufficient_quota"}}')
    with StubServer(spent) as server, pytest.raises(RequestRefusedError, match="quota"):
        ask(client(server.url))
    assert server.calls == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"Retry-After-Ms": "250"}, 0.25),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2020 07:28:30 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "Wed, 21 Oct 99999999999999 07:28:30 GMT"}, None),
        ({"Retry-After-Ms": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    now = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)
    assert retry_after_s(headers, now) == seconds


def test_waits_double_with_jitter_from_the_generator_and_have_an_end() -> None:
    patience = Patience(first_wait_s=1.0, longest_wait_s=5.0)
    rng, fault = np.random.default_rng(0), Fault("status", "HTTP 500", status=500)
    waits = [patience.wait_s(failures, fault, rng) for failures in range(1, 9)]
    for failures, wait in enumerate(waits):
        assert min(2.0**failures, 5.0) / 2 <= wait <= min(2.0**failures, 5.0)
    again = np.random.default_rng(0)
    assert waits == [patience.wait_s(failures, fault, again) for failures in range(1, 9)]


# Many at once


def test_no_more_calls_run_at_once_than_the_server_may_have() -> None:
    async def ask_many(asking: list[Any]) -> None:
        await asyncio.gather(
            *(one.decide(MESSAGES, SCHEMA, repeat=n) for one in asking for n in range(15))
        )

    endpoints, settings = Endpoints(), {"limits": {"concurrency": 4}}
    with StubServer(GOOD_TEXT, latency_s=0.01) as server:
        two = [client(server.url, settings, endpoints=endpoints) for _ in range(2)]
        asyncio.run(ask_many(two))
    assert server.calls == 30 and server.most_at_once == 4


def test_an_agents_work_and_its_next_request_come_before_the_next_agents_work() -> None:
    done: list[str] = []

    async def agent(name: str, turns: SendQueue) -> None:
        await turns.to_take()
        done.append(f"{name} works")
        async with turns.to_send():
            done.append(f"{name} sends")

    async def both() -> None:
        turns = SendQueue()
        await asyncio.gather(*(agent(name, turns) for name in "abc"))

    asyncio.run(both())
    assert done == [f"{name} {what}" for name in "abc" for what in ("works", "sends")]


def test_a_turn_of_a_call_that_is_cancelled_goes_to_the_next() -> None:
    async def cancel_two(asking: Any) -> Any:
        calls = [asyncio.create_task(asking.decide(MESSAGES, SCHEMA, repeat=n)) for n in range(6)]
        await asyncio.sleep(0)
        calls[1].cancel()
        await asyncio.sleep(0.01)
        calls[2].cancel()
        return await asyncio.gather(*calls, return_exceptions=True)

    with StubServer(GOOD_TEXT, latency_s=0.05) as server:
        asking = client(server.url)
        results = asyncio.run(cancel_two(asking))
    cancelled = [isinstance(result, asyncio.CancelledError) for result in results]
    assert cancelled == [False, True, True, False, False, False]
    assert all(result.status == "ok" for result in results if not isinstance(result, BaseException))


def test_requests_a_minute_are_spread() -> None:
    async def pass_ten() -> None:
        gate = Gate(64, requests_per_minute=6000)

        async def one() -> None:
            async with gate.place():
                pass

        await asyncio.gather(*(one() for _ in range(10)))

    started = time.monotonic()
    asyncio.run(pass_ten())
    assert time.monotonic() - started >= 0.089


def test_one_client_serves_one_event_loop_after_another() -> None:
    with StubServer(GOOD_TEXT) as server:
        asking = client(server.url)
        assert [ask(asking, repeat=n).status for n in range(3)] == ["ok"] * 3


# Keys


def test_a_missing_key_names_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingKeyError, match=r"export OPENAI_API_KEY="):
        connect(load_model("gpt-4o"))


@pytest.mark.parametrize("status", [401, 403, 400, 500])
def test_a_key_appears_in_no_error_log_answer_or_cache(
    status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    echo = Reply(text=GOOD_TEXT.replace("Demand", f"Key {KEY} demand"), reasoning=KEY)
    error = Reply(status=status, error=f'{{"error": "bad key {KEY} or sk-wrong-key-12345"}}')
    with StubServer([echo, error]) as server, Cache(tmp_path / "answers.sqlite") as cache:
        asking = client(server.url, {"key_env": "A_KEY", "patience": HASTY}, cache=cache)
        answer = ask(asking)
        with pytest.raises(ServerError) as caught:
            ask(asking, repeat=1)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert answer.value and "[key]" in answer.value["rationale"]
    everything = f"{answer!r} {caught.value} {caught.value!r} {caplog.text} {vars(caught.value)}"
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (KEY, "sk-wrong-key-12345"):
        assert secret not in everything and secret.encode() not in kept
    assert caught.value.__cause__ is None


def test_an_answer_that_speaks_of_bearer_bonds_is_left_alone() -> None:
    text = GOOD_TEXT.replace("Demand", "Demand for bearer certificates")
    with StubServer(text) as server:
        assert ask(client(server.url)).text == text


@pytest.mark.parametrize("url", ["http://ann:word@127.0.0.1/v1", "http://127.0.0.1/v1?key=word"])
def test_an_address_with_a_password_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ModelError, match="key_env") as caught:
        client(url)
    assert "word@" not in str(caught.value) and "=word" not in str(caught.value)


def test_a_cap_needs_a_price() -> None:
    from investorbench.agents.llm import Budget

    with pytest.raises(ModelError, match="has no price"):
        client("http://127.0.0.1:1/v1", {"key_env": "HOME"}, budget=Budget(1.0))


def test_settings_that_no_model_has_are_refused() -> None:
    with pytest.raises(ValueError, match="nearest first: temperature"):
        model_of({"name": "x", "provider": "vllm", "id": "x", "accepts": {"temprature": True}})


@pytest.mark.parametrize(
    ("version", "server"), [("0.11.0", "vLLM 0.11.0"), (None, ""), ("v" * 500, ""), ("hang", "")]
)
def test_the_version_of_a_server_is_recorded_where_it_says_it_and_waited_for_no_longer_than_that(
    version: str | None, server: str
) -> None:
    quick = {"patience": QUICK | {"attempt_timeout_s": 0.3}}
    with StubServer(GOOD_TEXT, version=version) as stub:
        asking = client(stub.url, quick)

        async def ask_both() -> list[Answer]:
            both = (asking.decide(MESSAGES, SCHEMA, repeat=number) for number in range(2))
            return await asyncio.gather(*both)

        assert [each.server for each in asyncio.run(ask_both())] == [server, server]
