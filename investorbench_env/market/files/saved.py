"""Markets in files of their own: tidy Parquet that gives back every bit of what was saved."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import CorruptDataError, DataNotFoundError, MarketError
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.files import index, tables
from investorbench_env.market.files.column_names import MARKS
from investorbench_env.market.intervals import DAILY
from investorbench_env.market.market import FIELDS, Delisting, FloatArray, Market

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 2
READABLE = (1, 2)
"""Format 1 knew daily bars only, and called their ends decision times."""
HIDDEN = "hidden_"
STEPS = ("adj_close", "dividend", "split")
TEXTS = ("kind", "symbol", "title", "text", "sentiment", "source", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A market as two tables and what stands in neither.

    Attributes:
        bars: a row a bar and symbol: date, symbol, time, open, high, low, close, volume, adj_close,
            dividend, split, and where there are any funding, oracle, the mark's open, high, low
            and close, and the hidden state of a simulated market.
        documents: a row a text, in the order in which they became available.
        about: the rest, as plain JSON values.
        intervals: the same for bars of other lengths, by their interval.
    """

    bars: "pa.Table"
    documents: "pa.Table"
    about: dict[str, Any]
    intervals: "Mapping[str, Tables]"


def save(market: Market, folder: Path) -> Path:
    """Write a market into a folder that ``find_market`` understands; returns the file of its bars.

    The bars are replaced last and name their parts by content, so that a kill at any moment
    leaves the old market or the new one.
    """
    from investorbench_env.market.files import store

    name = "-".join("".join(c if c.isalnum() else "-" for c in s) for s in market.symbols[:6])
    path = folder / f"{name}_market.parquet"
    tables = to_tables(market)
    with store.only_one(path):
        parts: list[str] = []

        def write_part(kind: str, table: "pa.Table", about: dict[str, Any]) -> dict[str, str]:
            part = folder / f"{name}_{kind}_{market.fingerprint[:12]}.parquet"
            digest = store.write_parquet(part, table, {**about, "part_of": path.name})
            parts.append(part.name)
            return {"file": part.name, "sha256": digest}

        intervals = {}
        for interval, other in tables.intervals.items():
            about = dict(other.about)
            if len(other.documents):
                about["documents"] = write_part(f"documents-{interval}", other.documents, {})
            intervals[interval] = write_part(f"bars-{interval}", other.bars, about)
        about = {**tables.about, "intervals": intervals}
        if len(market.documents):
            about["documents"] = write_part("documents", tables.documents, {})
        digest = store.write_parquet(path, tables.bars, about)
        store.write_provenance(
            path,
            {
                "file": path.name,
                "sha256": digest,
                "source": market.source,
                "simulated": market.simulated,
                "fingerprint": market.fingerprint,
                "symbols": list(market.symbols),
                "interval": market.interval,
                "first": str(market.sessions[0]),
                "last": str(market.sessions[-1]),
                "rows": len(market.times) * len(market.symbols),
            },
        )
        for old in folder.glob(f"{name}_*.parquet"):
            if old.name not in parts and _is_part_of(path, old):
                old.unlink(missing_ok=True)
    return path


def _is_part_of(path: Path, other: Path) -> bool:
    try:
        return index.data_file(other).metadata.get("part_of") == path.name
    except CorruptDataError:
        return False


def load(path: Path) -> Market:
    """The market that was saved in a file, or the only one in a folder.

    Raises:
        DataNotFoundError: no market was saved there.
        MarketError: several were; name the file.
        CorruptDataError: a file is cut off, or a part is not the one of these bars.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = _file(path)
    about = dict(file.metadata)
    try:
        bars = pq.read_table(file.path)
        intervals = {
            interval: _market_in_part(file.path, part)
            for interval, part in about.get("intervals", {}).items()
        }
        documents = _documents_of(file.path, about)
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptDataError(f"{file.path}: not readable, cut off? ({error})") from error
    return from_tables(bars, documents, about, origin=str(file.path), intervals=intervals)


def _market_in_part(path: Path, part: Mapping[str, str]) -> Market:
    """Bars of another length, saved beside those of a file."""
    table = _part(path, part)
    about = json.loads(table.schema.metadata[tables.METADATA_KEY])
    documents = _documents_of(path, about)
    return from_tables(table, documents, about, origin=str(path.with_name(part["file"])))


def _documents_of(path: Path, about: Mapping[str, Any]) -> "pa.Table | None":
    named = about.get("documents")
    if named is None:
        return None
    if isinstance(named, str):  # as format 1 named them
        named = {"file": named, "sha256": about["documents_sha256"]}
    return _part(path, named)


def _part(path: Path, part: Mapping[str, str]) -> "pa.Table":
    """A table that was saved beside a file, as it was then."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from investorbench_env.market.files import store

    beside = path.with_name(part["file"])
    if not beside.exists():
        raise CorruptDataError(f"{path}: a part of it is missing, {beside.name}")
    content = beside.read_bytes()
    if store.sha256(content) != part["sha256"]:
        raise CorruptDataError(f"{beside}: changed since the market was saved; save it again")
    return pq.read_table(pa.BufferReader(content))


