"""Tiingo's days and its refusals."""

from typing import Any

from tests.market.conftest import Reply, Server
from tests.market.servers.made_stock import MadeStock

VARIABLES = ("INVESTORBENCH_TIINGO_URL",)
KEYS = {"TIINGO_API_KEY": "tiingo-key"}
REFUSALS = {
    "invalid token": Reply(status=401, body={"detail": "Invalid token."}),
    "used up": Reply(
        status=429,
        body={"detail": "Error: You have run over your hourly request allocation."},
    ),
}


def path(symbol: str) -> str:
    return f"/tiingo/daily/{symbol}/prices"


def days(stock: MadeStock, first: str = "0", last: str = "9") -> list[dict[str, Any]]:
    rows = []
    for day in stock.days:
        if first <= day.isoformat() <= last:
            opening, high, low, close, volume = stock.bar(day)
            rows.append(
                {
                    "date": f"{day}T00:00:00.000Z",
                    "open": opening,
                    "high": high,
                    "low": low,
                    "close": close,
                    "volume": volume,
                    "adjClose": stock.adjusted(day),
                    "divCash": stock.dividends.get(day.isoformat(), 0.0),
                    "splitFactor": stock.splits.get(day.isoformat(), 1.0),
                }
            )
    return rows


def play(server: Server, state: str = "fine", stock: MadeStock | None = None) -> None:
    """Answer as Tiingo does: ``fine``, ``slow``, ``cut off``, or one of its refusals."""
    stock = stock or MadeStock()

    def fine(asked: dict[str, str]) -> Any:
        return days(stock, asked.get("startDate", "0"), asked.get("endDate", "9"))

    replies = {
        "fine": Reply(body=fine),
        "slow": Reply(body=fine, wait=0.3),
        "cut off": Reply(body=fine, cut=100),
        **REFUSALS,
    }
    for symbol in (stock.symbol, "spy"):
        server.answer(path(symbol), replies[state])
