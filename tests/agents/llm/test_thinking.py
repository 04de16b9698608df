"""Drafts in thinking, however a model or its template marks it, are none of the answer."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm.thinking import apart
from tests.agents.llm.asking import GOOD, GOOD_TEXT, MESSAGES, SCHEMA, client
from tests.agents.llm.stub_server import Reply, StubServer

DRAFT = json.dumps(GOOD | {"decision": "SELL"})
MARKS = [
    ("<think>", "</think>"),
    ("<Thinking>", "</Thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("◁think▷", "◁/think▷"),
    ("<|channel>thought\n", "<channel|>"),
]
CHANNELS = [
    ("<|channel|>analysis<|message|>", "<|end|>"),
    ("<|start|>assistant<|channel|>commentary<|message|>", "<|end|>"),
]
FINAL = ("<|start|>assistant<|channel|>final<|message|>", "<|return|>")
ANSWERS = [
    GOOD_TEXT,
    f"```json\n{GOOD_TEXT}\n```",
    json.dumps(GOOD | {"rationale": "it said </think> and [THINK], {so} what"}),
]


@st.composite
def thoughts(draw: st.DrawFn, marks: list[tuple[str, str]]) -> str:
    """Up to three blocks of thinking with drafts, whole or broken; the first may be unopened."""
    text = ""
    is_opened = draw(st.booleans())
    for _ in range(draw(st.integers(1, 3))):
        opens, closes = draw(st.sampled_from(marks))
        words = draw(st.text("ab {}[]\"'\n:,1", max_size=20))
        drafts = draw(st.sampled_from([DRAFT, DRAFT[:-1], "[" + DRAFT, f"```json\n{DRAFT}\n```"]))
        inner = "".join(draw(st.permutations([words, drafts, " hm "])))
        gap = draw(st.sampled_from(["", "\n\n"]))
        text += (opens if is_opened else "") + inner + closes + gap
        is_opened = True
    return text


@settings(max_examples=300, deadline=None)
@given(thought=thoughts(MARKS), answer=st.sampled_from(ANSWERS))
def test_a_draft_between_marks_is_no_part_of_the_answer(thought: str, answer: str) -> None:
    found, thinking = apart(thought + answer)
    assert found == answer
    assert "SELL" in thinking


@settings(max_examples=100, deadline=None)
@given(thought=thoughts(CHANNELS), answer=st.sampled_from(ANSWERS), ends=st.booleans())
def test_a_draft_in_another_channel_than_the_final_one_is_no_part_of_the_answer(
    thought: str, answer: str, ends: bool
) -> None:
    found, thinking = apart(thought + FINAL[0] + answer + FINAL[1] * ends)
    assert found == answer
    assert "SELL" in thinking


@pytest.mark.parametrize(
    "text",
    [
        "analysisMaybe " + DRAFT + "assistantfinal" + GOOD_TEXT,
        "maybe " + DRAFT + "<|end|><|start|>assistant<|channel|>final<|message|>" + GOOD_TEXT,
        "<|channel|>analysis<|message|>" + DRAFT + "<|end|><|start|>assistant<|channel|>commentary "
        "to=functions.decision <|constrain|>json<|message|>" + GOOD_TEXT + "<|call|>",
        "<think>a<think>" + DRAFT + "</think>" + DRAFT + "</think>" + GOOD_TEXT,
        DRAFT + " no, rather not.</think>" + GOOD_TEXT,
        GOOD_TEXT + "<think>or " + DRAFT,
    ],
    ids=["bare harmony", "opened by a template", "tool call", "nested", "draft first", "after it"],
)
def test_a_draft_costs_no_repair_turn(text: str) -> None:
    with StubServer(text) as server:
        answer = asyncio.run(client(server.url).decide(MESSAGES, SCHEMA))
    assert (answer.status, answer.value, answer.attempts) == ("ok", GOOD, 1)
    assert "SELL" in answer.reasoning


def test_parts_of_a_content_that_are_thinking_are_none_of_the_answer() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": DRAFT}]},
        {"type": "reasoning", "text": "hm " + DRAFT},
        {"type": "text", "text": GOOD_TEXT},
    ]
    choice = {"message": {"role": "assistant", "content": parts}, "finish_reason": "stop"}
    with StubServer(Reply(raw=json.dumps({"model": "m", "choices": [choice]}))) as server:
        answer = asyncio.run(client(server.url).decide(MESSAGES, SCHEMA))
    assert (answer.status, answer.value) == ("ok", GOOD)
    assert answer.reasoning.count("SELL") == 2
