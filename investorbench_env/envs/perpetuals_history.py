"""The market of perpetuals, bar by bar, in the forms in which an account and an observation use it.

What is known at a bar is made of nothing that ``Market.until(t)`` does not show.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.margin_bars import PerpetualBar
from investorbench_env.envs.perpetuals_features import MarketFigures, latest, market_figures
from investorbench_env.market.documents import Document
from investorbench_env.market.intervals import length_of
from investorbench_env.market.joint_history import JointHistory
from investorbench_env.market.market import CLOSE, OPEN, VOLUME, Market

Array = npt.NDArray[Any]
DAY_OF_SECONDS = 86_400


class PerpetualHistory(JointHistory):
    """The moments of several perpetuals, and what each bar does to an account.

    Attributes:
        figures: of the market, for observations.
        idle: which coins did not trade in a bar: it is missing, or flat without volume [T, A].
    """

    def __init__(
        self, market: Market, symbols: Sequence[str], window: int, context: str | None
    ) -> None:
        """Lay out what accounts and observations need of the past.

        Args:
            market: with the coins.
            symbols: of those that are traded.
            window: bars in a series.
            context: the length of longer bars; None for none.
        """
        super().__init__(market, symbols, window)
        self.figures: MarketFigures = market_figures(market, self.assets, context)
        self.idle = market.outages[:, self.assets]
        self._length = int(length_of(market.interval) / np.timedelta64(1, "s"))
        self._idle_bars: Any = self.idle.any(axis=1).tolist()
        prices = self._bars[..., :VOLUME]
        last = latest(prices[..., CLOSE])[..., None]
        self._prices = _by_bar(np.where(np.isnan(prices), last, prices))
        self._funding = None if market.funding is None else market.funding[:, self.assets, None]
        self._oracle = None if market.oracle is None else market.oracle[:, self.assets, None]
        unknown = True if self._funding is None else np.isnan(self._funding).all(axis=(1, 2))
        self._stamps: list[bool] = (~np.broadcast_to(unknown, len(prices))).tolist()
        # A bar belongs to the UTC day in which it opens.
        self._days: list[int] = ((self._seconds - self._length) // DAY_OF_SECONDS).tolist()
        self._marks = None
        if market.marks is not None:
            marks = market.marks[:, self.assets]
            # Where the mark is not known, trades stand in.
            filled = np.where(np.isnan(marks), np.moveaxis(self._prices[..., 0], 1, -1), marks)
            self._marks = _by_bar(filled)

    def perpetual_bar(self, t: int) -> PerpetualBar:
        """What bar ``t`` does to an account."""
        opened, high, low, close = self._prices[t]
        is_stamp = self._stamps[t]
        return PerpetualBar(
            opened,
            high,
            low,
            close,
            trades=~self.idle[t, :, None] if self._idle_bars[t] else None,
            rate=self._funding[t] if is_stamp and self._funding is not None else None,
            oracle=self._oracle[t] if is_stamp and self._oracle is not None else None,
            marks=None if self._marks is None else tuple(self._marks[t]),
            number=t,
            day=self._days[t],
        )

    def bars_between(self, first: int, stop: int) -> PerpetualBar:
        """What the bars from one to before another do to accounts, each in a column [A, L]."""
        some = slice(first, stop)

        def columns(values: Array | None) -> Array | None:
            return None if values is None else np.moveaxis(values[some, ..., 0], 0, -1)

        opened, high, low, close = np.moveaxis(self._prices[some, ..., 0], 0, -1)
        marks: Any = columns(self._marks)
        return PerpetualBar(
            opened,
            high,
            low,
            close,
            trades=~self.idle[some].T if any(self._idle_bars[some]) else None,
            rate=columns(self._funding) if any(self._stamps[some]) else None,
            oracle=columns(self._oracle),
            marks=None if marks is None else tuple(marks),
        )

    def last_prices(self, t: int) -> Array:
        """At which positions are valued at the end of bar ``t``; NaN where there is none [A]."""
        return (self._prices if self._marks is None else self._marks)[t, CLOSE, :, 0]

    def traded_prices(self, t: int) -> Array:
        """The last close of each coin at bar ``t``; NaN where there is none [A]."""
        return self._prices[t, CLOSE, :, 0]

    def gain(self, first: int, last: int) -> Array:
        """What each coin's price makes of 1 from the open of a bar to the close of another [A].

        0 for one that does not trade in the first bar.
        """
        opened, closed = self._prices[first, OPEN, :, 0], self._prices[last, CLOSE, :, 0]
        gain: Array = np.where(self.idle[first], 0.0, closed / opened - 1.0)
        return gain

    def documents_since(self, before: int, t: int) -> tuple[Document, ...]:
        """What became available after bar ``before`` and by bar ``t``."""
        return self._documents(self._stops.item(before), t)

    def hours(self, first: int, last: int) -> float:
        """From the open of a bar to the close of another."""
        seconds = self._seconds.item(last) - self._seconds.item(first) + self._length
        return float(seconds / 3_600)

    def time_of(self, t: int, is_close: bool) -> datetime:
        """When bar ``t`` closes, or opens, in UTC."""
        seconds = self._seconds.item(t) - (0 if is_close else self._length)
        return datetime.fromtimestamp(seconds, UTC)


def _by_bar(prices: Array) -> Array:
    """Prices [T, A, 4] so that each bar has a column of each of them [T, 4, A, 1]."""
    return np.ascontiguousarray(np.moveaxis(prices, -1, 1))[..., None]


def perpetual_history_of(
    market: Market, symbols: tuple[str, ...], window: int, context: str | None
) -> PerpetualHistory:
    """The history of several perpetuals, made once for a market that environments share."""
    histories: dict[Any, PerpetualHistory] = vars(market).setdefault("_perpetual_histories", {})
    key = symbols, window, context
    if key not in histories:
        histories[key] = PerpetualHistory(market, symbols, window, context)
    return histories[key]
