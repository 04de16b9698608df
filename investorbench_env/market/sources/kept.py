"""What fetching keeps: whole files with their provenance, and the pieces of those not yet whole."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.asset_classes import PERPETUAL
from investorbench_env.market.files import index, store
from investorbench_env.market.files.possible_bars import breaches, is_repeated
from investorbench_env.market.sources.coverage import FORMAT, OF_FILES
from investorbench_env.market.sources.http import DownloadError, NotThereError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Kind, Source

if TYPE_CHECKING:
    import pandas as pd

PARTIAL = f".partial/{FORMAT}"
EARLIEST, TOMORROW = "1900-01-01", timedelta(days=1)
MOMENTS = {"candles": "timestamp", "funding": "timestamp"}
"""Kinds of files whose rows have times of day, and the column of those."""
MOST_IMPOSSIBLE = 0.05
"""Share of bars: with more that cannot be, a source has another form than is known."""


class Asks(Protocol):
    """What asks, and writes down each answer: address, time, size and checksum."""

    records: list[dict[str, Any]]


def needed(
    request: FetchRequest, path: Path, source: Source
) -> tuple[FetchRequest, FetchOutcome | None]:
    """The request widened to what the file was asked for, or the outcome that nothing is needed."""
    try:
        provenance = store.read_provenance(path)
        is_whole = store.is_whole(path)
        asked = provenance["asked"]
        first, last = (date.fromisoformat(asked[end]) for end in ("first", "last"))
        intervals = [*asked.get("intervals", ())]
        rows = int(provenance["rows"])
    except (CorruptDataError, KeyError, TypeError, ValueError):
        # What stands beside it was cut off or is of another program, and is written again.
        return request, None
    wider = replace(request, first=min(first, request.first), last=max(last, request.last))
    is_ours = is_whole and provenance.get("version") == FORMAT
    has_all = not intervals or set(request.intervals) <= set(intervals)
    if intervals:
        wider = replace(wider, intervals=tuple(dict.fromkeys((*intervals, *request.intervals))))
    if request.again or not is_ours or not has_all or (wider.first, wider.last) != (first, last):
        return wider, None
    return request, source.outcome(request, "already there", paths=(path,), rows=rows)


def keep(
    request: FetchRequest,
    path: Path,
    source: Source,
    kind: str,
    frame: "pd.DataFrame",
    downloader: Asks,
    *,
    adjusted: bool = False,
    kinds: Collection[Kind] = (),
) -> FetchOutcome:
    """Write a table and where it came from.

    Args:
        request: what was asked for, with all days that the table has been asked for.
        path: the file.
        source: where it came from.
        kind: of the file: ``"bars"``, ``"candles"``, ``"funding"``, ``"actions"``, ``"news"`` or
            ``"filings"``.
        frame: its rows.
        downloader: what asked.
        adjusted: whether prices are divided by the splits up to today.
        kinds: of data that it holds, where they are not those of the file.
    """
    import pyarrow as pa

    note = ""
    if kind == "bars":
        frame, note = _possible(frame, request, source)
    if kind == "candles":
        frame, note = _possible_candles(frame, request, source)
    if kind == "actions":
        _check_amounts(frame, request, source)
    if kind in ("news", "filings"):
        frame, note = _dated(frame)
    if kind in MOMENTS:
        frame = frame.assign(date=frame["date"].dt.tz_localize("UTC"))
        frame = frame.rename(columns={"date": "timestamp"})
    about: dict[str, Any] = {"kind": kind, "source": source.name, "symbols": [request.symbol]}
    if adjusted:
        about["adjusted_to"] = datetime.now(UTC).date().isoformat()
    digest = store.write_parquet(path, pa.Table.from_pandas(frame, preserve_index=False), about)
    dates = frame[{"filings": "filing_date", **MOMENTS}.get(kind, "date")]
    days = [str(day)[:10] for day in dates]
    record(request, path, source, digest, days, downloader, kinds or OF_FILES[kind])
    return source.outcome(request, "fetched", paths=(path,), rows=len(frame), note=note)


def _possible(
    frame: "pd.DataFrame", request: FetchRequest, source: Source
) -> "tuple[pd.DataFrame, str]":
    """The bars of the wanted days, one a day, each of them possible, and which were left out.

    Raises:
        DownloadError: none is left, or so many cannot be that none is to be trusted.
    """
    import pandas as pd

    about = f"{source.contract.source}, {request.symbol}"
    rows = frame.dropna(subset=["date", "close"]).sort_values("date", kind="stable")
    end = pd.Timestamp(request.last + TOMORROW)
    rows = rows[rows["date"].between(pd.Timestamp(request.first), end, inclusive="left")]
    rows = rows[~is_repeated(rows)].reset_index(drop=True)
    if not len(rows):
        raise NotThereError(f"{about}: no bars from {request.first} to {request.last}")
    bad = pd.Series(False, index=rows.index)
    sentences = []
    for breach in breaches(rows):
        bad |= breach.rows
        sentences.append(breach.sentence(rows[breach.rows].iloc[0]))
    if not bad.any():
        return rows, ""
    days, given = rows.loc[bad, "date"].unique(), rows["date"].nunique()
    if len(days) > max(1, MOST_IMPOSSIBLE * given):
        raise DownloadError(f"{about}: bars of {len(days)} days cannot be: {sentences[0]}")
    left = rows[~rows["date"].isin(days)].reset_index(drop=True)
    if not len(left):
        raise DownloadError(f"{about}: its only bar cannot be: {sentences[0]}")
    return left, f"left out what cannot be: {'; '.join(sentences)}"


def _possible_candles(
    frame: "pd.DataFrame", request: FetchRequest, source: Source
) -> "tuple[pd.DataFrame, str]":
    """The candles of the wanted days, of each length those that are possible."""
    import pandas as pd

    found = [_possible(part, request, source) for _, part in frame.groupby("interval", sort=False)]
    return pd.concat([part for part, _ in found]), "; ".join(note for _, note in found if note)


def _dated(frame: "pd.DataFrame") -> "tuple[pd.DataFrame, str]":
    """The texts at a date that a reader takes, and how many were left out."""
    import pandas as pd

    earliest, latest = pd.Timestamp(EARLIEST), pd.Timestamp(datetime.now(UTC).date()) + TOMORROW
    is_dated = pd.Series(True, index=frame.index)
    for name in ("date", "filing_date", "timestamp", "accepted"):
        if name in frame:
            moments = pd.to_datetime(frame[name], utc=True).dt.tz_localize(None)
            is_dated &= moments.between(earliest, latest)
    many = int((~is_dated).sum())
    return frame[is_dated], f"left out {many:,} without a date of the past" if many else ""


def _check_amounts(frame: "pd.DataFrame", request: FetchRequest, source: Source) -> None:
    """Hold dividends and splits to what a reader takes: without one of them no price is right.

    Raises:
        DownloadError: an amount is no number above nothing.
    """
    amounts = frame["amount"].to_numpy(dtype=float)
    wrong = frame[~(np.isfinite(amounts) & (amounts > 0))]
    if len(wrong):
        row = wrong.iloc[0]
        raise DownloadError(
            f"{source.contract.source}, {request.symbol}: a {row['action']} of {row['amount']} on "
            f"{row['date']:%Y-%m-%d} cannot be"
        )


def together(outcomes: Sequence[FetchOutcome]) -> FetchOutcome:
    """What a source that writes several files gave in all."""
    fetched = any(outcome.status == "fetched" for outcome in outcomes)
    return replace(
        outcomes[0],
        status="fetched" if fetched else outcomes[0].status,
        paths=tuple(path for outcome in outcomes for path in outcome.paths),
        rows=sum(outcome.rows for outcome in outcomes),
        note="; ".join(dict.fromkeys(outcome.note for outcome in outcomes if outcome.note)),
    )


def record(
    request: FetchRequest,
    path: Path,
    source: Source,
    digest: str,
    days: Sequence[str],
    downloader: Asks,
    kinds: Collection[Kind],
) -> None:
    """Put beside a file where it came from, and under which terms.

    Args:
        request: all days for which the file was asked.
        path: the file.
        source: where it came from.
        digest: its SHA-256.
        days: of its rows.
        downloader: what asked.
        kinds: of data that it holds.
    """
    terms = path.parent / f"{source.name}{index.TERMS}"
    text = source.terms_text.encode()
    if not terms.exists() or terms.read_bytes() != text:
        store.write_atomic(terms, text)
    first = min(request.first_of(kind) for kind in kinds)
    is_of_candles = request.asset_class == PERPETUAL.name and "prices" in kinds
    store.write_provenance(
        path,
        {
            "version": FORMAT,
            "file": path.name,
            "sha256": digest,
            "symbol": request.symbol,
            "asset_class": request.asset_class,
            "kinds": sorted(kinds),
            "source": source.name,
            "terms": source.terms,
            "terms_url": source.terms_url,
            "asked": {
                "first": request.first.isoformat(),
                "last": request.last.isoformat(),
                **({"intervals": list(request.intervals)} if is_of_candles else {}),
            },
            "covers": {
                "first": max(first, source.begins or date.min).isoformat(),
                "last": min(request.last, source.ends or date.max).isoformat(),
            },
            "rows": len(days),
            "first": min(days, default=""),
            "last": max(days, default=""),
            "requests": downloader.records,
        },
    )


def piece_of(downloader: Asks, kept: Path, get: Callable[[], "pd.DataFrame"]) -> "pd.DataFrame":
    """A piece that an earlier run kept, or a new one, kept for the next; with its requests."""
    import pandas as pd
    import pyarrow as pa

    if kept.exists():
        with contextlib.suppress(CorruptDataError, KeyError, OSError, ValueError):
            piece = pd.read_parquet(kept)
            downloader.records += index.data_file(kept).metadata["requests"]
            return piece
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
