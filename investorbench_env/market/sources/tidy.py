"""Tidy CSV and Parquet: rows of one symbol as bars, as corporate actions, as documents."""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.corporate_actions import Actions, Split
from investorbench_env.market.documents import NEWS, Document, Sentiment
from investorbench_env.market.index import DataFile
from investorbench_env.market.sessions import ends_of_days

if TYPE_CHECKING:
    import pandas as pd

BAR_COLUMNS = ("date", "timestamp", "open", "high", "low", "close", "adj_close", "volume", "source")
NUMBERS = ("open", "high", "low", "close", "adj_close", "volume", "amount")
WORDS: dict[str, Sentiment] = {
    "positive": "positive",
    "bullish": "positive",
    "neutral": "neutral",
    "negative": "negative",
    "bearish": "negative",
}
"""What sources call a sentiment, and what it is called here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Documents of one file, and what was odd about them, in words."""

    documents: tuple[Document, ...]
    findings: tuple[str, ...]


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

    Also symbol and source, where the file has them.
    """
    rows = read_rows(file, spellings, BAR_COLUMNS)
    rows["date"] = _dates(rows, "date" if "date" in rows else "timestamp", file, timezone)
    return rows.drop(columns=[name for name in ("timestamp",) if name in rows])


def actions(files: Sequence[tuple[DataFile, Sequence[str]]]) -> Actions | None:
    """The splits and dividends that any of these files list, or None without a file."""
    splits: dict[np.datetime64, float] = {}
    dividends: dict[tuple[np.datetime64, float], None] = {}
    for file, spellings in files:
        rows = read_rows(file, spellings)
        rows["date"] = _dates(rows, "date", file, "UTC")
        for action, date, amount in zip(rows["action"], rows["date"], rows["amount"], strict=True):
            day, name = np.datetime64(date, "D"), str(action).strip().lower()
            if "split" in name and amount > 0:
                splits[day] = float(amount)
            elif "dividend" in name or "distribution" in name:
                dividends[day, float(amount)] = None
    if not files:
        return None
    return Actions(
        splits=tuple(Split(ex_date=day, ratio=ratio) for day, ratio in sorted(splits.items())),
        dividends=tuple(sorted(dividends)),
        complete=True,
        source=", ".join(file.path.name for file, _ in files),
    )


def news(file: DataFile, spellings: Sequence[str], symbol: str, timezone: str) -> Texts:
    """News items; one without a time of day is available at the end of its day."""
    rows = read_rows(file, spellings)
    columns = [name for name in ("timestamp", "date") if name in rows]
    cells = zip(
        _available(rows, columns, file, timezone),
        _texts(rows, "headline"),
        _texts(rows, "text"),
        _texts(rows, "sentiment"),
        _texts(rows, "source"),
        strict=True,
    )
    items = [
        document(
            kind=NEWS,
            symbol=symbol,
            available_at=moment,
            title=title,
            text=text,
            sentiment=WORDS.get(mood.lower()),
            source=source or file.path.name,
        )
        for moment, title, text, mood, source in cells
        if moment is not None and (title or text)
    ]
    return _given(items, len(rows))


def filings(file: DataFile, spellings: Sequence[str], symbol: str, timezone: str) -> Texts:
    """Filings, available when accepted, else at the end of the filing date.

    Of an accession that is there in full, its single items are left out.
    """
    rows = _without_parts(read_rows(file, spellings))
    order = ("accepted", "timestamp", "filing_date", "date")
    columns = [name for name in order if name in rows.columns]
    cells = zip(
        _available(rows, columns, file, timezone),
        _texts(rows, "form"),
        _texts(rows, "item"),
        _texts(rows, "text"),
        _texts(rows, "source"),
        strict=True,
    )
    items = [
        document(
            kind=form,
            symbol=symbol,
            available_at=moment,
            title=form if item.upper() in ("", "FULL") else f"{form}, {item}",
            text=text,
            source=source or "SEC EDGAR",
        )
        for moment, form, item, text, source in cells
        if moment is not None and text
    ]
    return _given(items, len(rows))


def _given(items: list[Document], rows: int) -> Texts:
    left_out = rows - len(items)
    said = f"{left_out} texts without a date or without words, left out"
    return Texts(documents=tuple(items), findings=(said,) if left_out else ())


def has_time_of_day(
    rows: "pd.DataFrame", columns: Sequence[str], file: DataFile
) -> npt.NDArray[np.bool_]:
    """Which rows have a moment in any of these columns, and not only a date [N]."""
    exact = np.zeros(len(rows), dtype=bool)
    for name in columns:
        moments = _moments(rows, name, file, utc=True)
        exact |= (moments.notna() & (moments != moments.dt.normalize())).to_numpy()
    return exact


def document(
    *,
    kind: str,
    symbol: str,
    available_at: datetime,
    title: str,
    text: str,
    sentiment: Sentiment | None = None,
    source: str,
) -> Document:
    """A document whose id is the hash of all that it says, so equal ones have equal ids."""
    parts = (kind, symbol, available_at.isoformat(), title, text, sentiment or "")
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", errors="replace"))
    return Document(
        kind=kind,
        symbol=symbol,
        available_at=available_at,
        title=title,
        text=text,
        sentiment=sentiment,
        source=source,
        id=digest.hexdigest()[:16],
    )


def end_of_day(dates: npt.NDArray[np.datetime64], timezone: str) -> list[datetime]:
    """The end of each date in a time zone, aware and in UTC."""
    import pandas as pd

    moments: list[datetime] = list(
        pd.DatetimeIndex(ends_of_days(dates, timezone)).tz_localize("UTC").to_pydatetime()
    )
    return moments


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
            chosen = [(key, "in", list(spellings))]
            rows = pq.read_table(file.path, columns=names, filters=chosen).to_pandas()
            row = np.flatnonzero(place) + 1
        else:
            rows = pq.read_table(file.path, columns=names).to_pandas()
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
    plain = plain.mask(plain.str.lower().isin(["", "nan", "null", "none", "n/a", "-"]))
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

    moments = _moments(rows, name, file, utc=False)
    if moments.isna().any():
        raise CorruptDataError(
            f"{file.path}, row {rows.loc[moments.isna(), 'row'].iloc[0]}: the {name} is missing"
        )
    if isinstance(moments.dtype, pd.DatetimeTZDtype):
        at_midnight = moments == moments.dt.normalize()
        # A midnight in UTC is how a bare date is written, whatever the exchange.
        if not (at_midnight.all() and str(moments.dt.tz) == "UTC"):
            moments = moments.dt.tz_convert(timezone)
        moments = moments.dt.tz_localize(None)
    return moments.dt.normalize().astype("datetime64[ns]")


def _moments(rows: "pd.DataFrame", name: str, file: DataFile, utc: bool) -> Any:
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


def _available(
    rows: "pd.DataFrame", columns: Sequence[str], file: DataFile, timezone: str
) -> list[datetime | None]:
    """When each row could be known: the first of these columns that says, None where none does.

    Exactly midnight, in UTC or at the exchange, is how a bare date is written, so it counts as
    the end of that day: late rather than early.
    """
    import pandas as pd

    known = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns, UTC]")
    for name in columns:
        said = _moments(rows, name, file, utc=True).astype("datetime64[ns, UTC]")
        local = said.dt.tz_convert(timezone)
        bare_utc = said == said.dt.normalize()
        bare = bare_utc | (local == local.dt.normalize())
        days = said.where(bare_utc, local.dt.tz_localize(None).dt.tz_localize("UTC"))
        moments = said.copy()
        whole = bare & said.notna()
        if whole.any():
            dates = days[whole].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
            ends = pd.DatetimeIndex(ends_of_days(dates, timezone)).tz_localize("UTC")
            moments[whole] = ends
        known = known.where(known.notna(), moments)
    return [None if moment is pd.NaT else moment.to_pydatetime() for moment in known.dt.ceil("us")]


def _without_parts(rows: "pd.DataFrame") -> "pd.DataFrame":
    if not {"accession", "item"} <= set(rows.columns):
        return rows
    full = rows["item"].astype("string").str.upper().eq("FULL")
    whole = set(rows.loc[full, "accession"].dropna()) - {""}
    kept: pd.DataFrame = rows[full | ~rows["accession"].isin(whole)]
    return kept


def _texts(rows: "pd.DataFrame", name: str) -> Iterator[str]:
    if name not in rows:
        return iter([""] * len(rows))
    return iter(rows[name].astype("object").where(rows[name].notna(), "").astype(str).str.strip())
