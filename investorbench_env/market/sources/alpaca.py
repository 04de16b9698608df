"""Alpaca's daily bars of stocks and funds, as they were traded, with dividends and splits."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import ChangedFormError, Contract, Probe, Refusal
from investorbench_env.market.sources.http import (
    Downloader,
    NotThereError,
    Politeness,
    Response,
    check_json,
)
from investorbench_env.market.sources.source import (
    FetchOutcome,
    FetchRequest,
    Progress,
    Source,
    last_over,
)

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")
HEADERS = {"APCA-API-KEY-ID": f"{{{KEYS[0]}}}", "APCA-API-SECRET-KEY": f"{{{KEYS[1]}}}"}
COLUMNS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
SPLITS = ("forward_splits", "reverse_splits")
BEGINS = date(2016, 1, 1)
MOST_PAGES = 1000
"""Of one answer; a month of news has some ten."""
NEW_YORK = ZoneInfo("America/New_York")
BYTES_A_DAY = 75
"""Of an answer, for each day of the calendar."""


def daily_bars(
    downloader: Downloader, symbol: str, first: date, last: date, *, address: str | None = None
) -> "pd.DataFrame":
    """Daily bars of all exchanges from ``first`` to ``last``; the bar of today is left out.

    Raises:
        DownloadError: Alpaca has no such symbol, or answers in a form that is not its own.
    """
    import pandas as pd

    url = f"{address or ALPACA.url}/v2/stocks/{quote(symbol, safe='')}/bars"
    until = min(last, last_over("stock"))
    parameters = {
        "timeframe": "1Day",
        "start": first.isoformat(),
        "end": until.isoformat(),
        "adjustment": "raw",
        "feed": "sip",
        "limit": "10000",
    }
    rows = []
    for answer, page in pages(downloader, url, parameters):
        try:
            rows += [
                (_day(bar["t"]), *(float(bar[theirs]) for theirs in COLUMNS))
                for bar in page["bars"] or ()
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise ChangedFormError("Alpaca", CONTRACT.needs, answer) from error
    if not rows:
        raise NotThereError(f"Alpaca, {symbol}: no bars from {first} to {until}")
    bars = pd.DataFrame(rows, columns=["date", *COLUMNS.values()])
    bars["date"] = pd.to_datetime(bars["date"])
    bars.insert(1, "symbol", symbol)
    bars["source"] = "Alpaca"
    return bars


def actions(
    downloader: Downloader, symbol: str, first: date, last: date, *, address: str | None = None
) -> "pd.DataFrame":
    """Dividends in cash and splits with their ex-dates from ``first`` to ``last``.

    Raises:
        DownloadError: Alpaca answers in a form that is not its own.
    """
    import pandas as pd

    url = f"{address or ALPACA.url}/v1/corporate-actions"
    parameters = {
        "symbols": symbol,
        "types": "cash_dividend,forward_split,reverse_split",
        "start": first.isoformat(),
        "end": last.isoformat(),
        "limit": "1000",
    }
    rows: list[tuple[date, str, float]] = []
    for answer, page in pages(downloader, url, parameters):
        try:
            listed = page["corporate_actions"]
            rows += [
                (date.fromisoformat(row["ex_date"]), "dividend", float(row["rate"]))
                for row in listed.get("cash_dividends", ())
                if row.get("symbol", symbol) == symbol
            ]
            rows += [
                (
                    date.fromisoformat(row["ex_date"]),
                    "split",
                    float(row["new_rate"]) / float(row["old_rate"]),
                )
                for kind in SPLITS
                for row in listed.get(kind, ())
                if row.get("symbol", symbol) == symbol
            ]
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            raise ChangedFormError("Alpaca", "list of corporate actions", answer) from error
    table = pd.DataFrame(sorted(rows), columns=["date", "action", "amount"])
    table["date"] = pd.to_datetime(table["date"])
    table.insert(0, "symbol", symbol)
    table["source"] = "Alpaca"
    return table


def pages(
    downloader: Downloader, url: str, parameters: Mapping[str, str]
) -> Iterator[tuple[Response, Any]]:
    """Each page of an answer, up to the one that names no next.

    Raises:
        ChangedFormError: a page is none.
    """
    token, seen = "", set[str]()
    for _ in range(MOST_PAGES):
        seen.add(token)
        more = {"page_token": token} if token else {}
        answer = downloader.get(url, {**parameters, **more}, check_json)
        page = json.loads(answer.content)
        if not isinstance(page, dict):
            raise ChangedFormError("Alpaca", CONTRACT.needs, answer)
        yield answer, page
        token = str(page.get("next_page_token") or "")
        if not token:
            return
        if token in seen:
            break
    raise ChangedFormError("Alpaca", "last page", answer)


def _day(text: str) -> date:
    """The session of a bar, whose time is midnight in New York."""
    return moment(text).astimezone(NEW_YORK).date()


def moment(text: str) -> datetime:
    """A time as Alpaca writes it.

    Raises:
        ValueError: it names no zone.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} names no zone")
    return found


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put bars and corporate actions of a symbol into the folder of a request."""
    path = request.into / "prices" / f"{kept.file_name(request.symbol)}_alpaca.parquet"
    listed = request.into / "actions" / path.name
    with store.only_one(path), ALPACA.downloader(request) as downloader:
        request, there = kept.needed(request, path, ALPACA)
        if there and store.is_whole(listed):
            return replace(there, paths=(listed, path))
        what = f"{request.symbol} from Alpaca"
        progress(0, 2, what)
        found = actions(downloader, request.symbol, request.first, request.last)
        progress(1, 2, what)
        bars = daily_bars(downloader, request.symbol, request.first, request.last)
        progress(2, 2, what)
        listing = kept.keep(request, listed, ALPACA, "actions", found, downloader)
        return kept.together([listing, kept.keep(request, path, ALPACA, "bars", bars, downloader)])


def _is_page_of_bars(answer: Response) -> bool:
    page = json.loads(answer.content)
    return "next_page_token" in page and {"t", *COLUMNS} <= set(page["bars"][0])


REFUSALS = (
    Refusal(
        name="recent data",
        matches=lambda answer: answer.status == 403 and "recent SIP data" in answer.text,
        says="the plan of this key does not reach to the last days",
        then="ask for an earlier --to",
    ),
    Refusal(
        name="invalid key",
        matches=lambda answer: answer.status in (401, 403),
        says="it does not take the keys",
        then=f"make new ones at https://app.alpaca.markets and export {'=… '.join(KEYS)}=…",
        state="wants a key",
    ),
    Refusal(
        name="used up",
        matches=lambda answer: answer.status == 429,
        says="more requests than 200 a minute",
        then="try again in a minute",
        passes=True,
    ),
)

CONTRACT = Contract(
    source="Alpaca",
    probe=Probe(
        path="/v2/stocks/SPY/bars",
        parameters={
            "timeframe": "1Day",
            "start": "2024-01-02",
            "end": "2024-01-05",
            "feed": "sip",
        },
    ),
    needs="page of bars with t, o, h, l, c and v in JSON",
    form=_is_page_of_bars,
    refusals=REFUSALS,
)

ALPACA = Source(
    name="alpaca",
    address="https://data.alpaca.markets",
    gives="daily bars, dividends, splits",
    kinds=frozenset({"prices", "actions"}),
    classes=frozenset({"stock", "etf"}),
    begins=BEGINS,
    keys=KEYS,
    keys_from="https://app.alpaca.markets",
    headers=HEADERS,
    terms="personal use, no redistribution (Alpaca market data agreement)",
    terms_url="https://alpaca.markets/disclosures",
    forbids=frozenset({"commercial", "publishing"}),
    fetch=fetch,
    size=lambda request: BYTES_A_DAY * (request.last - request.first).days,
    contract=CONTRACT,
    politeness=Politeness(interval_s=0.35, backoff_s=10.0),
)
