"""Means over snapshots with their errors, sharpened by a control variate whose mean is known."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FEWEST = 20
"""Observations below which no normal interval means anything."""


class Controlled(NamedTuple):
    """A mean of n independent scores.

    With a control variate F of known mean f it is mean(S) − slope·(mean(F) − f), of which the
    slope is that of a regression of S on F (Lavenberg & Welch 1981, Management Science 27).

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
    slope = 0.0 if control is None else _slope(scores, control)
    rest = scores if control is None else scores - slope * (control - known_mean)
    lost = 1 if control is None else 2
    error = float(np.sqrt(((rest - rest.mean()) ** 2).sum() / max(n - lost, 1) / n))
    return Controlled(float(rest.mean()), error, slope, n)


def _slope(scores: FloatArray, control: FloatArray) -> float:
    centred = control - control.mean()
    square = float(centred @ centred)
    return float(centred @ scores) / square if square else 0.0
