"""Pieces of a time of days, each of which can be asked for and kept by itself."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

DAY = timedelta(days=1)


def spans(first: date, last: date, *, earliest: date, days: int) -> Iterator[tuple[date, date]]:
    """First and last days of pieces of at most so many days; today in UTC is left out.

    They begin at fixed dates, so that one that was kept fits also another request.
    """
    start, until = max(first, earliest), min(last, datetime.now(UTC).date() - DAY)
    while start <= until:
        number = (start - earliest).days // days + 1
        end = min(earliest + number * days * DAY - DAY, until)
        yield start, end
        start = end + DAY