def to_tables(market: Market) -> Tables:
    """A market as tables."""
    import pyarrow as pa

    assets = len(market.symbols)
    columns: dict[str, Any] = {
        "date": pa.array(np.repeat(market.sessions, assets).astype("datetime64[s]")).cast(
            pa.timestamp("us")
        ),
        "symbol": pa.array(list(market.symbols) * len(market.times)),
        "time": pa.array(np.repeat(market.times, assets), pa.timestamp("ns", tz="UTC")),
    }
    for number, field in enumerate(FIELDS):
        columns[field] = pa.array(market.bars[:, :, number].ravel())
    for name, values in zip(
        STEPS, (market.adjusted_close, market.dividends, market.share_splits), strict=True
    ):
        columns[name] = pa.array(values.ravel())
    for name, values in _perpetual_columns(market).items():
        columns[name] = pa.array(values.ravel())
    hidden = market.hidden_state or {}
    for name, values in hidden.items():
        columns[f"{HIDDEN}{name}"] = pa.array(np.asarray(values, dtype=float).ravel())
    rows = market.documents.rows
    texts: dict[str, Any] = {
        name: pa.array([getattr(row, name) for row in rows], pa.string()) for name in TEXTS
    }
    texts["available_at"] = pa.array(
        [row.available_at.astimezone(UTC) for row in rows], pa.timestamp("us", tz="UTC")
    )
    return Tables(
        bars=pa.table(columns),
        documents=pa.table(texts),
        about={
            "kind": "market",
            "format": FORMAT,
            "symbols": list(market.symbols),
            "asset_class": market.asset_class,
            "interval": market.interval,
            "source": market.source,
            "simulated": market.simulated,
            "timezone": market.timezone,
            "findings": list(market.findings),
            "hidden_state": {name: list(np.shape(values)) for name, values in hidden.items()}
            if market.hidden_state is not None
            else None,
            **_delistings(market),
        },
        intervals={name: to_tables(other) for name, other in market.intervals.items()},
    )


def _perpetual_columns(market: Market) -> dict[str, FloatArray]:
    """What only perpetuals have, a column each [T, A]; none that the market has not."""
    columns = {"funding": market.funding, "oracle": market.oracle}
    if market.marks is not None:
        columns |= {name: market.marks[:, :, number] for number, name in enumerate(MARKS)}
    return {name: values for name, values in columns.items() if values is not None}


def _delistings(market: Market) -> dict[str, Any]:
    """The ends of listings as JSON values, where there are any."""
    if not market.delistings:
        return {}
    return {
        "delistings": {
            symbol: [str(each.on), None if np.isnan(each.gain) else each.gain]
            for symbol, each in market.delistings.items()
        }
    }


def from_tables(
    bars: "pa.Table",
    documents: "pa.Table | None",
    about: Mapping[str, Any],
    *,
    origin: str,
    intervals: Mapping[str, Market] | None = None,
) -> Market:
    """The market that ``to_tables`` was given.

    Raises:
        CorruptDataError: the tables are of another form.
    """
    written = about.get("format")
    if written not in READABLE:
        raise CorruptDataError(
            f"{origin}: format {written!r}, this version reads {' and '.join(map(str, READABLE))}"
        )
    symbols = tuple(about["symbols"])
    shape = (-1, len(symbols))
    if len(bars) % len(symbols):
        raise CorruptDataError(f"{origin}: {len(bars)} rows for {len(symbols)} symbols")

    def column(name: str) -> Any:
        return bars[name].to_numpy().reshape(shape)

    def where_there_is(*names: str) -> Any:
        if names[0] not in bars.column_names:
            return None
        return column(names[0]) if len(names) == 1 else np.stack([*map(column, names)], axis=-1)

    try:
        hidden = about["hidden_state"]
        return Market(
            symbols=symbols,
            asset_class=about["asset_class"],
            sessions=column("date")[:, 0].astype("datetime64[D]"),
            times=column("decision_time" if written == 1 else "time")[:, 0],
            bars=np.stack([column(name) for name in FIELDS], axis=-1),
            adjusted_close=column("adj_close"),
            dividends=column("dividend"),
            share_splits=column("split"),
            documents=DocumentTable(_documents(documents)),
            source=about["source"],
            simulated=about["simulated"],
            timezone=about["timezone"],
            findings=tuple(about["findings"]),
            hidden_state=None
            if hidden is None
            else {name: column(f"{HIDDEN}{name}").reshape(size) for name, size in hidden.items()},
            interval=about.get("interval", DAILY),
            intervals=intervals or {},
            delistings={
                symbol: Delisting(np.datetime64(on), np.nan if gain is None else gain)
                for symbol, (on, gain) in about.get("delistings", {}).items()
            },
            funding=where_there_is("funding"),
            oracle=where_there_is("oracle"),
            marks=where_there_is(*MARKS),
        )
    except (KeyError, ValueError) as error:
        raise CorruptDataError(f"{origin}: not a saved market ({error!r})") from error


def _documents(table: "pa.Table | None") -> tuple[Document, ...]:
    if table is None:
        return ()
    return tuple(
        Document(**{**row, "available_at": row["available_at"].astimezone(UTC)})
        for row in table.to_pylist()
    )


def _file(path: Path) -> index.DataFile:
    if not path.exists():
        raise DataNotFoundError(f"{path} does not exist")
    found = [file for file in index.data_files(path) if file.kind == "market"]
    if not found:
        raise DataNotFoundError(f"no market was saved in {path}")
    if len(found) > 1:
        names = ", ".join(file.path.name for file in found)
        raise MarketError(f"several markets were saved in {path}: name one of {names}")
    return found[0]
