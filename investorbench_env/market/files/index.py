"""What is in a folder: which file holds what, judged by its columns, and about which symbols."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.asset_classes import find_asset_class

Kind = Literal["bars", "actions", "news", "filings", "released", "market", "unused"]

SUFFIXES = (".parquet", ".csv", ".json")
PROVENANCE = ".provenance.json"
"""How the file beside another ends that says where that one came from."""
METADATA_KEY = b"investorbench"
"""Parquet files of our own say under this key what they hold."""

ALIASES = MappingProxyType(
    {
        "symbol": ("ticker", "tic", "sym", "asset"),
        "adj_close": ("adjclose", "adjusted_close", "close_adj"),
        "close": ("close/last", "prices", "price"),
        "volume": ("vol",),
        "date": ("day", "session"),
        "timestamp": (
            "datetime",
            "time",
            "published",
            "published_at",
            "publish_date",
            "created_at",
            "available_at",
        ),
        "headline": ("title",),
        "text": ("body", "content", "summary", "article"),
        "sentiment": ("label", "sentiment_label"),
        "form": ("form_type", "filing_type"),
        "filing_date": ("filed", "filed_at", "filingdate", "date_filed"),
        "accepted": (
            "acceptance_time",
            "acceptance_datetime",
            "acceptancedatetime",
            "accepted_at",
        ),
        "accession": ("accession_number", "accession_no"),
        "amount": ("value", "ratio"),
        "action": ("action_type", "event"),
        "dividend": ("dividends", "divcash", "div_cash"),
        "split": ("stock_splits", "splitfactor", "split_factor", "splits"),
    }
)
"""Column names of this package, and how others call the same."""

WHY_UNUSED = MappingProxyType(
    {
        "intraday bars": {"interval", "close"},
        "funding rates": {"funding_rate"},
        "macro series": {"series", "amount"},
        "labels": {"movement_label"},
        "labelled sentences": {"sentence", "sentiment"},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file and what it holds.

    Attributes:
        path: the file.
        kind: what it is used for; ``"unused"`` for what this package does not read yet.
        columns: this package's column names to those in the file.
        symbols: its symbols in capitals, each with the spellings that the file uses.
        metadata: what a file of our own says about itself.
        note: what an unused file holds.
    """

    path: Path
    kind: Kind
    columns: Mapping[str, str]
    symbols: Mapping[str, tuple[str, ...]]
    metadata: Mapping[str, Any]
    note: str = ""

    @property
    def has_ohlc(self) -> bool:
        return {"open", "high", "low", "close"} <= set(self.columns)

    def spellings(self, symbol: str, asset_class: str | None = None) -> tuple[str, ...]:
        """How this file writes a symbol; empty where it does not hold it."""
        for name in _names(symbol, asset_class):
            if name in self.symbols:
                return self.symbols[name]
        return ()


def data_files(folder: Path) -> tuple[DataFile, ...]:
    """Every file under a folder that could hold data, in the order of the paths.

    A path to one file gives that file and what was saved beside it as part of the same market.

    Raises:
        CorruptDataError: a file that cannot be read as what its name claims.
    """
    return tuple(data_file(path, stamp) for path, stamp in stamps(folder))


def stamps(folder: Path) -> tuple[tuple[Path, tuple[int, int]], ...]:
    """Every candidate file with its time of change and size, which tell whether it is the same."""
    return tuple((path, _stamp(path)) for path in sorted(_candidates(folder)))


