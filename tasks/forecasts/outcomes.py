"""What forecasts are held against: returns that came and, of simulated markets, their true law."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from investorbench.tasks.forecasts.clustered import Clusters
from investorbench_env.errors import ForecastError

FloatArray = npt.NDArray[np.float64]


class TrueLaw(Protocol):
    """The law of each return, given all that determined it at its decision."""

    @property
    def up(self) -> FloatArray:
        """The probability of a return above 0 [N]."""

    @property
    def expected(self) -> FloatArray:
        """The expected return [N]."""

    def returns(self, count: int) -> FloatArray:
        """Equally likely ones, the law's quantiles at (k + ½)/count, ascending [N, count]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """The returns that N decisions were about.

    Attributes:
        returns: of one unit long, without costs, over the horizon [N].
        clusters: what is not independent shares a number: a market, a pair of markets, or on real
            data a day over all symbols, numbered in order [N].
        overlap: clusters whose numbers differ by less share a part of their horizon: on real data
            the horizon, else 1.
        law: of the returns; None where it is not known, as of every real market.

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
            lengths["law"] = len(self.law.expected)
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{count} {name}" for name, count in lengths.items())
            raise ForecastError(f"there are {listed}: give one of each for every decision")
        if not np.isfinite(self.returns).all():
            raise ForecastError("a return that forecasts are about is missing or not finite")

    @property
    def rose(self) -> FloatArray:
        """1 where the return was above 0, else 0 [N]."""
        return (self.returns > 0.0).astype(np.float64)
