"""The decisions of a split in P markets of A assets, from which many episodes read at once.

As in ``tape`` a place is a decision in a market: of D decisions, number ``path * D + decision``.
Prices have the assets on their first axis, as accounts have them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.lanes_tape import LanesTape
from investorbench_env.envs.portfolio_setup import PortfolioSetup
from investorbench_env.market.history import restated
from investorbench_env.market.joint_history import JointHistory
from investorbench_env.market.joint_prices import SessionStep
from investorbench_env.market.market import CLOSE, FIELDS, OPEN
from investorbench_env.market.simulated.law import SimulatedNumbers

Array = npt.NDArray[Any]


class WindowRows(NamedTuple):
    """Bars one after the other, such that the window of each decision is a slice of them.

    Attributes:
        bars: in the shares of the last bar of the windows that they are in, float32 [R, A, 5].
        known: which of them there are, int8 [R, A].
        starts: where the window of each decision begins [D].
    """

    bars: Array
    known: Array
    starts: Array


class PortfolioTape(LanesTape):
    """The decisions of a split in P markets of A assets.

    Attributes:
        bars_some: whether any asset cannot be bought at some of its decisions.
        has_stale: whether any is marked at an old price at some.
    """

    def __init__(self, setup: PortfolioSetup, paths: int) -> None:
        super().__init__(setup, paths)
        self._setup, places = setup, paths * self.count
        self._assets = assets = len(setup.symbols)
        self._fill, self._final = np.ones((2, assets, places))
        self._dividend, self._split = np.zeros((assets, places)), np.ones((assets, places))
        self._trades = np.ones((assets, places), dtype=np.bool_)
        self._has_gaps = np.zeros(self.count, dtype=np.bool_)
        self._tradable = np.ones((places, assets), dtype=np.int8)
        self._stale = np.zeros((places, assets), dtype=np.bool_)
        self.bars_some, self.has_stale = False, False
        self._sentiment = np.zeros(
            (places if self._shows_sentiment else 0, assets, 3), dtype=np.uint16
        )
        self._starts = np.zeros(places, dtype=np.int64)
        self._room = 0
        self._known = np.zeros((paths, 0, assets), dtype=np.int8)
        self._bars = np.zeros((paths, 0, assets, len(FIELDS)), dtype=np.float32)
        if self._shows_bars:
            self._make_room(int(np.ptp(setup.decisions)) + self._window)

    @classmethod
    def of_one(cls, setup: PortfolioSetup, history: JointHistory) -> Self:
        """The tape of a market that is there."""
        tape = cls(setup, 1)
        tape._put_history(history)
        return tape

    def _put_history(self, history: JointHistory) -> None:
        setup, t, prices = self._setup, self._setup.decisions, history.prices
        self._fill[:], self._final[:] = prices.fill[t].T, prices.final[t].T
        self._dividend[:], self._split[:] = prices.dividend[t].T, prices.split[t].T
        self._trades[:] = prices.traded[t].T
        self._has_gaps[:] = ~prices.traded[t].all(axis=1)
        self._ex_date[:] = self._has_ex_dates(self._dividend, self._split)
        for place, bar in enumerate(t.tolist()):
            self._stale[place] = history.is_priced(bar) & (prices.stale[bar] > 0)
            barred = setup.barred(history, bar)
            self._tradable[place] = [symbol not in barred for symbol in setup.symbols]
            if self._shows_sentiment:
                self._sentiment[place] = history.until(bar).sentiment
        self.bars_some = not self._tradable.all()
        self.has_stale = bool(self._stale.any())
        market, assets = history.market, history.assets
        self._put_rows(0, market.bars[:, assets], market.share_splits[:, assets], history.known)

    def _put_drawn(self, paths: Sequence[int], drawn: SimulatedNumbers) -> None:
        shape = drawn.adjusted_close.shape
        splits, dividends = np.ones(shape), np.zeros(shape)
        splits[:, drawn.ex_dates] = drawn.share_splits
        dividends[:, drawn.ex_dates] = drawn.dividends
        for each in zip(paths, drawn.bars, splits, dividends, drawn.labels, strict=True):
            self._put_one(*each)

    def _put_one(
        self, path: int, bars: Array, splits: Array, dividends: Array, labels: Array
    ) -> None:
        """A market in which every asset trades in every session."""
        setup, t = self._setup, self._setup.decisions
        places = slice(path * self.count, (path + 1) * self.count)
        self._fill[:, places], self._final[:, places] = bars[t, :, OPEN].T, bars[t, :, CLOSE].T
        # A dividend on the day of a split is paid on the new shares.
        self._dividend[:, places] = (dividends[t] * splits[t]).T
        self._split[:, places] = splits[t].T
        self._ex_date |= self._has_ex_dates(self._dividend[:, places], self._split[:, places])
        for asset, member in enumerate(setup.members):
            belongs = [member.belongs_on(str(session)) for session in self.sessions]
            self._tradable[places, asset] = belongs
            self.bars_some |= not all(belongs)
        if self._shows_sentiment:
            self._sentiment[places] = labels[t]
        self._put_rows(path, bars, splits, np.ones(splits.shape, dtype=np.bool_))

    @staticmethod
    def _has_ex_dates(dividend: Array, split: Array) -> Array:
        found: Array = ((dividend != 0.0) | (split != 1.0)).any(axis=0)
        return found

    # --- windows of bars ----------------------------------------------------------------------

    def _put_rows(self, path: int, bars: Array, splits: Array, known: Array) -> None:
        if not self._shows_bars:
            return
        rows = rows_of(bars, splits, known, self._setup.decisions, self._window)
        if len(rows.bars) > self._room:
            self._make_room(len(rows.bars))
        first, places = path * self._room, slice(path * self.count, (path + 1) * self.count)
        self._bars[path, : len(rows.bars)] = rows.bars
        self._known[path, : len(rows.bars)] = rows.known
        self._starts[places] = first + rows.starts

    def _make_room(self, rows: int) -> None:
        """Make room for so many rows of each path, where a path has more splits than others."""
        before, more = self._room, rows - self._room
        extra = [(0, 0), (0, more), (0, 0)]
        self._known = np.pad(self._known, extra)
        self._bars = np.pad(self._bars, [*extra, (0, 0)])
        self._starts += np.repeat(np.arange(self._paths), self.count) * more * (before > 0)
        self._room = rows
        self._look_through_windows()

    def _look_through_windows(self) -> None:
        """Each window as one element: many are gathered as fast as memory is copied."""
        if self._room:
            count = self._paths * self._room - self._window + 1
            self._windows: tuple[Array, Array] = tuple(  # type: ignore[assignment]
                np.ndarray(count, f"V{self._window * size}", rows, strides=(size,))
                for rows in (self._bars, self._known)
                for size in [rows[0, 0].nbytes]
            )

    # --- what episodes read -------------------------------------------------------------------

    def prices(self, at: Array, places: Array) -> SessionStep:
        """What the market did on the way to some places [N], which are at decisions ``at``."""
        ex_date = self.ex_dates(at)
        dividend, split = NONE, SAME
        if ex_date:
            dividend = self._dividend.take(places, axis=1)
            split = self._split.take(places, axis=1)
        has_gaps = np.count_nonzero(self._has_gaps.take(at))
        return SessionStep(
            fill=self._fill.take(places, axis=1),
            final=self._final.take(places, axis=1),
            trades=self._trades.take(places, axis=1) if has_gaps else None,
            ex_date=ex_date,
            dividend=dividend,
            split=split,
            period=self._period.take(at),  # type: ignore[arg-type]
        )

    def prices_of_all(self, at: int) -> SessionStep:
        """The same for episodes that are all at one decision of one market [A, 1]."""
        here = slice(at, at + 1)
        return SessionStep(
            fill=self._fill[:, here],
            final=self._final[:, here],
            trades=self._trades[:, here] if self._has_gaps[at] else None,
            ex_date=bool(self._ex_date[at]),
            dividend=self._dividend[:, here],
            split=self._split[:, here],
            period=self._period.item(at),
        )

    def final(self, places: Array) -> Array:
        """Closes [A, N]."""
        return self._final.take(places, axis=1)

    def tradable(self, places: Array) -> Array:
        """Which assets can be bought, int8 [N, A]."""
        if not self.bars_some:
            return np.ones((len(places), self._assets), dtype=np.int8)
        return self._tradable.take(places, axis=0)

    def stale(self, places: Array) -> Array:
        """Which assets are marked at an old price [N, A]."""
        return self._stale.take(places, axis=0)

    def labels(self, at: Array, places: Array) -> Array:
        """What long positions taken at some places earn in the next step, 0 at the last [N, A]."""
        is_known = at < self.last
        following = np.where(is_known, places + 1, places)
        earned = self._final.take(following, axis=1) / self._fill.take(following, axis=1) - 1.0
        found: Array = (earned * (self._trades.take(following, axis=1) & is_known)).T
        return found

    def observe(self, at: Array, paths: Array, places: Array) -> dict[str, Array]:
        """The numeric parts of observations that the market decides, each with an axis [N]."""
        observation: dict[str, Array] = {}
        if self._shows_bars:
            shape, first = (len(at), self._window, self._assets), self._starts.take(places)
            windows, masks = (windows[first] for windows in self._windows)
            observation["bars"] = windows.view(np.float32).reshape(*shape, len(FIELDS))
            observation["mask"] = masks.view(np.int8).reshape(shape)
        if self._shows_sentiment:
            observation["sentiment"] = self._sentiment.take(places, axis=0).astype(np.float32)
        return observation


NONE, SAME = np.zeros((1, 1)), np.ones((1, 1))
"""Dividends and splits where there are none."""


def rows_of(bars: Array, splits: Array, known: Array, decisions: Array, window: int) -> WindowRows:
    """Rows in which the window of each decision is a slice.

    A window is in the shares of its last bar, so those after a split have rows of their own.

    Args:
        bars: as traded [T, A, 5].
        splits: new shares for an old one [T, A].
        known: which bars there are [T, A].
        decisions: ascending [D].
        window: bars in an observation.
    """
    split_at = np.flatnonzero((splits != 1.0).any(axis=1))
    group = np.searchsorted(split_at, decisions, side="right")
    pieces, masks, starts, length = [], [], [], 0
    for number in np.unique(group):
        own = decisions[group == number]
        first = own[0] + 1 - window
        shown, missing = slice(max(first, 0), own[-1] + 1), max(-first, 0)
        mask = np.pad(known[shown].astype(np.int8), [(missing, 0), (0, 0)])
        by_asset = restated(bars[shown].swapaxes(0, 1), splits[shown].T, mask.T)
        pieces.append(by_asset.swapaxes(0, 1))
        masks.append(mask)
        starts.append(length + own - own[0])
        length += len(mask)
    return WindowRows(np.concatenate(pieces), np.concatenate(masks), np.concatenate(starts))
