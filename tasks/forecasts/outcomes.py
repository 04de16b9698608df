"""What forecasts are held against: returns that came and, of simulated markets, their true law."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from investorbench.tasks.forecasts.clustered import Clusters
from investorbench_env.errors import ForecastError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrueLaw:
    """The law of each return, given all that determined it at its decision.

    Attributes:
        up: the probability of a return above 0 [N].
        mean: the expected return [N].
        returns: equally likely ones, the law's quantiles at (k + ½)/K, ascending [N, K].
    """

    up: FloatArray
    mean: FloatArray
    returns: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """The returns that N decisions were about.

    Attributes:
        returns: of one unit long, without costs, over the horizon [N].
        clusters: what is not independent shares a number: a market, a pair of markets, or on real
            data a day over all symbols, numbered in order [N].
        overlap: clusters whose numbers differ by less share a part of their horizon: on real data
            the horizon, else 1.
        law: of the returns; None where it is not known, as on every real market.

    Raises:
        ForecastError: the arrays are not of equal length, or a return is no number.
    """

    returns: FloatArray
    clusters: Clusters
    overlap: int = 1
    law: TrueLaw | None = None

    def __post_init__(self) -> None:
        lengths = {"returns": len(self.returns), "clusters": len(self.clusters)}
        if self.law is not None:
            lengths |= {"law": len(self.law.up), "its returns": len(self.law.returns)}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{count} {name}" for name, count in lengths.items())
            raise ForecastError(f"there are {listed}: give one of each for every decision")
        if not np.isfinite(self.returns).all():
            raise ForecastError("a return that forecasts are about is missing or not finite")

    @property
    def rose(self) -> FloatArray:
        """1 where the return was above 0, else 0 [N]."""
        return (self.returns > 0.0).astype(np.float64)
