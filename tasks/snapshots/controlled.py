"""Means over snapshots with their errors, sharpened by a control variate whose mean is known."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FEWEST = 20
"""Observations below which no normal interval means anything."""


class Controlled(NamedTuple):
    """A mean of n independent scores.

    With a control variate F of known mean f it is what a regression of scores on F says at f
    (Lavenberg & Welch 1981, Management Science 27). Scores are no normal variables, and agents
    that are nearly right lose most where F is large: mean and error are those of the jackknife.

    Attributes:
        mean: the estimate.
        error: its standard error, that of f left aside.
        slope: by how much the mean rises with f; 0 without a control variate.
        n: observations.
    """

    mean: float
    error: float
    slope: float
    n: int


def controlled(
    scores: FloatArray, control: FloatArray | None = None, known_mean: float = 0.0
) -> Controlled:
    """The mean of scores [n], by a control variate on the same snapshots [n] where there is one."""
    n = len(scores)
    away, lucky = np.zeros(n), 0.0
    if control is not None:
        away, lucky = control - control.mean(), float(control.mean()) - known_mean
    square = float(away @ away)
    pull = away / square if square else away
    slope = float(pull @ scores)
    weights = 1.0 / n - lucky * pull  # of each score in the estimate
    rest = scores - scores.mean() - slope * away
    others = 1.0 - 1.0 / n - away * pull
    # By how much the estimate is larger than without each score.
    moved = np.divide(weights * rest, others, out=np.zeros(n), where=others > 1e-9)
    share = (n - 1) / n
    mean = float(scores.mean()) - slope * lucky + share * float(moved.sum())
    error = float(np.sqrt(share * ((moved - moved.mean()) ** 2).sum()))
    return Controlled(mean, error, slope, n)
