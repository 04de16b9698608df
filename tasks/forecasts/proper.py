"""Proper scores of forecasts, lower is better: of what came, and what was to be expected.

Formulas with their sources are in docs/forecasts.md. A ``chance`` is 1 or 0 for what came, or the
true probability, by which the score is the expected one.
"""

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

CLIP = 0.01
"""Probabilities are moved to within this of 0 and 1 before their logarithm is taken."""
_erf = np.frompyfunc(math.erf, 1, 1)


def brier(up: FloatArray, chance: FloatArray) -> FloatArray:
    """The score of Brier (1950), (p − 1)² where the return was above 0 and p² where it was not.

    Args:
        up: stated probabilities [...].
        chance: of a return above 0 [...].
    """
    return np.asarray((up - chance) ** 2 + chance * (1.0 - chance))


def log_score(up: FloatArray, chance: FloatArray) -> FloatArray:
    """Minus the logarithm of the probability of what came (Good, 1952), clipped by ``CLIP``.

    Args:
        up: stated probabilities [...].
        chance: of a return above 0 [...].
    """
    stated = np.clip(up, CLIP, 1.0 - CLIP)
    return np.asarray(-chance * np.log(stated) - (1.0 - chance) * np.log1p(-stated))


def crps_normal(mean: FloatArray, sd: FloatArray, outcome: FloatArray) -> FloatArray:
    """The continuous ranked probability score of a normal law (Gneiting and Raftery, 2007)."""
    z = (outcome - mean) / sd
    density = np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    return np.asarray(
        sd * (z * (2.0 * normal_cdf(z) - 1.0) + 2.0 * density - 1.0 / math.sqrt(math.pi))
    )


def crps_quantiles(levels: FloatArray, values: FloatArray, outcome: FloatArray) -> FloatArray:
    """Twice the mean pinball loss, which tends to the score above as levels grow dense.

    Args:
        levels: [Q].
        values: quantiles [..., Q].
        outcome: [...].
    """
    missed = outcome[..., None] - values
    pinball = np.maximum(levels * missed, (levels - 1.0) * missed)
    return np.asarray(2.0 * pinball.mean(axis=-1))


def normal_cdf(z: FloatArray) -> FloatArray:
    """The normal law's probability of no more than z."""
    return 0.5 + 0.5 * np.asarray(_erf(z / math.sqrt(2.0)), dtype=np.float64)
