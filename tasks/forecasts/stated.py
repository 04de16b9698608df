"""Forecasts of several kinds as arrays: probabilities, signals, and laws that can be scored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from investorbench.agents.forecasts import (
    Forecast,
    NormalForecast,
    QuantileForecast,
    UpForecast,
)
from investorbench.tasks.forecasts.proper import crps_normal, crps_quantiles

FloatArray = npt.NDArray[np.float64]
NO_LAW = "a probability alone is no law of the return"
SEVERAL = "its forecasts are not all of one kind"
SOME_LEVELS = "its quantiles are not all of the same levels"


@dataclass(frozen=True, slots=True, eq=False)
class NormalLaws:
    """Normal laws of N returns: ``mean`` and ``sd`` [N]."""

    mean: FloatArray
    sd: FloatArray

    def crps(self, outcome: FloatArray) -> FloatArray:
        """Of outcomes [N], or of several for each [N, K]."""
        shape = (-1,) + (1,) * (outcome.ndim - 1)
        return crps_normal(self.mean.reshape(shape), self.sd.reshape(shape), outcome)

    def least(self, returns: FloatArray) -> FloatArray:
        """What the true laws themselves are expected to score, E|X − X'|/2 [N]."""
        count = returns.shape[1]
        weights = (2.0 * np.arange(count) + 1.0 - count) / count**2
        return np.asarray(returns @ weights)


@dataclass(frozen=True, slots=True, eq=False)
class QuantileLaws:
    """Quantiles of N returns: ``levels`` [Q] and ``values`` [N, Q]."""

    levels: FloatArray
    values: FloatArray

    def crps(self, outcome: FloatArray) -> FloatArray:
        """Of outcomes [N], or of several for each [N, K]."""
        values = self.values if outcome.ndim == 1 else self.values[:, None, :]
        return crps_quantiles(self.levels, values, outcome)

    def least(self, returns: FloatArray) -> FloatArray:
        """What the true quantiles are expected to score [N]."""
        own = np.quantile(returns, self.levels, axis=1, method="inverted_cdf").T
        return np.asarray(crps_quantiles(self.levels, own[:, None, :], returns).mean(axis=1))


Laws = NormalLaws | QuantileLaws


def laws_of(forecasts: Sequence[Forecast | None]) -> Laws | str:
    """Forecasts as laws of the return; or why they are none."""
    missing = sum(each is None for each in forecasts)
    kinds = {type(each) for each in forecasts if each is not None}
    if kinds == {UpForecast}:
        return NO_LAW
    if len(kinds) > 1:
        return SEVERAL
    if missing:
        return f"{missing} of {len(forecasts)} decisions have no forecast"
    normal = [each for each in forecasts if isinstance(each, NormalForecast)]
    if normal:
        return NormalLaws(_array(each.mean for each in normal), _array(each.sd for each in normal))
    quantiles = [each for each in forecasts if isinstance(each, QuantileForecast)]
    if len({each.levels for each in quantiles}) > 1:
        return SOME_LEVELS
    return QuantileLaws(
        np.array(quantiles[0].levels), np.array([each.values for each in quantiles])
    )


def up_of(forecast: Forecast | None) -> float:
    """The probability of a return above 0; one half where nothing was said.

    Between two quantiles the law is taken as even; beyond the outermost ones its share halves.
    """
    match forecast:
        case None:
            return 0.5
        case UpForecast(up=up):
            return up
        case NormalForecast(mean=mean, sd=sd):
            return NormalDist().cdf(mean / sd)
        case QuantileForecast(levels=levels, values=values):
            return 1.0 - _share_below(0.0, levels, values)


def _share_below(point: float, levels: Sequence[float], values: Sequence[float]) -> float:
    """The share of a law at no more than a point, by its quantiles."""
    place = int(np.searchsorted(values, point, side="right"))
    if place == 0:
        return levels[0] / 2.0
    if place == len(values):
        return (1.0 + levels[-1]) / 2.0
    way = (point - values[place - 1]) / (values[place] - values[place - 1])
    return levels[place - 1] + way * (levels[place] - levels[place - 1])


def signals_of(forecasts: Sequence[Forecast | None]) -> FloatArray:
    """By what forecasts are ranked: means, medians or, of several kinds, probabilities [N].

    Where nothing was said it is 0, and of probabilities one half.
    """
    kinds = {type(each) for each in forecasts if each is not None}
    if len(kinds) == 1 and UpForecast not in kinds:
        return _array(map(_middle, forecasts))
    return _array(up_of(each) for each in forecasts)


def _middle(forecast: Forecast | None) -> float:
    match forecast:
        case NormalForecast(mean=mean):
            return mean
        case QuantileForecast(levels=levels, values=values):
            return float(np.interp(0.5, levels, values))
        case _:
            return 0.0


def _array(values: Iterable[float]) -> FloatArray:
    return np.fromiter(values, dtype=np.float64)
