import asyncio
from typing import Any

import pytest

from investorbench.agents.llm import Client, Endpoints, RequestRefusedError, ServerError, connect
from tests.agents.llm.asking import GOOD, GOOD_TEXT, HASTY, MESSAGES, SCHEMA, model
from tests.agents.llm.stub_server import Reply, StubServer

pytest.importorskip("anthropic", reason="the extra anthropic is not installed")
CLAUDE = {
    "provider": "anthropic",
    "key_env": "A_KEY",
    "accepts": {"seed": False, "rungs": ["tool", "text"]},
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-ant-0123456789")


def claude(server: StubServer, **settings: Any) -> Client:
    url = server.url.removesuffix("/v1")
    connected = connect(model(**CLAUDE | settings), base_url=url, endpoints=Endpoints())
    assert isinstance(connected, Client)
    return connected


def test_claude_answers_behind_the_same_interface() -> None:
    usage = {"input_tokens": 7, "cache_read_input_tokens": 20, "output_tokens": 5}
    with StubServer(Reply(text=GOOD_TEXT, reasoning="Hm.", usage=usage)) as server:
        answer = asyncio.run(claude(server).decide(MESSAGES, SCHEMA, seed=1))
    assert (answer.value, answer.rung, answer.reasoning) == (GOOD, "tool", "Hm.")
    assert (answer.model, answer.response_id, answer.server) == ("stub", "stub", "")
    assert (answer.usage.input, answer.usage.cached, answer.usage.output) == (27, 20, 5)
    body = server.requests[0]
    (system,) = body["system"]
    assert system["text"] == "You trade." and system["cache_control"] == {"type": "ephemeral"}
    assert [m["role"] for m in body["messages"]] == ["user"]
    assert body["tool_choice"] == {"type": "tool", "name": "decision"} and "seed" not in body
    sent = server.headers[0]  # by either name, as the version of the SDK has it
    assert "sk-ant-0123456789" in sent.get("x-api-key", sent.get("authorization", ""))


NEWER = {
    "accepts": {
        "temperature": False, "seed": False, "rungs": ["json_schema", "text"],
        "reasoning_effort": ["low", "high"],
    },
    "sampling": {"temperature": None, "reasoning_effort": "low"},
}  # fmt: skip


def test_a_newer_claude_is_asked_for_a_form_of_its_output_and_made_to_call_nothing() -> None:
    with StubServer() as server:
        answer = asyncio.run(claude(server, **NEWER).decide(MESSAGES, SCHEMA, seed=1))
    assert (answer.rung, answer.is_usable) == ("json_schema", True)
    (body,) = server.requests
    assert {"temperature", "seed", "tools", "tool_choice"} & body.keys() == set()
    config = body["output_config"]
    assert config["effort"] == "low" and config["format"]["type"] == "json_schema"
    # Lengths and bounds are what such a form cannot hold to; they are checked here.
    form = config["format"]["schema"]
    assert form["properties"]["rationale"] == {"type": "string"}
    assert form["properties"]["confidence"] == {"type": "number"}
    assert form["properties"]["decision"] == SCHEMA["properties"]["decision"]
    assert (form["required"], form["additionalProperties"]) == (SCHEMA["required"], False)


def test_a_property_of_the_name_of_a_bound_stays_in_the_form() -> None:
    schema = {
        "type": "object", "properties": {"maximum": {"type": "number", "maximum": 1}},
        "required": ["maximum"], "additionalProperties": False,
    }  # fmt: skip
    with StubServer() as server:
        answer = asyncio.run(claude(server, **NEWER).decide(MESSAGES, schema))
    assert answer.value == {"maximum": 0}
    form = server.requests[0]["output_config"]["format"]["schema"]
    assert form["properties"] == {"maximum": {"type": "number"}}


def test_a_bound_that_the_form_left_out_is_still_one() -> None:
    out_of_bounds = GOOD_TEXT.replace("0.7", "7")
    with StubServer([out_of_bounds, GOOD_TEXT]) as server:
        answer = asyncio.run(claude(server, **NEWER).decide(MESSAGES, SCHEMA))
    assert (answer.value, answer.status, answer.defects) == (GOOD, "repaired", ("schema",))


def test_an_older_claude_that_knows_no_such_form_is_asked_in_words() -> None:
    with StubServer(rejects=["output_config"]) as server:
        answer = asyncio.run(claude(server, accepts=NEWER["accepts"]).decide(MESSAGES, SCHEMA))
    assert (answer.rung, answer.is_usable, server.calls) == ("text", True, 2)


def test_claude_in_trouble_is_retried_and_named() -> None:
    busy = Reply(status=529, error='{"error": "overloaded"}')
    with StubServer([busy, GOOD_TEXT]) as server:
        assert asyncio.run(claude(server).decide(MESSAGES, SCHEMA)).attempts == 2
    with StubServer(busy) as server, pytest.raises(ServerError, match="overloaded"):
        asyncio.run(claude(server, patience=HASTY).decide(MESSAGES, SCHEMA))
    wrong = Reply(status=401, error="{}")
    with StubServer(wrong) as server, pytest.raises(RequestRefusedError, match="key in A_KEY"):
        asyncio.run(claude(server).decide(MESSAGES, SCHEMA))


def test_a_cut_off_answer_of_claude_is_truncated() -> None:
    cut = Reply(text="{}", finish_reason="length")
    with StubServer(cut) as server:
        assert asyncio.run(claude(server).decide(MESSAGES, SCHEMA)).defects[0] == "schema"
        text = asyncio.run(claude(server).decide(MESSAGES, None))
    assert (text.text, text.finish_reason) == ("{}", "length")
