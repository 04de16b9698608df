"""A stock made by hand: prices as traded, one rule a day, with its dividends and splits.

Each server tells of it in its own vendor's form, so that all of them lead to one market.
"""

from dataclasses import dataclass, field
from datetime import date
from math import prod, sin

from investorbench_env.market.sessions import sessions_between


@dataclass(frozen=True, kw_only=True)
class MadeStock:
    """A stock; ``dividends`` are cash a share as paid, ``splits`` new shares for one old one."""

    symbol: str = "ACME"
    first: str = "2021-01-04"
    last: str = "2021-03-31"
    dividends: dict[str, float] = field(default_factory=lambda: {"2021-02-05": 0.82})
    splits: dict[str, float] = field(default_factory=lambda: {"2021-03-01": 4.0})

    @property
    def days(self) -> list[date]:
        return list(sessions_between("stock", self.first, self.last).astype(object))

    def split_since(self, day: date) -> float:
        """By what vendors divide a price of this day today."""
        return prod(ratio for when, ratio in self.splits.items() if when > day.isoformat())

    def close(self, day: date) -> float:
        """As it was traded, in whole cents."""
        n = (day - date(2020, 1, 1)).days
        whole = 400 + n / 8 + 20 * sin(n / 9)
        return round(
            whole / prod(ratio for when, ratio in self.splits.items() if when <= day.isoformat()), 2
        )

    def bar(self, day: date) -> tuple[float, float, float, float, int]:
        """Open, high, low, close and volume as traded."""
        close = self.close(day)
        low, high = round(close * 0.99, 2), round(close * 1.02, 2)
        return round(close * 1.01, 2), high, low, close, 1_000_000 + day.toordinal() % 97

    def adjusted(self, day: date) -> float:
        """The close divided by all later splits, less all later dividends."""
        days = self.days
        factor = 1.0
        for when, cash in self.dividends.items():
            if when > day.isoformat():
                before = max(each for each in days if each.isoformat() < when)
                factor *= 1 - cash / self.close(before)
        return self.close(day) / self.split_since(day) * factor
