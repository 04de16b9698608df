"""Which paths there are: seeds in bands that share none, and the generators of a path."""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from investorbench_env.errors import MarketError

FRESH, TRAIN, HELD_OUT, NAMED, ONE = range(5)
"""What a path is for: an episode, training, testing what was trained, a list, an asset itself."""


class Purpose(IntEnum):
    """What is drawn for a path."""

    NORMALS = 0
    UNIFORMS = 1
    NEWS = 2
    WORDS = 3
    FILINGS = 4
    """By year."""


def generator(entropy: Sequence[int], *purpose: int) -> np.random.Generator:
    """One of the independent generators of a path.

    Args:
        entropy: band and seed; the seed has as many bits as it likes.
        purpose: what is drawn from it. A path has a generator for each, so that how much is drawn
            for one moves nothing in another.

    Raises:
        MarketError: the seed is negative, or there is no such band.
    """
    band, seed = (int(part) for part in entropy)
    if seed < 0 or not FRESH <= band <= ONE:
        raise MarketError(
            f"a path has a band of {FRESH}..{ONE} and a seed from 0; got {band} and {seed}"
        )
    # The key follows the seed's words, which are filled up to four, so that no seed of a band can
    # spell the words of a path in another.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(band, *purpose)))
