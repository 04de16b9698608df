"""FINSABER's file of five stocks on the Hugging Face hub: prices, headlines, 10-K and 10-Q by date.

The file is a pickle, which is read as plain data alone. It is downloaded once for all five stocks.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files import store
from investorbench_env.market.files.restricted_pickle import read_pickle
from investorbench_env.market.sources import hub, kept
from investorbench_env.market.sources.http import Downloader
from investorbench_env.market.sources.source import (
    FetchOutcome,
    FetchRequest,
    Kind,
    Progress,
    Source,
)

if TYPE_CHECKING:
    import pandas as pd

REPOSITORIES = ("waylonli/FINSABER-data", "finsaber-team/FINSABER-reproduce")
"""The same data set under its first and its later name."""
FILES = (
    "stock_data_cherrypick_2000_2024.pkl",
    "stock_data_cherrypick_2000_2024_v2.pkl",
)
FIRST, LAST = date(2000, 1, 1), date(2024, 12, 31)
"""Between which its days are."""
SIZE = 53_000_000
PRICES = {
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "adjusted_close": "adj_close",
    "volume": "volume",
}
FORMS = {"filing_k": "10-K", "filing_q": "10-Q"}
PublishedDays = Mapping[date, Mapping[str, Any]]


def days_in(content: bytes, place: object) -> PublishedDays:
    """The entries of the pickle by date, in order.

    Raises:
        CorruptDataError: it is no pickle of plain data, or of another form.
    """
    days = read_pickle(content, place)
    if not isinstance(days, dict) or not days:
        raise CorruptDataError(f"{place}: no dict of days, but {type(days).__name__}")
    for day, entry in days.items():
        if not isinstance(day, date) or not isinstance(entry, dict):
            raise CorruptDataError(f"{place}: {day!r:.40} is no date with a dict")
        for name, by_symbol in entry.items():
            if not isinstance(by_symbol, dict):
                raise CorruptDataError(f"{place}, {day}: {name!r:.40} is no dict by symbol")
    by_day = {day.date() if isinstance(day, datetime) else day: days[day] for day in days}
    return dict(sorted(by_day.items()))


def bars(days: PublishedDays, symbol: str, place: object) -> "pd.DataFrame":
    """Daily bars as traded, with the adjusted close, each row with its source.

    Raises:
        CorruptDataError: a price that is no number; the message names the date.
    """
    import pandas as pd

    rows = []
    for day, bar in _about(days, "price", symbol):
        if not isinstance(bar, dict):
            raise CorruptDataError(f"{place}, {day}: the price of {symbol} is {bar!r:.40}")
        row = [bar.get(name) for name in PRICES]
        for name, value in zip(PRICES, row, strict=True):
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                raise CorruptDataError(f"{place}, {day}: {name} of {symbol} is {value!r:.40}")
        rows.append((day, symbol, *row))
    frame = pd.DataFrame(rows, columns=["date", "symbol", *PRICES.values()])
    frame["date"] = pd.to_datetime(frame["date"])
    for name in PRICES.values():
        frame[name] = frame[name].astype(float)
    frame["source"] = FINSABER.contract.source
    return frame


def news(days: PublishedDays, symbol: str, place: object) -> "pd.DataFrame":
    """Headlines by date, without any time of day.

    Raises:
        CorruptDataError: an item that is no text; the message names the date.
    """
    return _texts(days, "news", symbol, place, "headline")


def filings(days: PublishedDays, symbol: str, place: object) -> "pd.DataFrame":
    """10-K and 10-Q by the date at which they stand.

    Raises:
        CorruptDataError: a filing that is no text; the message names the date.
    """
    import pandas as pd

    parts = []
    for name, form in FORMS.items():
        part = _texts(days, name, symbol, place, "text").rename(columns={"date": "filing_date"})
        part.insert(1, "form", form)
        parts.append(part)
    return pd.concat(parts, ignore_index=True).sort_values("filing_date", kind="stable")


def _texts(
    days: PublishedDays, name: str, symbol: str, place: object, column: str
) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for day, items in _about(days, name, symbol):
        for item in dict.fromkeys([items] if isinstance(items, str) else items or ()):
            if not isinstance(item, str):
                raise CorruptDataError(f"{place}, {day}: {name} of {symbol} has {item!r:.40}")
            if item.strip():
                rows.append((day, symbol, item.strip()))
    frame = pd.DataFrame(rows, columns=["date", "symbol", column])
    frame["date"] = pd.to_datetime(frame["date"])
    frame["source"] = FINSABER.contract.source
    return frame


def _about(days: PublishedDays, name: str, symbol: str) -> Iterator[tuple[date, Any]]:
    """What each day has of a symbol; a number stands where pandas had nothing."""
    for day, entry in days.items():
        found = entry.get(name, {}).get(symbol)
        if found is not None and found == found:
            yield day, found


PARTS: dict[Kind, tuple[str, str, Callable[..., "pd.DataFrame"]]] = {
    "prices": ("prices", "bars", bars),
    "news": ("news", "news", news),
    "filings": ("filings", "filings", filings),
}
"""The folder, the kind of file and the reader of each kind of data."""


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put what is wanted of a symbol into the folder of a request."""
    # The data set does not change, so a request for other days needs no second download.
    any_days = replace(request, first=FIRST, last=FIRST)
    outcomes: dict[Kind, FetchOutcome] = {}
    folder = request.into / kept.PARTIAL / FINSABER.name
    with store.only_one(request.into / FINSABER.name):
        missing: list[tuple[Kind, Path]] = []
        for kind in sorted(FINSABER.serves(request)):
            name = f"{kept.file_name(request.symbol)}_finsaber.parquet"
            path = request.into / PARTS[kind][0] / name
            _, there = kept.needed(any_days, path, FINSABER)
            if there:
                outcomes[kind] = there
            else:
                missing.append((kind, path))
        if missing:
            with FINSABER.downloader(request) as downloader:
                days, place = _download(downloader, folder, progress)
                whole = replace(request, first=FIRST, last=max(days))
                for kind, path in missing:
                    _, form, read = PARTS[kind]
                    frame = read(days, request.symbol, place)
                    outcomes[kind] = kept.keep(whole, path, FINSABER, form, frame, downloader)
    return kept.together(list(outcomes.values()))


def _download(
    downloader: Downloader, folder: Path, progress: Progress
) -> tuple[PublishedDays, str]:
    file = hub.under_a_name(
        REPOSITORIES, lambda name: hub.named(hub.files(downloader, name), name, *FILES)
    )
    say = partial(_say, progress, file.path.rsplit("/", 1)[-1])
    content = hub.whole(downloader, file, folder, say)
    say(file.size, file.size)
    return days_in(content, file.url), file.url


def _say(progress: Progress, name: str, done: int, total: int) -> None:
    progress(done, total, f"{name}, {total / 1e6:,.0f} MB")


FINSABER = Source(
    name="finsaber",
    address=hub.ENDPOINT,
    address_variable=hub.VARIABLE,
    token=hub.TOKEN,
    gives="daily bars, headlines, 10-K, 10-Q of five stocks",
    kinds=frozenset(PARTS),
    classes=frozenset({"stock"}),
    symbols=frozenset({"TSLA", "AMZN", "MSFT", "NFLX", "COIN"}),
    begins=FIRST,
    ends=LAST,
    terms="Apache-2.0; its news and filings belong to their publishers",
    terms_url=f"{hub.SHORT}/{REPOSITORIES[0]}",
    fetch=fetch,
    size=lambda request: SIZE,
    contract=hub.contract("FINSABER", REPOSITORIES[0]),
)
