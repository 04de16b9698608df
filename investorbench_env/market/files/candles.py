"""Candles: bars shorter than a day, each of which opens at a multiple of its length in UTC."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files import tidy
from investorbench_env.market.files.column_names import MARKS
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.possible_bars import breaches, is_given_twice, is_outside
from investorbench_env.market.files.session_bars import count, refuse_beyond
from investorbench_env.market.intervals import UNITS
from investorbench_env.market.market import CLOSE, FIELDS, VOLUME, FloatArray
from investorbench_env.market.sessions import TimeArray

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("date", "timestamp", "time", "interval", *FIELDS, *MARKS),
    *("oracle", "funding_rate", "venue", "source"),
)
SECOND = np.timedelta64(1, "s")


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleOrigin:
    """Candles of one asset from one venue in one file.

    Attributes:
        file: where they stand.
        venue: as the file names it; empty where it does not.
        rows: ``at``, when each opens in UTC, its length in ``seconds``, and what else there is.
    """

    file: DataFile
    venue: str
    rows: "pd.DataFrame"

    def is_of(self, venue: str) -> bool:
        """Whether the file says that they are of a venue."""
        return venue.lower() in f"{self.venue} {self.file.path.name}".lower()

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of bars that there are, in seconds, ascending."""
        return tuple(sorted(self.rows["seconds"].unique().tolist()))

    def __str__(self) -> str:
        return self.file.path.name + (f" ({self.venue})" if self.venue else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candles:
    """Bars of one asset and one length without a step left out.

    Attributes:
        opens: when each opens, ``datetime64[s]`` UTC [T].
        bars: open to volume, NaN for a bar that is missing [T, 5].
        marks: open to close of the mark; None where the file has none [T, 4].
        findings: what is missing or odd, in words.
    """

    opens: TimeArray
    bars: FloatArray
    marks: FloatArray | None
    findings: tuple[str, ...]


def origins(
    file: DataFile, spellings: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, CandleOrigin]]:
    """The candles of each asset in a file, those of each venue by themselves.

    Args:
        file: where; it is read once for all assets.
        spellings: how the file writes each asset.

    Raises:
        CorruptDataError: the file cannot be read, or holds closes alone.
    """
    if not file.has_ohlc:
        raise CorruptDataError(
            f"{file.path}: candles need open, high, low and close; it has {', '.join(file.columns)}"
        )
    rows = tidy.read_rows(file, [text for each in spellings.values() for text in each], COLUMNS)
    frame = rows.frame
    frame["at"] = rows.moments_in_utc()
    frame["seconds"] = _lengths(frame, file)
    venue = next((named(frame[name]) for name in ("venue", "source") if name in frame), None)
    for symbol, own in spellings.items():
        part = frame["seconds"] > 0
        if "symbol" in frame:
            part &= frame["symbol"].isin(own)
        if venue is None:
            said = str(file.metadata.get("source", ""))
            yield symbol, CandleOrigin(file=file, venue=said, rows=frame[part])
            continue
        for name, rows_of_it in frame[part].groupby(venue[part], sort=True):
            yield symbol, CandleOrigin(file=file, venue=str(name), rows=rows_of_it)


