"""Tools in a question, and what becomes of the calls in a reply."""

import asyncio
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm import (
    Answer,
    Cache,
    Client,
    ModelError,
    OfflineReader,
    Tool,
    ToolCall,
    load_model,
)
from investorbench.agents.llm.providers import anthropic_messages, openai_chat
from investorbench.agents.llm.recorded import RecordedAnswers
from investorbench.agents.llm.request import Request
from investorbench.agents.llm.tool_calls import CalledFunction, sorted_out
from tests.agents.llm.asking import GOOD, GOOD_TEXT, MESSAGES, SCHEMA, client, model
from tests.agents.llm.stub_server import Reply, StubServer

OBJECT: dict[str, Any] = {"type": "object", "properties": {}}
SEARCH = Tool(
    name="search",
    description="Texts of the past.",
    parameters={**OBJECT, "properties": {"query": {"type": "string"}}, "required": ["query"]},
)
BARS = Tool(name="bars", description="Prices of the past.", parameters=OBJECT)
TOOLS = (SEARCH, BARS)
TWO_CALLS = Reply(text="Let me look.", calls=[("search", {"query": "orders"}), ("bars", {})])
AFTER: list[dict[str, Any]] = [
    *MESSAGES,
    {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [
            {"id": "a1", "name": "search", "arguments": {"query": "orders"}},
            {"id": "a2", "name": "bars", "arguments": {}},
        ],
    },
    {"role": "tool", "tool_call_id": "a1", "content": "Orders rose."},
    {"role": "tool", "tool_call_id": "a2", "content": "10 11 12"},
]


def ask(asked: Client, messages: Any = MESSAGES, **options: Any) -> Answer:
    return asyncio.run(asked.decide(messages, SCHEMA, **{"tools": TOOLS, **options}))


def test_calls_come_back_as_an_answer_without_a_value() -> None:
    with StubServer(TWO_CALLS) as server:
        answer = ask(client(server.url))
    assert (answer.status, answer.value, answer.text) == ("ok", None, "Let me look.")
    assert answer.tool_calls == (
        ToolCall(id="call-0", name="search", arguments={"query": "orders"}),
        ToolCall(id="call-1", name="bars"),
    )
    (body,) = server.requests
    assert [tool["function"]["name"] for tool in body["tools"]] == ["search", "bars", "decision"]
    assert body["tool_choice"] == "required"


def test_the_answer_is_one_more_tool_to_call() -> None:
    with StubServer(GOOD_TEXT) as server:
        answer = ask(client(server.url), AFTER)
    assert (answer.value, answer.tool_calls, answer.rung) == (GOOD, (), "tool")
    called, *results = server.requests[0]["messages"][2:]
    assert [call["function"]["arguments"] for call in called["tool_calls"]] == [
        '{"query": "orders"}',
        "{}",
    ]
    assert called["tool_calls"][0]["type"] == "function" and called["content"] == "Let me look."
    assert results == AFTER[3:]


def test_an_answer_beside_calls_waits_for_their_results() -> None:
    both = Reply(calls=[("decision", GOOD), ("bars", {})])
    with StubServer(both) as server:
        answer = ask(client(server.url))
    assert [call.name for call in answer.tool_calls] == ["bars"] and answer.value is None


def test_an_answer_that_does_not_fit_is_repaired_with_the_tools_at_hand() -> None:
    with StubServer(['{"decision": "BUY"}', GOOD_TEXT]) as server:
        answer = ask(client(server.url))
    assert (answer.status, answer.value) == ("repaired", GOOD)
    assert [len(body["tools"]) for body in server.requests] == [3, 3]


