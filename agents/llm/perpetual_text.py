"""What a prompt about perpetuals shows, read back from its text."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

COIN = re.compile(
    r"(?m)^(?P<name>[^\s:]+): price (?P<price>\d[\d.]*)[^\n]*\n(?P<rest>(?:[ \t]+.*\n?)*)"
)
"""A coin's name and price in a line of its own, and the indented lines below it."""
_PRICES = re.compile(r"(?m)^[ \t]+price \[([^\]]*)\]")
_CASH = re.compile(r"\b(?:available cash|free collateral)[^\d\n-]{1,9}(-?\d[\d,.]*\d)")
_POSITION = re.compile(r'(?m)^[ \t]*(\{"symbol": .*\})[ \t]*$')


class ShownCoin(NamedTuple):
    """What a prompt shows of a coin.

    Attributes:
        price: the last one.
        prices: of the last bars, in the order of the text.
    """

    price: float
    prices: tuple[float, ...]


class ShownPerpetuals(NamedTuple):
    """What a prompt shows of perpetuals.

    Attributes:
        coins: by name, in the order of the text; without those that have no price yet.
        cash: that is free; None where it does not say.
        positions: as they are written, by coin.
    """

    coins: Mapping[str, ShownCoin]
    cash: float | None
    positions: Mapping[str, Mapping[str, Any]]


def shown_in(text: str) -> ShownPerpetuals:
    """What a text shows."""
    coins = {each["name"]: _coin(each) for each in COIN.finditer(text)}
    cash = _CASH.search(text)
    positions = [json.loads(each) for each in _POSITION.findall(text)]
    return ShownPerpetuals(
        coins,
        float(cash[1].replace(",", "")) if cash else None,
        {str(each["symbol"]): each for each in positions},
    )


def _coin(found: re.Match[str]) -> ShownCoin:
    series = _PRICES.search(found["rest"])
    values = series[1].split(",") if series else []
    numbers = (value.strip() for value in values)
    return ShownCoin(
        float(found["price"]), tuple(float(each) for each in numbers if each[:1].isdigit())
    )
