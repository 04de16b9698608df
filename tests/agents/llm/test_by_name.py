"""Answers that are objects by name: lists are put in place, and wrong objects alone left out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.llm.answer import Completion
from investorbench.agents.llm.replies import Reading, read_reply
from tests.agents.llm.asking import SCHEMA


def part(name: str) -> dict[str, Any]:
    signal = {
        "type": "object",
        "properties": {
            "coin": {"type": "string", "enum": [name]},
            "signal": {"type": "string", "enum": ["hold", "enter"]},
            "quantity": {"type": ["number", "null"]},
        },
        "required": ["coin", "signal", "quantity"],
        "additionalProperties": False,
    }
    return {
        "type": ["object", "null"],
        "properties": {"args": signal},
        "required": ["args"],
        "additionalProperties": False,
    }


BY_NAME = {
    "type": "object",
    "properties": {"why": {"type": ["string", "null"]}, "A": part("A"), "B": part("B")},
    "required": ["why", "A", "B"],
    "additionalProperties": False,
}


def args(coin: str, signal: str = "hold", quantity: float | None = None) -> dict[str, Any]:
    return {"coin": coin, "signal": signal, "quantity": quantity}


BOTH = {"why": None, "A": {"args": args("A")}, "B": {"args": args("B", "enter", 0.62)}}


def read(value: Any) -> Reading:
    text = value if isinstance(value, str) else json.dumps(value)
    return read_reply(Completion(text=text), BY_NAME)


@pytest.mark.parametrize(
    "listed",
    [
        [args("A"), args("B", "enter", 0.62)],
        [{"args": args("A")}, {"args": args("B", "enter", 0.62)}],
        [{"A": {"args": args("A")}}, {"B": {"args": args("B", "enter", 0.62)}}],
        f"{json.dumps(args('A'))}\n{json.dumps(args('B', 'enter', 0.62))}",
        [{"why": None}, args("B", "enter", 0.62), args("A"), args("A")],
    ],
)
def test_a_list_of_objects_that_say_which_they_are_is_an_answer_by_name(listed: Any) -> None:
    reading = read(listed)
    assert reading.value == BOTH
    assert "list_of_parts" in reading.tolerated


@given(
    st.permutations(["A", "B", "why"]), st.booleans(), st.booleans(), st.booleans(),
    st.floats(0.0, 1e6), st.sampled_from(["hold", "enter"]),
)  # fmt: skip
def test_however_signals_are_listed_they_are_the_same_answer(
    order: list[str], wrapped: bool, named: bool, lines: bool, quantity: float, signal: str
) -> None:
    own = {"A": args("A"), "B": args("B", signal, quantity)}
    listed: list[dict[str, Any]] = []
    for name in order:
        said = {"args": own[name]} if wrapped and name != "why" else own.get(name, {"why": "So."})
        listed.append({name: said} if named and name != "why" else said)
    text = "\n".join(map(json.dumps, listed)) if lines else json.dumps(listed)
    reading = read(text)
    assert reading.value == {"why": "So.", **{name: {"args": own[name]} for name in own}}
    assert reading.defect is None and "list_of_parts" in reading.tolerated


def test_one_listed_object_is_an_answer_about_one_name() -> None:
    reading = read([args("B", "enter", 0.62)])
    assert reading.value == {**BOTH, "A": None}
    assert reading.tolerated.count("missing_null") == 2


def test_a_list_is_not_understood_where_an_object_does_not_say_which_it_is() -> None:
    assert read([{"signal": "hold"}, {"signal": "enter"}]).defect == "contradictory"


def test_two_whole_answers_that_differ_contradict_each_other() -> None:
    other = {**BOTH, "B": {"args": args("B")}}
    assert read(f"{json.dumps(BOTH)} or {json.dumps(other)}").defect == "contradictory"


def test_two_different_objects_of_one_name_cost_that_name_alone() -> None:
    reading = read([args("A"), args("B"), args("B", "enter", 2.0)])
    assert reading.defect == "schema"
    assert reading.problem.startswith("B: ")
    rest = reading.without_unfit()
    assert rest.value == {"why": None, "A": {"args": args("A")}, "B": None}
    assert rest.tolerated.count("unfit_item") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"B": {"args": {**args("B"), "signal": "buy"}}},
        {"B": "hold"},
        {"B": {"args": {**args("B"), "quantity": "plenty"}}},
        {"B": {"args": {**args("B"), "coin": "A"}}},
        {"B": None, "Z": {"args": args("Z")}},
    ],
)
def test_a_wrong_object_is_asked_for_again_and_then_left_out_alone(wrong: dict[str, Any]) -> None:
    reading = read(BOTH | wrong)
    assert reading.defect == "schema"
    assert reading.without_unfit().value == {"why": None, "A": {"args": args("A")}, "B": None}


def test_what_has_one_meaning_is_mended_and_said() -> None:
    bare = {"A": {"signal": "HOLD"}, "B": {"signal": "enter", "quantity": "0.62"}}
    reading = read(bare)
    assert reading.value == BOTH
    assert {"unwrapped", "missing_constant", "missing_null", "enum_case"} <= {*reading.tolerated}
    assert "number_from_string" in reading.tolerated


def test_schemas_without_objects_by_name_read_lists_as_before() -> None:
    two = [{"decision": "BUY"}, {"decision": "SELL"}]
    reading = read_reply(Completion(text=json.dumps(two)), SCHEMA)
    assert reading.defect == "contradictory"


def test_an_object_that_has_its_key_is_not_put_under_it_again() -> None:
    inner = {"type": "object", "properties": {"node": {"type": "string"}}}
    schema = {"type": "object", "properties": {"node": inner}, "required": ["node"]}
    value = {"node": {"node": "x"}}
    assert read_reply(Completion(text=json.dumps(value)), schema).value == value
