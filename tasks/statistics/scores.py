"""A figure of an agent: its value, what each day or market adds to it, what repeats differ in.

Every figure is a mean over repeats of a smooth function of one run. Its scores are the influence of
each unit that is drawn, so that their long-run variance is, to first order, that of the figure
(Hampel 1974); one engine tests all figures alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from investorbench.tasks.days import varies
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench_env.protocols import Convention

DrawnUnit = Literal["day", "market"]
"""What is drawn: days that all repeats share, or markets where each repeat has its own."""

MOMENTS = 4
"""Degrees of freedom that a difference of two ratios costs (Ledoit and Wolf 2008)."""
MOST_PERSISTENT = 0.97
"""Autocorrelation that prewhitening takes out at most (Andrews and Monahan 1992)."""


class Scored(NamedTuple):
    """A figure of each run, and what each day adds to it to first order.

    Attributes:
        values: of each run [R].
        scores: its influence function on each day [R, T]; they sum to 0, and their long-run
            variance is T times that of the figure.
    """

    values: FloatArray
    scores: FloatArray

    def times(self, factor: float) -> "Scored":
        """In another unit."""
        return Scored(self.values * factor, self.scores * factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanFigure:
    """A figure of one agent, or the difference of two.

    Attributes:
        value: mean over repeats or markets.
        scores: what each day or market adds to it; they sum to 0 [U].
        between: variance of the value because repeats differ for good; 0 where it is not known.
        freedom: degrees of freedom of its estimate; infinite where it is certain.
    """

    value: float
    scores: FloatArray
    between: float = 0.0
    freedom: float = math.inf

    def __sub__(self, other: "MeanFigure") -> "MeanFigure":
        """The difference of two agents, whose repeats have nothing to do with one another."""
        return MeanFigure(
            value=self.value - other.value,
            scores=self.scores - other.scores,
            between=self.between + other.between,
            freedom=freedom_of_sum([self, other]),
        )

    def mapped(self, value: float, slope: float) -> "MeanFigure":
        """A smooth function of the figure, with its value and slope there."""
        scores, between = slope * self.scores, slope**2 * self.between
        return MeanFigure(value=value, scores=scores, between=between, freedom=self.freedom)


def over_repeats(scored: Scored) -> MeanFigure:
    """Mean over repeats on the same days.

    What the noise of days within repeats does not explain of their variance lies between them.
    """
    repeats, mean = len(scored.values), scored.scores.mean(axis=0)
    if repeats == 1:
        return MeanFigure(value=float(scored.values[0]), scores=mean)
    explained = variance_of_mean(scored.scores - mean, "day").sum() / (repeats - 1)
    between = max(0.0, float(scored.values.var(ddof=1) - explained)) / repeats
    freedom = repeats - 1.0 if between > 0.0 else math.inf
    value = float(scored.values.mean())
    return MeanFigure(value=value, scores=mean, between=between, freedom=freedom)


def freedom_of_sum(figures: Sequence[MeanFigure]) -> float:
    """Degrees of freedom of what lies between repeats of figures together (Satterthwaite 1946)."""
    squares = sum(figure.between**2 / figure.freedom for figure in figures)
    return sum(figure.between for figure in figures) ** 2 / squares if squares else math.inf


def over_markets(values: FloatArray) -> MeanFigure:
    """Mean over markets [M], which are drawn as they are."""
    mean = float(values.mean())
    return MeanFigure(value=mean, scores=values - mean)


def sharpe(returns: FloatArray) -> Scored:
    """Sharpe ratio a step of runs [R, T]; 0 where returns do not vary.

    Scores are z − SR/2·(z² − 1) with z the standardised return (Lo 2002; Ledoit and Wolf 2008).
    """
    moves = varies(returns)
    mean = returns.mean(axis=-1)
    deviation = np.where(moves, returns.std(axis=-1), np.inf)
    standardised = (returns - mean[:, None]) / deviation[:, None]
    ratio = mean / deviation
    scores = (standardised - ratio[:, None] / 2.0 * (standardised**2 - 1.0)) * moves[:, None]
    days = returns.shape[-1]
    return Scored(ratio * np.sqrt((days - 1) / days), scores)


def growth(returns: FloatArray, convention: Convention) -> Scored:
    """Cumulative return of runs [R, T], none of which is a ruin."""
    days = returns.shape[-1]
    added = np.log1p(returns) if convention == "simple" else returns
    total = added.sum(axis=-1)
    scores = days * (added - added.mean(axis=-1, keepdims=True))
    if convention == "log":
        return Scored(total, scores)
    return Scored(np.expm1(total), np.exp(total)[:, None] * scores)


def stacked(figures: Sequence[MeanFigure]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values [F], scores [F, U] and what lies between repeats [F] of figures on the same units."""
    return (
        np.array([figure.value for figure in figures]),
        np.array([figure.scores for figure in figures]),
        np.array([figure.between for figure in figures]),
    )


def variance_of_mean(scores: FloatArray, unit: DrawnUnit) -> FloatArray:
    """Variance of a figure with these scores [..., U] over other units like them [...]."""
    units = scores.shape[-1]
    if unit == "market":
        return np.asarray(np.sum(scores**2, axis=-1) / ((units - 1) * units))
    return np.asarray(long_run_variance(scores) / (units - MOMENTS))


def long_run_variance(scores: FloatArray) -> FloatArray:
    """HAC variance of scores [..., T] that sum to 0: quadratic-spectral kernel, prewhitened.

    An autoregression of one day is taken out first and put back into the variance of what it leaves
    (Andrews and Monahan 1992); the bandwidth is that of Andrews (1991), equations 5.2 and 6.4.
    """
    before, after = scores[..., :-1], scores[..., 1:]
    squares = np.sum(before**2, axis=-1)
    rho = _share(np.sum(before * after, axis=-1), squares)
    left = after - rho[..., None] * before
    left = left - left.mean(axis=-1, keepdims=True)
    return np.asarray(_quadratic_spectral(left) / (1.0 - rho) ** 2)


def _quadratic_spectral(left: FloatArray) -> FloatArray:
    days = left.shape[-1]
    spectrum = np.abs(np.fft.rfft(left, 2 * days, axis=-1)) ** 2
    covariances = np.fft.irfft(spectrum, 2 * days, axis=-1)[..., :days] / days
    rho = _share(covariances[..., 1], covariances[..., 0])
    bandwidth = 1.3221 * (4.0 * rho**2 / (1.0 - rho) ** 4 * days) ** 0.2
    x = 1.2 * np.pi * np.arange(1, days) / np.maximum(bandwidth, 1e-6)[..., None]
    weights = 3.0 / x**2 * (np.sin(x) / x - np.cos(x))
    return np.asarray(covariances[..., 0] + 2.0 * np.sum(weights * covariances[..., 1:], axis=-1))


def _share(covariance: FloatArray, variance: FloatArray) -> FloatArray:
    """An autocorrelation that leaves a variance finite; 0 where nothing varies."""
    known = variance > 0.0
    rho = np.divide(covariance, variance, out=np.zeros_like(covariance), where=known)
    return np.clip(rho, -MOST_PERSISTENT, MOST_PERSISTENT)
