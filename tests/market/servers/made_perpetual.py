"""A perpetual made by hand: a candle for each step and a rate for each stamp, one rule each."""

from dataclasses import dataclass
from math import sin

from tests.market.servers.made_coin import milliseconds

LENGTHS = {"1m": 60, "3m": 180, "15m": 900, "1h": 3_600, "4h": 14_400}
HOUR = 3_600_000


@dataclass(frozen=True, kw_only=True)
class MadePerpetual:
    """A coin with candles between two moments, in milliseconds.

    Attributes:
        hours: from stamp to stamp of funding.
        late: milliseconds after its stamp at which a rate is written down.
    """

    symbol: str = "BTC"
    listed: int
    ends: int
    hours: int = 1
    late: int = 0

    def opens(self, interval: str, first: int, last: int) -> list[int]:
        """When candles open that are of a span, both ends inclusive."""
        step = LENGTHS[interval] * 1000
        start = -(-max(first, self.listed) // step) * step
        return list(range(start, min(last, self.ends - step) + 1, step))

    def candle(self, opened: int) -> tuple[float, float, float, float, float]:
        """Open, high, low, close and volume."""
        number = opened / 60_000
        close = round(9_000 + 500 * sin(number / 97), 2)
        return round(close - 5, 2), round(close + 40, 2), round(close - 30, 2), close, number % 7

    def stamps(self, first: int, last: int) -> list[int]:
        """When rates are written down that are of a span."""
        step = self.hours * HOUR
        start = max(first, self.listed) // step * step
        every = range(start, self.ends + 1, step)
        return [stamp + self.late for stamp in every if first <= stamp + self.late <= last]

    def rate(self, moment: int) -> float:
        return round(1e-5 * sin(moment // HOUR / 5), 10)

    @staticmethod
    def of_days(first: object, last: object, **more: int) -> "MadePerpetual":
        """With candles from the beginning of one day to the beginning of another."""
        return MadePerpetual(listed=milliseconds(first), ends=milliseconds(last), **more)  # type: ignore[arg-type]
