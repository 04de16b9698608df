"""Servers, settings and clients that are odd in ways of their own: none ends a run unsaid."""

import asyncio
import contextlib
import gzip
import json
import math
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from investorbench.agents.llm import Budget, Cache, Endpoints, ModelError, ServerError, connect
from investorbench.agents.llm.cache import CacheMode
from investorbench.agents.llm.errors import NotPassedError, RequestRefusedError
from investorbench.agents.llm.providers import anthropic_messages, bounded, openai_chat
from investorbench.agents.llm.providers.checked import UnreadableBodyError, counted
from investorbench.agents.llm.proxy import Proxy, ProxyKey
from investorbench.agents.llm.proxy.passed import passed_request
from investorbench.agents.llm.retrying import Fault, Patience, retry_after_s
from investorbench.agents.llm.spending import Price
from tests.agents.llm.asking import GOOD_TEXT, HASTY, MESSAGES, SCHEMA, ask, client, model
from tests.agents.llm.stub_server import Reply, StubServer

NOW = datetime(2026, 10, 21, tzinfo=UTC)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes,
}  # fmt: skip
PRICE = {"input": 1.0, "output": 2.0}
NO_KEYS = some.text(
    some.characters(max_codepoint=0x2FF, exclude_categories=["Cs"]), min_size=12
).filter(lambda text: (text.strip() and not text.strip().isprintable()) or not text.isascii())


@given(
    value=some.one_of(
        some.text(max_size=20),
        some.integers().map(str),
        some.floats().map(str),
        some.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    ),
    name=some.sampled_from(["Retry-After", "retry-after-ms"]),
    failures=some.integers(1, 2000),
)
def test_whatever_wait_a_server_asks_for_it_is_not_stormed(
    value: str, name: str, failures: int
) -> None:
    asked = retry_after_s({name: value}, NOW)
    fault = Fault("status", "HTTP 429", status=429, retry_after_s=asked)
    patience = Patience()
    wait_s = patience.wait_s(failures, fault, np.random.default_rng(0))
    assert wait_s >= patience.first_wait_s / 2
    assert wait_s >= (asked or 0.0) and not math.isnan(wait_s)


def test_a_quota_of_a_minute_is_waited_for_and_one_that_is_used_up_is_not() -> None:
    words = "You exceeded your current quota, please check your plan and billing details."
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.002s"}
    minute = json.dumps([{"error": {"code": 429, "message": words, "details": [info]}}])
    used_up = json.dumps({"error": {"message": words, "code": "insufficient_quota"}})
    for error, calls in ((minute, 2), (used_up, 1)):
        with StubServer([Reply(status=429, error=error), GOOD_TEXT]) as server:
            with contextlib.suppress(RequestRefusedError):
                ask(client(server.url))
            assert server.calls == calls


@given(
    some.builds(
        "{}{}{}{}".format,
        some.sampled_from(["http://", "https://", "", "//", "ftp://", "http:/", "HTTP://"]),
        some.sampled_from(["127.0.0.1", "[::1", "[::1]", "", "a b", "x\ny", "é", "localhost"]),
        some.sampled_from(["", ":8000", ":99999", ":x", ":-1", ":0", ":"]),
        some.sampled_from(["", "/v1", "/v1/", "/\x01", "?key=1", "#x"]),
    )
)
def test_an_address_is_one_or_refused_before_anything_waits_for_it(url: str) -> None:
    try:
        found = connect(model(base_url=url), endpoints=Endpoints())
    except ModelError:
        return
    asyncio.run(_built(found))


async def _built(found: Any) -> None:
    provider = found._exchange._provider
    async with provider._client(provider._sdk()):  # raises where the SDK can do nothing with it
        pass


@given(NO_KEYS)
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        try:
            patch.setenv("ODD_KEY", text)
        except (ValueError, UnicodeEncodeError):
            return  # no environment holds it
        with pytest.raises(ModelError) as caught:
            connect(model(key_env="ODD_KEY"), endpoints=Endpoints())
    lines = [line.strip() for line in text.splitlines() if len(line.strip()) > 5]
    assert not any(line in str(caught.value) for line in lines)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_question_goes_to_no_other_address_than_the_one_given(status: int) -> None:
    with StubServer(GOOD_TEXT) as other:
        elsewhere = {"Location": f"{other.url}/chat/completions"}
        with StubServer(Reply(status=status, error=" ", headers=elsewhere)) as server:
            with pytest.raises(ServerError, match="base_url"):
                ask(client(server.url))
            assert server.calls == 1
        assert other.calls == 0


