"""What is found out of a server by asking it one small question in several ways."""

import asyncio
import base64
import io
import json
from typing import Any

import pytest

from investorbench.agents.llm.connect import DIALECTS
from investorbench.agents.llm.probing import MOST_TOKENS, Acceptance, ServerCheck, probe
from investorbench.agents.llm.providers.sdk import SdkProvider
from tests.agents.llm.asking import model
from tests.agents.llm.stub_server import Answers, Reply, StubServer, fill, schema_of

YES = {"temperature", "seed", "json_schema", "tool", "json_object", "tools"}


def probed(server: StubServer, max_usd: float = 0.1, **settings: Any) -> ServerCheck:
    settings = {"provider": "openai", **settings}
    asked = model(**settings)
    url = server.url.removesuffix("/v1") if asked.provider == "anthropic" else server.url
    provider = SdkProvider(asked, DIALECTS[asked.provider], "sk-0123456789abcdef", url)
    return asyncio.run(probe(asked, provider, max_usd))


def taken(found: ServerCheck) -> dict[str, str]:
    return {each.what: each.taken for each in found.findings}


def differing(found: ServerCheck) -> set[str]:
    return {each.what for each in found.findings if each.differs}


def test_a_server_that_takes_everything_is_said_to_do_so() -> None:
    with StubServer() as server:
        server.served_as = "stub-2026-11-01"
        found = probed(server)
    assert (found.state, found.is_fault) == ("answers", False)
    assert found.answered_by == "stub-2026-11-01"
    assert taken(found) == {"max_tokens": "yes", **dict.fromkeys(YES | {"images"}, "yes")}
    assert differing(found) == {"images"}  # the file says that it takes none
    assert found.requests == server.calls == 8
    assert all(request["max_tokens"] == MOST_TOKENS for request in server.requests)
    assert found.usage.known and found.usage.output > 0 and found.cost_usd is None


@pytest.mark.parametrize(
    ("rejects", "refused"),
    [
        (["seed"], {"seed"}),
        (["temperature"], {"temperature"}),
        (["response_format"], {"json_schema", "json_object"}),
        (["tools"], {"tool", "tools"}),
    ],
)
def test_what_a_server_refuses_is_named_and_the_rest_still_asked(
    rejects: list[str], refused: set[str]
) -> None:
    with StubServer(rejects=rejects) as server:
        found = probed(server, accepts={"images": True})
    assert {what for what, how in taken(found).items() if how == "no"} == refused
    assert differing(found) == refused
    says = {each.says for each in found.findings if each.taken == "no"}
    assert says == {f"HTTP 400: Unsupported parameter: {rejects[0]}"}


def test_the_name_of_the_limit_of_tokens_is_found_out() -> None:
    with StubServer(rejects=["max_tokens"]) as server:
        found = probed(server)
    assert taken(found)["max_completion_tokens"] == "yes"
    assert "max_completion_tokens" in differing(found)
    assert {"max_tokens" in request for request in server.requests[1:]} == {False}


def test_vllm_is_asked_for_its_own_rung_and_says_its_version() -> None:
    with StubServer(version="0.11.0") as server:
        found = probed(server, provider="vllm")
    assert found.answered_by == "stub, vLLM 0.11.0"
    assert taken(found)["structured_outputs"] == "yes"
    with StubServer() as server:
        assert "structured_outputs" not in taken(probed(server))


def test_a_rung_whose_reply_does_not_fit_is_ignored_rather_than_taken() -> None:
    def answer(request: dict[str, Any]) -> str:
        return (
            "Certainly!" if "response_format" in request else json.dumps(fill(schema_of(request)))
        )

    with StubServer(answer) as server:
        found = probed(server)
    assert taken(found)["json_schema"] == taken(found)["json_object"] == "ignored"
    assert {"json_schema", "json_object"} <= differing(found)
    cut = Reply(text='{"ans', finish_reason="length")
    with StubServer([Reply(text="yes"), Reply(text="yes"), Reply(text="yes"), cut]) as server:
        assert taken(probed(server))["json_schema"] == "unclear"


