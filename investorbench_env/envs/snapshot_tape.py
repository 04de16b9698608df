"""Snapshots of P markets, as flat arrays from which many episodes read at once.

A place is a moment of a snapshot: its decision, number ``2 * path``, or the end of its horizon.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.account import Expected
from investorbench_env.envs.lanes_tape import TOGETHER, LanesTape
from investorbench_env.envs.snapshot_moments import DECISION, END
from investorbench_env.envs.snapshot_numbers import SnapshotNumbers
from investorbench_env.envs.snapshot_setup import SnapshotSetup
from investorbench_env.market.market import FIELDS

Array = npt.NDArray[Any]

NEVER = np.datetime64("NaT", "ns")


class HorizonEnds(NamedTuple):
    """What the market did over each episode's horizon [N]."""

    fill: Array
    final: Array
    earned: Array
    ex_date: bool = False


class SnapshotTape(LanesTape):
    """The snapshots of P markets."""

    def __init__(self, setup: SnapshotSetup, paths: int) -> None:
        super().__init__(setup, paths)
        self._setup, shown = setup, self._window if self._shows_bars else 0
        shape = paths, self.count
        self.symbols: Array = np.full(paths, "", dtype=f"U{max(map(len, setup.markets.symbols))}")
        self._fill, self._earned, self._final, self._expected = np.zeros((4, *shape))
        self._sentiment = np.zeros((*shape, 3), dtype=np.float32)
        self._bars = np.zeros((*shape, shown, len(FIELDS)), dtype=np.float32)
        self._masks = np.zeros((*shape, shown), dtype=np.int8)
        self._look_through_windows()

    def _lay_out_dates(self, setup: Any) -> None:
        self.sessions = np.full((self._paths, self.count), NEVER.astype("datetime64[D]"))
        self.times = np.full((self._paths, self.count), NEVER)

    def _look_through_windows(self) -> None:
        rows, size = self._paths * self.count, self._bars[0, 0].nbytes if self._paths else 0
        if size:
            self._windows: Array = self._bars.reshape(rows, -1).view(f"V{size}")[:, 0]

    def draw(self, markets: Any, paths: Sequence[int], numbers: Sequence[int]) -> None:
        """Put the snapshots of some numbers in the places of some paths."""
        for first in range(0, len(paths), TOGETHER):
            some = slice(first, first + TOGETHER)
            places, news = np.array(paths[some]), self._shows_sentiment
            for rows, drawn in markets.numbers_of(numbers[some], self._window, news=news):
                self._put_drawn(places[rows], drawn)

    def _put_drawn(self, paths: Any, drawn: SnapshotNumbers) -> None:
        self.symbols[paths] = drawn.symbols
        self.sessions[paths], self.times[paths] = drawn.sessions, drawn.times
        self._fill[paths, END], self._earned[paths, END] = drawn.fill, drawn.earned
        self._final[paths] = drawn.final
        if self._rewards_expected and drawn.hidden_state is not None:
            ahead = self._setup.expected(drawn.symbols[0], drawn.hidden_state)
            self._expected[paths, DECISION] = ahead.day
        self._sentiment[paths] = drawn.sentiment
        if self._shows_bars:
            self._bars[paths], self._masks[paths] = drawn.bars, drawn.masks

    def dates(self, at: Array, places: Array) -> tuple[Array, Array]:
        """Date and time of some places [N]."""
        return self.sessions.take(places), self.times.take(places)

    def times_of(self, path: int) -> Array:
        """The times of a snapshot's decision and of its end [2]."""
        times: Array = self.times[path]
        return times

    def prices(self, at: Array, places: Array) -> HorizonEnds:
        """What the market did on the way to some ends of horizons [N]."""
        return HorizonEnds(
            self._fill.take(places), self._final.take(places), self._earned.take(places)
        )

    def prices_of_all(self, at: int) -> HorizonEnds:
        """The same for episodes that are all at one moment of one snapshot."""
        return self.prices(np.array([at]), np.array([at]))

    def expected(self, places: Array) -> Expected:
        """What the horizons after some places were expected to earn [N]."""
        nothing = np.zeros(len(places))
        return Expected(nothing, self._expected.take(places), nothing)

    def final(self, places: Array) -> Array:
        """Closes [N]."""
        return self._final.take(places)

    def labels(self, at: Array, places: Array) -> Array:
        """What a long position taken at some places earns, see ``SnapshotSetup.label`` [N]."""
        return np.where(at == DECISION, self._earned.take(places | END), 0.0)

    def observe(self, at: Array, paths: Array, places: Array) -> dict[str, Array]:
        """The numeric parts of observations that the market decides, each with an axis [N]."""
        observation: dict[str, Array] = {}
        if self._shows_bars:
            shape = len(at), self._window, len(FIELDS)
            observation["bars"] = self._windows.take(places).view(np.float32).reshape(shape)
            observation["mask"] = self._masks.reshape(-1, self._window).take(places, axis=0)
        if self._shows_sentiment:
            observation["sentiment"] = self._sentiment.reshape(-1, 3).take(places, axis=0)
        return observation
