"""Markets in files of their own: tidy Parquet that gives back every bit of what was saved."""

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import CorruptDataError, DataNotFoundError, MarketError
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.files import index
from investorbench_env.market.market import FIELDS, Market

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
HIDDEN = "hidden_"
STEPS = ("adj_close", "dividend", "split")
TEXTS = ("kind", "symbol", "title", "text", "sentiment", "source", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A market as two tables and what stands in neither.

    Attributes:
        bars: a row a session and symbol: date, symbol, decision_time, open, high, low, close,
            volume, adj_close, dividend, split, and the hidden state of a simulated market.
        documents: a row a text, in the order in which they became available.
        about: the rest, as plain JSON values.
    """

    bars: "pa.Table"
    documents: "pa.Table"
    about: dict[str, Any]


def save(market: Market, folder: Path) -> Path:
    """Write a market into a folder that ``find_market`` understands; returns the file of its bars.

    The bars are replaced last and name their documents by content, so that a kill at any moment
    leaves the old market or the new one.
    """
    from investorbench_env.market.files import store

    name = "-".join("".join(c if c.isalnum() else "-" for c in s) for s in market.symbols[:6])
    path = folder / f"{name}_market.parquet"
    tables = to_tables(market)
    with store.only_one(path):
        about = tables.about
        if len(market.documents):
            part = folder / f"{name}_documents_{market.fingerprint[:12]}.parquet"
            digest = store.write_parquet(part, tables.documents, {"part_of": path.name})
            about = {**about, "documents": part.name, "documents_sha256": digest}
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
                "first": str(market.sessions[0]),
                "last": str(market.sessions[-1]),
                "rows": len(market.sessions) * len(market.symbols),
            },
        )
        for old in folder.glob(f"{name}_documents_*.parquet"):
            if old.name != about.get("documents"):
                old.unlink(missing_ok=True)
    return path


def load(path: Path) -> Market:
    """The market that was saved in a file, or the only one in a folder.

    Raises:
        DataNotFoundError: no market was saved there.
        MarketError: several were; name the file.
        CorruptDataError: a file is cut off, or the documents are not the ones of these bars.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = _file(path)
    about = dict(file.metadata)
    try:
        bars = pq.read_table(file.path)
        documents = None
        if "documents" in about:
            part = file.path.with_name(about["documents"])
            if not part.exists():
                raise CorruptDataError(f"{file.path}: its texts are missing, {part.name}")
            content = part.read_bytes()
            _refuse_foreign(part, content, about["documents_sha256"])
            documents = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptDataError(f"{file.path}: not readable, cut off? ({error})") from error
    return from_tables(bars, documents, about, origin=str(file.path))


def to_tables(market: Market) -> Tables:
    """A market as tables."""
    import pyarrow as pa

    assets = len(market.symbols)
    columns: dict[str, Any] = {
        "date": pa.array(np.repeat(market.sessions, assets).astype("datetime64[s]")).cast(
            pa.timestamp("us")
        ),
        "symbol": pa.array(list(market.symbols) * len(market.sessions)),
        "decision_time": pa.array(
            np.repeat(market.decision_times, assets), pa.timestamp("ns", tz="UTC")
        ),
    }
    for number, field in enumerate(FIELDS):
        columns[field] = pa.array(market.bars[:, :, number].ravel())
    for name, values in zip(
        STEPS, (market.adjusted_close, market.dividends, market.splits), strict=True
    ):
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
            "source": market.source,
            "simulated": market.simulated,
            "timezone": market.timezone,
            "findings": list(market.findings),
            "hidden_state": {name: list(np.shape(values)) for name, values in hidden.items()}
            if market.hidden_state is not None
            else None,
        },
    )


def from_tables(
    bars: "pa.Table", documents: "pa.Table | None", about: dict[str, Any], *, origin: str
) -> Market:
    """The market that ``to_tables`` was given.

    Raises:
        CorruptDataError: the tables are of another form.
    """
    if about.get("format") != FORMAT:
        raise CorruptDataError(
            f"{origin}: format {about.get('format')!r}, this version reads {FORMAT}"
        )
    symbols = tuple(about["symbols"])
    shape = (-1, len(symbols))
    if len(bars) % len(symbols):
        raise CorruptDataError(f"{origin}: {len(bars)} rows for {len(symbols)} symbols")

    def column(name: str) -> Any:
        return bars[name].to_numpy().reshape(shape)

    try:
        hidden = about["hidden_state"]
        return Market(
            symbols=symbols,
            asset_class=about["asset_class"],
            sessions=column("date")[:, 0].astype("datetime64[D]"),
            decision_times=column("decision_time")[:, 0],
            bars=np.stack([column(name) for name in FIELDS], axis=-1),
            adjusted_close=column("adj_close"),
            dividends=column("dividend"),
            splits=column("split"),
            documents=DocumentTable(_documents(documents)),
            source=about["source"],
            simulated=about["simulated"],
            timezone=about["timezone"],
            findings=tuple(about["findings"]),
            hidden_state=None
            if hidden is None
            else {name: column(f"{HIDDEN}{name}").reshape(size) for name, size in hidden.items()},
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


def _refuse_foreign(part: Path, content: bytes, digest: str) -> None:
    from investorbench_env.market.files import store

    if store.sha256(content) != digest:
        raise CorruptDataError(f"{part}: changed since the market was saved; save it again")
