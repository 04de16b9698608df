"""Dates that are given as options: what counts as one, and one error for all that does not."""

import re
from datetime import date, datetime, time

import numpy as np

from investorbench_env.errors import DateRangeError

EARLIEST, LATEST = "1900-01-01", "2199-12-31"
"""Exchange calendars and times in nanoseconds hold no dates far beyond."""

DateLike = str | date | np.datetime64


def date_text(name: str, value: object) -> str:
    """A date as ``YYYY-MM-DD``.

    Args:
        name: of the option, for the error.
        value: such a text, a ``date``, a ``datetime64`` of whole days, or a ``datetime`` or pandas
            ``Timestamp`` at midnight.

    Raises:
        DateRangeError: anything else.
    """
    text = _written(value)
    if text is None:
        raise DateRangeError(
            f"{name}={value!r} is no date: write it as YYYY-MM-DD, such as {name}='2021-02-01'"
        )
    if not EARLIEST <= text <= LATEST:
        raise DateRangeError(f"{name}={value!r} is not within {EARLIEST}..{LATEST}")
    return text


def _written(value: object) -> str | None:
    if isinstance(value, np.datetime64):
        # Months and years are none, whole days of a finer unit are.
        if np.isnat(value) or np.datetime_data(value.dtype)[0] in ("Y", "M", "W", "generic"):
            return None
        day = value.astype("datetime64[D]")
        return str(day) if day == value else None
    if isinstance(value, datetime):
        # Pandas has a missing one that is of no day and not equal to itself.
        return value.date().isoformat() if value == value and value.time() == time() else None
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) is None:
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return None