def test_a_server_that_requires_no_call_is_asked_for_text() -> None:
    """Its tools may be called; the schema of the answer is in words."""

    def answers(body: dict[str, Any]) -> Reply:
        if body.get("tool_choice") == "required":
            return Reply(status=400, error='{"error": "tool_choice required is not supported"}')
        has_results = body["messages"][-1]["role"] == "tool"
        return Reply(text=GOOD_TEXT) if has_results else TWO_CALLS

    with StubServer(answers) as server:
        asked = client(server.url)
        first, second = ask(asked), ask(asked, AFTER)
        plain = asyncio.run(asked.decide(MESSAGES, None))
    assert len(first.tool_calls) == 2 and second.value == GOOD
    assert (first.rung, second.rung, plain.rung) == ("text", "text", "text")
    assert [tool["function"]["name"] for tool in server.requests[-2]["tools"]] == ["search", "bars"]
    assert "Call tools as you need them" in server.requests[-2]["messages"][1]["content"]
    # What is learned of tools says nothing of a question without them.
    assert asked.ladder.rung == "json_schema" and not asked.ladder.evidence


def test_a_question_without_tools_is_put_and_kept_as_before() -> None:
    def key(**more: Any) -> str:
        plain = {"model": model(), "messages": tuple(MESSAGES), "schema": SCHEMA, "rung": "text"}
        return Request(**{**plain, "seed": 1, "repeat": 0, "max_tokens": 9, **more}).key

    assert key() == key(tools=())
    assert len({key(), key(tools=TOOLS), key(tools=TOOLS[:1]), key(messages=tuple(AFTER))}) == 4


def test_calls_are_kept_replayed_and_found_again_in_a_record(tmp_path: Path) -> None:
    answers = [TWO_CALLS, GOOD_TEXT]
    with StubServer(answers) as server:
        with Cache(tmp_path / "answers.sqlite") as cache:
            asked = client(server.url, cache=cache)
            first, second = ask(asked), ask(asked, AFTER)
        with Cache(tmp_path / "answers.sqlite", "replay_only") as cache:
            again = [ask(client(server.url, cache=cache), m) for m in (MESSAGES, AFTER)]
        assert server.calls == 2
    assert [each.tool_calls for each in again] == [first.tool_calls, ()]
    assert [each.value for each in again] == [None, GOOD] and all(each.cached for each in again)
    recorded = [
        {**json.loads(json.dumps(asdict(each))), "tokens": asdict(each.usage)}
        for each in (first, second)
    ]
    read = RecordedAnswers(model(), recorded)
    rederived = [
        asyncio.run(read.decide(messages, SCHEMA, tools=TOOLS)) for messages in (MESSAGES, AFTER)
    ]
    assert [each.tool_calls for each in rederived] == [first.tool_calls, ()]
    assert [each.request_hash for each in rederived] == [first.request_hash, second.request_hash]
    assert [each.value for each in rederived] == [None, GOOD]


@pytest.mark.parametrize("name", ["", "decision", "two words", "x" * 65, "search"])
def test_a_tool_that_no_server_would_take_is_refused_before_anything_is_sent(name: str) -> None:
    with StubServer() as server, pytest.raises(ModelError, match="cannot be called"):
        ask(client(server.url), tools=(SEARCH, Tool(name=name, description="", parameters={})))
    assert server.calls == 0


MALFORMED = [
    '{"query": "orders"', "[1]", '"orders"', "orders", '{"query": NaN}', '{"a": 1e999}',
    '{"a": 1, "a": 2}', "[" * 100_000, '{"a": ' + "9" * 5_000 + "}",
]  # fmt: skip


@pytest.mark.parametrize("arguments", MALFORMED, ids=range(len(MALFORMED)))
def test_arguments_that_are_no_object_are_said_to_be_none(arguments: str) -> None:
    found = [CalledFunction("a", "search", arguments), CalledFunction("b", "bars", "")]
    _, (search, bars) = sorted_out(found, TOOLS)
    assert search.arguments == {} and search.problem.startswith("the arguments are")
    assert bars == ToolCall(id="b", name="bars")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=70), st.text(max_size=40))))
def test_whatever_is_called_can_be_said_again(found: list[tuple[str, str, str]]) -> None:
    _, calls = sorted_out([CalledFunction(*each) for each in found], TOOLS)
    assert len({call.id for call in calls}) == len(calls)
    for call in calls:
        assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", call.name)
        json.dumps(call.arguments, ensure_ascii=False, allow_nan=False).encode()


def test_a_model_that_declines_calls_nothing() -> None:
    with StubServer(Reply(refusal="I will not.", calls=[("bars", {})])) as server:
        answer = ask(client(server.url))
    assert (answer.status, answer.tool_calls) == ("refused", ())