@given(some.dictionaries(some.sampled_from([*"input output total cached reasoning stored".split()]),
    some.one_of(some.integers(-3, 3), some.integers(10**8, 10**400), some.none())))  # fmt: skip
def test_whatever_a_server_counts_has_a_price(given: dict[str, Any]) -> None:
    usage = counted(given, has_output=True)
    asked = model(price=PRICE)
    assert asked.price is not None
    assert 0.0 <= asked.price.of(usage) < 10_000.0
    assert usage.cached + usage.stored <= usage.input and usage.reasoning <= usage.output


@given(*[some.tuples(*[some.integers(0, 10**6)] * 4), some.tuples(*[some.integers(1, 100)] * 4)])
def test_what_is_written_into_a_servers_cache_is_paid_at_its_own_price(
    tokens: tuple[int, ...], prices: tuple[int, ...]
) -> None:
    names = ("input", "cache_read_input", "cache_creation_input", "output")
    said = {f"{name}_tokens": count for name, count in zip(names, tokens, strict=True)}
    usage = anthropic_messages.usage_of(said, has_output=tokens[3] > 0)
    details = {"cached_tokens": tokens[1], "cache_write_tokens": tokens[2]}
    of_openai = {
        "prompt_tokens": sum(tokens[:3]), "completion_tokens": tokens[3],
        "prompt_tokens_details": details,
    }  # fmt: skip
    assert openai_chat.usage_of(of_openai, has_output=tokens[3] > 0) == usage
    fresh, cached, stored, output = map(float, prices)
    price = Price(input=fresh, cached=cached, stored=stored, output=output)
    expected = sum(count * usd for count, usd in zip(tokens, prices, strict=True))
    assert price.of(usage) == pytest.approx(expected / 1e6 if any(tokens[:3]) else 0.0)


@given(
    size=some.integers(0, 5000),
    coding=some.sampled_from(sorted(PACKED)),
    most=some.integers(1, 5000),
    cut=some.integers(1, 64),
)
@settings(max_examples=50)
def test_a_body_is_read_whole_or_refused_however_it_is_packed(
    size: int, coding: str, most: int, cut: int
) -> None:
    plain = b"a" * size
    packed = PACKED[coding](plain)

    class Parts(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            for start in range(0, len(packed), cut):
                yield packed[start : start + cut]

    async def read() -> bytes:
        response = httpx.Response(200, headers={"content-encoding": coding}, stream=Parts())
        await bounded.bound(response)
        return await response.aread()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded, "LARGEST_BODY", most)
        if size > most:
            with pytest.raises(UnreadableBodyError):
                asyncio.run(read())
        else:
            assert asyncio.run(read()) == plain


def test_what_an_error_echoes_moves_no_rung() -> None:
    said = "json_schema structured schema function tool"
    echo = [{"type": "missing", "loc": ["body"], "msg": "no such field", "input": said}]
    with StubServer(Reply(status=422, error=json.dumps({"detail": echo}))) as server:
        own = client(server.url)
        first = own.ladder.rung
        with pytest.raises(ServerError):
            ask(own)
        assert server.calls == 1 and own.ladder.rung == first


numbers = some.one_of(
    some.none(), some.integers(-3, 40), some.integers(10**8, 10**40), some.booleans(),
    some.floats(allow_nan=False), some.sampled_from(["5", "x", [], {}]),
)  # fmt: skip


