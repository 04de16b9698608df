"""What fetching keeps: whole files with their provenance, and the pieces of those not yet whole."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from investorbench_env.market.files import index, store
from investorbench_env.market.sources.http import Downloader, DownloadError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Source

if TYPE_CHECKING:
    import pandas as pd

PARTIAL = ".partial"


def needed(
    request: FetchRequest, path: Path, source: Source
) -> tuple[FetchRequest, FetchOutcome | None]:
    """The request widened to what the file holds already, or the outcome that nothing is needed."""
    if request.again or not store.is_whole(path):
        return request, None
    provenance = store.read_provenance(path)
    first, last = (date.fromisoformat(provenance["asked"][end]) for end in ("first", "last"))
    if first <= request.first and request.last <= last:
        rows = int(provenance.get("rows", 0))
        return request, source.outcome(request, "already there", path=path, rows=rows)
    return replace(request, first=min(first, request.first), last=max(last, request.last)), None


def keep(
    request: FetchRequest,
    path: Path,
    source: Source,
    kind: str,
    frame: "pd.DataFrame",
    downloader: Downloader,
    *,
    adjusted: bool = False,
) -> FetchOutcome:
    """Write a table and where it came from."""
    import pyarrow as pa

    if kind == "bars" and not len(frame):
        span = f"from {request.first} to {request.last}"
        raise DownloadError(f"{source.name}, {request.symbol}: no bars {span}")
    about: dict[str, Any] = {"kind": kind, "source": source.name, "symbols": [request.symbol]}
    if adjusted:
        about["adjusted_to"] = datetime.now(UTC).date().isoformat()
    digest = store.write_parquet(path, pa.Table.from_pandas(frame, preserve_index=False), about)
    dates = frame["filing_date" if kind == "filings" else "date"]
    record(request, path, source, digest, [str(day)[:10] for day in dates], downloader)
    return source.outcome(request, "fetched", path=path, rows=len(frame))


def record(
    request: FetchRequest,
    path: Path,
    source: Source,
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
            "symbol": request.symbol,
            "source": source.name,
            "terms": source.terms,
            "asked": {"first": request.first.isoformat(), "last": request.last.isoformat()},
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


def in_order(pieces: Iterable["pd.DataFrame"]) -> "pd.DataFrame":
    """All pieces in the order of their dates."""
    import pandas as pd

    held = [piece for piece in pieces if len(piece)]
    if not held:
        return pd.DataFrame({"date": [], "headline": []})
    return pd.concat(held, ignore_index=True).sort_values("date", kind="stable")


def pieces_folder(request: FetchRequest, source: Source) -> Path:
    """Where pieces wait until all are there; hidden, so that they are not taken for data."""
    return request.into / PARTIAL / source.name / file_name(request.symbol)


def file_name(symbol: str) -> str:
    """A symbol as a file name: nothing that could leave the folder."""
    return "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in symbol)
