"""FINSABER-2's data set of S&P 500 stocks on the Hugging Face hub: Parquet by year.

Of each file only the groups of rows in which a symbol is are downloaded.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from investorbench_env.market.files import store
from investorbench_env.market.sources import hub, kept
from investorbench_env.market.sources.http import Downloader, DownloadError, NotThereError
from investorbench_env.market.sources.source import (
    FetchOutcome,
    FetchRequest,
    Kind,
    Progress,
    Source,
)

if TYPE_CHECKING:
    import pandas as pd

REPOSITORY = "finsaber-team/FINSABER-V2-Data"
FIRST, LAST = date(2000, 1, 3), date(2025, 12, 31)
YEAR = re.compile(r"(?:^|/)(\w+)/year=(\d{4})/[^/]+\.parquet$")
BYTES_A_YEAR: dict[Kind, int] = {
    "prices": 8_000_000,
    "news": 120_000_000,
    "filings": 180_000_000,
}
"""Of whole files: they are in the order of dates, so that most groups hold a large stock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YearlyFiles:
    """One of the tables of the data set.

    Attributes:
        folder: of its files.
        columns: its columns to those of this package's files.
        form: of the filings in it.
    """

    folder: str
    columns: dict[str, str]
    form: str = ""


FILING = {"date": "filing_date", "filing_text": "text", "accession": "accession"}
TABLES: dict[Kind, tuple[str, tuple[YearlyFiles, ...]]] = {
    "prices": (
        "bars",
        (
            YearlyFiles(
                folder="price_daily",
                columns={
                    "date": "date",
                    "open": "open",
                    "high": "high",
                    "low": "low",
                    "close": "close",
                    "adjusted_close": "adj_close",
                    "volume": "volume",
                },
            ),
        ),
    ),
    "news": (
        "news",
        (YearlyFiles(folder="news_items", columns={"date": "date", "news_text": "headline"}),),
    ),
    "filings": (
        "filings",
        (
            YearlyFiles(folder="filingk", columns=FILING, form="10-K"),
            YearlyFiles(folder="filingq", columns=FILING, form="10-Q"),
        ),
    ),
}
"""The kind of file and the tables of each kind of data."""