def data_file(path: Path, stamp: tuple[int, int] | None = None) -> DataFile:
    """What one file holds; read once for each (path, time of change, size)."""
    return _indexed(path, stamp or _stamp(path))


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _candidates(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for place, folders, names in os.walk(folder):
        # Hidden folders hold caches and half-written downloads.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                if name.endswith(PROVENANCE):
                    continue
                yield Path(place, name)


@lru_cache(maxsize=4096)
def _indexed(path: Path, stamp: tuple[int, int]) -> DataFile:
    if path.suffix.lower() == ".json":
        return _json_file(path)
    names, metadata = _header(path)
    columns = _canonical(names)
    kind, note = _kind(path, columns, metadata)
    symbols = {} if kind == "unused" else _symbols(path, columns, metadata)
    return DataFile(
        path=path, kind=kind, columns=columns, symbols=symbols, metadata=metadata, note=note
    )


def _json_file(path: Path) -> DataFile:
    with path.open("rb") as file:
        start = file.read(400).decode("utf-8", errors="replace")
    released = re.match(r'\s*\{\s*"\d{4}-\d\d-\d\d"\s*:\s*\{\s*"(prices|news|10k|10q)"', start)
    return DataFile(
        path=path,
        kind="released" if released else "unused",
        columns={},
        symbols=_named_by(path) if released else {},
        metadata={},
        note="" if released else "JSON of another form",
    )


def _header(path: Path) -> tuple[list[str], dict[str, Any]]:
    """The column names of a file, and what it says about itself."""
    if path.suffix.lower() == ".csv":
        import csv

        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                return next(csv.reader(file), []), {}
        except (UnicodeDecodeError, csv.Error) as error:
            raise CorruptDataError(f"{path}, row 1: not readable as CSV ({error})") from error
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptDataError(f"{path}: not readable as Parquet, cut off? ({error})") from error
    about = (schema.metadata or {}).get(METADATA_KEY)
    return list(schema.names), json.loads(about) if about else {}


def _canonical(names: list[str]) -> dict[str, str]:
    """This package's column names to those of a file; the exact name goes before an alias."""
    plain = {re.sub(r"[\s_]+", "_", name.strip().lower()): name for name in reversed(names)}
    for ours, others in ALIASES.items():
        found = next((other for other in others if other in plain), None)
        if ours not in plain and found:
            plain[ours] = plain.pop(found)
    return plain


def _kind(path: Path, columns: Mapping[str, str], metadata: Mapping[str, Any]) -> tuple[Kind, str]:
    have = set(columns)
    dated = bool(have & {"date", "timestamp"})
    if "part_of" in metadata:
        return "unused", f"part of {metadata['part_of']}"
    if metadata.get("kind") == "market":
        return "market", ""
    for note, signs in WHY_UNUSED.items():
        if signs <= have:
            return "unused", note
    if {"action", "date", "amount"} <= have:
        return "actions", ""
    if {"form", "text"} <= have and have & {"filing_date", "accepted", "date", "timestamp"}:
        return "filings", ""
    if have & {"headline", "text"} and dated:
        return "news", ""
    if "close" in have and dated:
        return ("bars", "") if _is_daily(path, columns) else ("unused", "intraday bars")
    return "unused", "columns of no known kind: " + ", ".join(sorted(have)[:6])


def _is_daily(path: Path, columns: Mapping[str, str]) -> bool:
    """Whether bars that have a timestamp and no date carry one time of day only."""
    if "date" in columns:
        return True
    times = column(path, columns["timestamp"])
    import pandas as pd

    moments = pd.to_datetime(times.head(500), utc=True, errors="coerce").dropna()
    return bool(moments.dt.normalize().nunique() > 0.5 * len(moments))


def _symbols(
    path: Path, columns: Mapping[str, str], metadata: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    if "symbol" not in columns:
        return _named_by(path)
    # A list of actions without a row says something too: that there were none.
    found: dict[str, tuple[str, ...]] = {
        str(name): (str(name),) for name in metadata.get("symbols", ())
    }
    for spelling in column(path, columns["symbol"]).dropna().unique():
        name = str(spelling).strip().upper()
        if name and str(spelling) not in found.get(name, ()):
            found[name] = (*found.get(name, ()), str(spelling))
    return found


def column(path: Path, name: str) -> Any:
    """One column of a file as a pandas series.

    Raises:
        CorruptDataError: the file cannot be read.
    """
    import pandas as pd

    try:
        if path.suffix.lower() == ".csv":
            dtype: Any = {name: str}
            return pd.read_csv(path, usecols=[name], dtype=dtype, keep_default_na=False)[name]
        import pyarrow.parquet as pq

        return pq.read_table(path, columns=[name]).to_pandas(ignore_metadata=True)[name]
    except (OSError, ValueError) as error:  # pyarrow's and the decoder's errors are among them
        raise CorruptDataError(f"{path}: not readable, damaged or cut off? ({error})") from error


def _named_by(path: Path) -> dict[str, tuple[str, ...]]:
    """The symbol that a file's name begins with: ``aapl_us_d.csv`` is about AAPL."""
    name = re.split(r"[_ ]|\.us", path.stem, flags=re.IGNORECASE)[0].upper()
    return {name: (name,)} if name else {}


def _names(symbol: str, asset_class: str | None) -> tuple[str, ...]:
    """How others may write a symbol: BRK.B as BRK-B, BTC as BTC-USD."""
    name = symbol.upper()
    names = [name, name.replace(".", "-"), name.replace("-", ".")]
    if asset_class is not None:
        names += [f"{name}{suffix}" for suffix in find_asset_class(asset_class).suffixes]
    return tuple(dict.fromkeys(names))
