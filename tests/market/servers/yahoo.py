"""Yahoo's chart data, its cookies and its refusals."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from tests.market.conftest import Reply, Server
from tests.market.servers.made_stock import MadeStock

VARIABLES = ("INVESTORBENCH_YAHOO_URL",)
KEYS: dict[str, str] = {}
CRUMB = "/v1/test/getcrumb"
NEW_YORK = ZoneInfo("America/New_York")
CONSENT = """<!DOCTYPE html><html><body><form method="post" action="/v2/collectConsent">
<input type="hidden" name="csrfToken" value="x"><input type="hidden" name="sessionId" value="y">
</form></body></html>"""
REFUSALS = {
    "too many requests": Reply(status=429, body="Too Many Requests\r\n"),
    "invalid crumb": Reply(
        status=401,
        body={
            "finance": {
                "result": None,
                "error": {"code": "Unauthorized", "description": "Invalid Crumb"},
            }
        },
    ),
    "consent page": Reply(body=CONSENT),
    "out of order": Reply(body="<html><body>Will be right back...</body></html>"),
    "forbidden": Reply(status=403, body="Forbidden"),
}


def path(symbol: str) -> str:
    return f"/v8/finance/chart/{symbol}"


def seconds(day: date) -> int:
    """The open of a session."""
    return int(datetime.combine(day, time(9, 30), NEW_YORK).timestamp())


def chart(stock: MadeStock, first: int = 0, last: int = 1 << 40) -> dict[str, Any]:
    """What Yahoo says today of the sessions that open in a time."""
    days = [day for day in stock.days if first <= seconds(day) < last]
    bars = [[value / stock.split_since(day) for value in stock.bar(day)[:4]] for day in days]
    quote = {
        name: [bar[n] for bar in bars] for n, name in enumerate(("open", "high", "low", "close"))
    }
    quote["volume"] = [stock.bar(day)[4] * stock.split_since(day) for day in days]
    dividends = {
        str(seconds(day)): {"amount": cash / stock.split_since(day), "date": seconds(day)}
        for day, cash in _dated(stock.dividends)
    }
    splits = {
        str(seconds(day)): {"date": seconds(day), "numerator": ratio, "denominator": 1}
        for day, ratio in _dated(stock.splits)
    }
    result = {
        "meta": {
            "symbol": stock.symbol,
            "currency": "USD",
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": "America/New_York",
            "validRanges": ["1d", "max"],
            "priceHint": 2,
        },
        "timestamp": [seconds(day) for day in days],
        "events": {"dividends": dividends, "splits": splits},
        "indicators": {
            "quote": [quote],
            "adjclose": [{"adjclose": [stock.adjusted(day) for day in days]}],
        },
    }
    return {"chart": {"result": [result], "error": None}}


def _dated(actions: dict[str, float]) -> list[tuple[date, float]]:
    return [(date.fromisoformat(day), amount) for day, amount in actions.items()]


def answer(server: Server, symbol: str, *replies: Any) -> None:
    """Give these replies for a symbol; cookies and crumbs are always there."""
    server.answer("/", Reply(headers={"Set-Cookie": "A3=x; Path=/; Max-Age=3600"}))
    server.answer(CRUMB, "crumb")
    server.answer(path(symbol), *replies)


def play(server: Server, state: str = "fine", stock: MadeStock | None = None) -> None:
    """Answer as Yahoo does: ``fine``, ``slow``, ``cut off``, or one of its refusals."""
    stock = stock or MadeStock()

    def fine(parameters: dict[str, str]) -> dict[str, Any]:
        if "period1" not in parameters:
            return chart(stock)
        return chart(stock, int(parameters["period1"]), int(parameters["period2"]))

    replies = {
        "fine": Reply(body=fine),
        "slow": Reply(body=fine, wait=0.3),
        "cut off": Reply(body=fine, cut=100),
        **REFUSALS,
    }
    answer(server, stock.symbol, replies[state])