def rows(downloader: Downloader, url: str, table: YearlyFiles, symbol: str) -> "pd.DataFrame":
    """The rows about a symbol of one file, with the columns of this package's files.

    Raises:
        DownloadError: it is no Parquet of that form.
    """
    import pandas as pd

    names = list(dict.fromkeys((symbol, symbol.replace(".", "-"), symbol.replace("-", "."))))
    found = hub.groups_with(downloader, url, "symbol", names, list(table.columns))
    parts = list(hub.rows_about(found, "symbol", names, list(table.columns)))
    frame = pd.concat(parts) if parts else pd.DataFrame(columns=list(table.columns))
    frame = frame.rename(columns=table.columns)
    day = table.columns["date"]
    try:
        frame[day] = pd.to_datetime(frame[day].astype(str).str[:10], format="%Y-%m-%d")
        for name in frame.columns.intersection(["open", "high", "low", "close", "adj_close"]):
            frame[name] = frame[name].astype(float)
    except ValueError as error:
        raise DownloadError(f"{url}: a column of another form ({error})") from error
    frame.insert(1, "symbol", symbol)
    if table.form:
        frame.insert(2, "form", table.form)
        frame["item"] = "FULL"
    frame["source"] = FINSABER_V2.contract.source
    return frame


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put what is wanted of a symbol into the folder of a request, file by file."""
    listed: dict[tuple[str, int], hub.HubFile] = {}
    with FINSABER_V2.downloader(request) as downloader:
        outcomes = [
            _fetch_kind(request, kind, listed, downloader, progress)
            for kind in sorted(FINSABER_V2.serves(request))
        ]
    return kept.together(outcomes)


def _fetch_kind(
    request: FetchRequest,
    kind: Kind,
    listed: dict[tuple[str, int], hub.HubFile],
    downloader: Downloader,
    progress: Progress,
) -> FetchOutcome:
    """One kind of data; the list of files is asked for once."""
    form, tables = TABLES[kind]
    path = request.into / kind / f"{kept.file_name(request.symbol)}_finsaber-v2.parquet"
    with store.only_one(path):
        request, there = kept.needed(request, path, FINSABER_V2)
        if there:
            return there
        if not listed:
            listed.update(_by_year(hub.files(downloader, REPOSITORY)))
        pieces = kept.pieces_folder(request, FINSABER_V2) / kind
        first = request.first_of(kind)
        wanted = [
            (table, year, listed[table.folder, year])
            for table in tables
            for year in range(first.year, request.last.year + 1)
            if (table.folder, year) in listed
        ]
        if not wanted:
            span = f"{first.year} to {request.last.year}"
            raise NotThereError(f"{REPOSITORY}: no {kind} of {span}")
        frames = []
        for done, (table, year, file) in enumerate(wanted):
            what = f"{request.symbol} {table.folder} of {year}, within {file.size / 1e6:,.0f} MB"
            progress(done, len(wanted), what)
            get = partial(rows, downloader, file.url, table, request.symbol)
            frames.append(_piece(downloader, pieces / f"{table.folder}_{year}.parquet", get))
        progress(len(wanted), len(wanted), f"{request.symbol} {kind} from FINSABER-2")
        table = _together(frames, first, request.last)
        if not len(table):
            raise NotThereError(f"{REPOSITORY}: no {kind} of {request.symbol}")
        outcome = kept.keep(request, path, FINSABER_V2, form, table, downloader)
        shutil.rmtree(pieces, ignore_errors=True)
        return outcome


def _piece(downloader: Downloader, path: Path, get: "partial[pd.DataFrame]") -> "pd.DataFrame":
    return kept.piece_of(downloader, path, get)


def _together(frames: Sequence["pd.DataFrame"], first: date, last: date) -> "pd.DataFrame":
    """All pieces in order, cut to the days that are wanted."""
    import pandas as pd

    held = [frame for frame in frames if len(frame)] or list(frames[:1])
    table = pd.concat(held, ignore_index=True)
    day = "filing_date" if "filing_date" in table else "date"
    within = table[day].between(pd.Timestamp(first), pd.Timestamp(last))
    return table[within].drop_duplicates().sort_values(day, kind="stable", ignore_index=True)


def _by_year(files: Sequence[hub.HubFile]) -> dict[tuple[str, int], hub.HubFile]:
    found = {}
    for file in files:
        if match := YEAR.search(file.path):
            found[match[1], int(match[2])] = file
    if not found:
        raise DownloadError(f"{REPOSITORY}: no files of the form TABLE/year=YYYY/….parquet")
    return found


def _size(request: FetchRequest) -> int:
    """At most so many bytes are downloaded, of 8 GB in all."""
    years = min(request.last, LAST).year - max(request.first, FIRST).year + 1
    return max(0, years) * sum(BYTES_A_YEAR[kind] for kind in FINSABER_V2.serves(request))


FINSABER_V2 = Source(
    name="finsaber_v2",
    address=hub.ENDPOINT,
    address_variable=hub.VARIABLE,
    token=hub.TOKEN,
    gives="daily bars, news, 10-K, 10-Q of 839 stocks of the S&P 500",
    kinds=frozenset(TABLES),
    classes=frozenset({"stock"}),
    begins=FIRST,
    ends=LAST,
    terms="licence 'other': the terms of the providers of its prices, news and filings",
    terms_url=f"{hub.SHORT}/{REPOSITORY}",
    forbids=frozenset({"commercial", "publishing"}),
    fetch=fetch,
    size=_size,
    contract=hub.contract("FINSABER-2", REPOSITORY),
)