def test_claude_gets_results_in_its_blocks_and_calls_in_its_way() -> None:
    claude = model(provider="anthropic", accepts={"seed": False, "rungs": ["tool", "text"]})
    asked = Request(
        model=claude, messages=(*AFTER, AFTER[2], *AFTER[3:]), schema=SCHEMA, rung="tool",
        seed=None, repeat=0, max_tokens=9, tools=TOOLS,
    )  # fmt: skip
    body = anthropic_messages.body_of(asked)
    assert [tool["name"] for tool in body["tools"]] == ["search", "bars", "decision"]
    assert body["tools"][0]["input_schema"] == SEARCH.parameters
    assert body["tool_choice"] == {"type": "any"}
    turns = body["messages"]
    assert [turn["role"] for turn in turns] == ["user", *["assistant", "user"] * 2]
    assert turns[1]["content"] == [
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "a1", "name": "search", "input": {"query": "orders"}},
        {"type": "tool_use", "id": "a2", "name": "bars", "input": {}},
    ]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a1", "content": "Orders rose."},
        {"type": "tool_result", "tool_use_id": "a2", "content": "10 11 12"},
    ]
    message = {
        "content": [
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "toolu_1", "name": "bars", "input": {}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 5, "output_tokens": 3},
    }
    read = anthropic_messages.completion_of(json.dumps(message), 0.1, TOOLS)
    assert read.text == "Let me look." and read.tool_calls == (ToolCall(id="toolu_1", name="bars"),)


def test_what_a_server_wants_back_with_a_call_comes_back_with_it() -> None:
    signed = {"google": {"thought_signature": "c2lnbmVk"}}
    function = {"name": "bars", "arguments": "{}"}
    call = {"id": "x", "type": "function", "function": function, "extra_content": signed}
    choice = {"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
    read = openai_chat.completion_of(json.dumps({"choices": [choice]}), 0.1, TOOLS)
    (found,) = read.tool_calls
    said = {"id": found.id, "name": found.name, "arguments": found.arguments, "extra": found.extra}
    message = {"role": "assistant", "content": "", "tool_calls": [said]}
    asked = Request(
        model=model(), messages=(*MESSAGES, message), schema=None, rung="text", seed=None,
        repeat=0, max_tokens=9, tools=TOOLS,
    )  # fmt: skip
    assert openai_chat.body_of(asked)["messages"][-1]["tool_calls"] == [call]
    # What no request can hold is left out.
    _, (bare,) = sorted_out([CalledFunction("a", "bars", "{}", {"x": "\ud800"})], TOOLS)
    assert bare.extra == {}


def test_a_key_that_a_server_says_in_a_call_is_blotted_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-0123456789abcdef")
    echo = Reply(calls=[("search", {"query": "my key is sk-0123456789abcdef"})])
    with StubServer(echo) as server:
        (call,) = ask(client(server.url, {"key_env": "A_KEY"})).tool_calls
    assert call.arguments == {"query": "my key is [key]"}


def test_calls_alone_are_a_whole_reply() -> None:
    call = {"id": "x", "type": "function", "function": {"name": "bars", "arguments": "{}"}}
    choice = {"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 5, "completion_tokens": 0}
    body = json.dumps({"choices": [choice], "usage": usage})
    read = openai_chat.completion_of(body, 0.1, TOOLS)
    assert read.tool_calls == (ToolCall(id="x", name="bars"),) and not read.usage.known


def test_the_reader_by_rules_calls_once_what_needs_no_choice() -> None:
    reader = OfflineReader(load_model("offline"))
    first = asyncio.run(reader.decide(MESSAGES, SCHEMA, tools=TOOLS))
    assert [call.name for call in first.tool_calls] == ["bars"]
    assert "no language model" in first.text and not first.is_language_model
    results = [{"role": "tool", "tool_call_id": "a", "content": "<news>\nGreat growth!\n</news>"}]
    second = asyncio.run(reader.decide([*MESSAGES, *results], SCHEMA, tools=TOOLS))
    assert second.value is not None and second.value["decision"] == "BUY"
