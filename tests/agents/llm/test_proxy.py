"""The proxy as the plain clients of OpenAI and Anthropic find it, before a stub of a server."""

import contextlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from investorbench.agents.llm import Budget, Cache, Endpoints, MissingKeyError, ModelError
from investorbench.agents.llm.proxy import Proxy, ProxyKey
from investorbench.agents.llm.proxy.app import LONGEST_BODY
from investorbench.agents.llm.proxy.chat import CHAT
from investorbench.agents.llm.proxy.passed import passed_request
from tests.agents.llm.asking import HASTY, model
from tests.agents.llm.stub_server import Reply, StubServer

ASKED: dict[str, Any] = {
    "model": "any",
    "messages": [{"role": "user", "content": "Buy, hold or sell?"}],
    "max_tokens": 10,
}
# 100 tokens read and 10 written cost 0.02 USD.
PRICED = {"price": {"input": 100.0, "output": 1000.0}, "context_length": 1000}
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}
VECTORS = json.dumps({
    "object": "list", "model": "small", "usage": {"prompt_tokens": 3, "total_tokens": 3},
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
})  # fmt: skip
RESPONSE: dict[str, Any] = {
    "id": "resp_1", "object": "response", "created_at": 1, "model": "stub", "status": "completed",
    "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "tools": [],
    "parallel_tool_calls": True, "tool_choice": "auto", "temperature": 1.0, "top_p": 1.0,
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Buy it.", "annotations": []}],
        },
        {
            "type": "function_call", "id": "fc_1", "call_id": "c1", "name": "buy",
            "arguments": '{"units": 3}', "status": "completed",
        },
    ],
    "usage": {
        "input_tokens": 7, "output_tokens": 5, "total_tokens": 12,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 1},
    },
}  # fmt: skip


@contextlib.contextmanager
def proxied(url: str, settings: dict[str, Any] | None = None, **options: Any) -> Iterator[Proxy]:
    """A proxy that knows nothing yet of any server."""
    options.setdefault("endpoints", Endpoints())
    with Proxy(model(**(settings or {})), base_url=url, **options) as proxy:
        yield proxy


@contextlib.contextmanager
def client(key: ProxyKey, **options: Any) -> Iterator[openai.OpenAI]:
    """OpenAI's own client, as its users make it."""
    with openai.OpenAI(base_url=key.base_url, api_key=key.api_key, **options) as made:
        yield made


def post(key: ProxyKey, path: str, **options: Any) -> httpx.Response:
    """A request by hand."""
    headers = {"Authorization": f"Bearer {key.api_key}"}
    return httpx.post(f"{key.base_url}{path}", headers=headers, trust_env=False, **options)


