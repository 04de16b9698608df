"""What the next episodes of many lanes choose from a pool, drawn for many episodes in one go."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.starts import Starts

AHEAD, ROOM = 256, 1 << 20
"""Numbers of a lane that are drawn in one go, and of all lanes at most: a call takes longer than
the hundred numbers that it gives."""

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
        self._ahead = max(min(AHEAD, ROOM // count), 2) // 2 * 2
        self._chosen = np.zeros((self._ahead, count), dtype=np.int32)
        self._next = np.full(count, self._ahead)

    def forget(self, lane: int) -> None:
        """Draw again for a lane, which has another seed."""
        self._next[lane] = self._ahead

    def draw(self, starts: Sequence[Starts], lanes: IndexArray) -> list[IndexArray]:
        """The path in the pool of the next episode of some lanes, and its first decision [n].

        Args:
            starts: the draws of all lanes.
            lanes: in which an episode begins, ascending [n].
        """
        spent = lanes[self._next[lanes] == self._ahead]
        if len(spent):
            self._look_ahead(starts, spent)
        at = self._next[lanes]
        found = [self._chosen[at + kind, lanes] for kind in range(len(self._kinds))]
        self._next[lanes] = at + len(self._kinds)
        return found if len(found) > 1 else [*found, np.zeros_like(at)]

    def _look_ahead(self, starts: Sequence[Starts], lanes: IndexArray) -> None:
        numbers = np.stack([starts[lane].ahead(self._ahead) for lane in lanes.tolist()])
        kinds = len(self._kinds)
        for kind, count in enumerate(self._kinds):
            self._chosen[kind::kinds, lanes] = _remainders(numbers[:, kind::kinds], count).T
        self._next[lanes] = 0


def _remainders(numbers: npt.NDArray[np.uint64], divisor: int) -> npt.NDArray[np.uint64]:
    """Of numbers of 128 bits, in lower and upper halves [..., 2], by one below 2³² [...]."""
    by, of_upper = np.uint64(divisor), np.uint64((1 << 64) % divisor)
    found: npt.NDArray[np.uint64] = numbers[..., 0] % by
    if of_upper:
        found = (numbers[..., 1] % by * of_upper + found) % by
    return found
