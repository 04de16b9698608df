"""How the offline reader trades perpetuals: it follows each coin's last bars, with small positions.

It reads every series as running from the oldest value to the latest.
"""

import math
from collections.abc import Mapping
from typing import Any

from investorbench.agents.llm.by_name import is_object
from investorbench.agents.llm.perpetual_text import ShownCoin, ShownPerpetuals, shown_in

CLEAR = 0.002
"""Of a move over the bars that are shown, from which on it is followed."""
MARGIN = 0.1
"""Of free cash, of an entry."""
LEVERAGE = 5.0
STOP, TARGET = 0.03, 0.05
"""Distances from the price."""
FIELDS = {"coin", "signal", "quantity", "leverage", "profit_target", "stop_loss"}
DIGITS = 5


def signals(schema: Mapping[str, Any], prompt: str) -> dict[str, Any] | None:
    """An answer of signals, where a schema asks for one of each coin; None where it does not.

    Args:
        schema: of the answer.
        prompt: all of it.
    """
    shown = shown_in(prompt)
    parts = schema["properties"]
    answer: dict[str, Any] = {}
    for name, part in parts.items():
        own, listed = _inner(part), _inner(part.get("items", {}))
        if own.get("properties", {}).keys() >= FIELDS:
            said = _said(name, own, shown)
            answer[name] = said if own is part else {next(iter(part["properties"])): said}
        elif listed.get("properties", {}).keys() >= FIELDS:
            coins = listed["properties"]["coin"].get("enum", [*shown.coins])
            answer[name] = [_said(coin, listed, shown) for coin in coins]
    return {**dict.fromkeys(parts), **answer} if answer else None


def _inner(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object of a part, or the one that alone is in it."""
    inner = [each for each in part.get("properties", {}).values() if is_object(each)]
    return inner[0] if len(inner) == 1 == len(part["properties"]) else part


def _said(name: str, part: Mapping[str, Any], shown: ShownPerpetuals) -> dict[str, Any]:
    """What is said of a coin, numbers as texts where the schema wants them so."""
    fields = part["properties"]
    said = {**dict.fromkeys(fields), "coin": name, **_signal(name, shown)}
    for field, value in said.items():
        if isinstance(value, float) and "string" in fields[field].get("type", ()):
            said[field] = str(value)
    return said


def _signal(name: str, shown: ShownPerpetuals) -> dict[str, Any]:
    coin = shown.coins.get(name)
    if coin is None or len(coin.prices) < 2:
        return {"signal": "hold"}
    move = coin.prices[-1] / coin.prices[0] - 1.0
    side = (move > CLEAR) - (move < -CLEAR)
    if (held := shown.positions.get(name)) is not None:
        turned = side and (held["quantity"] > 0) != (side > 0)
        return {"signal": "close_position" if turned else "hold"}
    return _entry(side, move, coin, shown.cash or 0.0) if side else {"signal": "hold"}


def _entry(side: int, move: float, coin: ShownCoin, cash: float) -> dict[str, Any]:
    price = coin.price
    quantity = _rounded(MARGIN * cash * LEVERAGE / price)
    stop, target = _rounded(price * (1.0 - side * STOP)), _rounded(price * (1.0 + side * TARGET))
    return {
        "signal": "buy_to_enter" if side > 0 else "sell_to_enter",
        "quantity": quantity,
        "leverage": LEVERAGE,
        "profit_target": target,
        "stop_loss": stop,
        "invalidation_condition": f"the last bars turn {'down' if side > 0 else 'up'}",
        "confidence": 0.5,
        "risk_usd": round(abs(price - stop) * quantity, 2),
        "justification": f"A move of {move:+.2%} over the bars that are shown. (Read by rules.)",
    }


def _rounded(number: float) -> float:
    return round(number, DIGITS - 1 - math.floor(math.log10(number))) if number > 0.0 else 0.0
