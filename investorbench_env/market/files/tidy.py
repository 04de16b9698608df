"""Tidy CSV and Parquet: the rows of one symbol, as bars and as corporate actions."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.index import DataFile

if TYPE_CHECKING:
    import pandas as pd

ACTIONS = ("dividend", "capital_gains", "split")
BAR_COLUMNS = (
    *("date", "timestamp", "open", "high", "low", "close", "adj_close", "volume", "source"),
    *ACTIONS,
)
NUMBERS = ("open", "high", "low", "close", "adj_close", "volume", "amount", *ACTIONS)
EARLIEST_YEAR, LATEST_YEAR = 1800, 2100
BLANKS = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "-"]
"""What sources write where they have no number."""


def read_rows(
    file: DataFile, spellings: Sequence[str], columns: Sequence[str] | None = None
) -> "pd.DataFrame":
    """The rows of one symbol under this package's column names, with their ``row`` in the file.

    Args:
        file: where.
        spellings: how the file writes the symbol.
        columns: of this package's names those that are wanted; all for None.

    Raises:
        CorruptDataError: the file cannot be read, or a cell is not the number it should be.
    """
    wanted = [name for name in (columns or file.columns) if name in file.columns]
    if "symbol" in file.columns and "symbol" not in wanted:
        wanted.append("symbol")
    read = _read_csv if file.path.suffix.lower() == ".csv" else _read_parquet
    rows = read(file, wanted, spellings)
    for name in NUMBERS:
        if name in rows:
            rows[name] = _numbers(rows, name, file)
    return rows


def bars(file: DataFile, spellings: Sequence[str], timezone: str) -> "pd.DataFrame":
    """Daily bars: date, row, and what there is of open, high, low, close, adj_close and volume.

    Also symbol, source, dividend, capital_gains and split, where the file has them.
    """
    rows = read_rows(file, spellings, BAR_COLUMNS)
    rows["date"] = _dates(rows, "date" if "date" in rows else "timestamp", file, timezone)
    return rows.drop(columns=[name for name in ("timestamp",) if name in rows])


def actions(file: DataFile, spellings: Sequence[str]) -> "pd.DataFrame":
    """A list of corporate actions: date, row, action, amount, and whatever else it has."""
    rows = read_rows(file, spellings)
    rows["date"] = _dates(rows, "date", file, "UTC")
    return rows


def _read_parquet(
    file: DataFile, wanted: Sequence[str], spellings: Sequence[str]
) -> "pd.DataFrame":
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [file.columns[name] for name in wanted]
    try:
        if "symbol" in file.columns:
            key = file.columns["symbol"]
            place = np.isin(
                pq.read_table(file.path, columns=[key])[key].to_numpy(), list(spellings)
            )
            if place.any():
                chosen = [(key, "in", list(spellings))]
                table = pq.read_table(file.path, columns=names, filters=chosen)
            else:  # a column without any text has no type that a text can be looked for in
                table = pq.read_schema(file.path).empty_table().select(names)
            rows = table.to_pandas(ignore_metadata=True)
            row = np.flatnonzero(place) + 1
        else:
            rows = pq.read_table(file.path, columns=names).to_pandas(ignore_metadata=True)
            row = np.arange(len(rows)) + 1
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptDataError(
            f"{file.path}: not readable as Parquet, cut off? ({error})"
        ) from error
    rows = rows[names].set_axis(list(wanted), axis=1)
    rows["row"] = row
    return rows


def _read_csv(file: DataFile, wanted: Sequence[str], spellings: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    names = [file.columns[name] for name in wanted]
    try:
        with warnings.catch_warnings():
            # A row with more cells than the header is an error: 1,234.5 without quotes is no 1.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            rows = pd.read_csv(
                file.path,
                index_col=False,
                dtype={file.columns[name]: str for name in wanted if name not in NUMBERS},
                # A company may well be called NA; only where numbers stand is that a blank.
                keep_default_na=False,
                na_values={
                    file.columns[name]: BLANKS if name in NUMBERS else [""] for name in wanted
                },
                encoding="utf-8-sig",
            )
    except (ValueError, pd.errors.ParserWarning) as error:
        raise CorruptDataError(f"{file.path}: not readable as CSV ({error})") from error
    rows = rows[names].set_axis(list(wanted), axis=1)
    rows["row"] = np.arange(len(rows)) + 1
    _refuse_cut_off(file)
    return rows[rows["symbol"].isin(list(spellings))].copy() if "symbol" in rows else rows


def _refuse_cut_off(file: DataFile) -> None:
    """A last line with fewer cells than the header is a file that was cut off."""
    import csv

    with file.path.open("rb") as stream:
        header = next(csv.reader([stream.readline().decode("utf-8-sig")]), [])
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 65536))
        tail = stream.read().decode("utf-8", errors="replace").rstrip("\r\n").splitlines()
    if tail and '"' not in tail[-1] and len(tail[-1].split(",")) < len(header):
        raise CorruptDataError(
            f"{file.path}, last row: {len(tail[-1].split(','))} of {len(header)} columns, the file "
            f"looks cut off: {tail[-1][:60]!r}"
        )


def _numbers(rows: "pd.DataFrame", name: str, file: DataFile) -> Any:
    import pandas as pd

    column = rows[name]
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float)
    # Vendors write $1,234.50.
    plain = column.astype("string").str.replace(r"[$,\s]", "", regex=True)
    plain = plain.mask(plain.isin(BLANKS))
    values = pd.to_numeric(plain, errors="coerce")
    bad = values.isna() & plain.notna()
    if bad.any():
        first = rows[bad].iloc[0]
        raise CorruptDataError(
            f"{file.path}, row {first['row']}: {name} {first[name]!r} is not a number"
        )
    return values.astype(float)


def _dates(rows: "pd.DataFrame", name: str, file: DataFile, timezone: str) -> Any:
    """A column as dates without a time zone; a moment with one is a date in the exchange's."""
    import pandas as pd

    moments = times_of(rows, name, file, utc=False)
    if moments.isna().any():
        raise CorruptDataError(
            f"{file.path}, row {rows.loc[moments.isna(), 'row'].iloc[0]}: the {name} is missing"
        )
    unlikely = (moments.dt.year < EARLIEST_YEAR) | (moments.dt.year > LATEST_YEAR)
    if unlikely.any():
        first = rows[unlikely].iloc[0]
        raise CorruptDataError(
            f"{file.path}, row {first['row']}: {name} {moments[unlikely].iloc[0]} is not plausible"
        )
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        at_midnight = moments == moments.dt.normalize()
        # A midnight in UTC is how a bare date is written, whatever the exchange.
        if not (at_midnight.all() and str(moments.dt.tz) == "UTC"):
            moments = moments.dt.tz_convert(timezone)
        moments = moments.dt.tz_localize(None)
    return moments.dt.normalize().astype("datetime64[ns]")


def times_of(rows: "pd.DataFrame", name: str, file: DataFile, utc: bool) -> Any:
    """A column as moments; in UTC, or as they are written."""
    import pandas as pd

    column = rows[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.to_datetime(column, utc=True) if utc else column
    if pd.api.types.is_numeric_dtype(column):
        column = column.astype("Int64").astype("string")  # 20200701
    values = column.astype("string").str.strip()
    values = values.mask(values.str.lower().isin(["", "nan", "nat", "null", "none"]))
    mixed = bool(values.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True).any())
    moments = pd.to_datetime(values, utc=utc or mixed, errors="coerce", format="mixed")
    bad = moments.isna() & values.notna()
    if bad.any():
        first = rows[bad].iloc[0]
        raise CorruptDataError(
            f"{file.path}, row {first['row']}: {name} {first[name]!r} is not a date"
        )
    return moments