def test_a_request_goes_to_the_server_as_it_was_sent_and_its_reply_comes_back_as_it_came(
    tmp_path: Path,
) -> None:
    asked = {
        **ASKED,
        "n": 2, "logprobs": True, "seed": 7, "temperature": 0.3, "top_p": 0.9, "an_own_field": [1],
        "response_format": {"type": "json_object"},
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ]},
        ],
    }  # fmt: skip
    replied = {"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}], "odd": None}
    with StubServer(Reply(raw=json.dumps(replied, indent=3))) as server, proxied(server.url) as own:
        reply = post(own.key(), "/chat/completions", json=asked)
        assert server.requests == [{**asked, "model": "stub"}]
        assert server.headers[0]["authorization"] == "Bearer none"
    assert reply.text == json.dumps(replied, indent=3)


def test_a_question_is_asked_once_for_each_sample_whatever_the_sender_says_of_itself(
    tmp_path: Path,
) -> None:
    with (
        StubServer("Buy.") as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        proxied(server.url, cache=cache) as own,
    ):
        keys = [own.key("one", 1), own.key("other", 1), own.key("third", 2)]
        for key in keys:
            with client(key) as asking:
                asking.chat.completions.create(**ASKED)
                asking.chat.completions.create(**ASKED, user="me", metadata={"run": "4711"})
        figures = own.figures()
    assert server.calls == 2  # of sample 1 and of sample 2
    assert {name: each["cached"] for name, each in figures["keys"].items()} == {
        "one": 1, "other": 2, "third": 1,
    }  # fmt: skip
    assert figures["total"]["requests"] == 6 and figures["total"]["status"] == {"ok": 6}


def test_equal_questions_at_once_are_asked_once(tmp_path: Path) -> None:
    with (
        StubServer("Buy.", latency_s=0.1) as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        proxied(server.url, cache=cache) as own,
        client(own.key()) as asking,
        ThreadPoolExecutor(8) as threads,
    ):
        asked = [threads.submit(asking.chat.completions.create, **ASKED) for _ in range(8)]
        assert {each.result().choices[0].message.content for each in asked} == {"Buy."}
    assert server.calls == 1


def test_a_streaming_client_gets_the_same_reply_in_events(tmp_path: Path) -> None:
    with (
        StubServer(Reply(text="Buy it.", reasoning="Hm.")) as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        proxied(server.url, cache=cache) as own,
        client(own.key()) as asking,
    ):
        whole = asking.chat.completions.create(**ASKED)
        with asking.chat.completions.stream(
            **ASKED, stream_options={"include_usage": True}
        ) as stream:
            final = stream.get_final_completion()
        assert final.choices[0].message.content == "Buy it."
        assert final.choices[0].message.reasoning_content == "Hm."  # type: ignore[attr-defined]
        assert (final.usage, final.id) == (whole.usage, whole.id)
        assert server.calls == 1 and "stream" not in server.requests[0]


def test_responses_come_whole_and_in_events(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"model": "any", "input": "Buy?"}
    with (
        StubServer(Reply(raw=json.dumps(RESPONSE))) as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        proxied(server.url, cache=cache) as own,
        client(own.key()) as asking,
    ):
        whole = asking.responses.create(**asked)
        with asking.responses.stream(**asked) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_response()
        figures = own.figures()["total"]
    assert whole.output_text == final.output_text == "Buy it."
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert final.output[2].arguments == '{"units": 3}'  # type: ignore[union-attr]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert server.calls == 1 and figures["tokens"] == {
        "input": 14, "output": 10, "cached": 4, "reasoning": 2, "stored": 0,
    }  # fmt: skip


def test_embeddings_are_kept_and_their_model_is_the_clients(tmp_path: Path) -> None:
    with (
        StubServer(Reply(raw=VECTORS)) as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        proxied(server.url, cache=cache) as own,
    ):
        for key in (own.key("one", 1), own.key("other", 2)):  # a vector is no sample
            with client(key) as asking:
                made = asking.embeddings.create(
                    model="small", input=["Orders rose."], encoding_format="float"
                )
                assert made.data[0].embedding == [0.25, -0.5]
        assert server.calls == 1 and server.requests[0]["model"] == "small"


def test_a_replay_answers_from_the_cache_alone_and_needs_no_server_and_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    path, keyed = tmp_path / "answers.sqlite", {"key_env": "NO_SUCH_KEY"}
    with (
        StubServer("Buy.") as server,
        Cache(path) as cache,
        proxied(server.url, cache=cache) as own,
    ):
        with client(own.key()) as asking:
            asking.chat.completions.create(**ASKED)
        url = server.url
    with pytest.raises(MissingKeyError), proxied(url, keyed):
        pass
    with Cache(path, "replay_only") as cache, proxied(url, keyed, cache=cache) as own:
        with client(own.key()) as asking:
            kept = asking.chat.completions.create(**ASKED)
            with pytest.raises(openai.NotFoundError, match="replay_only"):
                asking.chat.completions.create(**ASKED, seed=1)
        figures = own.figures()["total"]
    assert kept.choices[0].message.content == "Buy."
    assert figures["errors"] == {"cache_miss": 1} and figures["attempts"] == 0