def candles_of(origin: CandleOrigin, seconds: int, tolerance: float | None = None) -> Candles:
    """The bars of one length, laid onto every step from the first to the last.

    Args:
        origin: with some of that length.
        seconds: the length.
        tolerance: the share of bars that may be missing; None for any.

    Raises:
        CorruptDataError: a bar that cannot be, or that does not open at a multiple of its length.
    """
    path = origin.file.path
    rows = origin.rows[origin.rows["seconds"] == seconds].dropna(subset=list(FIELDS[:VOLUME]))
    rows = rows.assign(date=rows["at"]).sort_values("date", kind="stable")
    if not len(rows):
        raise CorruptDataError(f"{path}: no candle of {in_words(seconds)} has a price")
    for breach in breaches(rows):
        first = rows[breach.rows].iloc[0]
        raise CorruptDataError(f"{path}, row {first['row']}: {breach.sentence(first)}")
    findings = []
    if (twice := is_given_twice(rows)).any():
        findings.append(f"{count(int(twice.sum()), 'repeated bar')} dropped")
        rows = rows[~twice]
    if (odd := int(is_outside(rows).sum())) > 0:
        findings.append(f"{count(odd, 'bar')} with open or close outside low..high")
    at = rows["at"].to_numpy().astype("datetime64[us]")
    step = np.timedelta64(seconds, "s")
    _refuse_between(at, seconds, rows, origin)
    length = int((at[-1] - at[0]) // step) + 1
    opens = at[0].astype("datetime64[s]") + np.arange(length) * step
    place = ((at - at[0]) // step).astype(np.int64)
    bars = _laid(rows, FIELDS, place, length)
    if np.isnan(bars[:, VOLUME]).all():
        findings.append("volumes are unknown: bars without a trade are taken for ones with some")
    if missing := int(np.isnan(bars[:, CLOSE]).sum()):
        findings.append(f"{count(missing, 'bar')} of {in_words(seconds)} missing")
        refuse_beyond(tolerance, missing / length, findings[-1], str(path))
    has_marks = set(MARKS) <= set(rows) and rows[list(MARKS)].notna().to_numpy().any()
    return Candles(
        opens=opens,
        bars=bars,
        marks=_laid(rows, MARKS, place, length) if has_marks else None,
        findings=tuple(findings),
    )


def named(venues: "pd.Series[Any]") -> "pd.Series[str]":
    """A column of venues as texts, empty where a row names none."""
    return venues.astype(object).where(venues.notna(), "").astype(str)


def in_words(seconds: int) -> str:
    """A length of bars as it is written: 180 seconds as ``3m``."""
    unit = max((unit for unit in "mhd" if seconds % UNITS[unit] == 0), key=UNITS.__getitem__)
    return f"{seconds // UNITS[unit]}{unit}"


def _laid(rows: "pd.DataFrame", names: Sequence[str], place: Any, length: int) -> FloatArray:
    laid = np.full((length, len(names)), np.nan)
    for number, name in enumerate(names):
        if name in rows:
            laid[place, number] = rows[name].to_numpy(dtype=float)
    return laid


def _refuse_between(
    at: TimeArray, seconds: int, rows: "pd.DataFrame", origin: CandleOrigin
) -> None:
    """See that bars open at multiples of their length from midnight UTC.

    Raises:
        CorruptDataError: one does not, as where its end stands for it.
    """
    day = at.astype("datetime64[D]")
    between = np.flatnonzero((at - day) % np.timedelta64(seconds, "s") != 0 * SECOND)
    if len(between):
        first = between[0]
        raise CorruptDataError(
            f"{origin.file.path}, row {rows['row'].iloc[first]}: a bar of {in_words(seconds)} "
            f"opens at {at[first].astype('datetime64[ms]')}, which is no multiple of its length in "
            "UTC; the time of a bar is when it opens"
        )


def _lengths(frame: "pd.DataFrame", file: DataFile) -> Any:
    """The length of each bar in seconds, as its row says or else as far as bars are apart [N]."""
    if "interval" in frame:
        texts = named(frame["interval"])
        seconds = {text: _seconds(text) for text in texts.unique()}
        if seconds and not any(seconds.values()):
            raise CorruptDataError(
                f"{file.path}: interval {next(iter(seconds))!r} is no length of a bar; write 3m, "
                "1h or 1d"
            )
        return texts.map(seconds).astype(np.int64)
    apart = np.diff(np.unique(frame["at"].to_numpy()))
    if not len(apart):
        raise CorruptDataError(f"{file.path}: one bar does not say how long it is: add interval")
    return int(np.median(apart) / SECOND)


def _seconds(text: str) -> int:
    """How long bars are by a word such as 3m, 15min, 1h, 4H or 1D; 0 for another word."""
    found = re.fullmatch(r"([1-9]\d*) ?(m|min|minutes?|h|H|hours?|d|D|days?)", text.strip())
    return int(found[1]) * UNITS[found[2][0].lower()] if found else 0
