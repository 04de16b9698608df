"""Where the episodes of one lane begin: in which market, and at which of its decisions."""

from hashlib import sha256

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.markets import Draws

STREAM = 7
"""Keeps these draws apart from those of Gymnasium's generator of the same seed, which anybody may
read who has the environment: it must not lead to the next market."""

UNKNOWN_SEED = -1
"""What Gymnasium has in the place of a seed that is not known."""

SEED_BYTES = 16
"""Of the number of a new market: too many for a search through all of them."""

BLOCK = 16
"""Numbers that are drawn in one go, in a fifth of the time that one by one takes."""


def shown_seed(seed: int | None, markets: Draws) -> int | None:
    """What Gymnasium's generator begins with, whose own seed anybody may read.

    Where the seed of a ``reset`` leads to a market it is another one, which follows from it.
    """
    if not markets.name or not isinstance(seed, int) or seed < 0:  # Gymnasium says what is wrong
        return seed
    return int.from_bytes(sha256(str(seed).encode()).digest()[:SEED_BYTES], "little")


class MarketSeed(int):
    """The number of a market in an info.

    Gymnasium's vector environments put plain integers of infos into arrays of 64 bits, where most
    of these have no room, and what is of another class as it is.
    """


class Starts:
    """The draws of a lane, all of which follow from its seed.

    Args:
        seed: as in ``reset``; None for any.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = self._first = seed
        self._made: np.random.Generator | None = None
        self._drawn: list[int] = []

    def pool(self, markets: Draws) -> tuple[int, ...]:
        """The numbers of the markets that episodes choose from; none where each has its own."""
        return tuple(self._new() for _ in range(markets.pool or 0))

    def market(self, markets: Draws, pool: tuple[int, ...]) -> int:
        """The number of the next episode's market: at first that of the seed, then a new one."""
        if pool:
            return pool[self._new() % len(pool)]
        numbers = markets.numbers
        if numbers is not None and len(numbers) == 1:
            return numbers[0]
        given, self._first = self._first, None
        number = self._new() if given is None else given
        return number if numbers is None else numbers[number % len(numbers)]

    def decision(self, spare: int) -> int:
        """The next episode's first decision: one of the first, where so many are to spare."""
        return self._new() % (spare + 1) if spare else 0

    def ahead(self, count: int) -> npt.NDArray[np.uint64]:
        """The next numbers, each in a lower and an upper half [count, 2]."""
        there = reversed(self._drawn[-count:])
        kept = b"".join(one.to_bytes(SEED_BYTES, "little") for one in there)
        del self._drawn[-count:]
        # The words of which ``bytes`` are made, in a third of its time.
        words = 2 * (count - len(kept) // SEED_BYTES)
        drawn = self._generator().bit_generator.random_raw(words)
        return np.append(np.frombuffer(kept, "<u8"), drawn).reshape(count, 2)

    def _new(self) -> int:
        if not self._drawn:
            drawn = self._generator().bytes(BLOCK * SEED_BYTES)
            self._drawn = [
                int.from_bytes(drawn[first : first + SEED_BYTES], "little")
                for first in range(len(drawn) - SEED_BYTES, -1, -SEED_BYTES)
            ]
        return self._drawn.pop()

    def _generator(self) -> np.random.Generator:
        if self._made is None:  # most lanes of a market that is there never need one
            sequence = np.random.SeedSequence(self._seed, spawn_key=(STREAM,))
            self._made = np.random.default_rng(sequence)
        return self._made
