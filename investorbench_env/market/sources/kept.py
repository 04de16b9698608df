"""What fetching keeps: whole files with their provenance, and the pieces of those not yet whole."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files import index, store
from investorbench_env.market.sources import edgar
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.http import Downloader, DownloadError, Politeness

if TYPE_CHECKING:
    import pandas as pd

PARTIAL = ".partial"

Status = Literal["fetched", "already there", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to fetch.

    Attributes:
        symbol: one asset.
        asset_class: the name of its class.
        first: first day.
        last: last day.
        into: the folder.
        contact: name and e-mail for the SEC, or empty.
        anew: fetch also what is there already.
        politeness: pace and patience, or None for each source's own.
    """

    symbol: str
    asset_class: str
    first: date
    last: date
    into: Path
    contact: str = ""
    anew: bool = False
    politeness: Politeness | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of asking one source for one symbol."""

    symbol: str
    source: str
    status: Status
    path: Path | None = None
    rows: int = 0
    note: str = ""


def needed(order: Order, path: Path, source: str) -> tuple[Order, Outcome | None]:
    """The order widened to what the file holds already, or the outcome that nothing is needed."""
    if order.anew or not store.is_whole(path):
        return order, None
    said = store.read_provenance(path)
    first, last = (date.fromisoformat(said["asked"][end]) for end in ("first", "last"))
    if first <= order.first and order.last <= last:
        return order, Outcome(
            symbol=order.symbol,
            source=source,
            status="already there",
            path=path,
            rows=int(said.get("rows", 0)),
        )
    return replace(order, first=min(first, order.first), last=max(last, order.last)), None


def keep(
    order: Order,
    path: Path,
    source: str,
    kind: str,
    frame: "pd.DataFrame",
    downloader: Downloader,
    *,
    adjusted: bool = False,
) -> Outcome:
    """Write a table and where it came from."""
    import pyarrow as pa

    if kind == "bars" and not len(frame):
        raise DownloadError(f"{source}, {order.symbol}: no bars from {order.first} to {order.last}")
    about: dict[str, Any] = {"kind": kind, "source": source, "symbols": [order.symbol]}
    if adjusted:
        about["adjusted_to"] = datetime.now(UTC).date().isoformat()
    digest = store.write_parquet(path, pa.Table.from_pandas(frame, preserve_index=False), about)
    dates = frame["filing_date" if kind == "filings" else "date"]
    record(order, path, source, digest, [str(day)[:10] for day in dates], downloader)
    return Outcome(symbol=order.symbol, source=source, status="fetched", path=path, rows=len(frame))


def record(
    order: Order,
    path: Path,
    source: str,
    digest: str,
    days: Sequence[str],
    downloader: Downloader,
) -> None:
    """Put beside a file where it came from."""
    store.write_provenance(
        path,
        {
            "file": path.name,
            "sha256": digest,
            "symbol": order.symbol,
            "source": source,
            "terms": SOURCES[source].terms,
            "asked": {"first": order.first.isoformat(), "last": order.last.isoformat()},
            "rows": len(days),
            "first": min(days, default=""),
            "last": max(days, default=""),
            "requests": downloader.records,
        },
    )


def piece_of(
    downloader: Downloader, kept: Path, get: Callable[[], "pd.DataFrame"]
) -> "pd.DataFrame":
    """A piece that an earlier run kept, or a new one, kept for the next; with its requests."""
    import pandas as pd
    import pyarrow as pa

    if kept.exists():
        downloader.records += index.data_file(kept).metadata["requests"]
        return pd.read_parquet(kept)
    before = len(downloader.records)
    piece = get()
    table = pa.Table.from_pandas(piece, preserve_index=False)
    store.write_parquet(kept, table, {"requests": downloader.records[before:]})
    return piece


def report_of(order: Order, downloader: Downloader, filing: edgar.Filing) -> dict[str, Any]:
    """A report that an earlier run kept, or a new one, kept for the next; with its requests."""
    kept = pieces_folder(order, "edgar") / f"{filing.accession}.json"
    if kept.exists():
        said = json.loads(kept.read_text(encoding="utf-8"))
        downloader.records += said["requests"]
        known: dict[str, Any] = said["report"]
        return known
    before = len(downloader.records)
    report = edgar.fetch(downloader, filing)
    said = {"report": report, "requests": downloader.records[before:]}
    store.write_atomic(kept, json.dumps(said, ensure_ascii=False).encode())
    return report


def rows_by_accession(path: Path) -> dict[str, dict[str, Any]]:
    """The reports that a file holds already; none where it is not whole."""
    import pandas as pd

    try:
        if not store.is_whole(path):
            return {}
    except CorruptDataError:
        return {}
    return {str(row["accession"]): row for row in pd.read_parquet(path).to_dict("records")}


def joined(pieces: Iterable["pd.DataFrame"]) -> "pd.DataFrame":
    """All pieces in the order of their dates."""
    import pandas as pd

    held = [piece for piece in pieces if len(piece)]
    if not held:
        return pd.DataFrame({"date": [], "headline": []})
    return pd.concat(held, ignore_index=True).sort_values("date", kind="stable")


def pieces_folder(order: Order, source: str) -> Path:
    """Where pieces wait until all are there; hidden, so that nobody takes them for data."""
    return order.into / PARTIAL / source / plain(order.symbol)


def plain(symbol: str) -> str:
    """A symbol as a file name: nothing that could leave the folder."""
    return "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in symbol)