def test_anthropic_is_asked_in_its_own_protocol() -> None:
    pytest.importorskip("anthropic", reason="the extra anthropic is not installed")
    accepts = {"temperature": False, "seed": False, "rungs": ["json_schema", "text"]}
    with StubServer(rejects=["tool_choice", "temperature"]) as server:
        found = probed(server, provider="anthropic", accepts={**accepts, "images": True})
    assert taken(found) == {
        "max_tokens": "yes", "temperature": "no", "seed": "no", "json_schema": "yes", "tool": "no",
        "tools": "yes", "images": "yes",
    }  # fmt: skip
    assert differing(found) == set()
    assert (found.usage.input, found.usage.output) == (5 * 4, 3 * 4)


def test_a_wrong_name_is_answered_with_those_that_the_server_has() -> None:
    missing = Reply(status=404, error='{"error": {"message": "The model `stub` does not exist"}}')
    with StubServer(missing, models=["b-2", "a-1"]) as server:
        found = probed(server)
    assert (found.state, found.is_fault, found.listed) == (
        "has no such model",
        True,
        ("a-1", "b-2"),
    )
    assert found.requests == server.calls == 1 and "does not exist" in found.says
    with StubServer(missing, models=["stub"]) as server:  # it has it, and refuses all the same
        assert probed(server).state == "refuses us"


@pytest.mark.parametrize(
    ("answers", "state", "says"),
    [
        (Reply(status=401, error='{"error": "bad key sk-0123456789abcdef"}'), "refuses us", "401"),
        (Reply(status=503, error="<html>busy</html>"), "is busy", "HTTP 503: <html>busy</html>"),
        (Reply(fault="close"), "not reached", "broke"),
        (Reply(fault="html"), "not reached", "HTML"),
    ],
)
def test_a_server_in_trouble_is_asked_once_and_its_words_hold_no_key(
    answers: Answers, state: str, says: str
) -> None:
    with StubServer(answers) as server:
        found = probed(server)
    assert (found.state, found.is_fault, server.calls) == (state, True, 1)
    assert says in found.says and "0123456789abcdef" not in found.says


def test_nothing_listens_there() -> None:
    with StubServer() as server:
        pass
    found = probed(server)
    assert (found.state, found.requests) == ("not reached", 1)
    assert "cannot connect" in found.says


PRICE = {"input": 1.0, "output": 100.0}


def test_no_request_is_sent_that_could_cost_more_than_is_left() -> None:
    # Each may cost 100 USD · 1,024 / 10⁶ and a little more; each costs 100 · 100 / 10⁶ = .01.
    usage = {"prompt_tokens": 1, "completion_tokens": 100}
    with StubServer(Reply(text="yes", usage=usage)) as server:
        found = probed(server, 0.125, price=PRICE)
    assert found.requests == server.calls == 3
    assert found.cost_usd == pytest.approx(3 * (1 + 100 * 100) / 1e6)
    assert list(taken(found).values()) == ["yes"] * 3 + ["not asked"] * 5
    assert differing(found) == set()
    with StubServer() as server:
        found = probed(server, 0.1, price=PRICE)
    assert (found.state, found.requests, server.calls) == ("refuses us", 0, 0)
    assert "max_usd=0.1" in found.says
    with StubServer() as server:
        assert probed(server, float("nan"), price=PRICE).requests == server.calls == 0


def test_an_answer_whose_tokens_are_not_counted_costs_what_it_could() -> None:
    with StubServer(Reply(text="yes", usage={"total_tokens": 3})) as server:
        found = probed(server, 0.25, price=PRICE)
    assert found.requests == 2 and not found.usage.known
    assert found.cost_usd is not None and found.cost_usd > 2 * 0.1024


def test_the_image_is_a_picture() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    with StubServer() as server:
        probed(server)
    (part,) = [
        part
        for request in server.requests
        for message in request["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
        if part["type"] == "image_url"
    ]
    data = base64.b64decode(part["image_url"]["url"].partition("base64,")[2])
    assert image.open(io.BytesIO(data)).convert("RGB").getpixel((3, 5)) == (255, 0, 0)


def test_what_differs_is_what_the_file_says_otherwise() -> None:
    def differs(how: Any, expected: bool) -> bool:
        return Acceptance("seed", how, expected).differs

    assert differs("no", True) and differs("yes", False) and differs("ignored", True)
    assert not any(differs(how, True) for how in ("yes", "unclear", "not asked"))
    assert not differs("no", False) and not differs("ignored", False)