def test_the_cap_stops_before_the_call_that_could_exceed_it_and_no_client_asks_again(
    tmp_path: Path,
) -> None:
    budget = Budget(max_usd=0.09, ledger=tmp_path / "spending.txt")
    with (
        StubServer(Reply(text="Buy.", usage=USAGE)) as server,
        proxied(server.url, PRICED, budget=budget) as own,
        client(own.key("stock/agent/repeat-0")) as asking,
    ):
        for number in range(4):
            asking.chat.completions.create(**ASKED, seed=number)
        with pytest.raises(openai.APIStatusError) as stopped:
            asking.chat.completions.create(**ASKED, seed=4)
    assert stopped.value.status_code == 402 and stopped.value.type == "spend_cap"
    assert "max_usd=0.09" in stopped.value.message
    # Four calls cost .08; the .01 of ten tokens to write are left, but nothing for what is read.
    assert server.calls == 4 and budget.spent_usd == pytest.approx(0.08)
    assert own.figures()["total"]["errors"] == {"spend_cap": 1}
    assert Budget(ledger=tmp_path / "spending.txt").paid_by("stock/agent/repeat-0") == (
        pytest.approx(0.08)
    )


UNBOUNDED: list[tuple[str, dict[str, Any]]] = [
    ("context_length is not known", {"messages": []}),
    ("previous_response_id", {"max_output_tokens": 5, "previous_response_id": "resp_0"}),
    ("web_search", {"max_output_tokens": 5, "tools": [{"type": "web_search"}]}),
    ("file_id", {"max_tokens": 5, "messages": [{"content": [{"file": {"file_id": "f"}}]}]}),
    ("'priority'", {"max_tokens": 5, "messages": [], "service_tier": "priority"}),
]


@pytest.mark.parametrize(("why", "body"), UNBOUNDED, ids=[why for why, _ in UNBOUNDED])
def test_under_a_cap_a_request_that_could_cost_anything_is_refused(
    why: str, body: dict[str, Any]
) -> None:
    unbounded = PRICED | {"context_length": None}
    with StubServer("Buy.") as server:
        with proxied(server.url, unbounded, budget=Budget(max_usd=1.0)) as own:
            reply = post(own.key(), "/responses", json=body)
        assert reply.status_code == 402 and why in reply.json()["error"]["message"]
        assert server.calls == 0


def test_no_number_of_a_request_makes_it_cheaper_than_it_can_be() -> None:
    def most(**body: Any) -> int:
        own = model(**PRICED)
        return passed_request(own, "/chat", body, sample=0, address="", is_capped=True).max_tokens

    assert most() == 1000  # all that the context may hold
    assert most(max_tokens=0) == most(max_tokens=-5) == most(max_tokens=True) == 1000
    assert most(max_tokens=10, max_completion_tokens=70) == 70
    assert most(max_tokens=10, n=3) == 30
    schema = {"properties": {"file_id": {"type": "string"}, "conversation": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "read", "parameters": schema}}]
    assert most(max_tokens=10, tools=tools, service_tier="default") == 10


def test_what_a_client_did_not_wait_for_is_kept_for_its_next_try(tmp_path: Path) -> None:
    with (
        StubServer("Buy.", latency_s=0.5) as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        proxied(server.url, cache=cache) as own,
    ):
        key = own.key()
        with pytest.raises(httpx.ReadTimeout):
            post(key, "/chat/completions", json=ASKED, timeout=httpx.Timeout(5.0, read=0.05))
        assert "Buy." in post(key, "/chat/completions", json=ASKED).text
        assert server.calls == 1


