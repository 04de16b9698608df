"""Which paths there are: seeds in bands that share none, and the generators of a path."""

import sys
from enum import IntEnum
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence

from investorbench_env.errors import MarketError

FRESH, TRAIN, HELD_OUT, NAMED, ONE = range(5)
"""What a path is for: an episode, training, testing what was trained, a list, an asset itself."""


LITTLE_ENDIAN = sys.byteorder == "little"


class Purpose(IntEnum):
    """What is drawn for a path."""

    NORMALS = 0
    UNIFORMS = 1
    NEWS = 2
    WORDS = 3
    FILINGS = 4
    """By year."""
    GUIDANCE = 5
    """By year."""
    FACTS = 6
    """Which change when, and by session what is said of a change."""
    NOISE = 7
    NOISE_WORDS = 8
    CHOICES = 9
    """By session, whether something is an asset's own, its sector's or the market's."""


class Origin(NamedTuple):
    """What a path is drawn from: no two origins share a draw.

    Attributes:
        asset_class: the name of the asset's class, and of the set that it was drawn with.
        symbol: the asset; with one seed two assets are two markets.
        band: one of ``FRESH``..``ONE``.
        seed: from 0, with as many bits as it likes.
        mirrored: of an antithetic pair, whether it is the second path, on which shocks that move
            prices up or down have the other sign and texts the other tone, while regimes, jump
            times and the hours of news stay; None where there is no pair.
    """

    asset_class: str
    symbol: str
    band: int
    seed: int
    mirrored: bool | None = None

    def generator(self, *purpose: int) -> np.random.Generator:
        """One of the independent generators of the path.

        Args:
            purpose: what is drawn from it. A path has a generator for each, so that how much is
                drawn for one moves nothing in another.

        Raises:
            MarketError: the seed is negative, or there is no such band.
        """
        return _generator(f"{self._spelled()}, {', '.join(map(str, map(int, purpose)))})")

    def generators(self, *purposes: Purpose) -> list[np.random.Generator]:
        """Those of several purposes, in less time than one by one; for errors see above."""
        spelled = self._spelled()
        return [_generator(f"{spelled}, {purpose:d})") for purpose in purposes]

    def _spelled(self) -> str:
        """The beginning of a tuple as Python writes it: no two origins are spelled alike."""
        asset_class, symbol, band, seed, _ = self
        band, seed = int(band), int(seed)
        if seed < 0 or not FRESH <= band <= ONE:
            raise MarketError(
                f"a path has a band of {FRESH}..{ONE} and a seed from 0; got {band} and {seed}"
            )
        return repr((asset_class, symbol, band, seed))[:-1]


def _generator(text: str) -> np.random.Generator:
    seed = _Digest(sha256(text.encode()).digest())
    return np.random.Generator(np.random.PCG64(seed))  # type: ignore[arg-type]


class _Digest(ISeedSequence):
    """The SHA-256 of a text as a seed of 256 bits: a third of the time of ``SeedSequence``."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> npt.NDArray[Any]:
        """The first words of the digest."""
        words = np.frombuffer(self._digest, np.dtype(dtype), n_words)
        return words if LITTLE_ENDIAN else words.byteswap()
