"""Stooq's CSV and the pages that it gives in its place."""

from typing import Any

from tests.market.conftest import Reply, Server
from tests.market.servers.made_stock import MadeStock

VARIABLES = ("INVESTORBENCH_STOOQ_URL",)
KEYS = {"STOOQ_API_KEY": "stooq+key"}
PATH = "/q/d/l/"
REFUSALS = {
    "asks for a key": Reply(
        body="Get your apikey:\n\n1. Open https://stooq.com/q/d/?s=acme.us&get_apikey\n"
        "2. Enter the captcha code.\n3. Copy the CSV download link at the bottom of the page - "
        "it will contain the <apikey> variable.\n4. Append the <apikey> variable to your request."
    ),
    "daily limit": Reply(body="Exceeded the daily hits limit"),
    "asks for a browser": Reply(
        body="<!doctype html><html><script>fetch('/__verify',{method:'POST'})</script></html>"
    ),
}


def csv(stock: MadeStock, first: str = "00010101", last: str = "99991231") -> str:
    lines = ["Date,Open,High,Low,Close,Volume"]
    for day in stock.days:
        if first <= f"{day:%Y%m%d}" <= last:
            prices = [value / stock.split_since(day) for value in stock.bar(day)[:4]]
            volume = stock.bar(day)[4] * stock.split_since(day)
            lines.append(",".join(map(str, (day, *prices, volume))))
    return "\r\n".join(lines) + "\r\n"


def play(server: Server, state: str = "fine", stock: MadeStock | None = None) -> None:
    """Answer as Stooq does: ``fine``, ``slow``, ``cut off``, or one of its refusals."""
    stock = stock or MadeStock()

    def fine(asked: dict[str, str]) -> Any:
        if asked.get("apikey") != KEYS["STOOQ_API_KEY"]:
            return REFUSALS["asks for a key"].body
        if asked["s"] not in (f"{stock.symbol.lower()}.us", "spy.us"):
            return "No data"
        return csv(stock, asked.get("d1", "0"), asked.get("d2", "9"))

    replies = {
        "fine": Reply(body=fine),
        "slow": Reply(body=fine, wait=0.3),
        "cut off": Reply(body=fine, cut=100),
        **REFUSALS,
    }
    server.answer(PATH, replies[state])
