"""Alpaca's news of stocks, funds and coins since 2015, to the second.

An item counts as known from its last change, for its words are those of then.
"""

import shutil
from datetime import UTC, date, timedelta
from functools import partial
from html import unescape
from typing import TYPE_CHECKING, Any

from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.alpaca import ALPACA, HEADERS, KEYS, REFUSALS, moment, pages
from investorbench_env.market.sources.contracts import ChangedFormError, Contract, Probe
from investorbench_env.market.sources.http import Downloader, Response
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source
from investorbench_env.market.sources.spans import spans

if TYPE_CHECKING:
    import pandas as pd

PATH = "/v1beta1/news"
BEGINS = date(2015, 1, 1)
DAYS = 30
"""Of a piece that is kept by itself; a stock that is much in the news has some hundred items."""
MOST_ITEMS = "50"
"""Of one answer."""
BYTES_A_DAY = 10_000
COLUMNS = ("timestamp", "date", "symbol", "headline", "text", "url", "source")


def news(
    downloader: Downloader, symbol: str, asset_class: str, first: date, last: date
) -> "pd.DataFrame":
    """The news that came out from ``first`` to ``last``, oldest first, each row with its source.

    Raises:
        DownloadError: Alpaca answers in a form that is not its own, or refuses.
    """
    import pandas as pd

    parameters = {
        "symbols": f"{symbol}USD" if asset_class == "crypto" else symbol,
        "start": f"{first}T00:00:00Z",
        "end": f"{last}T23:59:59Z",
        "sort": "asc",
        "limit": MOST_ITEMS,
    }
    rows = []
    for answer, page in pages(downloader, f"{ALPACA_NEWS.url}{PATH}", parameters):
        try:
            rows += [_row(item, symbol) for item in page["news"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ChangedFormError("Alpaca", CONTRACT.needs, answer) from error
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
    frame["date"] = pd.to_datetime(frame["date"])
    return frame


def _row(item: Any, symbol: str) -> tuple[Any, ...]:
    moments = (moment(item[name]) for name in ("created_at", "updated_at"))
    known = max(moments).astimezone(UTC)
    return (
        known,
        known.date(),
        symbol,
        _plain(item["headline"]),
        _plain(item.get("summary") or ""),
        item.get("url") or "",
        f"Alpaca ({item.get('source') or 'unknown'})",
    )


def _plain(text: str) -> str:
    """A text without HTML's names for signs, and without half letters, which JSON may hold."""
    return unescape(text).encode("utf-8", "replace").decode().strip()


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put the news of a symbol into the folder of a request, piece by piece."""
    path = request.into / "news" / f"{kept.file_name(request.symbol)}_alpaca.parquet"
    with store.only_one(path), ALPACA_NEWS.downloader(request) as downloader:
        request, there = kept.needed(request, path, ALPACA_NEWS)
        if there:
            return there
        folder = kept.pieces_folder(request, ALPACA_NEWS)
        # The evening of the last day in New York is in UTC the night after.
        until = request.last + timedelta(days=1)
        pairs = list(spans(request.first, until, earliest=BEGINS, days=DAYS))
        pieces = []
        for done, (first, last) in enumerate(pairs):
            progress(done, len(pairs), f"{request.symbol} news to {last} from Alpaca")
            get = partial(news, downloader, request.symbol, request.asset_class, first, last)
            pieces.append(kept.piece_of(downloader, folder / f"{first}_{last}.parquet", get))
        progress(len(pairs), len(pairs), f"{request.symbol} news from Alpaca")
        table = kept.in_order(pieces)
        outcome = kept.keep(request, path, ALPACA_NEWS, "news", table, downloader)
        shutil.rmtree(folder, ignore_errors=True)
        return outcome


def _is_page_of_news(answer: Response) -> bool:
    return b'"news"' in answer.content and b'"created_at"' in answer.content


CONTRACT = Contract(
    source="Alpaca",
    probe=Probe(path=PATH, parameters={"symbols": "TSLA", "limit": "1"}),
    needs="page of news with headline, created_at and updated_at in JSON",
    form=_is_page_of_news,
    refusals=REFUSALS,
)

ALPACA_NEWS = Source(
    name="alpaca_news",
    address=ALPACA.address,
    gives="news since 2015, to the second",
    kinds=frozenset({"news"}),
    classes=frozenset({"stock", "etf", "crypto"}),
    begins=BEGINS,
    keys=KEYS,
    keys_from=ALPACA.keys_from,
    headers=HEADERS,
    terms="personal use, no redistribution (Alpaca and Benzinga)",
    forbids=frozenset({"commercial", "publishing"}),
    terms_url=ALPACA.terms_url,
    fetch=fetch,
    size=lambda request: BYTES_A_DAY * (request.last - request.first).days,
    contract=CONTRACT,
    politeness=ALPACA.politeness,
)
