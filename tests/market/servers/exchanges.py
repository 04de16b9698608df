"""Bitstamp and Coinbase as ccxt asks them, and their refusals."""

from datetime import UTC, date, datetime
from typing import Any

from tests.market.conftest import Reply, Server
from tests.market.servers.made_coin import MadeCoin, milliseconds

VARIABLES = ("INVESTORBENCH_CCXT_URL",)
KEYS: dict[str, str] = {}
BITSTAMP = "/api/v2"
REFUSALS = {
    "too many requests": Reply(status=429, body={"message": "rate limit exceeded"}),
    "restricted location": Reply(status=403, body={"message": "forbidden"}),
}


def bitstamp_path(symbol: str) -> str:
    return f"{BITSTAMP}/ohlc/{symbol.lower()}usd/"


def coinbase_path(symbol: str) -> str:
    return f"/products/{symbol}-USD/candles"


def bitstamp(coin: MadeCoin, asked: dict[str, str]) -> dict[str, Any]:
    first, last = (datetime.fromtimestamp(int(asked[end]), UTC).date() for end in ("start", "end"))
    names = ("open", "high", "low", "close", "volume")
    rows = [
        {
            "timestamp": str(milliseconds(day) // 1000),
            **dict(zip(names, map(str, coin.bar(day)), strict=True)),
        }
        for day in coin.days(first, last)[: int(asked["limit"])]
    ]
    return {"data": {"pair": f"{coin.symbol}/USD", "ohlc": rows}}


def coinbase(coin: MadeCoin, asked: dict[str, str]) -> list[list[float]]:
    """The latest first, with low before high and both before open."""
    first, last = (date.fromisoformat(asked[end][:10]) for end in ("start", "end"))
    rows = []
    for day in coin.days(first, last):
        opening, high, low, close, volume = coin.bar(day)
        rows.append([milliseconds(day) // 1000, low, high, opening, close, volume])
    return rows[::-1]


def _listed(coin: MadeCoin) -> dict[str, Any]:
    return {
        f"{BITSTAMP}/markets/": [
            {
                "name": f"{coin.symbol}/USD",
                "market_symbol": f"{coin.symbol.lower()}usd",
                "base_currency": coin.symbol,
                "base_decimals": 8,
                "counter_currency": "USD",
                "counter_decimals": 2,
                "minimum_order_value": "10",
                "trading": "Enabled",
                "description": f"{coin.symbol} / U.S. dollar",
                "market_type": "SPOT",
            }
        ],
        "/products": [
            {
                "id": f"{coin.symbol}-USD",
                "base_currency": coin.symbol,
                "quote_currency": "USD",
                "quote_increment": "0.01",
                "base_increment": "0.00000001",
                "status": "online",
            }
        ],
    }


def play(server: Server, state: str = "fine", coin: MadeCoin | None = None) -> None:
    """Answer as both do: ``fine``, ``slow``, ``cut off``, or one of their refusals."""
    coin = coin or MadeCoin()
    for path, markets in _listed(coin).items():
        server.answer(path, markets)
    for path, fine in (
        (bitstamp_path(coin.symbol), bitstamp),
        (coinbase_path(coin.symbol), coinbase),
    ):

        def body(asked: dict[str, str], fine: Any = fine) -> Any:
            return fine(coin, asked)

        replies = {
            "fine": Reply(body=body),
            "slow": Reply(body=body, wait=0.3),
            "cut off": Reply(body=body, cut=20),
            **REFUSALS,
        }
        server.answer(path, replies[state])
