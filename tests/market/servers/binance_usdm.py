"""Binance's perpetuals: candles by pages of 1,500, funding by pages of 1,000."""

from typing import Any

from tests.market.conftest import Reply, Server
from tests.market.servers.binance import REFUSALS as OF_SPOT
from tests.market.servers.made_perpetual import LENGTHS, MadePerpetual

VARIABLES = ("INVESTORBENCH_BINANCE_USDM_URL",)
KLINES, RATES = "/fapi/v1/klines", "/fapi/v1/fundingRate"
MARK_KLINES = "/fapi/v1/markPriceKlines"
MARKED_SINCE = 1_735_689_600_000
"""2025: of candles before there is no mark."""
REFUSALS = {
    **OF_SPOT,
    "unknown symbol": Reply(status=400, body={"code": -1121, "msg": "Invalid symbol."}),
}


def candle(coin: MadePerpetual, interval: str, opened: int) -> list[Any]:
    end = opened + LENGTHS[interval] * 1000 - 1
    return [opened, *map(str, coin.candle(opened)), end, "0", 1, "0", "0", "0"]


def rate(coin: MadePerpetual, moment: int) -> dict[str, Any]:
    price = "" if moment % 2 else "9001.5"
    return {"symbol": f"{coin.symbol}USDT", "fundingTime": moment, "markPrice": price,
            "fundingRate": str(coin.rate(moment))}  # fmt: skip


def play(server: Server, coin: MadePerpetual, state: str = "fine") -> None:
    """Answer as its API does: ``fine``, or one of its refusals."""

    def candles(asked: dict[str, str]) -> Any:
        interval, span = asked["interval"], (int(asked["startTime"]), int(asked["endTime"]))
        found = coin.opens(interval, *span)[: min(int(asked["limit"]), 1_500)]
        return [candle(coin, interval, each) for each in found]

    def marks(asked: dict[str, str]) -> Any:
        found = [row for row in candles(asked) if row[0] >= MARKED_SINCE]
        return [[opened, *(str(float(each) + 1) for each in row[:4]), "0", *row[5:]]
                for opened, *row in found]  # fmt: skip

    def rates(asked: dict[str, str]) -> Any:
        found = coin.stamps(int(asked["startTime"]), int(asked["endTime"]))
        return [rate(coin, each) for each in found[: min(int(asked["limit"]), 1_000)]]

    server.answer(KLINES, Reply(body=candles) if state == "fine" else REFUSALS[state])
    server.answer(MARK_KLINES, Reply(body=marks) if state == "fine" else REFUSALS[state])
    server.answer(RATES, Reply(body=rates) if state == "fine" else REFUSALS[state])
