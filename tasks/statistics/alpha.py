"""What an agent earned beyond its share of the benchmark: alpha, and figures beside it.

A run is regressed on its benchmark with a slope of its own, because a test of plain excess returns
rewards holding less in a falling market. Each figure comes with its scores, from which intervals
and tests are made.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from investorbench.tasks.days import varies
from investorbench.tasks.metrics import ratio
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.scores import Scored

SAME_DAYS = 0.99
"""On so many of its days a twin of the benchmark returns what that does."""
SAME = 1e-9
"""Daily returns closer than this differ by rounding, whatever recorded them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """Least squares of runs on the benchmark's returns, each by itself.

    What a run without a residual cannot have, an appraisal ratio, is 0 with scores of 0; so is the
    correlation of one that does not vary. A benchmark that does not vary explains nothing.

    Attributes:
        returns: of each run [R, T].
        benchmark: of the same days [R, T] or [1, T].
    """

    returns: FloatArray
    benchmark: FloatArray

    @cached_property
    def beta(self) -> Scored:
        """The slope."""
        values = np.mean(self._own * self._pull, axis=-1)
        residuals = self._own - values[..., None] * self._market
        return Scored(values, residuals * self._pull)

    @cached_property
    def residuals(self) -> FloatArray:
        """What the line leaves of each day [R, T]."""
        return self._own - self.beta.values[..., None] * self._market

    @cached_property
    def alpha(self) -> Scored:
        """The intercept: return a day that the slope does not explain."""
        market = self.benchmark.mean(axis=-1, keepdims=True)
        values = self.returns.mean(axis=-1) - self.beta.values * market[..., 0]
        return Scored(values, self.residuals * (1.0 - market * self._pull))

    @cached_property
    def appraisal(self) -> Scored:
        """Alpha over the deviation of the residuals a day (Treynor and Black 1973)."""
        squares = self.residuals**2
        variance = squares.mean(axis=-1, keepdims=True)
        has_residual = varies(self.residuals)
        days = self.returns.shape[-1]
        deviation = np.sqrt(variance[..., 0] * days / (days - 2)) * has_residual
        values = ratio(self.alpha.values, deviation, 0.0)
        scale = np.where(has_residual[..., None], np.sqrt(variance), np.inf)
        intercept = self.alpha.values[..., None]
        scores = self.alpha.scores / scale - intercept / 2.0 * (squares - variance) / scale**3
        return Scored(values, scores)

    @cached_property
    def correlation(self) -> Scored:
        """With the benchmark."""
        own, market = (_standardised(each) for each in (self._own, self._market))
        values = np.mean(own * market, axis=-1)
        return Scored(values, own * market - values[..., None] / 2.0 * (own**2 + market**2))

    @cached_property
    def _own(self) -> FloatArray:
        return _centred(self.returns) * varies(self.returns)[..., None]

    @cached_property
    def _market(self) -> FloatArray:
        return _centred(self.benchmark) * varies(self.benchmark)[..., None]

    @cached_property
    def _pull(self) -> FloatArray:
        """What a return on each day adds to the slope, times T; nothing where the market rests."""
        variance = np.mean(self._market**2, axis=-1, keepdims=True)
        return self._market / np.where(variance > 0.0, variance, 1.0)


def excess(returns: FloatArray, benchmark: FloatArray) -> Scored:
    """Mean return a day less the benchmark's.

    Args:
        returns: of each run [R, T].
        benchmark: of the same days [R, T] or [1, T].
    """
    gains = returns - benchmark
    return Scored(gains.mean(axis=-1), _centred(gains))


def information_ratio(returns: FloatArray, benchmark: FloatArray) -> Scored:
    """Excess over its own deviation a day; 0 with scores of 0 where it does not vary."""
    gains = returns - benchmark
    deviation = gains.std(axis=-1, ddof=1) * varies(gains)
    own = _standardised(_centred(gains) * varies(gains)[..., None])
    share = ratio(gains.mean(axis=-1), gains.std(axis=-1) * varies(gains), 0.0)[..., None]
    scores = own - share / 2.0 * (own**2 - 1.0) * varies(gains)[..., None]
    return Scored(np.asarray(ratio(gains.mean(axis=-1), deviation, 0.0)), scores)


def is_twin(returns: FloatArray, benchmark: FloatArray) -> bool:
    """Whether every run returned what the benchmark did, on 99 % of the days that moved either.

    That is what the same decisions lead to; an agent that buys a day later is none over half a year
    and hardly differs over ten.

    Args:
        returns: of each run [R, T].
        benchmark: of the same days [R, T] or [1, T].
    """
    moved = (np.abs(returns) > SAME) | (np.abs(benchmark) > SAME)
    differs = np.abs(returns - benchmark) > SAME
    shares = differs.sum(axis=-1) <= (1.0 - SAME_DAYS) * moved.sum(axis=-1)
    return bool(shares.all() and moved.any())


def _centred(returns: FloatArray) -> FloatArray:
    return np.asarray(returns - returns.mean(axis=-1, keepdims=True))


def _standardised(centred: FloatArray) -> FloatArray:
    """Over their deviation; 0 where there is none."""
    deviation = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True))
    return np.asarray(
        np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0)
    )
