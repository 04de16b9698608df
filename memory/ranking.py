"""Ranking: the best of one layer's memories for a query, exactly and in a reproducible order.

Knows vectors, ids and standings (`memory.scoring`), but neither layers nor texts.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.scoring import Floats

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]
Indices = NDArray[np.intp]
Ranking = Callable[[Vectors, Ids, Floats, Vectors, int], tuple[Indices, Floats]]

SCORE_DECIMALS = 12
"""Scores that agree to this many decimals are a tie: which arithmetic led to one is no reason to
rank it first. Ties go to the lower id, the memory that was added first."""


def cosine(vectors: Vectors, queries: Vectors) -> Floats:
    """Cosines in double precision, the highest over the queries.

    Each is a sum over one row alone, so it does not depend on which other rows are asked for, nor
    on the number of threads.

    Args:
        vectors: [N, D].
        queries: [M, D].

    Returns:
        [N], in −1..1.
    """
    rows, asked = vectors.astype(np.float64), queries.astype(np.float64)
    lengths = np.sqrt((rows * rows).sum(axis=1))
    highest = np.full(len(rows), -1.0)
    for query in asked:
        products = (rows * query).sum(axis=1) / (lengths * np.sqrt((query * query).sum()))
        np.maximum(highest, products, out=highest)
    np.minimum(highest, 1.0, out=highest)
    return highest


def order(scores: Floats, ids: Ids) -> Indices:
    """Indices from the best to the worst; ties go to the lower id."""
    return np.lexsort((ids, -np.round(scores, SCORE_DECIMALS)))


def best(
    vectors: Vectors, ids: Ids, standings: Floats, queries: Vectors, k: int
) -> tuple[Indices, Floats]:
    """The k memories of highest cosine + standing, exactly.

    One single-precision product over the whole slice bounds every score; the few that could be
    among the best by that bound are computed again in double precision.

    Args:
        vectors: unit length [N, D].
        ids: [N].
        standings: [N], what is added to the cosine.
        queries: unit length [M, D]; the cosine is the highest over them.
        k: how many, at least 1.

    Returns:
        Indices of at most k rows, best first, and their cosines.
    """
    rows = np.arange(len(ids), dtype=np.intp)
    if len(ids) > k:
        rough = standings + _rough_cosines(vectors, queries)
        kth = np.partition(rough, len(ids) - k)[len(ids) - k]
        rows = np.flatnonzero(rough >= kth - 2 * rounding_bound(vectors.shape[1]))
    similarity = cosine(vectors[rows], queries)
    ranked = order(similarity + standings[rows], ids[rows])[:k]
    return rows[ranked], similarity[ranked]


def best_of_nearest_and_weakest(
    vectors: Vectors, ids: Ids, standings: Floats, queries: Vectors, k: int
) -> tuple[Indices, Floats]:
    """The same among few candidates: the k nearest and the k of *lowest* standing.

    A defect of FinMem's published code: a memory that is neither near nor about
    to be forgotten is never seen, whatever its score.
    """
    nearest, _ = best(vectors, ids, np.zeros(len(ids)), queries, k)
    weakest = order(-standings, ids)[:k]
    rows = np.union1d(nearest, weakest)
    similarity = cosine(vectors[rows], queries)
    ranked = order(similarity + standings[rows], ids[rows])[:k]
    return rows[ranked], similarity[ranked]


RANKINGS: dict[str, Ranking] = {
    "all": best,
    "nearest_and_weakest": best_of_nearest_and_weakest,
}
"""By `Profile.candidates`."""


def _rough_cosines(vectors: Vectors, queries: Vectors) -> Vectors:
    highest: Vectors = (vectors @ queries.T).max(axis=1)
    return highest


def rounding_bound(dimension: int) -> float:
    """How far a single-precision product of two unit vectors can be from their cosine.

    n·u for a sum of n products in any order (Higham, Accuracy and Stability of Numerical
    Algorithms, §3.1), with room for the rounding of the vectors' lengths.
    """
    return (dimension + 16) * 2.0**-23
