"""A coin made by hand: a bar for each day, one rule a day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import sin


@dataclass(frozen=True, kw_only=True)
class MadeCoin:
    """A coin from the day on which it was listed."""

    symbol: str = "BTC"
    listed: date = date(2020, 3, 15)

    def days(self, first: date, last: date) -> list[date]:
        start = max(first, self.listed)
        return [start + timedelta(days=n) for n in range((last - start).days + 1)]

    def bar(self, day: date) -> tuple[float, float, float, float, float]:
        """Open, high, low, close and volume."""
        n = (day - date(2020, 1, 1)).days
        close = round(9000 + 3 * n + 500 * sin(n / 11), 2)
        return round(close - 5, 2), round(close + 40, 2), round(close - 30, 2), close, 1000.5 + n


def milliseconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000


def day_of(value: int) -> date:
    return datetime.fromtimestamp(value / 1000, UTC).date()
