"""How the offline reader divides an account among what a prompt says of each asset."""

import asyncio
from typing import Any

from investorbench.agents.llm import connect, load_model
from investorbench.agents.llm.offline_orders import sections

PROMPT = """# Account
- BOLT: 1,250 shares, 20.0% of equity
# Assets
## ACME
Momentum over 3 sessions: +4.00%. 1% of equity is 2.5 shares.
<news>
N1 (positive): ACME wins a great award and profits soar.
</news>
## BOLT
Momentum over 3 sessions: -6.00%. 1% of equity is 12.5 shares.
### New
<news>
N1: BOLT warns of terrible losses and a fatal crisis.
</news>
## CALX
Momentum over 3 sessions: +0.00%.
## DASH
Momentum over 3 sessions: -6.00%. 1% of equity is 3 shares.
# Question
What now?
"""
SYMBOLS = {"type": "string", "enum": ["ACME", "BOLT", "CALX", "DASH", "ELSE"]}


def asked(item: dict[str, Any]) -> list[Any]:
    """What the reader fills a list of objects with."""
    items = {"type": "object", "properties": item, "required": [*item]}
    schema = {"type": "object", "properties": {"all": {"type": "array", "items": items}}}
    messages = [{"role": "user", "content": PROMPT}]
    answer = asyncio.run(connect(load_model("offline")).decide(messages, schema))
    assert answer.value is not None
    listed: list[Any] = answer.value["all"]
    return listed


def test_a_section_ends_at_the_next_heading_of_its_rank() -> None:
    found = sections(PROMPT, SYMBOLS["enum"])
    assert [*found] == ["ACME", "BOLT", "CALX", "DASH"]
    assert "fatal crisis" in found["BOLT"] and "CALX" not in found["BOLT"]
    assert "What now" not in found["DASH"]


def test_it_buys_an_equal_part_of_what_it_likes_and_sells_all_of_what_it_does_not() -> None:
    number = {"type": ["number", "null"]}
    orders = asked(
        {
            "symbol": SYMBOLS,
            "side": {"type": "string", "enum": ["buy", "sell", "stop", "cancel"]},
            "quantity": number,
            "limit": number,
            "until": {"type": "string", "enum": ["day", "cancelled"]},
            "id": {"type": ["string", "null"]},
        }
    )
    nothing = {"limit": None, "id": None, "until": "day"}
    assert orders == [
        {"symbol": "ACME", "side": "buy", "quantity": 61.0, **nothing},  # 2.5 · 98 / 4
        {"symbol": "BOLT", "side": "sell", "quantity": 1250.0, **nothing},
    ]


def test_as_weights_what_has_no_clear_tone_is_left_alone() -> None:
    weights = asked({"symbol": SYMBOLS, "weight": {"type": "number"}})
    assert weights == [
        {"symbol": "ACME", "weight": 0.245},
        {"symbol": "BOLT", "weight": 0.0},
        {"symbol": "DASH", "weight": 0.0},
    ]


def test_of_other_objects_there_is_one_for_each_section() -> None:
    views = asked({"symbol": SYMBOLS, "rationale": {"type": "string"}})
    assert [view["symbol"] for view in views] == ["ACME", "BOLT", "CALX", "DASH"]
    assert "momentum -6.00%" in views[1]["rationale"]
