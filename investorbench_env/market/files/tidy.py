"""Tidy tables: the rows of one symbol, as bars and as corporate actions.

Every column is decided as a whole, with all rows of its file, before the symbol's are taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.asset_classes import STOCK, AssetClass
from investorbench_env.market.files import tables
from investorbench_env.market.files.column_names import MARKS
from investorbench_env.market.files.daily_dates import days
from investorbench_env.market.files.index import DATED, DataFile
from investorbench_env.market.files.moments import (
    BoolArray,
    DateColumn,
    joined,
    moments_of,
)
from investorbench_env.market.files.number_columns import numbers_of
from investorbench_env.market.files.ticker_cells import spellings as spellings_of
from investorbench_env.market.sessions import TimeArray

if TYPE_CHECKING:
    import pandas as pd

ACTIONS = ("dividend", "capital_gains", "split")
BAR_COLUMNS = (
    *("date", "timestamp", "time", "open", "high", "low", "close", "adj_close", "volume"),
    "source",
    *ACTIONS,
)
NUMBERS = ("open", "high", "low", "close", "adj_close", "volume", "amount", *ACTIONS)
OF_PERPETUALS = ("funding_rate", "oracle", "period_h", *MARKS)
WHOLE = ("symbol", "source", "dataset", "sentiment")
"""What is looked at as a whole besides dates and numbers."""
FEWEST_WEEKS = 4
"""So many bars show that they are a week apart."""
WEEK_APART = np.timedelta64(5, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows:
    """Rows of a file under this package's column names.

    Attributes:
        file: where they stand.
        wanted: which rows of the file they are [F].
        whole: the columns that are decided as a whole, as they are written [F].
        frame: what they hold besides dates, numbers as floats, with their ``row`` in the file [N].
        moments: the columns of dates and times, with all rows of the file [F].
    """

    file: DataFile
    wanted: BoolArray
    whole: "pd.DataFrame"
    frame: "pd.DataFrame"
    moments: Mapping[str, DateColumn]

    def moments_in_utc(self) -> TimeArray:
        """When each row is, ``datetime64[us]`` UTC; a time without a zone is UTC itself [N].

        Raises:
            CorruptDataError: a row has no time, or one that is none.
        """
        moments = self._known(_dated(self))
        return moments.in_utc(self.file.settings.timezone)[self.wanted]

    def days(self, name: str, asset_class: AssetClass) -> TimeArray:
        """A column as dates, ``datetime64[D]`` [N].

        Raises:
            CorruptDataError: a row has none, or the column does not settle what they are.
        """
        moments = self._known(name)
        decided = days(moments, asset_class.timezone, asset_class.hours, self.file.settings)
        return decided[self.wanted]

    def _known(self, name: str) -> DateColumn:
        """A column of dates in which each row that is wanted has one."""
        moments = self.moments[name]
        moments.refuse_bad(self.wanted)
        missing = np.flatnonzero(self.wanted & ~moments.known)
        if len(missing):
            row = moments.place.rows[missing[0]]
            raise CorruptDataError(f"{self.file.path}, row {row}: the {name} is missing")
        return moments


def read_rows(
    file: DataFile, spellings: Sequence[str], columns: Sequence[str] | None = None
) -> FileRows:
    """The rows of one symbol.

    Args:
        file: where.
        spellings: how the file writes the symbol.
        columns: of this package's names those that are wanted; all for None.

    Raises:
        CorruptDataError: the file cannot be read, a cell is not the number it should be, or a
            column does not settle what its cells mean.
    """
    names = {
        ours: file.columns[ours]
        for ours in (*(columns or file.columns), "symbol")
        if ours in file.columns
    }
    dated = [ours for ours in (*DATED, "time") if ours in names]
    # Other tables may mean something else by these names: they are numbers where asked for.
    also = OF_PERPETUALS if columns is not None else ()
    numeric = [ours for ours in (*NUMBERS, *also) if ours in names]
    decided = [ours for ours in (*WHOLE, *dated, *numeric) if ours in names]
    encoding = file.settings.encoding
    whole = tables.read(file.path, [names[ours] for ours in decided], encoding)
    whole = whole.set_axis(decided, axis=1)
    wanted = np.ones(len(whole), dtype=bool)
    if "symbol" in whole:
        codes, texts = spellings_of(whole["symbol"])
        chosen = [number for number, text in enumerate(texts) if text in spellings]
        wanted = np.isin(codes, chosen)
    others = [ours for ours in names if ours not in decided]
    frame = tables.read(file.path, [names[ours] for ours in others], encoding, wanted)
    frame = frame.set_axis(others, axis=1)
    for ours in others:
        if _is_nested(frame[ours]):
            frame[ours] = frame[ours].astype(str)
    if "symbol" in whole:
        frame["symbol"] = np.array([*texts, ""], dtype=object)[codes[wanted]]
    numbers = numbers_of(
        {ours: whole[ours] for ours in numeric},
        file.path,
        wanted,
        separator=file.separator,
        mark=file.settings.numbers,
    )
    for ours, values in numbers.items():
        frame[ours] = values
    for ours in {"source", "sentiment"} & set(whole):
        frame[ours] = whole[ours][wanted]
    frame["row"] = whole.index[wanted]
    moments = _moments(file, whole, dated)
    frame = frame.reset_index(drop=True)
    return FileRows(file=file, wanted=wanted, whole=whole, frame=frame, moments=moments)


def bars(file: DataFile, spellings: Sequence[str], asset_class: AssetClass) -> "pd.DataFrame":
    """Daily bars: date, row, and what there is of open, high, low, close, adj_close and volume.

    Also symbol, source, dividend, capital_gains and split, where the file has them.

    Raises:
        CorruptDataError: the file cannot be read, or its bars are longer than a day.
    """
    rows = read_rows(file, spellings, BAR_COLUMNS)
    dates = rows.days(_dated(rows), asset_class)
    apart = np.diff(np.unique(dates))
    if len(apart) + 1 >= FEWEST_WEEKS and np.median(apart) >= WEEK_APART:
        raise CorruptDataError(
            f"{file.path}: its bars are {np.median(apart).astype(int)} days apart, and files hold "
            "daily bars; give daily ones, or pass data= a Market made with interval='1w'"
        )
    frame = rows.frame
    frame.insert(0, "date", dates.astype("datetime64[ns]"))
    return frame


def actions(
    file: DataFile, spellings: Sequence[str], asset_class: AssetClass = STOCK
) -> "pd.DataFrame":
    """A list of corporate actions: date, row, action, amount, and whatever else it has."""
    rows = read_rows(file, spellings)
    frame, dates = rows.frame, rows.days(_dated(rows), asset_class)
    frame.insert(0, "date", dates.astype("datetime64[ns]"))
    return frame if "action" in frame else _one_a_row(frame)


def _dated(rows: FileRows) -> str:
    """The column that says of which day a row is."""
    return "date" if "date" in rows.moments else "timestamp"


def _one_a_row(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Actions that stand in columns of their own, one a row; 0 or nothing is none there."""
    import pandas as pd

    parts = []
    for name in ACTIONS:
        if name in frame:
            nothing = (0.0, 1.0) if name == "split" else (0.0,)
            there = frame[frame[name].notna() & ~frame[name].isin(nothing)]
            action = "split" if name == "split" else "dividend"
            parts.append(there[["date", "row"]].assign(action=action, amount=there[name]))
    return pd.concat(parts, ignore_index=True)


def _is_nested(cells: "pd.Series[Any]") -> bool:
    """Whether lists or the like stand in a column of Parquet, all of whose cells are of a kind."""
    first = cells.dropna().head(1).tolist() if cells.dtype == object else []
    return bool(first) and not isinstance(first[0], str | bytes | int | float)


def _moments(file: DataFile, whole: "pd.DataFrame", dated: Sequence[str]) -> dict[str, DateColumn]:
    """The columns of dates; a time of day beside the first of them is joined to it."""
    moments = {
        ours: moments_of(whole[ours], file.path, file.columns[ours], file.settings)
        for ours in dated
        if ours != "time"
    }
    if "time" in dated and "date" in moments and "timestamp" not in moments:
        moments["date"] = joined(moments["date"], whole["time"], file.columns["time"])
    return moments
