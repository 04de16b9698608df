"""What is in a folder: which file holds what, judged by its columns, and about which symbols."""

import os
import re
import stat
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from investorbench_env.errors import CorruptDataError, DataWarning
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.files import tables
from investorbench_env.market.files.column_names import OURS, YFINANCE, known_columns
from investorbench_env.market.files.moments import joined, moments_of
from investorbench_env.market.files.settings import NOTHING, FileSettings, settings_of
from investorbench_env.market.files.ticker_cells import all_tickers, spellings, tickers_in
from investorbench_env.market.files.wide_tables import are_symbols

Kind = Literal[
    "bars",
    "candles",
    "funding",
    "actions",
    "news",
    "filings",
    "fundamentals",
    "macro",
    "insider",
    "analyst",
    "released",
    "market",
    "unused",
]

SUFFIXES = (*tables.SUFFIXES, ".json")
PROVENANCE = ".provenance.json"
"""How the file beside another ends that says where that one came from."""
TERMS = ".terms.txt"
"""How the file beside others ends that says under which terms a source gave them."""
LARGEST_TEXT = 1 << 29
"""Of a text, unlike of Parquet, all is read to see one column."""
DATED = ("date", "timestamp", "filing_date", "accepted")
FILED = frozenset(("filing_date", "accepted"))
WHY_UNUSED = MappingProxyType(
    {
        "labels": {"movement_label"},
        "labelled sentences": {"sentence", "sentiment"},
    }
)