texts = some.text(max_size=8)
calls = some.builds(
    lambda id, name, arguments: {
        "id": id, "type": "function", "function": {"name": name, "arguments": arguments},
    },
    texts, texts, texts,
)  # fmt: skip
messages = some.fixed_dictionaries(
    {"role": some.just("assistant")},
    optional={
        "content": texts, "refusal": texts, "reasoning_content": texts,
        "tool_calls": some.lists(calls, min_size=1, max_size=3), "odd": some.integers(),
    },
)  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    said=some.lists(
        some.tuples(messages, some.sampled_from(["stop", "length"])), min_size=1, max_size=3
    )
)
def test_events_add_up_to_the_reply_that_they_are_made_of(said: list[Any]) -> None:
    choices = [
        {"index": index, "message": message, "finish_reason": ended, "logprobs": None}
        for index, (message, ended) in enumerate(said)
    ]
    assert CHAT.events is not None
    reply = {"id": "1", "created": 2, "model": "m", "choices": choices, "usage": USAGE}
    *events, done = "".join(CHAT.events(reply, {"stream_options": {"include_usage": True}})).split(
        "\n\n"
    )[:-1]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert done == "data: [DONE]" and chunks[-1]["usage"] == USAGE
    added: dict[int, dict[str, Any]] = {}
    for part in (part for chunk in chunks for part in chunk["choices"]):
        own = added.setdefault(part["index"], {"message": {}, "finish_reason": None})
        for name, delta in part["delta"].items():
            is_said = name == "content" and isinstance(own["message"].get(name), str)
            own["message"][name] = own["message"][name] + delta if is_said else delta
        own["finish_reason"] = part["finish_reason"] or own["finish_reason"]
    for index, (message, ended) in enumerate(said):
        own = added[index]
        for number, call in enumerate(own["message"].get("tool_calls", ())):
            assert call.pop("index") == number
        assert own == {"message": {"content": "", **message}, "finish_reason": ended}


def test_a_refusal_of_the_server_comes_through_as_the_server_put_it() -> None:
    said = {"error": {"message": "no such field: x", "type": "invalid_request_error", "code": "x"}}
    with (
        StubServer(Reply(status=422, error=json.dumps(said))) as server,
        proxied(server.url) as own,
        client(own.key()) as asking,
        pytest.raises(openai.UnprocessableEntityError) as refused,
    ):
        asking.chat.completions.create(**ASKED)
    assert refused.value.body == said["error"] and server.calls == 1


def test_a_server_that_stays_away_is_waited_for_by_the_proxy_alone() -> None:
    with (
        StubServer(Reply(status=503, error="later")) as server,
        proxied(server.url, {"patience": HASTY}) as own,
        client(own.key()) as asking,
        pytest.raises(openai.APIStatusError) as gone,
    ):
        asking.chat.completions.create(**ASKED)
    assert gone.value.status_code == 502 and gone.value.type == "no_reply"
    assert server.calls >= 1


STATUSES: list[tuple[str, Reply, dict[str, Any]]] = [
    ("ok", Reply(text="Buy."), {}),
    ("refused", Reply(text="", refusal="I will not."), {}),
    ("truncated", Reply(text="", reasoning="Hm, let me", finish_reason="length"), {}),
    ("invalid", Reply(text="", reasoning="Hm."), {}),
    ("invalid", Reply(text="Buy."), {"response_format": {"type": "json_object"}}),
    ("ok", Reply(text='{"a": 1}'), {"response_format": {"type": "json_object"}}),
    ("ok", Reply(calls=[("buy", {"units": 3})]), {}),
    ("invalid", Reply(calls=[("buy", '{"units": ')]), {}),
]


def test_answers_that_cannot_be_used_are_counted() -> None:
    counted: Counter[str] = Counter()
    with StubServer([reply for _, reply, _ in STATUSES]) as server, proxied(server.url) as own:
        for status, reply, asked in STATUSES:
            post(own.key(), "/chat/completions", json={**ASKED, **asked}).raise_for_status()
            counted[status] += 1
            assert own.figures()["total"]["status"] == counted, reply


