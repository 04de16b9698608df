"""Embedders: what turns texts into vectors, chosen by name and recorded by name.

Which one runs is never decided by what happens to be installed. Hashed n-grams, in `memory.hashed`,
need nothing; the other two live in `memory.models`, the cache around any of them in
`memory.vector_cache`, and `memory.embedders` finds one by its name.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.errors import EmbeddingError

Vectors = NDArray[np.float32]


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
