"""Trading sessions and time zones, from the exchange calendars of ``exchange_calendars``."""

import warnings
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import UnknownNameError
from investorbench_env.market.asset_classes import find_asset_class

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

TimeArray = npt.NDArray[np.datetime64]


class SessionHours(NamedTuple):
    """A session of an exchange.

    Attributes:
        date: ``YYYY-MM-DD``.
        opens: in UTC.
        closes: likewise; earlier on some days.
    """

    date: str
    opens: datetime
    closes: datetime


def sessions_between(asset_class: str, first: str, last: str) -> TimeArray:
    """The dates on which the exchange of an asset class is open, both ends inclusive [T]."""
    return exchange_sessions(find_asset_class(asset_class).calendar, first, last)


def exchange_sessions(calendar: str, first: str, last: str) -> TimeArray:
    """The dates on which an exchange is open, both ends inclusive [T].

    Args:
        calendar: its code in ``exchange_calendars``, such as ``"XNYS"``.
        first: YYYY-MM-DD.
        last: YYYY-MM-DD.

    Raises:
        UnknownNameError: there is no such calendar.
    """
    found = _calendar(calendar, int(first[:4]), int(last[:4]))
    sessions: TimeArray = found.sessions.to_numpy().astype("datetime64[D]")
    # Its own selection refuses a holiday before the first or after the last session of a calendar.
    return sessions[(sessions >= np.datetime64(first)) & (sessions <= np.datetime64(last))]


def session_hours(calendar: str, first: str, last: str) -> tuple[SessionHours, ...]:
    """The sessions of an exchange with their hours; for arguments and errors see above."""
    found = _calendar(calendar, int(first[:4]), int(last[:4])).schedule.loc[first:last]
    return tuple(
        SessionHours(
            f"{day:%Y-%m-%d}",
            *(datetime.fromtimestamp(moment.timestamp(), UTC) for moment in (opens, closes)),
        )
        for day, opens, closes in zip(found.index, found["open"], found["close"], strict=True)
    )


def session_before(asset_class: str, date: str, count: int) -> str:
    """The date of the session that lies so many sessions before a date, ``YYYY-MM-DD``."""
    day = np.datetime64(date, "D")
    # Weekends and holidays are fewer than half of the days, of a few more than are wanted.
    days = np.timedelta64(2 * count + 10, "D")
    earlier = sessions_between(asset_class, str(day - days), date)
    return str(earlier[earlier < day][-count])


def ends_of_days(dates: TimeArray, timezone: str) -> TimeArray:
    """Midnight at the end of each date in a time zone, as ``datetime64[ns]`` UTC [T].

    A daily decision is taken then, and what has a date without a time of day counts as available
    then.
    """
    import pandas as pd

    following = pd.DatetimeIndex(dates.astype("datetime64[D]") + np.timedelta64(1, "D"))
    # Midnight can fall into a change of clocks in some zones; the later reading is never early.
    local = following.tz_localize(timezone, ambiguous=False, nonexistent="shift_forward")
    ends: TimeArray = local.tz_convert("UTC").tz_localize(None).to_numpy()
    return ends.astype("datetime64[ns]")


@lru_cache(maxsize=32)
def _calendar(name: str, first_year: int, last_year: int) -> "ExchangeCalendar":
    import exchange_calendars

    with warnings.catch_warnings():
        # Making a calendar uses what pandas 3.1 deprecates; a reader of ours can do nothing there.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return exchange_calendars.get_calendar(
                name, start=f"{first_year}-01-01", end=f"{last_year}-12-31"
            )
        except exchange_calendars.errors.InvalidCalendarName:
            known = exchange_calendars.get_calendar_names(include_aliases=False)
            raise UnknownNameError("exchange calendar", name, known) from None
