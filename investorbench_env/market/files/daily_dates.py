"""The date of each row of a daily table: bare dates, midnights of a zone, or moments.

Which of these a column holds is settled by all of its rows.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.moments import ZONES, BoolArray, DateColumn
from investorbench_env.market.files.settings import AS_WRITTEN, NOTHING, FileSettings
from investorbench_env.market.sessions import TimeArray

DAY = np.timedelta64(1, "D")
NOON = np.timedelta64(12, "h")
FIXED_ZONES = tuple(f"Etc/GMT{hours:+}" for hours in range(-10, 11) if hours)
"""Zones without summer time, in which programs write midnights all the year."""


def days(
    moments: DateColumn, timezone: str, hours: Sequence[str] = (), settings: FileSettings = NOTHING
) -> TimeArray:
    """The date that each row of a daily table is of, ``datetime64[D]`` [N].

    A bare date is what it is, and midnight in any one zone is how a date is written. Rows later
    than all of those, on one day, are of a day that is not over and have the date of their moment.
    Where rows are at midnight of no one zone they are moments, with the market's date. Dates and
    moments may stand side by side where a moment has one date as it is written and at the market.

    Args:
        moments: the column.
        timezone: the market's.
        hours: opening and closing time of the market there, ``HH:MM``.
        settings: what somebody says about the column.

    Raises:
        CorruptDataError: dates and moments are mixed, or two zones give different dates.
    """
    timed, known, stated = moments.timed, moments.known, moments.stated
    written = moments.wall.astype("datetime64[D]")
    if settings.as_written or not timed.any():
        return written
    if settings.timezone:
        bare = known & ~timed
        if not (bare.any() and _is_one_day_after(moments.wall, bare, timed)):
            bare &= ~stated  # midnight in another zone is a moment among moments
        local = moments.local(settings.timezone)
        return np.where(bare, moments.wall, local).astype("datetime64[D]")
    here = moments.local(timezone).astype("datetime64[D]")
    if stated[known].all():
        found = _of_stated(moments, timezone, hours, here)
        if found is not None:
            return found
    bare = known & ~timed
    if bare.any():
        read = np.where(timed, here, written)
        if _is_one_day_after(moments.wall, bare, timed) or (read == written)[known].all():
            return read
        raise _mixed(moments, bare, timezone)
    if stated[known].any() and not stated[known].all() and (here != written)[known].any():
        raise _mixed(moments, known & ~stated, timezone)
    return here


def _of_stated(
    moments: DateColumn, timezone: str, hours: Sequence[str], here: TimeArray
) -> TimeArray | None:
    """Dates of rows all of which say how far their clock is ahead of UTC; None for moments [N].

    A daily bar of a market that closes is of no weekend, which tells two readings apart.

    Args:
        moments: the column.
        timezone: the market's.
        hours: opening and closing time of the market there, none for one that never closes.
        here: the market's date of each row [N].

    Raises:
        CorruptDataError: they are midnights of a zone or moments, on different dates.
    """
    known = moments.known
    usual = _usual(moments, timezone, hours, here)
    if usual is not None and not (len(hours) and _weekends(usual[known])):
        return usual
    found = _midnights(moments, timezone, here, whole=True)
    found = found or _midnights(moments, timezone, here, whole=False)
    zone, midnights = found or ("", usual)
    if midnights is None or not len(hours):
        return midnights if usual is None else usual
    fewest = min((midnights, here), key=lambda dates: _weekends(dates[known]))
    differ = np.flatnonzero(known & (midnights != here))
    if len(differ) and not _weekends(here[known]) and moments.timed[known].all():
        raise moments.place.undecided(
            int(differ[0]),
            int(differ[-1]),
            f"are midnights in {zone}, or moments on other dates in {timezone}",
            zone,
            timezone,
        )
    return fewest


def _usual(
    moments: DateColumn, timezone: str, hours: Sequence[str], here: TimeArray
) -> TimeArray | None:
    """Dates of rows at the hours of the market, at another hour of its own clock, or at noon [N].

    Noon in UTC stands for the day, wherever one is.
    """
    known, local, utc = moments.known, moments.local(timezone), moments.wall - moments.offset
    clock = _clock(local[known])
    if len(hours) and np.isin(clock, [np.timedelta64(_minutes(h), "m") for h in hours]).all():
        return here
    own = (local == moments.wall)[known].all() and (local != utc)[known].all()
    if own and (clock != np.timedelta64(0, "us")).all():
        return here
    return utc.astype("datetime64[D]") if (_clock(utc[known]) == NOON).all() else None


def _weekends(dates: TimeArray) -> int:
    """How many dates are Saturdays or Sundays; 1970-01-01 was a Thursday."""
    return int(((dates.astype("datetime64[D]").astype(np.int64) + 3) % 7 >= 5).sum())


def _midnights(
    moments: DateColumn, timezone: str, here: TimeArray, whole: bool
) -> tuple[str, TimeArray] | None:
    """A zone of whose midnights rows are, and their dates [N]; None where they are of none.

    Args:
        moments: a column all of whose rows say how far their clock is ahead of UTC.
        timezone: the market's, which is tried first.
        here: the market's date of each row [N].
        whole: whether all rows must be, or all but those of a last day that is not over.

    Raises:
        CorruptDataError: they are in several zones, and those give different dates.
    """
    found: dict[str, TimeArray] = {}
    for zone in (timezone, *ZONES, *FIXED_ZONES):
        local = moments.local(zone)
        dates = local.astype("datetime64[D]")
        at_midnight = moments.known & (local == dates)
        others = moments.known & ~at_midnight
        if not at_midnight.any() or (whole and others.any()):
            continue
        if others.any() and not _is_one_day_after(local, at_midnight, others):
            continue
        found[zone] = np.where(others, here, dates)
    if not found:
        return None
    (zone, dates), *rest = found.items()
    for other, others_dates in rest:
        differ = np.flatnonzero(moments.known & (others_dates != dates))
        if len(differ):
            raise moments.place.undecided(
                int(differ[0]),
                int(differ[-1]),
                f"are midnight in {zone} and in {other}, on different dates",
                zone,
                other,
            )
    return zone, dates


def _is_one_day_after(local: TimeArray, dates: BoolArray, moments: BoolArray) -> bool:
    """Whether some rows are moments of one day, and later than all those that are dates."""
    last = local[moments]
    return bool((last > local[dates].max()).all() and last.max() - last.min() < DAY)


def _mixed(moments: DateColumn, others: BoolArray, timezone: str) -> CorruptDataError:
    return moments.place.undecided(
        int(np.argmax(others)),
        int(np.argmax(moments.timed & ~others)),
        "are dates and moments, or moments with and without a zone, in one column",
        AS_WRITTEN,
        timezone,
    )


def _clock(local: TimeArray) -> npt.NDArray[np.timedelta64]:
    time: npt.NDArray[np.timedelta64] = local - local.astype("datetime64[D]")
    return time


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])
