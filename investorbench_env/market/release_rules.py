"""When figures could be known: macro series by rules that are data, statements by their filing."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

NEW_YORK = ZoneInfo("America/New_York")
MIDNIGHT = time(0)
ONE_DAY = timedelta(days=1)
LAST_ACCEPTED, DISSEMINATED = time(17, 30), time(6)
"""What the SEC accepts later is of the next business day, and is published as that begins."""

ReleaseRule = Literal["next business day", "close", "tenth of the next month"]


class MacroSeries(NamedTuple):
    """A series and when its values are published.

    Attributes:
        name: in words.
        unit: behind a value.
        rule: ``"next business day"`` at its end, ``"close"`` of the index on its own day, or
            ``"tenth of the next month"`` at 08:30; all in New York.
        monthly: whether a value is of a month, which its first day stands for.
        revised: whether published values are changed later.
        late: values that came later than the rule says, as the day of each.
    """

    name: str
    unit: str
    rule: ReleaseRule
    monthly: bool = False
    revised: bool = False
    late: Mapping[date, date] = {}


_SHUTDOWNS = {
    date(2013, 9, 1): date(2013, 10, 22),
    date(2025, 9, 1): date(2025, 11, 20),
    date(2025, 10, 1): date(2025, 12, 16),
    date(2025, 11, 1): date(2025, 12, 16),
    date(2026, 1, 1): date(2026, 2, 11),
}
"""Employment reports that a closed government delayed beyond the tenth."""


def _treasury(term: str) -> MacroSeries:
    return MacroSeries(f"{term} Treasury yield", "%", "next business day")


MACRO: Mapping[str, MacroSeries] = {
    "DGS1MO": _treasury("1-month"),
    "DGS3MO": _treasury("3-month"),
    "DGS6MO": _treasury("6-month"),
    "DGS1": _treasury("1-year"),
    "DGS2": _treasury("2-year"),
    "DGS5": _treasury("5-year"),
    "DGS10": _treasury("10-year"),
    "DGS30": _treasury("30-year"),
    "T10Y2Y": MacroSeries("10-year less 2-year yield", "%", "next business day"),
    "T10Y3M": MacroSeries("10-year less 3-month yield", "%", "next business day"),
    "BAMLH0A0HYM2": MacroSeries("High-yield spread", "%", "next business day"),
    "BAMLC0A0CM": MacroSeries("Corporate spread", "%", "next business day"),
    "VIXCLS": MacroSeries("VIX", "", "close"),
    # The report comes on the first Friday as a rule, and up to a week later; never after the tenth,
    # but for the delays above.
    "UNRATE": MacroSeries(
        "Unemployment rate", "%", "tenth of the next month", True, True, _SHUTDOWNS
    ),
    "PAYEMS": MacroSeries(
        "Nonfarm payrolls", "thousand", "tenth of the next month", True, True, _SHUTDOWNS
    ),
}
"""The rules of series by their ids at FRED."""


def released(series: MacroSeries, day: date) -> datetime:
    """When the value of a day, or of the month that it begins, could be known, in UTC."""
    if day in series.late:
        return end_of(series.late[day])
    if series.rule == "close":
        return _in_utc(day, time(16, 15))
    if series.rule == "next business day":
        return end_of(next_business_day(day))
    month = date(day.year + day.month // 12, day.month % 12 + 1, 10)
    return _in_utc(month, time(8, 30))


def known_from_filing(filed: date | None, accepted: datetime | None) -> datetime | None:
    """When a statement could be known, in UTC; None where nothing says it.

    Args:
        filed: the filing date.
        accepted: when the SEC took it, aware.
    """
    if accepted is None:
        return None if filed is None else end_of(filed)
    local = accepted.astimezone(NEW_YORK)
    in_time = local.time() < LAST_ACCEPTED
    if filed is None:
        day = local.date() if in_time else next_business_day(local.date())
        return accepted.astimezone(UTC) if in_time else _in_utc(day, DISSEMINATED)
    if local.date() < filed:
        return _in_utc(filed, DISSEMINATED)
    if local.date() == filed and in_time:
        return accepted.astimezone(UTC)
    # It cannot have been known before it was accepted, whatever its filing date.
    return max(end_of(filed), end_of(local.date()))


def end_of(day: date) -> datetime:
    """The end of a day in New York, in UTC."""
    return _in_utc(day + ONE_DAY, MIDNIGHT)


def next_business_day(day: date) -> date:
    """The first day after it on which banks and the exchange are open."""
    days = _business_days(day.year // 10)
    following: date = days[np.searchsorted(days, np.datetime64(day), side="right")].item()
    return following


@lru_cache(maxsize=16)
def _business_days(decade: int) -> npt.NDArray[np.datetime64]:
    """Those of ten years and of the beginning of the next."""
    from pandas.tseries.holiday import USFederalHolidayCalendar

    from investorbench_env.market.sessions import exchange_sessions

    first, last = f"{decade}0-01-01", f"{decade + 1}0-01-31"
    sessions = exchange_sessions("XNYS", first, last)
    holidays = USFederalHolidayCalendar().holidays(first, last)
    return np.setdiff1d(sessions, holidays.to_numpy().astype("datetime64[D]"))


def _in_utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, NEW_YORK).astimezone(UTC)
