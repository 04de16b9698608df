"""Hyperliquid's ``POST /info``: its newest candles, funding by pages of 500, and its contracts."""

from typing import Any

from tests.market.conftest import Reply, Server
from tests.market.servers.made_perpetual import LENGTHS, MadePerpetual

VARIABLES = ("INVESTORBENCH_HYPERLIQUID_URL",)
INFO = "/info"
KEPT, PAGE = 5_000, 500
REFUSALS = {
    "too many requests": Reply(status=429, body="null"),
    "restricted location": Reply(status=403, body="forbidden"),
}


def candle(coin: MadePerpetual, interval: str, opened: int) -> dict[str, Any]:
    opening, high, low, close, volume = map(str, coin.candle(opened))
    end = opened + LENGTHS[interval] * 1000 - 1
    return {"t": opened, "T": end, "s": coin.symbol, "i": interval, "o": opening, "c": close,
            "h": high, "l": low, "v": volume, "n": 7}  # fmt: skip


def rate(coin: MadePerpetual, moment: int) -> dict[str, Any]:
    return {"coin": coin.symbol, "fundingRate": str(coin.rate(moment)), "premium": "0.0001",
            "time": moment}  # fmt: skip


def meta(coin: MadePerpetual) -> dict[str, Any]:
    return {
        "universe": [
            {"szDecimals": 5, "name": coin.symbol, "maxLeverage": 40, "marginTableId": 56},
            {"szDecimals": 0, "name": "FOO", "maxLeverage": 3, "marginTableId": 3},
        ],
        "marginTables": [
            [56, {"description": "tiered", "marginTiers": [
                {"lowerBound": "0.0", "maxLeverage": 40},
                {"lowerBound": "150000000.0", "maxLeverage": 20}]}],
        ],
    }  # fmt: skip


def play(server: Server, state: str = "fine", coin: MadePerpetual | None = None) -> None:
    """Answer as it does: ``fine``, ``slow``, ``cut off``, or one of its refusals."""
    given = coin or MadePerpetual(listed=0, ends=HUNDRED_DAYS)

    def fine(asked: dict[str, Any]) -> Any:
        if asked["type"] == "meta":
            return meta(given)
        if asked["type"] == "candleSnapshot":
            wanted = asked["req"]
            if wanted["coin"] != given.symbol:
                return None
            interval = wanted["interval"]
            newest = given.opens(interval, 0, given.ends)[-KEPT:]
            span = wanted["startTime"], wanted["endTime"]
            return [candle(given, interval, each) for each in newest if span[0] <= each <= span[1]]
        found = given.stamps(asked["startTime"], asked["endTime"])
        return [rate(given, each) for each in found[:PAGE]]

    replies = {
        "fine": Reply(body=fine),
        "slow": Reply(body=fine, wait=0.3),
        "cut off": Reply(body=fine, cut=20),
        **REFUSALS,
    }
    server.answer(INFO, replies[state])


HUNDRED_DAYS = 100 * 86_400_000
