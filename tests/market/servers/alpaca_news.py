"""Alpaca's news of a made stock, in pages; it says no as for its bars."""

from datetime import date, datetime, time, timedelta
from typing import Any

from tests.market.servers.alpaca import KEYS, REFUSALS, ZoneInfo

VARIABLES = ("INVESTORBENCH_ALPACA_NEWS_URL",)
PATH = "/v1beta1/news"
PAGE = 3
__all__ = ["KEYS", "PATH", "REFUSALS", "VARIABLES", "answer", "daily", "item"]


def item(number: int, created: datetime, updated: datetime | None = None) -> dict[str, Any]:
    """One item as Alpaca writes it."""
    return {
        "id": number,
        "headline": f" News {number}",
        "summary": "" if number % 2 else f"Summary {number}",
        "author": "Ann",
        "content": "",
        "created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{updated or created:%Y-%m-%dT%H:%M:%SZ}",
        "images": [],
        "source": "benzinga",
        "symbols": ["TSLA"],
        "url": f"https://example.org/{number}",
    }


def daily(first: date, days: int) -> list[dict[str, Any]]:
    """An item a day, each a minute later than the one before, changed two minutes after that."""
    start = datetime.combine(first, time(20, 30), ZoneInfo("UTC"))
    moments = [start + timedelta(days=number, minutes=number) for number in range(days)]
    return [
        item(number, moment, moment + timedelta(minutes=2)) for number, moment in enumerate(moments)
    ]


def answer(items: list[dict[str, Any]], asked: dict[str, str]) -> dict[str, Any]:
    """The page that was asked for."""
    within = [each for each in items if asked["start"] <= each["created_at"] <= asked["end"]]
    begin = int(asked.get("page_token", 0))
    token = str(begin + PAGE) if begin + PAGE < len(within) else None
    return {"news": within[begin : begin + PAGE], "next_page_token": token}
