"""What an agent wrote would end its plan, as far as it is a price: of which coin, on which side.

A condition of another kind, such as one of an indicator or of a time, is not read: nothing is
judged by it.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

SIDES = {"below": -1, "under": -1, "beneath": -1, "<": -1, "above": 1, "over": 1, ">": 1}
LEVEL = re.compile(
    r"(below|under|beneath|above|over|<|>)=?\s*(?:the\s+)?(?:price\s+|level\s+)?(?:of\s+)?"
    r"\$?\s*(\d[\d,]*(?:\.\d+)?)(k\b)?(?!\s*%)",
    re.IGNORECASE,
)
OTHER_KIND = re.compile(
    r"\b((?:e?ma|sma|macd|rsi|atr|vwap)(?![a-z])|volume|open interest|funding|average"
    r"|(within|after|for|in|next|last)\s+(the\s+)?(next\s+|last\s+)?\d+\s*-?\s*[mhd])",
    re.IGNORECASE,
)
"""Words of a condition that rests on more than a price: indicators, and spans of time."""
CANDLE = re.compile(r"(\d+)[\s-]*(m|h|d)(?:in|inute|r|our|ay)?s?\b|\b(hour|dai)ly\b", re.IGNORECASE)
UNITS = {
    "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1),
    "hour": timedelta(hours=1), "dai": timedelta(days=1),
}  # fmt: skip


class PriceCondition(NamedTuple):
    """A price beyond which a plan no longer holds.

    Attributes:
        coin: whose price.
        side: −1 where the price has to be below the level, 1 where above.
        level: the price.
        candle: the length of the candles at whose ends it is looked at; None for any time.
    """

    coin: str
    side: int
    level: float
    candle: timedelta | None = None

    def is_met(self, price: float) -> bool:
        """Whether a price is beyond the level."""
        return self.side * (price - self.level) > 0.0


def read_condition(text: str, coin: str, coins: Sequence[str] = ()) -> PriceCondition | None:
    """The price in an invalidation condition; None where it is not one price alone.

    Args:
        text: as the agent wrote it, such as "BTC closes below 105,000 on a 4h candle".
        coin: of the position, whose price is meant where no coin is named.
        coins: that may be named.
    """
    if OTHER_KIND.search(text):
        return None
    levels = {_level(*found) for found in LEVEL.findall(text)}
    candles = {_length(*found) for found in CANDLE.findall(text)}
    named = {each for each in coins if re.search(rf"\b{re.escape(each)}\b", text)} or {coin}
    if len(levels) != 1 or len(candles) > 1 or len(named) > 1:
        return None
    ((side, level),) = levels
    return PriceCondition(named.pop(), side, level, candles.pop() if candles else None)


def _level(side: str, digits: str, thousands: str) -> tuple[int, float]:
    return SIDES[side.lower()], float(digits.replace(",", "")) * (1000.0 if thousands else 1.0)


def _length(number: str, unit: str, word: str) -> timedelta:
    return int(number or 1) * UNITS[(unit or word).lower()]
