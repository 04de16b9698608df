"""Yahoo's chart data: daily bars, dividends and splits of stocks and funds.

Prices and dividends come divided by every split up to the day of the download. Dividends are led
back to what was paid; the file of the prices names the day up to which they are adjusted.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import Contract, Probe
from investorbench_env.market.sources.http import Downloader, DownloadError, NotThereError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

if TYPE_CHECKING:
    import pandas as pd

BAR_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Daily bars and corporate actions of one symbol, each row with its source."""

    bars: "pd.DataFrame"
    actions: "pd.DataFrame"


def chart(
    downloader: Downloader, symbol: str, first: date, last: date, *, address: str | None = None
) -> Chart:
    """Bars from ``first`` to ``last``, and actions from ``first`` to today.

    Args:
        downloader: asks.
        symbol: as the benchmark writes it; Yahoo writes BRK.B as BRK-B.
        first: first day.
        last: last day; the bar of today is left out, since it is not complete.
        address: of the server, for tests.

    Raises:
        DownloadError: Yahoo does not know the symbol, or answers in a form that is not its own.
    """
    url = address or YAHOO.url
    # Splits after `last` are divided out of the prices too, so the events must reach to today.
    parameters = {
        "period1": str(_seconds(first)),
        "period2": str(_seconds(date.today() + timedelta(days=1))),
        "interval": "1d",
        "events": "div,split",
        "includeAdjustedClose": "true",
    }
    answer = downloader.json(f"{url}/v8/finance/chart/{symbol.replace('.', '-')}", parameters)
    result = _result(answer, symbol)
    return Chart(bars=_bars(result, symbol, first, last), actions=_actions(result, symbol))


def _result(answer: Any, symbol: str) -> dict[str, Any]:
    content = answer.get("chart") if isinstance(answer, dict) else None
    if not isinstance(content, dict):
        raise DownloadError(f"Yahoo, {symbol}: the answer holds no chart")
    if error := content.get("error"):
        raise NotThereError(f"Yahoo, {symbol}: {error.get('description') or error}")
    results = content.get("result") or []
    if not results or not results[0].get("timestamp"):
        raise NotThereError(f"Yahoo, {symbol}: no bars in that time")
    result: dict[str, Any] = results[0]
    return result


def _bars(result: dict[str, Any], symbol: str, first: date, last: date) -> "pd.DataFrame":
    import pandas as pd

    zone = ZoneInfo(result.get("meta", {}).get("exchangeTimezoneName") or "America/New_York")
    indicators = result.get("indicators", {})
    try:
        quote, dates = indicators["quote"][0], [_day(s, zone) for s in result["timestamp"]]
        columns: dict[str, Any] = {name: np.array(quote[name], dtype=float) for name in BAR_COLUMNS}
        adjusted = indicators.get("adjclose", [{}])[0].get("adjclose")
        if adjusted is not None:
            columns["adj_close"] = np.array(adjusted, dtype=float)
        bars = pd.DataFrame({"date": pd.to_datetime(dates), "symbol": symbol, **columns})
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DownloadError(f"Yahoo, {symbol}: an answer of another form ({error!r})") from error
    bars["source"] = "Yahoo"
    complete = bars["date"] < pd.Timestamp(datetime.now(zone).date())
    wanted = (bars["date"] >= pd.Timestamp(first)) & (bars["date"] <= pd.Timestamp(last))
    # A null bar is a missing one; it stays missing.
    return bars[complete & wanted].dropna(subset=["close"]).reset_index(drop=True)


def _actions(result: dict[str, Any], symbol: str) -> "pd.DataFrame":
    import pandas as pd

    zone = ZoneInfo(result.get("meta", {}).get("exchangeTimezoneName") or "America/New_York")
    events = result.get("events") or {}
    splits = sorted(
        (_day(event["date"], zone), float(event["numerator"]) / float(event["denominator"]))
        for event in events.get("splits", {}).values()
    )
    rows: list[tuple[date, str, float]] = [(day, "split", ratio) for day, ratio in splits]
    for event in events.get("dividends", {}).values():
        day = _day(event["date"], zone)
        later = np.prod([ratio for when, ratio in splits if when > day])
        rows.append((day, "dividend", round(float(event["amount"]) * float(later), 6)))
    frame = pd.DataFrame(sorted(rows), columns=["date", "action", "amount"])
    frame["date"] = pd.to_datetime(frame["date"])
    frame.insert(0, "symbol", symbol)
    frame["source"] = "Yahoo"
    return frame


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def _day(seconds: float, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(seconds, zone).date()


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put bars and corporate actions of a symbol into the folder of a request."""
    path = request.into / "prices" / f"{kept.file_name(request.symbol)}.parquet"
    listed = request.into / "actions" / path.name
    with store.only_one(path), YAHOO.downloader(request) as downloader:
        request, there = kept.needed(request, path, YAHOO)
        if there and store.is_whole(listed):
            return replace(there, paths=(listed, path))
        progress(0, 1, f"{request.symbol} from Yahoo")
        found = chart(downloader, request.symbol, request.first, request.last)
        progress(1, 1, f"{request.symbol} from Yahoo")
        # Actions first: bars without their splits would be read wrongly, not the other way round.
        actions = kept.keep(request, listed, YAHOO, "actions", found.actions, downloader)
        bars = kept.keep(request, path, YAHOO, "bars", found.bars, downloader, adjusted=True)
        return kept.together([actions, bars])


YAHOO = Source(
    name="yahoo",
    address="https://query1.finance.yahoo.com",
    gives="daily bars, dividends, splits",
    kinds=frozenset({"prices", "actions"}),
    classes=frozenset({"stock", "etf"}),
    terms="personal use, no redistribution",
    terms_url="https://legal.yahoo.com/us/en/yahoo/terms/otos/index.html",
    fetch=fetch,
    contract=Contract(
        source="Yahoo",
        probe=Probe(path="/v8/finance/chart/SPY", parameters={"range": "5d", "interval": "1d"}),
        needs="chart as JSON",
        form=lambda answer: b'"chart"' in answer.content,
    ),
)
