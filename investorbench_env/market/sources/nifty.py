"""NIFTY: business headlines by day, published on the Hugging Face hub beside SPY's direction.

Only the headlines are kept: its labels and percentages are the future of the day they stand at.
"""

import io
import re
import shutil
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from investorbench_env.market.files import store
from investorbench_env.market.sources import hub, kept
from investorbench_env.market.sources.http import Downloader, DownloadError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

if TYPE_CHECKING:
    import pandas as pd

REPOSITORIES = ("raeidsaqur/NIFTY", "raeidsaqur/nifty-rl")
"""The data set under both of its names."""
SIZE = 45_000_000
PARTS = ("train", "valid", "validation", "test")
FIRST, LAST = date(2010, 1, 6), date(2020, 9, 21)


def parts(downloader: Downloader) -> dict[str, list[str]]:
    """The addresses of the hub's Parquet files of the data set, by split.

    Raises:
        DownloadError: the hub lists none.
    """
    listed = hub.under_a_name(REPOSITORIES, lambda name: hub.conversions(downloader, name))
    # Of its two configurations the one for reinforcement learning holds the same days as prompts.
    in_order = sorted(listed.items(), key=lambda item: (item[0].endswith("rl"), item[0]))
    found: dict[str, list[str]] = {}
    for _, splits in in_order:
        for name, files in splits.items():
            if name in PARTS:
                found.setdefault(name, files)
    if not found:
        raise DownloadError(f"{REPOSITORIES[0]}: the hub lists none of {', '.join(PARTS)}")
    return found


def headlines(downloader: Downloader, part: str) -> "pd.DataFrame":
    """The headlines of one file: date, symbol, headline, source; without any time of day.

    Raises:
        DownloadError: the file is no Parquet, or has no news and dates in it.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = downloader.content(part)
    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise DownloadError(f"{part}: not readable as Parquet ({error})") from error
    if "news" not in table.column_names:
        raise DownloadError(f"{part}: there is no column 'news' in {table.column_names}")
    rows = [
        (_date(row), headline.strip())
        for row in table.to_pylist()
        for headline in str(row["news"] or "").split("\n")
        if headline.strip()
    ]
    frame = pd.DataFrame(rows, columns=["date", "headline"]).drop_duplicates()
    frame["date"] = pd.to_datetime(frame["date"])
    frame.insert(1, "symbol", "SPY")
    frame["source"] = "NIFTY"
    return frame


def _date(row: dict[str, Any]) -> str:
    """A row's own date, or the one that its question names."""
    if row.get("date"):
        return str(row["date"])[:10]
    asked = f"{row.get('conversations') or row.get('prompt') or row.get('query') or ''}"
    found = re.search(r"headlines from (\d{4}-\d\d-\d\d)", asked)
    if found is None:
        raise DownloadError(f"NIFTY: row {row.get('id')!r} names no date")
    return found[1]


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put all headlines into the folder of a request, file by file."""
    path = request.into / "news" / f"{kept.file_name(request.symbol)}_nifty.parquet"
    # The data set does not change, so a request for other days needs no second download.
    whole = replace(request, first=FIRST, last=LAST)
    with store.only_one(path), NIFTY.downloader(request) as downloader:
        whole, there = kept.needed(whole, path, NIFTY)
        if there:
            return there
        folder = kept.pieces_folder(request, NIFTY)
        files = [(part, file) for part, names in parts(downloader).items() for file in names]
        pieces = []
        for done, (part, file) in enumerate(files):
            progress(done, len(files), "NIFTY headlines")
            name = f"{part}_{store.sha256(file.encode())[:12]}.parquet"
            get = partial(headlines, downloader, file)
            pieces.append(kept.piece_of(downloader, folder / name, get))
        progress(len(files), len(files), "NIFTY headlines")
        news = kept.in_order(pieces).drop_duplicates(["date", "headline"])
        outcome = kept.keep(whole, path, NIFTY, "news", news, downloader)
        shutil.rmtree(folder, ignore_errors=True)
        return outcome


NIFTY = Source(
    name="nifty",
    address=hub.ENDPOINT,
    address_variable=hub.VARIABLE,
    token=hub.TOKEN,
    gives="NIFTY headlines",
    kinds=frozenset({"news"}),
    classes=frozenset({"etf"}),
    symbols=frozenset({"SPY"}),
    begins=FIRST,
    ends=LAST,
    terms="MIT; its headlines belong to their publishers",
    terms_url=f"{hub.SHORT}/{REPOSITORIES[0]}",
    fetch=fetch,
    size=lambda request: SIZE,
    contract=hub.contract("NIFTY", REPOSITORIES[0]),
)