class Stamp(NamedTuple):
    """What tells whether a file is the same as before, and what somebody says about it.

    ``fault`` is what is wrong with what is said, which is said of this file and its neighbours.
    """

    changed: int
    size: int
    settings: FileSettings
    fault: str = ""


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
        settings: what somebody says about it.
        separator: what parts the cells of a text.
        adjusted: whether its prices are what yfinance has adjusted for dividends.
    """

    path: Path
    kind: Kind
    columns: Mapping[str, str]
    symbols: Mapping[str, tuple[str, ...]]
    metadata: Mapping[str, Any]
    note: str = ""
    settings: FileSettings = NOTHING
    separator: str = ""
    adjusted: bool = False

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


def readable(
    stamped: Iterable[tuple[Path, Stamp]],
) -> tuple[list[DataFile], list[tuple[Path, CorruptDataError]]]:
    """The files that can be read, and the others with what is wrong with each."""
    files, broken = [], []
    for path, stamp in stamped:
        try:
            files.append(data_file(path, stamp))
        except CorruptDataError as error:
            broken.append((path, error))
    return files, broken


def stamps(folder: Path, dates: str | None = None) -> tuple[tuple[Path, Stamp], ...]:
    """Every candidate file with what tells whether it is the same as before.

    Args:
        folder: a folder or a file.
        dates: what is said of the dates of all of them, before what stands beside each.

    Raises:
        InvestorBenchError: ``dates`` is not understood.
    """
    said = NOTHING if dates is None else FileSettings.of_dates(dates)
    root = folder if folder.is_dir() else folder.parent
    return tuple((path, _stamp(path, root, said)) for path in sorted(_candidates(folder)))


def data_file(path: Path, stamp: Stamp | None = None) -> DataFile:
    """What one file holds; read once for each (path, stamp)."""
    return _indexed(path, stamp or _stamp(path, path.parent, NOTHING))


def _stamp(path: Path, root: Path, said: FileSettings) -> Stamp:
    status = path.stat()
    try:
        settings = said.over(settings_of(path, root))
    except CorruptDataError as error:
        return Stamp(status.st_mtime_ns, status.st_size, said, str(error))
    return Stamp(status.st_mtime_ns, status.st_size, settings)


def _candidates(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        if _is_plain_file(folder):
            yield folder
        return
    for place, folders, names in os.walk(folder):
        # Hidden folders hold caches and half-written downloads.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                if name.endswith(PROVENANCE):
                    continue
                if _is_plain_file(path := Path(place, name)):
                    yield path


def _is_plain_file(path: Path) -> bool:
    """Whether a path is a file; to open a pipe or a device may wait for ever."""
    try:
        plain = stat.S_ISREG(path.stat().st_mode)
        what = "" if plain else "is no file but a pipe or a device"
    except OSError as error:
        plain, what = False, f"leads nowhere ({error.strerror})"
    if not plain:
        warnings.warn(f"{path} {what}; passed over", DataWarning, stacklevel=2)
    return plain


@lru_cache(maxsize=4096)
def _indexed(path: Path, stamp: Stamp) -> DataFile:
    if stamp.fault:
        raise CorruptDataError(stamp.fault)
    if path.suffix.lower() == ".json":
        return _json_file(path)
    settings = stamp.settings
    top = tables.header(path, settings.encoding)
    columns = known_columns(top.names)
    if twice := [columns[ours] for ours in OURS & set(columns) if columns[ours] in top.repeated]:
        raise CorruptDataError(f"{path}: several columns are called {twice[0]!r}")
    if tables.is_text(path) and stamp.size > LARGEST_TEXT:
        kind, note = _too_large(stamp.size)
    else:
        columns = _with_symbols(path, columns, settings)
        kind, note = _kind(path, columns, top.metadata, settings)
    known = {} if kind == "unused" else _symbols(path, kind, columns, top.metadata, settings)
    return DataFile(
        path=path,
        kind=kind,
        columns=columns,
        symbols=known,
        metadata=top.metadata,
        note=note,
        settings=settings,
        separator=top.separator,
        adjusted=top.names[-len(YFINANCE) :] == YFINANCE,
    )


def _with_symbols(path: Path, columns: dict[str, str], settings: FileSettings) -> dict[str, str]:
    """The columns of bars; a column ``Name`` of tickers alone, as on Kaggle, is that of symbols."""
    if "symbol" in columns or not {"name", "close"} <= set(columns):
        return columns
    for read in (tables.beginning, tables.read):
        if not all_tickers(read(path, [columns["name"]], settings.encoding)[columns["name"]]):
            return columns
    return {"symbol" if ours == "name" else ours: theirs for ours, theirs in columns.items()}


def _too_large(size: int) -> tuple[Kind, str]:
    return "unused", (
        f"{size / 2**20:,.0f} MiB of text, which is not read to find out what it is about: keep it "
        "as Parquet, of which single columns can be read"
    )


def _json_file(path: Path) -> DataFile:
    try:
        with path.open("rb") as file:
            start = file.read(400).decode("utf-8", errors="replace").removeprefix("\ufeff")
    except OSError as error:
        raise CorruptDataError(f"{path}: not readable ({error.strerror})") from error
    released = re.match(r'\s*\{\s*"\d{4}-\d\d-\d\d"\s*:\s*\{\s*"(prices|news|10k|10q)"', start)
    return DataFile(
        path=path,
        kind="released" if released else "unused",
        columns={},
        symbols=named_by(path) if released else {},
        metadata={},
        note="" if released else "JSON of another form",
    )


def _kind(
    path: Path, columns: Mapping[str, str], metadata: Mapping[str, Any], settings: FileSettings
) -> tuple[Kind, str]:
    have = set(columns)
    dated = bool(have & {"date", "timestamp"})
    if "part_of" in metadata:
        return "unused", f"part of {metadata['part_of']}"
    if metadata.get("kind") == "market":
        return "market", ""
    for note, signs in WHY_UNUSED.items():
        if signs <= have:
            return "unused", note
    if (further := _further_kind(have)) is not None:
        return further, ""
    if {"interval", "close"} <= have and dated:
        return "candles", ""
    if "funding_rate" in have and "close" not in have and dated:
        return "funding", ""
    if {"action", "amount"} <= have and dated:
        return "actions", ""
    if {"form", "text"} <= have and have & set(DATED):
        return "filings", ""
    if have & {"headline", "text"} and dated:
        return "news", ""
    if "close" in have and dated:
        if _is_intraday(path, columns, settings):
            return "candles", ""
        return "bars", ""
    if have & {"dividend", "split"} and dated:
        return "actions", ""
    if are_symbols(list(columns.values())):
        return "unused", (
            "a column an asset, and its name does not say of what: of closes, call it closes.csv"
        )
    names = ", ".join(sorted(filter(None, have))[:6])
    return "unused", f"columns of no known kind: {names}" if names else "nothing"


def _further_kind(have: set[str]) -> Kind | None:
    """What is used only where it is asked for, judged by its columns."""
    if {"series", "amount"} <= have and have & {"date", "timestamp"}:
        return "macro"
    if {"item", "amount", "fiscal_period", "end_date"} <= have and have & FILED:
        return "fundamentals"
    if {"insider", "shares"} <= have and have & {"timestamp", *FILED}:
        return "insider"
    if "rating" in have and have & {"firm", "analyst"} and have & {"date", "timestamp"}:
        return None if have & {"headline", "text"} else "analyst"
    return None


def _is_intraday(path: Path, columns: Mapping[str, str], settings: FileSettings) -> bool:
    """Whether most bars of the first symbol share their date with others, at other times.

    Where a column of symbols will be read, too, all rows tell, and else the beginning of a text.
    """
    name = columns["date" if "date" in columns else "timestamp"]
    extra = [columns[key] for key in ("time", "symbol") if key in columns]
    read = tables.read if "symbol" in columns else tables.beginning
    rows = read(path, [name, *extra], settings.encoding)
    if "symbol" in columns and len(rows):
        codes, _ = spellings(rows[columns["symbol"]])
        rows = rows[codes == codes[0]]
    if not _may_have_times(rows[name], "time" in columns):
        return False
    try:
        moments = moments_of(rows[name], path, name, settings)
        if "time" in columns:
            moments = joined(moments, rows[columns["time"]], columns["time"])
    except CorruptDataError:
        return False  # the reader of its bars says what is wrong
    wall = moments.wall[moments.known]
    different = len(np.unique(wall.astype("datetime64[D]")))
    return len(wall) > 1 and different <= 0.5 * len(np.unique(wall))


def _may_have_times(cells: Any, beside: bool) -> bool:
    """Whether a column of dates may hold times of day, judged by its beginning."""
    if beside or cells.dtype != object:
        return True
    return bool(cells.iloc[:50].astype(str).str.contains(r":|^\d{9,}|T\d{4}", regex=True).any())


def _symbols(
    path: Path,
    kind: Kind,
    columns: Mapping[str, str],
    metadata: Mapping[str, Any],
    settings: FileSettings,
) -> dict[str, tuple[str, ...]]:
    if "symbol" not in columns:
        return {} if kind == "macro" else named_by(path)
    # A list of actions without a row says something too: that there were none.
    listed = metadata.get("symbols", ())
    found: dict[str, tuple[str, ...]] = {
        str(name): (str(name),) for name in (listed if isinstance(listed, list) else ())
    }
    cells = tables.read(path, [columns["symbol"]], settings.encoding)[columns["symbol"]]
    for text in spellings(cells)[1]:
        for name in tickers_in(text, kind in ("news", "filings")):
            if text not in found.get(name, ()):
                found[name] = (*found.get(name, ()), text)
    return found


def column(file: DataFile, name: str) -> Any:
    """One column of a file as a pandas series, by its name there.

    Raises:
        CorruptDataError: the file cannot be read.
    """
    return tables.read(file.path, [name], file.settings.encoding)[name]


def named_by(path: Path) -> dict[str, tuple[str, ...]]:
    """The symbol that a file's name begins with: ``aapl_us_d.csv`` is about AAPL.

    Binance has ``BTCUSDT-3m-2025-07.csv`` and ``BTCUSDT-fundingRate-2025-07.csv``.
    """
    ending = next((end for end in SUFFIXES[::-1] if path.name.lower().endswith(end)), path.suffix)
    stem = (
        path.name.removesuffix(path.name[len(path.name) - len(ending) :]) if ending else path.name
    )
    ends = r"[_ ]|\.us|-(?:\d+[mhdw]|fundingRate)(?=-|$)"
    name = re.split(ends, stem, flags=re.IGNORECASE)[0].upper()
    return {name: (name,)} if name else {}


def _names(symbol: str, asset_class: str | None) -> tuple[str, ...]:
    """How others may write a symbol: BRK.B as BRK-B, BTC as BTC-USD."""
    name = symbol.upper()
    names = [name, name.replace(".", "-"), name.replace("-", ".")]
    if asset_class is not None:
        names += [f"{name}{suffix}" for suffix in find_asset_class(asset_class).suffixes]
    return tuple(dict.fromkeys(names))
