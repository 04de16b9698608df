"""Alpaca's bars and corporate actions, in pages, and its refusals."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tests.market.conftest import Reply, Server
from tests.market.servers.made_stock import MadeStock

VARIABLES = ("INVESTORBENCH_ALPACA_URL",)
KEYS = {"APCA_API_KEY_ID": "alpaca-key", "APCA_API_SECRET_KEY": "alpaca-secret"}
ACTIONS = "/v1/corporate-actions"
PAGE = 25
"""Rows of a page, fewer than theirs, so that there are several."""
NEW_YORK = ZoneInfo("America/New_York")
REFUSALS = {
    "recent data": Reply(
        status=403, body={"message": "subscription does not permit querying recent SIP data"}
    ),
    "invalid key": Reply(status=403, body={"message": "forbidden."}),
    "used up": Reply(status=429, body={"message": "too many requests."}),
}


def path(symbol: str) -> str:
    return f"/v2/stocks/{symbol}/bars"


def bars(stock: MadeStock, asked: dict[str, str]) -> dict[str, Any]:
    rows = []
    for day in stock.days:
        if asked["start"] <= day.isoformat() <= asked["end"]:
            opening, high, low, close, volume = stock.bar(day)
            moment = datetime.combine(day, time(), NEW_YORK).astimezone(ZoneInfo("UTC"))
            rows.append(
                {
                    "t": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                    "o": opening,
                    "h": high,
                    "l": low,
                    "c": close,
                    "v": volume,
                    "n": 1,
                    "vw": close,
                }
            )
    begin = int(asked.get("page_token", 0))
    token = str(begin + PAGE) if begin + PAGE < len(rows) else None
    return {
        "bars": rows[begin : begin + PAGE] or None,
        "symbol": stock.symbol,
        "next_page_token": token,
    }


def actions(stock: MadeStock, asked: dict[str, str]) -> dict[str, Any]:
    """Each kind on a page of its own."""

    def within(listed: dict[str, float]) -> list[tuple[str, float]]:
        return [(day, x) for day, x in listed.items() if asked["start"] <= day <= asked["end"]]

    pages: list[Callable[[], dict[str, Any]]] = [
        lambda: {
            "cash_dividends": [
                {"symbol": stock.symbol, "rate": cash, "special": False, "ex_date": day}
                for day, cash in within(stock.dividends)
            ]
        },
        lambda: {
            "forward_splits": [
                {"symbol": stock.symbol, "new_rate": ratio, "old_rate": 1, "ex_date": day}
                for day, ratio in within(stock.splits)
                if ratio > 1
            ],
            "reverse_splits": [
                {"symbol": stock.symbol, "new_rate": 1, "old_rate": 1 / ratio, "ex_date": day}
                for day, ratio in within(stock.splits)
                if ratio < 1
            ],
        },
    ]
    number = int(asked.get("page_token", 0))
    token = str(number + 1) if number + 1 < len(pages) else None
    return {"corporate_actions": pages[number](), "next_page_token": token}


def play(server: Server, state: str = "fine", stock: MadeStock | None = None) -> None:
    """Answer as Alpaca does: ``fine``, ``slow``, ``cut off``, or one of its refusals."""
    stock = stock or MadeStock()
    for where, fine in (
        (path(stock.symbol), bars),
        (path("SPY"), bars),
        (ACTIONS, actions),
    ):

        def body(asked: dict[str, str], fine: Any = fine) -> Any:
            return fine(stock, asked)

        replies = {
            "fine": Reply(body=body),
            "slow": Reply(body=body, wait=0.3),
            "cut off": Reply(body=body, cut=20),
            **REFUSALS,
        }
        server.answer(where, replies[state])
