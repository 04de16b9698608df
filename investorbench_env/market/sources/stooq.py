"""Stooq's daily CSV: bars of stocks and funds, for those who have a key of theirs.

It lists neither splits nor dividends, and does not say whether dividends are inside its prices.
"""

import io
from datetime import date
from typing import TYPE_CHECKING

from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import ChangedFormError, Contract, Probe, Refusal
from investorbench_env.market.sources.http import Downloader, NotThereError, Response
from investorbench_env.market.sources.source import (
    FetchOutcome,
    FetchRequest,
    Progress,
    Source,
    last_over,
)

if TYPE_CHECKING:
    import pandas as pd

PATH = "/q/d/l/"
KEY = "STOOQ_API_KEY"
NAMES = ["Date", "Open", "High", "Low", "Close", "Volume"]
BYTES_A_DAY = 40
"""Of an answer, for each day of the calendar."""


def daily_bars(
    downloader: Downloader,
    symbol: str,
    first: date,
    last: date,
    *,
    address: str | None = None,
    complete: date | None = None,
) -> "pd.DataFrame":
    """Daily bars from ``first`` to ``last``, each row with its source.

    Args:
        downloader: asks.
        symbol: as the benchmark writes it.
        first: first day.
        last: last day.
        address: of another server.
        complete: the last day whose bar is complete; None for yesterday, by this machine's clock.

    Raises:
        DownloadError: Stooq has no such symbol, or answers in a form that is not its own.
    """
    import pandas as pd

    until = min(last, complete or last_over("stock"))
    answer = downloader.get(
        f"{address or STOOQ.url}{PATH}",
        {
            "s": f"{symbol.replace('.', '-').lower()}.us",
            "d1": f"{first:%Y%m%d}",
            "d2": f"{until:%Y%m%d}",
            "i": "d",
            "apikey": f"{{{KEY}}}",
        },
    )
    if answer.text.strip().lower().startswith("no data"):
        raise NotThereError(f"Stooq, {symbol}: no data")
    try:
        bars = pd.read_csv(io.StringIO(answer.text))
        bars = bars[[name for name in NAMES if name in bars or name != "Volume"]]
        bars["Date"] = pd.to_datetime(bars["Date"], format="%Y-%m-%d")
        for name in bars.columns.drop("Date"):
            bars[name] = bars[name].astype(float)
    except (KeyError, ValueError) as error:
        raise ChangedFormError("Stooq", CONTRACT.needs, answer) from error
    bars.columns = bars.columns.str.lower()
    if bars["close"].isna().any() or not (answer.is_measured or answer.text.endswith("\n")):
        raise ChangedFormError("Stooq", "whole CSV, for it is cut off", answer)
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


def _is_csv(answer: Response) -> bool:
    return answer.text.startswith(",".join(NAMES[:5]))


CONTRACT = Contract(
    source="Stooq",
    probe=Probe(path=PATH, parameters={"s": "spy.us", "i": "d", "apikey": f"{{{KEY}}}"}),
    needs=f"CSV that begins with {','.join(NAMES[:5])}",
    form=_is_csv,
    refusals=(
        Refusal(
            name="asks for a key",
            matches=lambda answer: not _is_csv(answer) and "apikey" in answer.text.lower(),
            says="it answers with a page on how to get a key",
            then=f"get one at https://stooq.com/q/d/?s=spy.us&get_apikey and export {KEY}=…",
            state="wants a key",
        ),
        Refusal(
            name="daily limit",
            matches=lambda answer: "daily hits limit" in answer.text[:400].lower(),
            says="the day's requests of this address or key are used up",
            then="try again tomorrow",
        ),
        Refusal(
            name="asks for a browser",
            matches=lambda answer: "__verify" in answer.text,
            says="it answers with a riddle for browsers",
            then="check the key, or name another source with --source",
        ),
    ),
)

STOOQ = Source(
    name="stooq",
    address="https://stooq.com",
    gives="daily bars",
    kinds=frozenset({"prices"}),
    classes=frozenset({"stock", "etf"}),
    keys=(KEY,),
    keys_from="https://stooq.com/q/d/?s=spy.us&get_apikey",
    terms="no licence stated; personal use",
    terms_url="https://stooq.com/help/?q=6",
    forbids=frozenset({"commercial", "publishing"}),
    fetch=fetch,
    size=lambda request: BYTES_A_DAY * (request.last - request.first).days,
    contract=CONTRACT,
)
