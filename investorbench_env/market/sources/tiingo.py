"""Tiingo's daily bars of stocks and funds, as they were traded, with dividends and splits."""

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import ChangedFormError, Contract, Probe, Refusal
from investorbench_env.market.sources.http import Downloader, NotThereError, Response, check_json
from investorbench_env.market.sources.source import (
    FetchOutcome,
    FetchRequest,
    Progress,
    Source,
    last_over,
)

if TYPE_CHECKING:
    import pandas as pd

KEY = "TIINGO_API_KEY"
COLUMNS = {
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume": "volume",
    "adjClose": "adj_close",
}
"""Theirs to ours. Without ``adj`` they are as traded."""
ACTIONS = {"divCash": "dividend", "splitFactor": "split"}
BYTES_A_DAY = 190
"""Of an answer, for each day of the calendar."""


def days(
    downloader: Downloader, symbol: str, first: date, last: date, *, address: str | None = None
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Bars and corporate actions from ``first`` to ``last``; the bar of today is left out.

    Raises:
        DownloadError: Tiingo has no such symbol, or answers in a form that is not its own.
    """
    import pandas as pd

    until = min(last, last_over("stock"))
    answer = downloader.get(
        f"{address or TIINGO.url}/tiingo/daily/{quote(symbol.replace('.', '-'), safe='')}/prices",
        {"startDate": first.isoformat(), "endDate": until.isoformat(), "format": "json"},
        check_json,
    )
    if json.loads(answer.content) == []:
        raise NotThereError(f"Tiingo, {symbol}: no bars from {first} to {until}")
    try:
        rows = pd.DataFrame(json.loads(answer.content))
        dates = pd.to_datetime(rows["date"].str[:10], format="%Y-%m-%d")
        numbers = rows[[*COLUMNS, *ACTIONS]].astype(float)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChangedFormError("Tiingo", CONTRACT.needs, answer) from error
    about = {"symbol": symbol, "source": "Tiingo"}
    bars = numbers[[*COLUMNS]].rename(columns=COLUMNS).assign(date=dates, **about)
    parts = [
        numbers[[theirs]].set_axis(["amount"], axis=1).assign(date=dates, action=ours, **about)
        for theirs, ours in ACTIONS.items()
    ]
    actions = pd.concat(parts, ignore_index=True)
    nothing = actions["action"].map({"dividend": 0.0, "split": 1.0})
    there = actions["amount"].notna() & (actions["amount"] != nothing)
    return bars, actions[there].sort_values("date", kind="stable")


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put bars and corporate actions of a symbol into the folder of a request."""
    path = request.into / "prices" / f"{kept.file_name(request.symbol)}_tiingo.parquet"
    listed = request.into / "actions" / path.name
    with store.only_one(path), TIINGO.downloader(request) as downloader:
        request, there = kept.needed(request, path, TIINGO)
        if there and store.is_whole(listed):
            return replace(there, paths=(listed, path))
        progress(0, 1, f"{request.symbol} from Tiingo")
        bars, actions = days(downloader, request.symbol, request.first, request.last)
        progress(1, 1, f"{request.symbol} from Tiingo")
        listing = kept.keep(request, listed, TIINGO, "actions", actions, downloader)
        return kept.together([listing, kept.keep(request, path, TIINGO, "bars", bars, downloader)])


def _is_list_of_days(answer: Response) -> bool:
    rows: Any = json.loads(answer.content)
    return {"date", *COLUMNS, *ACTIONS} <= set(rows[0])


CONTRACT = Contract(
    source="Tiingo",
    probe=Probe(path="/tiingo/daily/spy/prices", parameters={"format": "json"}),
    needs="list of days with close, adjClose, divCash and splitFactor in JSON",
    form=_is_list_of_days,
    refusals=(
        Refusal(
            name="invalid token",
            matches=lambda answer: answer.status in (401, 403) or "oken" in answer.text[:80],
            says="it does not take the key",
            then=f"look it up at https://api.tiingo.com/account/token and export {KEY}=…",
            state="wants a key",
        ),
        Refusal(
            name="used up",
            matches=lambda answer: answer.status == 429 or "You have run over" in answer.text[:200],
            says="the requests or symbols of this key are used up for now",
            then="try again after the full hour, or name another source with --source",
        ),
    ),
)

TIINGO = Source(
    name="tiingo",
    address="https://api.tiingo.com",
    gives="daily bars, dividends, splits",
    kinds=frozenset({"prices", "actions"}),
    classes=frozenset({"stock", "etf"}),
    keys=(KEY,),
    keys_from="https://api.tiingo.com/account/token",
    headers={"Authorization": f"Token {{{KEY}}}"},
    terms="internal use, no redistribution; kept on disk on a paid plan alone (Tiingo terms)",
    terms_url="https://app.tiingo.com/tos/",
    forbids=frozenset({"commercial", "publishing"}),
    fetch=fetch,
    size=lambda request: BYTES_A_DAY * (request.last - request.first).days,
    contract=CONTRACT,
)
