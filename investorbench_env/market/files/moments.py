"""Columns of dates and times: the order, unit and zone of each are settled by the whole column.

Nothing is decided row by row. What a column does not settle is refused, with two of its rows and
the words for ``dates=`` that settle it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.date_cells import (
    SHORT_FROM,
    SHORT_TO,
    Fields,
    date_of,
    fields_of,
    is_number,
    offset_of,
    orders_of,
    text_of,
    time_of,
)
from investorbench_env.market.files.settings import (
    NOTHING,
    SIDECAR,
    UNITS,
    FileSettings,
)
from investorbench_env.market.sessions import TimeArray

BoolArray = npt.NDArray[np.bool_]

EARLIEST_YEAR, LATEST_YEAR = 1800, 2100
DENSE, SPARSE = timedelta(days=14), timedelta(days=100)
"""The longest pause in a column of dates of more than a month, and one that no such column has."""
COUNTED_FROM, COUNTED_TO = 631_152_000, 4_102_444_800
"""1990 and 2100 in seconds: a column counts in the unit in which its last number lies there."""
NOWHEN = np.datetime64("NaT", "us")
NO_OFFSET = np.timedelta64("NaT", "us")
ZONES = tuple(
    """UTC America/New_York America/Chicago America/Denver America/Los_Angeles America/Halifax
    America/Sao_Paulo America/Anchorage Pacific/Honolulu Europe/London Europe/Berlin Europe/Athens
    Europe/Moscow Asia/Dubai Asia/Karachi Asia/Kolkata Asia/Dhaka Asia/Bangkok Asia/Shanghai
    Asia/Tokyo Australia/Adelaide Australia/Brisbane Australia/Sydney Pacific/Auckland""".split()
)
"""One zone for each way in which clocks of exchanges and publishers go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlace:
    """A column of a file, for what is said about it.

    Attributes:
        path: the file.
        column: its name there.
        rows: the number of each cell's row [N].
        cells: a pandas series of them, as they are written [N].
    """

    path: Path
    column: str
    rows: npt.NDArray[np.int64]
    cells: Any

    def undecided(self, first: int, second: int, why: str, *words: str) -> CorruptDataError:
        """An error that shows two cells and the words that settle what they are."""
        shown = (
            f"row {self.rows[row]} ({str(self.cells.iloc[row])!r:.60})" for row in (first, second)
        )
        ways = " or ".join(f"dates={word!r}" for word in words)
        return CorruptDataError(
            f"{self.path}, column {self.column!r}: {' and '.join(shown)} {why}; say which by "
            f"{ways}, or by a line such as `dates: {words[0]}` in {self.path.parent / SIDECAR}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DateColumn:
    """A column of dates and times as they are written.

    Attributes:
        place: where they stand.
        wall: what the clock said, ``datetime64[us]``, NaT where there is nothing [N].
        offset: how far that clock is ahead of UTC, NaT where none is written [N].
        bad: where something is written that is no date under what the column decides [N].
    """

    place: ColumnPlace
    wall: TimeArray
    offset: npt.NDArray[np.timedelta64]
    bad: BoolArray

    @property
    def known(self) -> BoolArray:
        """Where there is a date [N]."""
        return ~np.isnat(self.wall)

    @property
    def timed(self) -> BoolArray:
        """Where a time of day other than midnight is written [N]."""
        timed: BoolArray = self.known & (self.wall != self.wall.astype("datetime64[D]"))
        return timed

    @property
    def stated(self) -> BoolArray:
        """Where it is written how far the clock is ahead of UTC [N]."""
        return self.known & ~np.isnat(self.offset)

    def refuse_bad(self, wanted: BoolArray | None = None) -> None:
        """Refuse what is no date, in the rows that are wanted [N].

        Raises:
            CorruptDataError: a cell is none; the message names its row.
        """
        bad = np.flatnonzero(self.bad if wanted is None else self.bad & wanted)
        if len(bad):
            place, cell = self.place, str(self.place.cells.iloc[bad[0]])
            span = f"{EARLIEST_YEAR} to {LATEST_YEAR}"
            if (fields_of(cell.strip().lower()) or {}).get("short"):
                span = f"{SHORT_FROM} to {SHORT_TO}, which years of two digits stand for"
            raise CorruptDataError(
                f"{place.path}, row {place.rows[bad[0]]}: {place.column.lower()} {cell!r:.60} is "
                f"not a date of {span}"
            )

    def local(self, timezone: str) -> TimeArray:
        """What the clock of a zone said; times without a zone are taken as that zone's [N]."""
        return np.where(self.stated, in_zone(self.wall - self.offset, timezone), self.wall)

    def in_utc(self, timezone: str = "") -> TimeArray:
        """The moments in UTC; times without a zone are of this one, UTC where it is empty [N]."""
        import pandas as pd

        own = pd.DatetimeIndex(self.wall)
        if timezone:
            own = own.tz_localize(timezone, ambiguous=False, nonexistent="shift_forward")
            own = own.tz_convert("UTC").tz_localize(None)
        return np.where(self.stated, self.wall - self.offset, own.to_numpy())


def moments_of(cells: Any, path: Path, column: str, settings: FileSettings = NOTHING) -> DateColumn:
    """Read a column of dates and times.

    Args:
        cells: a pandas series of texts, numbers or moments, whose index is each row's number.
        path: the file, for messages.
        column: its name there.
        settings: what somebody says about it.

    Raises:
        CorruptDataError: the column contradicts itself or leaves open what it means.
    """
    import pandas as pd

    place = ColumnPlace(path=path, column=column, rows=cells.index.to_numpy(), cells=cells)
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return _typed(cells, place)
    codes, texts = _different(cells)
    parsed = [fields_of(text) for text in texts]
    if all(map(is_number, texts)) and not _are_compact(parsed):
        walls, offsets = _counted(texts, place, codes, settings)
    else:
        order = _order(parsed, place, codes, settings)
        walls, offsets = _written(parsed, order)
    # The last place is for what is blank, whose code is -1.
    wall = np.append(_plausible(walls), NOWHEN)[codes]
    offset = np.append(offsets, NO_OFFSET)[codes]
    offset[np.isnat(wall)] = NO_OFFSET
    return DateColumn(place=place, wall=wall, offset=offset, bad=(codes >= 0) & np.isnat(wall))


def joined(dates: DateColumn, times: Any, column: str) -> DateColumn:
    """Dates with the times of day that stand in a column beside them.

    Raises:
        CorruptDataError: there stands something else.
    """
    place = dates.place
    wall, offset = dates.wall.copy(), dates.offset.copy()
    for row, cell in enumerate(times.tolist()):
        text = text_of(cell)
        if text is None or np.isnat(wall[row]):
            continue
        found = time_of(text)
        if found is None:
            raise CorruptDataError(
                f"{place.path}, row {place.rows[row]}: {column.lower()} {str(cell)!r:.60} is not "
                f"a time of day, beside the date in column {place.column!r}"
            )
        wall[row] += np.timedelta64(round(found[0] * 1e6), "us")
        ahead = offset_of(found[1], wall[row].astype(datetime))
        if ahead is not None:
            offset[row] = np.timedelta64(ahead)
    return DateColumn(place=place, wall=wall, offset=offset, bad=dates.bad)


def in_zone(utc: TimeArray, timezone: str) -> TimeArray:
    """What the clock of a zone says at moments in UTC, ``datetime64[us]`` [N]."""
    import pandas as pd

    moments = pd.DatetimeIndex(utc.astype("datetime64[us]")).tz_localize("UTC")
    local: TimeArray = moments.tz_convert(timezone).tz_localize(None).to_numpy()
    return local.astype("datetime64[us]")


def _different(cells: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The different texts of a column, and which of them each cell is, -1 where it is blank [N]."""
    import pandas as pd

    raw = cells.astype(object).to_numpy()
    try:
        codes, different = pd.factorize(raw)
    except TypeError:  # lists have no hash
        codes, different = pd.factorize(np.array([str(cell) for cell in raw], dtype=object))
    again, texts = pd.factorize(np.array([*map(text_of, different), None], dtype=object))
    return again[codes], list(texts)


def _typed(cells: Any, place: ColumnPlace) -> DateColumn:
    """A column that is one of moments already; with a zone it says what the clock said there."""
    import pandas as pd

    offset = np.full(len(cells), NO_OFFSET)
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        utc = cells.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        wall = cells.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        offset = wall - utc
    else:
        wall = cells.to_numpy().astype("datetime64[us]")
    plausible = _plausible(wall)
    bad = ~np.isnat(wall) & np.isnat(plausible)
    return DateColumn(place=place, wall=plausible, offset=offset, bad=bad)


def _plausible(wall: TimeArray) -> TimeArray:
    years = wall.astype("datetime64[Y]").astype(np.int64) + 1970
    return np.where((years >= EARLIEST_YEAR) & (years <= LATEST_YEAR), wall, NOWHEN)


def _are_compact(parsed: Sequence[Fields | None]) -> bool:
    """Whether all of a column of numbers are dates such as 20210104."""
    return all(
        fields is not None
        and (made := date_of(fields, "")) is not None
        and EARLIEST_YEAR <= made.year <= LATEST_YEAR
        for fields in parsed
    )


def _counted(
    texts: Sequence[str], place: ColumnPlace, codes: npt.NDArray[np.int64], settings: FileSettings
) -> tuple[TimeArray, npt.NDArray[np.timedelta64]]:
    """Numbers that count from 1970 in the unit in which the last of them is a date of today."""
    counts = [float(text) for text in texts]
    last = max(counts, default=0.0)
    unit = settings.unit or next(
        (
            name
            for name, decimals in UNITS.items()
            if COUNTED_FROM * 10.0**decimals <= last <= COUNTED_TO * 10.0**decimals
        ),
        "",
    )
    walls = np.full(len(texts), NOWHEN)
    if not unit:
        return walls, np.full(len(texts), NO_OFFSET)
    for number, text in enumerate(texts):
        exact = int(text) if text.lstrip("-").isdigit() else float(text)
        micros = (
            exact * 10 ** (6 - UNITS[unit]) if UNITS[unit] < 6 else exact // 10 ** (UNITS[unit] - 6)
        )
        if abs(micros) < 1e16:  # the year 2286, and far from what 64 bits hold
            walls[number] = np.datetime64(round(micros), "us")
    return walls, np.zeros(len(texts), dtype="timedelta64[us]")


def _order(
    parsed: Sequence[Fields | None],
    place: ColumnPlace,
    codes: npt.NDArray[np.int64],
    settings: FileSettings,
) -> str:
    """The order of day, month and year that all of a column's cells of three numbers have."""
    if settings.order:
        return settings.order
    ways = {
        number: orders
        for number, fields in enumerate(parsed)
        if fields is not None and "a" in fields and (orders := orders_of(fields))
    }
    if not ways:
        return ""
    fitting = [
        order
        for order in ("day-first", "month-first", "year-first")
        if all(order in orders for orders in ways.values())
    ]
    if len(fitting) == 1:
        return fitting[0]

    def row_of(number: int) -> int:
        return int(np.argmax(codes == number))

    if not fitting:
        (one, first), *others = sorted(ways.items(), key=lambda way: len(way[1]))
        other = next((n for n, orders in others if not set(orders) & set(first)), others[0][0])
        raise place.undecided(
            row_of(one),
            row_of(other),
            "have day and month in different orders",
            *sorted({*first, *ways[other]}),
        )
    open_to = [number for number, orders in ways.items() if len(set(orders.values())) > 1]
    if not open_to:
        return fitting[0]
    if dense := _dense(ways.values(), fitting):
        return dense
    raise place.undecided(
        row_of(open_to[0]),
        row_of(open_to[-1]),
        f"can be read {' or '.join(fitting)}, and no row decides",
        *fitting,
    )


def _dense(ways: Collection[Mapping[str, date]], fitting: Sequence[str]) -> str:
    """The one order in which dates lie close together for over a month; empty for none.

    Where a year of two digits is taken for a day the dates are spread over decades.
    """
    found = []
    for order in fitting:
        dates = sorted({orders[order] for orders in ways})
        pause = max((later - day for day, later in pairwise(dates)), default=timedelta())
        if pause <= DENSE and dates[-1] - dates[0] > timedelta(days=31):
            found.append(order)
        elif pause <= SPARSE:
            return ""
    return found[0] if len(found) == 1 else ""


def _written(
    parsed: Sequence[Fields | None], order: str
) -> tuple[TimeArray, npt.NDArray[np.timedelta64]]:
    walls, offsets = np.full(len(parsed), NOWHEN), np.full(len(parsed), NO_OFFSET)
    for number, fields in enumerate(parsed):
        made = None if fields is None else date_of(fields, order)
        if fields is None or made is None:
            continue
        wall = np.datetime64(made, "us") + np.timedelta64(round(fields["seconds"] * 1e6), "us")
        walls[number] = wall
        ahead = offset_of(fields["zone"], wall.astype(datetime))
        if ahead is not None:
            offsets[number] = np.timedelta64(ahead)
    return walls, offsets
