"""Stooq's daily CSV: bars of stocks and funds, where Yahoo gives none.

It lists neither splits nor dividends, and does not say whether dividends are inside its prices.
"""

import io
from datetime import date, timedelta
from typing import TYPE_CHECKING

from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import Contract, Probe
from investorbench_env.market.sources.http import Downloader, DownloadError, NotThereError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["Date", "Open", "High", "Low", "Close", "Volume"]


def daily_bars(
    downloader: Downloader, symbol: str, first: date, last: date, *, address: str | None = None
) -> "pd.DataFrame":
    """Daily bars from ``first`` to ``last``, each row with its source; today's is left out.

    Raises:
        DownloadError: Stooq has no such symbol, or answers in a form that is not its own.
    """
    import pandas as pd

    url = address or STOOQ.url
    until = min(last, date.today() - timedelta(days=1))
    text = downloader.table(
        f"{url}/q/d/l/",
        {
            "s": f"{symbol.replace('.', '-').lower()}.us",
            "d1": f"{first:%Y%m%d}",
            "d2": f"{until:%Y%m%d}",
            "i": "d",
        },
    )
    if text.strip().lower().startswith("no data"):
        raise NotThereError(f"Stooq, {symbol}: no data")
    try:
        bars = pd.read_csv(io.StringIO(text))
        bars = bars[[name for name in COLUMNS if name in bars or name != "Volume"]]
        bars["Date"] = pd.to_datetime(bars["Date"], format="%Y-%m-%d")
        for name in bars.columns.drop("Date"):
            bars[name] = bars[name].astype(float)
    except (KeyError, ValueError) as error:
        raise DownloadError(
            f"Stooq, {symbol}: an answer of another form ({text.strip()[:60]!r})"
        ) from error
    bars.columns = bars.columns.str.lower()
    if bars["close"].isna().any():
        raise DownloadError(f"Stooq, {symbol}: the answer is cut off")
    bars.insert(1, "symbol", symbol)
    bars["source"] = "Stooq"
    return bars


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put bars of a symbol into the folder of a request."""
    path = request.into / "prices" / f"{kept.file_name(request.symbol)}_stooq.parquet"
    with store.only_one(path), STOOQ.downloader(request) as downloader:
        request, there = kept.needed(request, path, STOOQ)
        if there:
            return there
        progress(0, 1, f"{request.symbol} from Stooq")
        bars = daily_bars(downloader, request.symbol, request.first, request.last)
        progress(1, 1, f"{request.symbol} from Stooq")
        return kept.keep(request, path, STOOQ, "bars", bars, downloader, adjusted=True)


STOOQ = Source(
    name="stooq",
    address="https://stooq.com",
    gives="daily bars",
    kinds=frozenset({"prices"}),
    classes=frozenset({"stock", "etf"}),
    terms="no licence stated; personal use",
    terms_url="https://stooq.com/regulamin.html",
    fetch=fetch,
    contract=Contract(
        source="Stooq",
        probe=Probe(path="/q/d/l/", parameters={"s": "spy.us", "i": "w"}),
        needs="CSV with Date, Open, High, Low, Close",
        form=lambda answer: answer.first_line.startswith("Date,Open,High,Low,Close"),
    ),
)
