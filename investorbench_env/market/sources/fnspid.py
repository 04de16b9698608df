"""FNSPID: news of US stocks from 1999 to 2023, by its conversions to Parquet on the hub.

The data set itself is 29 GB of CSV. The hub has converted its beginning, others the whole; of
either only the groups of rows in which a symbol is are downloaded, and their size is shown first.

Its times cannot be trusted: nearly all are midnight, and of the others a large part is eight hours
early, for New York's distance to UTC was taken away where it had to be added. Only dates are kept.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from investorbench_env.market.files import store
from investorbench_env.market.sources import hub, kept
from investorbench_env.market.sources.http import (
    Downloader,
    DownloadError,
    NotReachedError,
    NotThereError,
)
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

if TYPE_CHECKING:
    import pandas as pd

REPOSITORIES = ("Zihan1004/FNSPID", "sabareesh88/FNSPID_nasdaq_sorted")
"""The data set, of which the hub has converted some 5 GB, and a whole one in order of symbols."""
SYMBOL = "Stock_symbol"
COLUMNS = {"Date": "date", "Article_title": "headline", "Lsa_summary": "text", "Url": "url"}
MOST_EARLY = timedelta(hours=10)
"""By how much a time may be too early: twice New York's distance to UTC in winter."""
FIRST, LAST = date(1999, 1, 1), date(2023, 12, 31)
SIZE = 50_000_000
"""About so many bytes are downloaded of a stock that is much in the news."""
MOST_BYTES, MOST_GROUPS = 2 << 30, 2000
"""A symbol that is spread over more than that is left to the data set's own tools."""


def found_in(downloader: Downloader, repository: str, symbol: str) -> list[hub.Found]:
    """Where in a conversion a symbol may be, by the files' tables of contents.

    Raises:
        DownloadError: there is no conversion, or of another form.
    """
    listed = hub.conversions(downloader, repository)
    addresses = [url for splits in listed.values() for part in splits.values() for url in part]
    found = [hub.groups_with(downloader, url, SYMBOL, [symbol], list(COLUMNS)) for url in addresses]
    size, groups = sum(part.size for part in found), sum(len(part.groups) for part in found)
    if size > MOST_BYTES or groups > MOST_GROUPS:
        raise DownloadError(
            f"{repository}: {symbol} may be anywhere in {size / 1e9:,.1f} GB of {groups:,} groups "
            "of rows; fetch the data set with Hugging Face's own tools, or name another source"
        )
    return [part for part in found if part.groups]


def news(found: hub.Found, symbol: str) -> "pd.DataFrame":
    """The news about a symbol in one file: date, symbol, headline, text, url, source.

    Raises:
        DownloadError: a date of another form.
    """
    import pandas as pd

    parts = list(hub.rows_about(found, SYMBOL, [symbol], list(COLUMNS)))
    frame = pd.concat(parts) if parts else pd.DataFrame(columns=list(COLUMNS))
    frame = frame.rename(columns=COLUMNS).dropna(subset=["date", "headline"])
    frame["date"] = _dates(frame["date"])
    frame.insert(1, "symbol", symbol)
    frame["source"] = "FNSPID"
    return frame.drop_duplicates(["date", "headline"], ignore_index=True)


def _dates(written: "pd.Series[Any]") -> "pd.Series[Any]":
    """The dates in New York on which the news was out for certain, however early its times are.

    Raises:
        DownloadError: a date of another form.
    """
    import pandas as pd

    try:
        times = pd.to_datetime(
            written.astype(str).str.removesuffix(" UTC"), format="ISO8601", utc=True
        )
    except ValueError as error:
        raise DownloadError(f"FNSPID: a date of another form ({error})") from error
    days = times.dt.tz_localize(None).dt.normalize()
    latest = (times + MOST_EARLY).dt.tz_convert("America/New_York").dt.tz_localize(None)
    return days.where(days == times.dt.tz_localize(None), latest.dt.normalize())


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put all news of a symbol into the folder of a request, file by file."""
    path = request.into / "news" / f"{kept.file_name(request.symbol)}_fnspid.parquet"
    whole = replace(request, first=FIRST, last=LAST)
    with store.only_one(path), FNSPID.downloader(request) as downloader:
        whole, there = kept.needed(whole, path, FNSPID)
        if there:
            return there
        folder = kept.pieces_folder(request, FNSPID)
        frames: list[pd.DataFrame] = []
        for number, repository in enumerate(REPOSITORIES):
            try:
                frames = list(_pieces(downloader, repository, request, progress))
            except NotReachedError:
                raise
            except DownloadError:  # it is gone, or too spread out here
                if number == len(REPOSITORIES) - 1:
                    raise
            if any(map(len, frames)):
                break
        else:
            raise NotThereError(f"FNSPID: no news of {request.symbol}")
        table = kept.in_order(frames).drop_duplicates(["date", "headline"])
        outcome = kept.keep(whole, path, FNSPID, "news", table, downloader)
        shutil.rmtree(folder, ignore_errors=True)
        return outcome


def _pieces(
    downloader: Downloader, repository: str, request: FetchRequest, progress: Progress
) -> Iterator["pd.DataFrame"]:
    folder = kept.pieces_folder(request, FNSPID)
    name = repository.replace("/", "_")
    progress(0, 1, f"where {request.symbol} is in {repository}")
    found = found_in(downloader, repository, request.symbol)
    size = sum(part.size for part in found)
    for done, part in enumerate(found):
        progress(done, len(found), f"{request.symbol} from FNSPID, at most {size / 1e6:,.0f} MB")
        get = partial(news, part, request.symbol)
        yield kept.piece_of(downloader, folder / f"{name}_{done}.parquet", get)
    progress(1, 1, f"{request.symbol} from {repository}")


FNSPID = Source(
    name="fnspid",
    address=hub.ENDPOINT,
    address_variable=hub.VARIABLE,
    token=hub.TOKEN,
    gives="news of 1999 to 2023, with summaries",
    kinds=frozenset({"news"}),
    classes=frozenset({"stock"}),
    begins=FIRST,
    ends=LAST,
    terms="CC BY-NC 4.0: not for commercial use",
    terms_url=f"{hub.SHORT}/{REPOSITORIES[0]}",
    forbids=frozenset({"commercial"}),
    fetch=fetch,
    size=lambda request: SIZE,
    contract=hub.contract("FNSPID", REPOSITORIES[0]),
)
