"""Trading sessions and time zones, from the exchange calendars of ``exchange_calendars``."""

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from investorbench_env.market.market import AssetClass, TimeArray

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

CALENDARS: dict[AssetClass, str] = {"stock": "XNYS", "etf": "XNYS", "crypto": "24/7"}
TIMEZONES: dict[AssetClass, str] = {
    "stock": "America/New_York",
    "etf": "America/New_York",
    "crypto": "UTC",
}
DAYS_A_YEAR: dict[AssetClass, int] = {"stock": 252, "etf": 252, "crypto": 365}


def sessions_between(asset_class: AssetClass, first: str, last: str) -> TimeArray:
    """The dates on which the exchange of an asset class is open, both ends inclusive [T]."""
    calendar = _calendar(asset_class, int(first[:4]), int(last[:4]))
    sessions: TimeArray = calendar.sessions.to_numpy().astype("datetime64[D]")
    # Its own selection refuses a holiday before the first or after the last session of a calendar.
    return sessions[(sessions >= np.datetime64(first)) & (sessions <= np.datetime64(last))]


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
def _calendar(asset_class: AssetClass, first_year: int, last_year: int) -> "ExchangeCalendar":
    import exchange_calendars

    with warnings.catch_warnings():
        # Making a calendar uses what pandas 3.1 deprecates; a reader of ours can do nothing there.
        warnings.simplefilter("ignore", DeprecationWarning)
        return exchange_calendars.get_calendar(
            CALENDARS[asset_class], start=f"{first_year}-01-01", end=f"{last_year}-12-31"
        )
