import asyncio

import pytest

from investorbench.agents.llm import Client, Endpoints, RequestRefusedError, ServerError, connect
from tests.agents.llm.asking import GOOD, GOOD_TEXT, MESSAGES, SCHEMA, model
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


def claude(server: StubServer) -> Client:
    url = server.url.removesuffix("/v1")
    connected = connect(model(**CLAUDE), base_url=url, endpoints=Endpoints())
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
    assert body["system"] == "You trade." and [m["role"] for m in body["messages"]] == ["user"]
    assert body["tool_choice"] == {"type": "tool", "name": "decision"} and "seed" not in body
    sent = server.headers[0]  # by either name, as the version of the SDK has it
    assert "sk-ant-0123456789" in sent.get("x-api-key", sent.get("authorization", ""))


def test_claude_in_trouble_is_retried_and_named() -> None:
    busy = Reply(status=529, error='{"error": "overloaded"}')
    with StubServer([busy, GOOD_TEXT]) as server:
        assert asyncio.run(claude(server).decide(MESSAGES, SCHEMA)).attempts == 2
    with StubServer(busy) as server, pytest.raises(ServerError, match="overloaded"):
        asyncio.run(claude(server).decide(MESSAGES, SCHEMA))
    wrong = Reply(status=401, error="{}")
    with StubServer(wrong) as server, pytest.raises(RequestRefusedError, match="key in A_KEY"):
        asyncio.run(claude(server).decide(MESSAGES, SCHEMA))


def test_a_cut_off_answer_of_claude_is_truncated() -> None:
    cut = Reply(text="{}", finish_reason="length")
    with StubServer(cut) as server:
        assert asyncio.run(claude(server).decide(MESSAGES, SCHEMA)).defects[0] == "schema"
        text = asyncio.run(claude(server).decide(MESSAGES, None))
    assert (text.text, text.finish_reason) == ("{}", "length")
