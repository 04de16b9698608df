"""Recency, importance and score: closed forms of elapsed steps.

The formulas are FinMem's (Yu et al., 2023). Nothing here knows a layer, a store or a text. Because
both decays are closed forms, the passing of time writes nothing: a memory keeps the value it had at
a step, and that step.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def recency(elapsed_steps: ArrayLike, stability_steps: ArrayLike) -> Floats:
    """How fresh a memory is: r = exp(−δ/Q), 1 at δ = 0."""
    return np.exp(-np.asarray(elapsed_steps, np.float64) / np.asarray(stability_steps, np.float64))


def importance(value: ArrayLike, elapsed_steps: ArrayLike, decay: ArrayLike) -> Floats:
    """What is left of an importance: v·αⁿ after n steps."""
    left = np.asarray(decay, np.float64) ** np.asarray(elapsed_steps, np.float64)
    return np.asarray(np.asarray(value, np.float64) * left)


def standing(recencies: Floats, importances: Floats) -> Floats:
    """The part of the score that no query changes: r + min(v, 100)/100."""
    return recencies + np.minimum(importances, 100.0) / 100.0


def score(similarity: Floats, recencies: Floats, importances: Floats) -> Floats:
    """S = cosine + r + min(v, 100)/100."""
    return similarity + standing(recencies, importances)
