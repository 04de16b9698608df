"""The bars and decisions of a split in P markets of A perpetuals, from which many episodes read.

As in ``tape`` a place is a decision in a market: of D decisions, number ``path * D + decision``.
Prices are kept bar by bar, since several bars may lie between two decisions, and have the coins on
their first axis, as accounts have them.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.perpetual_book import PerpetualBar
from investorbench_env.envs.lanes_tape import LanesTape
from investorbench_env.envs.markets import DrawnMarkets
from investorbench_env.envs.perpetuals_features import FEATURES, MARKET, SERIES
from investorbench_env.envs.perpetuals_history import PerpetualHistory
from investorbench_env.envs.perpetuals_setup import PerpetualSetup
from investorbench_env.market.intervals import length_of

Array = npt.NDArray[Any]
DAY = 86_400
PRICES = ("open", "high", "low", "close")


class PerpetualTape(LanesTape):
    """The bars and decisions of a split in P markets of A perpetuals.

    The number of a bar is the second at which it opens.

    Attributes:
        bar_seconds: the length of a bar.
    """

    def __init__(self, setup: PerpetualSetup, paths: int) -> None:
        super().__init__(setup, paths)
        self._setup = setup
        self._first, self._last = setup.decisions[[0, -1]].tolist()
        self._length = length = self._last + 1 - self._first
        self._bar_of = setup.decisions - self._first
        assets, bars, places = len(setup.symbols), paths * length, paths * self.count
        self._shape = assets, bars
        self._prices = np.full((len(PRICES), *self._shape), np.nan)
        self._marks: Array | None = None
        self._rate: Array | None = None
        self._oracle: Array | None = None
        self._trades = np.ones(self._shape, np.bool_)
        self._has_idle, self._is_stamp = np.zeros((2, length), np.bool_)
        self._is_ever_idle = False
        self._idle = np.zeros((places, assets), np.bool_)
        self._put_times(setup)
        self._figures = np.full((len(MARKET), assets, places), np.nan, np.float32)
        self._is_known = np.ones(self.count, np.bool_)
        shown = places if "series" in setup.modalities else 0
        self._series = np.zeros((shown, assets, setup.options.window, len(SERIES)), np.float32)
        self._series_mask = np.zeros(self._series.shape, np.int8)

    def _put_times(self, setup: PerpetualSetup) -> None:
        """When bars open and decisions are taken, in whole seconds since 1970."""
        seconds = setup.calendar.times.astype("datetime64[s]").astype(np.int64)
        self._seconds = seconds[setup.decisions]
        self.bar_seconds = int(length_of(setup.options.interval) / np.timedelta64(1, "s"))
        self._opens = seconds[self._first : self._last + 1] - self.bar_seconds
        self._days = self._opens // DAY

    @classmethod
    def of_one(cls, setup: PerpetualSetup, history: PerpetualHistory) -> Self:
        """The tape of a market that is there."""
        tape = cls(setup, 1)
        tape._put(0, history)
        return tape

    def draw(self, markets: DrawnMarkets, paths: Sequence[int], numbers: Sequence[int]) -> None:
        """Put the markets of some numbers in the places of some paths."""
        for path, number in zip(paths, numbers, strict=True):
            self._put(path, self._setup.history_of(number))

    def _put(self, path: int, history: PerpetualHistory) -> None:
        """Lay out the bars and decisions of a market."""
        self._put_bars(path, history)
        decisions = self._setup.decisions
        own = slice(path * self.count, (path + 1) * self.count)
        since = np.cumsum(history.idle, axis=0)[decisions]
        self._idle[own] = np.diff(since, axis=0, prepend=since[:1]) > 0
        self._figures[:, :, own] = figures = history.figures.at_each(decisions).T
        self._is_known &= ~np.isnan(figures).any(axis=(0, 1))
        if len(self._series):
            for place, t in enumerate(decisions.tolist(), own.start):
                series = history.figures.series(t, self._window)
                self._series_mask[place] = known = ~np.isnan(series)
                self._series[place] = np.where(known, series, 0.0)

    def _put_bars(self, path: int, history: PerpetualHistory) -> None:
        own = slice(path * self._length, (path + 1) * self._length)
        bars = history.bars_between(self._first, self._last + 1)
        for place, name in enumerate(PRICES):
            self._prices[place, :, own] = getattr(bars, name)
        self._trades[:, own] = True if bars.trades is None else bars.trades
        self._has_idle |= ~self._trades[:, own].all(axis=0)
        self._is_ever_idle = bool(self._has_idle.any())
        if bars.rate is not None:
            self._rate = np.full(self._shape, np.nan) if self._rate is None else self._rate
            self._rate[:, own] = bars.rate
            self._is_stamp |= ~np.isnan(bars.rate).all(axis=0)
        if bars.oracle is not None:
            self._oracle = np.full(self._shape, np.nan) if self._oracle is None else self._oracle
            self._oracle[:, own] = bars.oracle
        if bars.marks is not None:
            if self._marks is None:
                self._marks = np.full((len(PRICES), *self._shape), np.nan)
            self._marks[:, :, own] = bars.marks

    def _put_drawn(self, paths: Sequence[int], drawn: Any) -> None:
        raise AssertionError("markets of perpetuals are drawn one by one")

    def _look_through_windows(self) -> None:
        """There are none: a series is kept for each decision."""

    # --- what accounts meet -------------------------------------------------------------------

    def prices(self, at: Array, places: Array) -> tuple[PerpetualBar, ...]:
        """The bars on the way to some places [N], which are at decisions ``at``."""
        before, stop = self._bar_of.take(at - 1), self._bar_of.take(at)
        first = places // self.count * self._length
        found = []
        for ahead in range(1, int((stop - before).max()) + 1):
            bar = before + ahead
            is_over = bar > stop
            if np.count_nonzero(is_over):
                found.append(self._bars(np.minimum(bar, stop), first, ~is_over))
            else:
                found.append(self._bars(bar, first, None))
        return tuple(found)

    def _bars(self, bar: Array, first: Array, goes_on: Array | None) -> PerpetualBar:
        """A bar of several markets, or of several times of one [A, N].

        Args:
            bar: of each since the first decision; one where it is the same of all.
            first: where the market of each begins [N].
            goes_on: of whom it is a bar, and not one after the decision; None for all.
        """
        at = first + bar
        trades = self._trades.take(at, axis=1) if self._has_idle.take(bar).any() else None
        rate = oracle = None
        if self._rate is not None and self._is_stamp.take(bar).any():
            rate = self._rate.take(at, axis=1)
            oracle = None if self._oracle is None else self._oracle.take(at, axis=1)
        if goes_on is not None:
            trades = goes_on & (np.ones_like(self._trades[:, :1]) if trades is None else trades)
            rate = None if rate is None else np.where(goes_on, rate, np.nan)
        marks: Any = None if self._marks is None else tuple(self._marks.take(at, axis=2))
        opened, high, low, close = self._prices.take(at, axis=2)
        return PerpetualBar(
            opened, high, low, close, trades, rate, oracle, marks,
            self._opens.take(bar), self._days.take(bar),
        )  # fmt: skip

    def prices_of_all(self, at: int) -> tuple[PerpetualBar, ...]:
        """The same for episodes that are all at one decision of one market [A, 1]."""
        first, stop = self._bar_of[at - 1 : at + 1].tolist()
        return tuple(self._bar(b) for b in range(first + 1, stop + 1))

    def _bar(self, b: int) -> PerpetualBar:
        here, is_stamp = slice(b, b + 1), self._is_stamp[b]
        opened, high, low, close = self._prices[:, :, here]
        marks: Any = None if self._marks is None else tuple(self._marks[:, :, here])
        return PerpetualBar(
            opened, high, low, close,
            trades=self._trades[:, here] if self._has_idle[b] else None,
            rate=self._rate[:, here] if is_stamp and self._rate is not None else None,
            oracle=self._oracle[:, here] if is_stamp and self._oracle is not None else None,
            marks=marks,
            number=self._opens.item(b),
            day=self._days.item(b),
        )  # fmt: skip

    def closes(self, places: Array) -> Array:
        """The last price of trades of each coin at some places [A, N]."""
        found: Array = self._prices[-1].take(self._bars_at(places), axis=1)
        return found

    def last_marks(self, places: Array) -> Array:
        """At which positions are valued [A, N]."""
        last = self._prices[-1] if self._marks is None else self._marks[-1]
        found: Array = last.take(self._bars_at(places), axis=1)
        return found

    def idle(self, places: Array) -> Array | None:
        """Which coins did not trade in a bar since the decision before [N, A]; None for none."""
        if not self._is_ever_idle:
            return None
        return self._idle.take(places, axis=0)

    def labels(self, at: Array, places: Array) -> Array:
        """What long positions taken at some places earn in the next step [N, A].

        0 of what does not trade in the bar that fills them, and at the last decision.
        """
        is_known = at < self.last
        following = np.where(is_known, places + 1, places)
        first = np.where(is_known, self._bars_at(places) + 1, self._bars_at(places))
        opened = self._prices[0].take(first, axis=1)
        closed = self._prices[-1].take(self._bars_at(following), axis=1)
        earned = np.where(self._trades.take(first, axis=1), closed / opened - 1.0, 0.0)
        found: Array = (earned * is_known).T
        return found

    def _bars_at(self, places: Array) -> Array:
        path, at = np.divmod(places, self.count)
        found: Array = path * self._length + self._bar_of.take(at)
        return found

    def seconds(self, at: Array) -> Array:
        """The times of decisions, in whole seconds since 1970 [N]."""
        found: Array = self._seconds.take(at)
        return found

    # --- what is observed ---------------------------------------------------------------------

    def observe(self, at: Array, paths: Array, places: Array) -> dict[str, Array]:
        """The numeric parts of observations that the market decides.

        Features and their mask have the episodes on their last axis [30, A, N], and room for the
        figures of positions.
        """
        observation: dict[str, Array] = {}
        space = self._setup.modalities
        if "features" in space:
            assets, _ = self._shape
            features = np.empty((len(FEATURES), assets, len(places)), np.float32)
            mask = np.empty(features.shape, np.int8)
            self._show_market(features[: len(MARKET)], mask[: len(MARKET)], alike(places))
            observation["features"], observation["mask"] = features, mask
        if "series" in space:
            for name, kept in (("series", self._series), ("series_mask", self._series_mask)):
                own = kept.take(alike(places), axis=0)
                observation[name] = np.broadcast_to(own, (len(places), *own.shape[1:])).copy()
        return observation

    def _show_market(self, features: Array, mask: Array, places: Array) -> None:
        """Write the figures of the market [16, A, N]."""
        own = self._figures.take(places, axis=2)
        if self._is_known.take(places % self.count).all():
            features[:], mask[:] = own, 1
        else:
            known = ~np.isnan(own)
            features[:], mask[:] = np.where(known, own, np.float32(0.0)), known


def alike(values: Array) -> Array:
    """The one of values that are all the same, else all of them."""
    return values if np.count_nonzero(values != values[0]) else values[:1]
