"""What the next episodes of many lanes choose from a pool, drawn for many episodes in one go."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.starts import Starts

AHEAD = 256
"""Numbers of a lane that are drawn in one go: a row of them is read as fast as it is written."""

IndexArray = npt.NDArray[np.int64]


class PoolChoices:
    """The choices of N lanes, each those that its ``Starts`` leads to.

    Args:
        count: N.
        pool: how many markets there are to choose from.
        spare: so many decisions after the first an episode may begin at.
    """

    def __init__(self, count: int, pool: int, spare: int) -> None:
        # An episode takes a number for its market, and one for its start where that is drawn.
        self._kinds = (pool, spare + 1) if spare else (pool,)
        self._chosen = np.zeros((AHEAD, count), dtype=np.int32)
        self._next = np.full(count, AHEAD)

    def forget(self, lane: int) -> None:
        """Draw again for a lane, which has another seed."""
        self._next[lane] = AHEAD

    def draw(self, starts: Sequence[Starts], lanes: IndexArray) -> list[IndexArray]:
        """The path in the pool of the next episode of some lanes, and its first decision [n].

        Args:
            starts: the draws of all lanes.
            lanes: in which an episode begins, ascending [n].
        """
        for lane in lanes[self._next[lanes] == AHEAD].tolist():
            self._look_ahead(starts[lane], lane)
        at = self._next[lanes]
        found = [self._chosen[at + kind, lanes] for kind in range(len(self._kinds))]
        self._next[lanes] = at + len(self._kinds)
        return found if len(found) > 1 else [*found, np.zeros_like(at)]

    def _look_ahead(self, starts: Starts, lane: int) -> None:
        numbers = starts.ahead(AHEAD)
        for kind, count in enumerate(self._kinds):
            own = numbers[kind :: len(self._kinds)]
            self._chosen[kind :: len(self._kinds), lane] = _remainders(own, count)
        self._next[lane] = 0


def _remainders(numbers: npt.NDArray[np.uint64], divisor: int) -> npt.NDArray[np.uint64]:
    """Of numbers of 128 bits, each in a lower and an upper half [n, 2], by one below 2³² [n]."""
    low, high = (numbers % np.uint64(divisor)).T
    found: npt.NDArray[np.uint64] = (high * np.uint64((1 << 64) % divisor) + low) % np.uint64(
        divisor
    )
    return found
