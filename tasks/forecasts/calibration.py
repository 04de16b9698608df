"""How often what was given a probability came."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from investorbench.tasks.forecasts.clustered import Clusters
from investorbench.tasks.statistics.proportions import wilson

FloatArray = npt.NDArray[np.float64]

BINS = 10
"""Of equal width, from 0 to 1; the last one holds 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Forecasts of about the same probability.

    Attributes:
        low, high: the probabilities that it holds.
        count: how many forecasts.
        stated: their mean.
        came: the share of returns above 0.
        interval: of that share, by Wilson (1927), over as many trials as there are clusters.
        true: the mean true probability; None where it is not known.
    """

    low: float
    high: float
    count: int
    stated: float
    came: float
    interval: tuple[float, float]
    true: float | None = None


def calibration(
    up: FloatArray, rose: FloatArray, clusters: Clusters, true: FloatArray | None = None
) -> tuple[CalibrationBin, ...]:
    """The bins that hold a forecast.

    Args:
        up: stated probabilities [N].
        rose: 1 where the return was above 0, else 0 [N].
        clusters: of each, see ``clustered_mean`` [N].
        true: probabilities [N]; None where they are not known.
    """
    places = np.searchsorted(np.arange(BINS) / BINS, up, side="right") - 1
    return tuple(
        _bin(place, places == place, up, rose, clusters, true)
        for place in np.unique(places).tolist()
    )


def _bin(
    place: int,
    own: npt.NDArray[np.bool_],
    up: FloatArray,
    rose: FloatArray,
    clusters: Clusters,
    true: FloatArray | None,
) -> CalibrationBin:
    came = float(rose[own].mean())
    return CalibrationBin(
        low=place / BINS,
        high=(place + 1) / BINS,
        count=int(own.sum()),
        stated=float(up[own].mean()),
        came=came,
        interval=wilson(came, len(np.unique(clusters[own]))),
        true=None if true is None else float(true[own].mean()),
    )
