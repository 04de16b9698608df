"""Markets from pandas data frames: laid down as files, and read by the one reader of files."""

import codecs
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeGuard

from investorbench_env.errors import CorruptDataError, DataNotFoundError
from investorbench_env.market.documents import DocumentTable
from investorbench_env.market.files import folders, index
from investorbench_env.market.files.column_names import known_columns
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.market import Market

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("prices", "news", "filings", "actions")
"""What a frame may hold."""
FILES = tuple(f"{kind}.csv" for kind in KINDS)
EARLIEST_AS_NUMBER = 10_000_101
"""An index of smaller whole numbers counts rows; 20210104 is a date."""
UNNAMED = "ASSET"
"""The symbol of an asset without one."""


def _as_nul(error: UnicodeError) -> tuple[str, int]:
    """Half of a pair of surrogates as NUL: no character either, and one that a file can hold."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "\0" * (error.end - error.start), error.end


AS_NUL = "investorbench.as_nul"
codecs.register_error(AS_NUL, _as_nul)


def is_frames(data: object) -> "TypeGuard[pd.DataFrame | Mapping[str, pd.DataFrame]]":
    """Whether this is a data frame, or several by name; pandas is not imported to find out."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return False
    if isinstance(data, Mapping):
        return bool(data) and all(isinstance(each, pandas.DataFrame) for each in data.values())
    return isinstance(data, pandas.DataFrame)


def market_of_frames(
    symbol: str | None,
    asset_class: str,
    data: "pd.DataFrame | Mapping[str, pd.DataFrame]",
    **options: Any,
) -> Market:
    """The market of one asset from frames with the columns that files have.

    Args:
        symbol: the asset; None for the only one that the prices name, or one without a name.
        asset_class: the name of its class.
        data: prices; or frames by what they hold, ``"prices"``, ``"news"``, ``"filings"`` and
            ``"actions"``; or prices by symbol.
        options: keywords of ``folders.load``.

    Raises:
        CorruptDataError: the frames cannot be right; the message names frame and row.
        DataNotFoundError: there are no prices of the symbol.
    """
    frames: Mapping[str, Any] = {"prices": data}
    if isinstance(data, Mapping):
        frames = {str(name): frame for name, frame in data.items()}
    if not set(frames) <= set(KINDS):
        frames, symbol = _of_symbol(frames, symbol)
    elif "prices" not in frames:
        raise DataNotFoundError(f"data= has frames of {', '.join(frames)}, and none of prices")
    with TemporaryDirectory(prefix="investorbench-") as folder:
        place = Path(folder).resolve()
        try:
            _write(place / "prices.csv", frames["prices"])
            given = index.data_file(place / "prices.csv")
            name = symbol or _only_symbol(given)
            for kind, frame in frames.items():
                if kind != "prices" or "symbol" not in given.columns:
                    _write(place / f"{kind}.csv", frame, name)
            market = folders.load(name, asset_class, place, simulated_too=True, **options)
            known = index.data_file(place / "prices.csv")
        except CorruptDataError as error:
            raise CorruptDataError(_in_words(str(error), place)) from None
    if market is None:
        held = ", ".join(known.symbols) if known.kind == "bars" else known.note
        raise DataNotFoundError(f"the frame of prices has none of {name}: {known.kind} {held}")
    kinds = [kind for kind in KINDS if kind in frames]
    documents = [
        replace(row, source="pandas") if row.source in FILES else row for row in market.documents
    ]
    return replace(
        market,
        documents=DocumentTable(tuple(documents)),
        source=f"pandas: {', '.join(kinds)}",
        findings=tuple(_in_words(finding, place) for finding in market.findings),
    )


def _of_symbol(
    frames: "Mapping[str, pd.DataFrame]", symbol: str | None
) -> "tuple[Mapping[str, pd.DataFrame], str]":
    if symbol is None and len(frames) == 1:
        symbol = str(next(iter(frames)))
    if symbol is None or symbol not in frames:
        raise DataNotFoundError(
            f"data= has frames of {', '.join(map(str, frames))}, and none of "
            f"{symbol or 'what no symbol= names'}; a dict of frames goes by symbol, or by "
            + ", ".join(KINDS)
        )
    return {"prices": frames[symbol]}, symbol


def _write(path: Path, frame: "pd.DataFrame", symbol: str = "") -> None:
    """A frame as a file: dates that are its index become a column, and a symbol is written out."""
    several = frame.columns.nlevels > 1  # as yfinance lays out several assets
    if not several:
        if not _counts_rows(frame.index):
            frame = frame.reset_index()
        if symbol and "symbol" not in known_columns([str(name) for name in frame]):
            frame = frame.assign(symbol=symbol)
    frame.to_csv(path, index=several, errors=AS_NUL)


def _counts_rows(rows: "pd.Index[Any]") -> bool:
    """Whether an index says nothing but where a row stands."""
    whole = rows.nlevels == 1 and rows.name is None and rows.dtype.kind in "iu"
    return whole and (not len(rows) or int(rows.max()) < EARLIEST_AS_NUMBER)


def _only_symbol(file: DataFile) -> str:
    if "symbol" not in file.columns or not file.symbols:
        return UNNAMED
    if len(file.symbols) > 1:
        names = ", ".join(sorted(file.symbols)[:5])
        raise CorruptDataError(f"{file.path}: it has several symbols ({names}, …); give symbol=")
    return next(iter(file.symbols))


def _in_words(text: str, place: Path) -> str:
    """A message about files as one about frames."""
    for kind in KINDS:
        for name in (str(place / f"{kind}.csv"), f"{kind}.csv"):
            text = text.replace(name, f"the frame of {kind}")
    # A line in a file beside them helps files alone.
    beside = rf"in {re.escape(str(place))}\S*"
    text = re.sub(rf"say which by a line `numbers.*? {beside}", "give numbers, not texts", text)
    return re.sub(rf", or by a line such as .*? {beside}", "", text)
