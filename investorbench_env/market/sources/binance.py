"""Binance's daily candles of spot pairs against USDT; the bar of day D closes at 24:00 UTC of D."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import Contract, Probe
from investorbench_env.market.sources.http import (
    Downloader,
    DownloadError,
    NotThereError,
    Politeness,
)
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

if TYPE_CHECKING:
    import pandas as pd

QUOTE = "USDT"
MOST_ROWS = 1000
EARLIEST = date(2017, 7, 1)
DAY = timedelta(days=1)


def spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The pieces in which bars are fetched, so that each can be kept; today's bar is left out."""
    start, until = max(first, EARLIEST), min(last, datetime.now(UTC).date() - DAY)
    while start <= until:
        # Pieces begin at fixed dates, so that one that was kept fits also another request.
        number = (start - EARLIEST).days // MOST_ROWS + 1
        end = min(EARLIEST + number * MOST_ROWS * DAY - DAY, until)
        yield start, end
        start = end + DAY


def daily_bars(
    downloader: Downloader, symbol: str, first: date, last: date, *, address: str | None = None
) -> "pd.DataFrame":
    """Daily bars of at most 1,000 days, each row with its source.

    Raises:
        DownloadError: Binance has no such pair, or answers in a form that is not its own.
    """
    import pandas as pd

    url = address or BINANCE.url
    parameters = {
        "symbol": f"{symbol}{QUOTE}",
        "interval": "1d",
        "startTime": str(_milliseconds(first)),
        "endTime": str(_milliseconds(last + DAY) - 1),
        "limit": str(MOST_ROWS),
    }
    candles = downloader.json(f"{url}/api/v3/klines", parameters)
    if isinstance(candles, dict):
        raise NotThereError(f"Binance, {symbol}{QUOTE}: {candles.get('msg', candles)}")
    try:
        rows = [_row(candle) for candle in candles]
    except (TypeError, ValueError, IndexError) as error:
        raise DownloadError(f"Binance, {symbol}: an answer of another form ({error})") from error
    bars = pd.DataFrame(rows, columns=["date", "open", "high", "low", "close", "volume"])
    bars["date"] = pd.to_datetime(bars["date"])
    bars.insert(1, "symbol", symbol)
    bars["source"] = f"Binance {symbol}{QUOTE}"
    return bars


def _row(candle: Any) -> tuple[date | float, ...]:
    opened = datetime.fromtimestamp(int(candle[0]) / 1000, UTC).date()
    return (opened, *(float(candle[index]) for index in range(1, 6)))


def _milliseconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put bars of a symbol into the folder of a request, piece by piece."""
    path = request.into / "prices" / f"{kept.file_name(request.symbol)}_binance.parquet"
    with store.only_one(path), BINANCE.downloader(request) as downloader:
        request, there = kept.needed(request, path, BINANCE)
        if there:
            return there
        folder = kept.pieces_folder(request, BINANCE)
        pieces = []
        pairs = list(spans(request.first, request.last))
        for done, (first, last) in enumerate(pairs):
            progress(done, len(pairs), f"{request.symbol} from Binance")
            get = partial(daily_bars, downloader, request.symbol, first, last)
            pieces.append(kept.piece_of(downloader, folder / f"{first}_{last}.parquet", get))
        progress(len(pairs), len(pairs), f"{request.symbol} from Binance")
        bars = kept.in_order(pieces)
        outcome = kept.keep(request, path, BINANCE, "bars", bars, downloader)
        shutil.rmtree(folder, ignore_errors=True)
        return outcome


BINANCE = Source(
    name="binance",
    address="https://data-api.binance.vision",
    gives="daily bars in USDT",
    kinds=frozenset({"prices"}),
    classes=frozenset({"crypto"}),
    begins=EARLIEST,
    terms="Binance terms of use",
    terms_url="https://www.binance.com/en/terms",
    fetch=fetch,
    contract=Contract(
        source="Binance",
        probe=Probe(
            path="/api/v3/klines", parameters={"symbol": "BTCUSDT", "interval": "1d", "limit": "1"}
        ),
        needs="list of candles as JSON",
        form=lambda answer: answer.first_line.startswith("[["),
    ),
    politeness=Politeness(interval_s=0.2),
)
