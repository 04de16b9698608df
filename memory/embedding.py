"""Embedders: what turns texts into vectors, chosen by name and recorded by name.

Which one runs is never decided by what happens to be installed. Hashed n-grams need nothing; the
other two live in `memory.models`, the cache around any of them in `memory.vector_cache`, and
`memory.embedders` finds one by its name.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.errors import EmbeddingError, InvalidInputError

Vectors = NDArray[np.float32]

_WORDS = re.compile(r"\w+|[^\w\s]+")


class Embedder(Protocol):
    """Texts to vectors.

    Attributes:
        name: the kind, the model and all else that determines a vector; it enters records and keys.
        dimension: D.

    One that neither waits nor computes for long may say so with ``is_quick = True``.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [N, D] of N texts; their length does not matter.

        Raises:
            EmbeddingError: there are none to be had.
        """


class HashedNgrams:
    """Words and their character n-grams, hashed into a vector.

    The same text gives the same bits in every process, on every machine, with nothing to download.
    Texts are near where they share words and parts of words; it knows nothing of meaning.
    """

    is_quick = True

    def __init__(self, dimension: int = 384, sizes: tuple[int, ...] = (3, 4, 5)) -> None:
        """Choose the size.

        Args:
            dimension: D.
            sizes: lengths of the character n-grams.
        """
        if dimension < 1 or not all(size >= 1 for size in sizes):
            raise InvalidInputError(f"hashed n-grams of dimension {dimension} and sizes {sizes}")
        self._dimension = dimension
        self._sizes = sizes
        # Many episodes read the same news, and each asks for its background at every step.
        self._vector = lru_cache(maxsize=4096)(self._vector_of)

    @property
    def name(self) -> str:
        """It changes whenever vectors would."""
        return f"hashed-ngrams-v1:{','.join(map(str, self._sizes))}"

    @property
    def dimension(self) -> int:
        """D."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [N, D] of unit length."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._vector(text)
        return vectors

    def _vector_of(self, text: str) -> NDArray[np.float32]:
        features: Counter[str] = Counter()
        for word in _WORDS.findall(text.lower()) or [text]:
            features.update(_features(word, self._sizes))
        hashes = np.array([_hash(feature) for feature in features], np.int64)
        # The square root lets a word that is repeated outweigh others, but not by much.
        weights = np.sqrt(np.fromiter(features.values(), np.float64, len(features)))
        signed = np.where(hashes & 1, weights, -weights)
        vector = np.bincount((hashes >> 1) % self.dimension, signed, self.dimension)
        if not vector.any():  # features of opposite signs met, as they may in few dimensions
            vector[_hash(text) % self.dimension] = 1.0
        unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit


@lru_cache(maxsize=1 << 15)
def _features(word: str, sizes: tuple[int, ...]) -> tuple[str, ...]:
    """A word, which says more than its parts and so counts three times, and its n-grams."""
    padded = f"<{word}>"
    parts = (
        padded[start : start + size] for size in sizes for start in range(len(padded) - size + 1)
    )
    return (padded, padded, padded, *parts)


@lru_cache(maxsize=1 << 17)
def _hash(feature: str) -> int:
    return crc32(feature.encode())


def embed(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Vectors of unit length, checked, [N, D].

    Raises:
        EmbeddingError: the embedder failed, or what it gave has another shape, is not finite or
            has no direction; the message names the text.
    """
    if not texts:
        return np.empty((0, embedder.dimension), np.float32)
    given = np.asarray(embedder.embed(texts), np.float64)
    expected = (len(texts), embedder.dimension)
    if given.shape != expected:
        raise EmbeddingError(
            f"embedder {embedder.name} gave vectors of shape {given.shape}, not {expected}: "
            "is its dimension what the configuration says?"
        )
    lengths: NDArray[np.float64] = np.sqrt((given * given).sum(axis=1))
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if bad.size:
        what = "no direction (all zeros)" if lengths[bad[0]] == 0 else "values that are not finite"
        raise EmbeddingError(
            f"embedder {embedder.name} gave a vector with {what} for {texts[bad[0]][:80]!r}"
        )
    vectors: Vectors = (given / lengths[:, None]).astype(np.float32)
    return vectors
