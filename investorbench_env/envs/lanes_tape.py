"""What lanes read of their markets: the decisions of a split in all of them, as arrays."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.split_setup import SplitSetup

Array = npt.NDArray[Any]

TOGETHER = 256
"""Markets that are drawn in one go: more take memory, and no less time each."""


class LanesTape(ABC):
    """The decisions of a split in P markets.

    Attributes:
        count: D, how many decisions there are.
        sessions: dates, of all markets [D] or of each [P, D].
        times: decision times, UTC, in the same shape.
        bars_left: bars to the end of the split, gaps included [D].
    """

    sessions: Array
    times: Array

    def __init__(self, setup: SplitSetup, paths: int) -> None:
        self._window, self._paths = setup.options.window, paths
        self.count = len(setup.decisions)
        self._rewards_expected = setup.rewards_expected
        self._lay_out_dates(setup)
        self.bars_left = (setup.span.stop - 1 - setup.decisions).astype(np.float32)
        self._ex_date = np.zeros(self.count, dtype=np.bool_)
        space = setup.observation_space().spaces
        self._shows_bars, self._shows_sentiment = "bars" in space, "sentiment" in space

    def __getstate__(self) -> dict[str, Any]:
        # The windows of a copy are of its own bars.
        return {name: value for name, value in vars(self).items() if name != "_windows"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._look_through_windows()

    @classmethod
    def of_one(cls, setup: Any, history: Any) -> Self:
        """The tape of a market that is there; there is none where all are drawn."""
        raise NotImplementedError

    def _lay_out_dates(self, setup: SplitSetup) -> None:
        self.sessions = setup.calendar.sessions[setup.decisions]
        self.times = setup.calendar.times[setup.decisions]
        self._period = np.append(1.0, self.sessions[1:] != self.sessions[:-1])

    def dates(self, at: Array, places: Array) -> tuple[Array, Array]:
        """Date and time of some places [N], which are at decisions ``at``."""
        return self.sessions.take(at), self.times.take(at)

    def times_of(self, path: int) -> Array:
        """The times of the decisions of a market [D]."""
        return self.times

    def draw(self, markets: Any, paths: Sequence[int], numbers: Sequence[int]) -> None:
        """Put the markets of some numbers in the places of some paths."""
        for first in range(0, len(paths), TOGETHER):
            some = slice(first, first + TOGETHER)
            drawn = markets.without_words(
                numbers[some], news=self._shows_sentiment, state=self._rewards_expected
            )
            self._put_drawn(paths[some], drawn)

    @property
    def last(self) -> int:
        """The last decision, which is never acted on."""
        return self.count - 1

    def ex_dates(self, at: Array) -> bool:
        """Whether there was a dividend or a split on the way to any of some decisions [N]."""
        return bool(np.count_nonzero(self._ex_date.take(at)))

    @abstractmethod
    def prices(self, at: Array, places: Array) -> Any:
        """What the market did on the way to some places [N], which are at decisions ``at``."""

    @abstractmethod
    def prices_of_all(self, at: int) -> Any:
        """The same for episodes that are all at one decision of one market."""

    @abstractmethod
    def observe(self, at: Array, paths: Array, places: Array) -> dict[str, Array]:
        """The numeric parts of observations that the market decides, each with an axis [N]."""

    @abstractmethod
    def _put_drawn(self, paths: Sequence[int], drawn: Any) -> None:
        """Put markets that were drawn in the places of some paths."""

    @abstractmethod
    def _look_through_windows(self) -> None:
        """Each window of the bars as one element: many are gathered as fast as memory is copied."""
