"""NIFTY: business headlines by day, published on the Hugging Face hub beside SPY's direction.

Only the headlines are kept: its labels and percentages are the future of the day they stand at.
"""

import io
import re
from typing import TYPE_CHECKING, Any

from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.http import Downloader, DownloadError, base_url

if TYPE_CHECKING:
    import pandas as pd

REPOSITORY = "raeidsaqur/NIFTY"
SPLITS = ("train", "valid", "validation", "test")


def parts(downloader: Downloader, *, address: str | None = None) -> dict[str, list[str]]:
    """The addresses of the hub's Parquet files of the data set, by split.

    Raises:
        DownloadError: the hub lists none.
    """
    url = address or base_url("nifty", SOURCES["nifty"].address)
    listed = downloader.json(f"{url}/api/datasets/{REPOSITORY}/parquet")
    configurations = listed.values() if isinstance(listed, dict) else []
    found: dict[str, list[str]] = {}
    for splits in configurations:
        for name, files in splits.items():
            if name in SPLITS and name not in found:
                found[name] = [str(file) for file in files]
    if not found:
        raise DownloadError(f"the hub lists no Parquet files of {REPOSITORY}")
    return found


def fetch(downloader: Downloader, part: str) -> "pd.DataFrame":
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