@given(some.dictionaries(
    some.sampled_from(["n", "best_of", "max_tokens", "max_completion_tokens", "tools"]), numbers
))  # fmt: skip
def test_under_a_cap_whatever_a_server_may_read_in_a_number_is_paid_for(
    body: dict[str, Any],
) -> None:
    own = model(price=PRICE, context_length=1000)
    try:
        asked = passed_request(own, "/chat", body, sample=0, address="", is_capped=True)
    except NotPassedError:
        return

    def read(name: str, otherwise: int) -> int:  # as a lenient server does
        try:
            return int(body.get(name) or otherwise)
        except (TypeError, ValueError, OverflowError):
            return otherwise

    limits = [body[name] for name in ("max_tokens", "max_completion_tokens") if body.get(name)]
    whole = [limit for limit in limits if type(limit) is int and 0 < limit <= 10**9]
    least = max(whole, default=1000) * max(read("n", 1), read("best_of", 1))
    assert asked.max_tokens >= least
    assert own.price is not None
    assert own.price.at_most(asked.size_bytes, asked.max_tokens) > 0.0


@pytest.mark.parametrize("amount", [math.nan, -1.0, -math.inf])
def test_a_cap_is_an_amount(amount: float) -> None:
    with pytest.raises(ModelError, match="no amount"):
        Budget(amount)


def test_a_client_is_refused_as_too_long_in_the_same_words_each_time_and_in_a_replay(
    tmp_path: Path,
) -> None:
    words = "This model's maximum context length is 4096 tokens, and you have 5000."
    error = json.dumps({"error": {"message": words, "code": "context_length_exceeded"}})
    path = tmp_path / "answers.sqlite"
    replies: list[tuple[int, Any]] = []
    with StubServer(Reply(status=400, error=error)) as server:
        modes: list[CacheMode] = ["read_write", "read_write", "replay_only"]
        for mode in modes:
            with (
                Cache(path, mode) as cache,
                Proxy(model(), cache=cache, base_url=server.url, endpoints=Endpoints()) as proxy,
            ):
                reply = _post(proxy.key())
                replies.append((reply.status_code, reply.json()))
        assert server.calls == 1
    assert replies == [(400, json.loads(error))] * 3


def test_a_refused_client_is_refused_in_a_replay_and_else_asks_again(tmp_path: Path) -> None:
    error = json.dumps({"error": {"message": "no tools here", "code": "no_tools"}})
    path, settings = tmp_path / "answers.sqlite", model(maker="somebody")

    def posted(mode: CacheMode, url: str) -> httpx.Response:
        with (
            Cache(path, mode) as cache,
            Proxy(settings, cache=cache, base_url=url, endpoints=Endpoints()) as proxy,
        ):
            return _post(proxy.key())

    with StubServer([Reply(status=400, error=error), "Buy."]) as server:
        first, replayed = posted("read_write", server.url), posted("replay_only", server.url)
        assert server.calls == 1
        mended = posted("read_write", server.url)
        again = posted("replay_only", server.url)
    assert (first.status_code, first.json()) == (400, json.loads(error))
    assert (replayed.status_code, replayed.json()) == (400, json.loads(error))
    assert mended.status_code == again.status_code == 200 and mended.text == again.text


def test_what_a_key_costs_holds_what_brought_no_answer() -> None:
    settings = {"price": PRICE, "patience": HASTY | {"attempts": 2}, "context_length": 1000}
    with (
        StubServer(Reply(fault="html")) as server,
        Proxy(model(**settings), base_url=server.url, endpoints=Endpoints()) as proxy,
    ):
        assert _post(proxy.key()).status_code == 502
        total, spent_usd = proxy.figures()["total"], proxy.budget.spent_usd
        assert total["attempts"] == server.calls > 0
        assert total["cost_usd"] == pytest.approx(spent_usd) and spent_usd > 0.0


def test_a_replay_leaves_a_cache_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    with StubServer(GOOD_TEXT) as server, Cache(path) as cache:
        ask(client(server.url, cache=cache))
        address = server.url
    before, files = path.read_bytes(), sorted(tmp_path.iterdir())
    with Cache(path, "replay_only") as cache:
        own = client(address, cache=cache)
        assert asyncio.run(own.decide(MESSAGES, SCHEMA)).cached
    assert path.read_bytes() == before and sorted(tmp_path.iterdir()) == files


def _post(key: ProxyKey) -> httpx.Response:
    asked = {"model": "any", "messages": [{"role": "user", "content": "Buy?"}]}
    headers = {"Authorization": f"Bearer {key.api_key}"}
    return httpx.post(f"{key.base_url}/chat/completions", json=asked, headers=headers)