def test_a_key_is_needed_and_labels_make_keys_of_their_own(tmp_path: Path) -> None:
    with (
        StubServer("Buy.") as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        proxied(server.url, cache=cache) as own,
    ):
        plain, labelled = own.key("plain"), own.key(takes_labels=True)
        wrong = ["EMPTY", f"{plain.api_key}-run-1", f"{labelled.api_key}-a b", plain.api_key[:-1]]
        for key in wrong:
            unknown = ProxyKey(base_url=own.base_url, api_key=key, model="stub")
            reply = post(unknown, "/chat/completions", json=ASKED)
            assert (reply.status_code, reply.json()["error"]["type"]) == (401, "invalid_api_key")
            assert httpx.get(f"{own.base_url}/usage", trust_env=False).status_code == 401
        for label in ("msft-1", "msft-2", "msft-1"):
            with client(replace(labelled, api_key=f"{labelled.api_key}-{label}")) as asking:
                asking.chat.completions.create(**ASKED)
        headers = {"Authorization": f"Bearer {plain.api_key}"}
        usage = httpx.get(f"{own.base_url}/usage", headers=headers, trust_env=False).json()
    assert server.calls == 2
    assert {name: each["requests"] for name, each in usage["keys"].items()} == {
        "msft-1": 2, "msft-2": 1,
    }  # fmt: skip


REFUSED: list[tuple[int, str, dict[str, Any]]] = [
    (404, "/completions", {"json": {"prompt": "x"}}),
    (404, "/v1/chat/completions/x", {"json": ASKED}),
    (400, "/chat/completions", {"content": b"{"}),
    (400, "/chat/completions", {"content": b"[1]"}),
    (400, "/chat/completions", {"content": b'{"temperature": NaN}'}),
    (400, "/chat/completions", {"content": b'{"user": "\\ud800"}'}),
    (400, "/chat/completions", {"content": b'{"a": ' + b"[" * 100_000}),
    (400, "/responses", {"json": {"input": "x", "background": True}}),
    (413, "/chat/completions", {"content": b" " * (LONGEST_BODY + 1)}),
]


def test_what_is_not_passed_on_is_refused_in_words_and_the_next_request_is_answered() -> None:
    with StubServer("Buy.") as server, proxied(server.url) as own:
        for status, path, sent in REFUSED:
            reply = post(own.key(), path, **sent)
            assert reply.status_code == status and reply.headers["x-should-retry"] == "false"
            assert reply.json()["error"]["message"]
        assert server.calls == 0
        assert post(own.key(), "/chat/completions", json=ASKED).is_success


def test_no_key_is_written_or_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "a-secret-of-twenty-four-letters"
    monkeypatch.setenv("A_KEY", secret)
    replies = [Reply(text=f"It is {secret}."), Reply(status=401, error=f"not {secret}")]
    with (
        StubServer(replies) as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        proxied(server.url, {"key_env": "A_KEY"}, cache=cache) as own,
    ):
        key = own.key()
        said = [post(key, "/chat/completions", json={**ASKED, "seed": n}).text for n in range(2)]
        assert server.headers[0]["authorization"] == f"Bearer {secret}"
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert secret not in "".join(said) + json.dumps(own.figures())
        assert secret.encode() not in kept and key.api_key.encode() not in kept


def test_it_listens_on_this_machine_alone_and_leaves_nothing_behind() -> None:
    before = threading.active_count()
    with StubServer(Reply(text="Buy.", fault="hang")) as server:
        with proxied(server.url) as own:
            port = int(own.base_url.split(":")[2].split("/")[0])
            others = socket.gethostbyname_ex(socket.gethostname())[2]
            for address in (other for other in others if not other.startswith("127.")):
                with socket.socket() as probe:
                    assert probe.connect_ex((address, port))
            asking = threading.Thread(
                target=lambda: hung.append(post(own.key(), "/chat/completions", json=ASKED))
            )
            hung: list[httpx.Response] = []
            asking.start()
            while server.calls == 0:
                pass
        asking.join(10)
        assert hung[0].status_code == 503
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port))
    assert threading.active_count() == before


def test_a_model_without_a_server_or_a_cap_without_a_price_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_KEY", "x")
    with pytest.raises(ModelError, match="no server"):
        Proxy(model(provider="offline"))
    with pytest.raises(ModelError, match="no price"):
        Proxy(model(key_env="A_KEY"), budget=Budget(max_usd=1.0))
