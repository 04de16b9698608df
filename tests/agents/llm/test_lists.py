"""A list of objects in an answer: one that is wrong takes no other with it."""

import asyncio
import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm import Answer
from investorbench.agents.llm.fitting import fit
from investorbench.agents.llm.recorded import RecordedAnswers
from tests.agents.llm.asking import MESSAGES, client
from tests.agents.llm.stub_server import StubServer

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "why": {"type": "string"},
        "orders": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "symbol": {"type": "string", "enum": ["AAPL", "MSFT"]},
                    "quantity": {"type": ["number", "null"]},
                },
                "required": ["symbol", "quantity"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["why", "orders"],
    "additionalProperties": False,
}
GOOD: dict[str, Any] = {"symbol": "AAPL", "quantity": 3}
WRONG: tuple[Any, ...] = (
    {"symbol": "GOOG", "quantity": 3},
    {"symbol": "AAPL", "quantity": "many"},
    {"symbol": "AAPL", "quantity": 3, "leverage": 10},
    {"quantity": 3},
    "buy AAPL",
    ["AAPL", 3],
    None,
    7,
)  # fmt: skip


def decide(*replies: dict[str, Any]) -> tuple[Answer, int]:
    """The answer where a server gives these replies in turn, and how often it was asked."""

    def answer(request: dict[str, Any]) -> str:
        return json.dumps(replies[len(request["messages"]) > len(MESSAGES) + 1])

    with StubServer(answer) as server:
        asked = client(server.url)
        return asyncio.run(asked.decide(MESSAGES, SCHEMA)), len(server.requests)


def with_orders(*orders: Any) -> dict[str, Any]:
    return {"why": "Demand is up.", "orders": [*orders]}


def test_a_wrong_order_is_asked_for_again_and_mended() -> None:
    found, asked = decide(with_orders(GOOD, WRONG[0]), with_orders(GOOD, GOOD))
    assert (found.status, asked) == ("repaired", 2)
    assert found.value == with_orders(GOOD, GOOD)
    assert "unfit_item" not in found.tolerated


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_wrong_again_is_left_out_and_the_others_are_taken(wrong: Any) -> None:
    bad = with_orders(wrong, GOOD, wrong)
    found, asked = decide(bad, bad)
    assert (found.status, asked) == ("repaired", 2)
    assert found.value == with_orders(GOOD)
    assert found.tolerated.count("unfit_item") == 2 and "orders.0" in found.problem
    assert found.defects == ("schema",)


def test_an_answer_that_is_wrong_elsewhere_too_cannot_be_used() -> None:
    bad = {"orders": [GOOD, WRONG[0]]}
    found, _ = decide(bad, bad)
    assert (found.status, found.value) == ("invalid", None)


def test_a_record_is_read_as_the_answer_was() -> None:
    bad = with_orders(GOOD, WRONG[0])
    found, _ = decide(bad, bad)
    with StubServer(lambda request: "") as server:
        asked = client(server.url)
        line = {**asdict(found), "tokens": asdict(found.usage)}
        recorded = RecordedAnswers(asked.model, [line], {})
        again = asyncio.run(recorded.decide(MESSAGES, SCHEMA))
    assert again.value == found.value == with_orders(GOOD)
    assert (again.status, again.tolerated) == (found.status, found.tolerated)


def test_a_key_that_may_be_null_may_be_left_out() -> None:
    found = fit(with_orders({"symbol": "msft"}), SCHEMA)
    assert found.value == with_orders({"symbol": "MSFT", "quantity": None}) and not found.problem
    assert found.tolerated == ("enum_case", "missing_null")
    assert fit(with_orders({"symbol": "MSFT", "quantity": "3"}), SCHEMA).value == with_orders(
        {"symbol": "MSFT", "quantity": 3}
    )


@settings(max_examples=60, deadline=None)
@given(
    orders=st.lists(
        st.sampled_from(
            [GOOD, *WRONG, *({"symbol": "MSFT", "quantity": much} for much in (1e999, 10**400))]
        )
    )
)
def test_what_is_left_is_what_fits_by_itself(orders: list[Any]) -> None:
    fits = [each for each in orders if not fit(with_orders(each), SCHEMA).problem]
    found = fit(with_orders(*orders), SCHEMA)
    if len(fits) == len(orders):
        assert not found.problem and found.unfit == 0
    else:
        assert found.rest == with_orders(*fits) and found.unfit == len(orders) - len(fits)
