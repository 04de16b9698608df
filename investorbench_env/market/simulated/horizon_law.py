"""How likely each return over a horizon is, given the hidden state of a simulated market.

Like ``conditional``, for an evaluator alone.
"""

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.coefficients import coefficients
from investorbench_env.market.simulated.conditional import State, conditional
from investorbench_env.market.simulated.dynamics import Dynamics

SCENARIOS = 512
APART = 0.05
"""Share of the variance between components below which it is nothing to match."""
EACH = 8
"""Draws of a component, where quantiles are asked for."""
SEED = 20_260_101


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizonLaw:
    """The law of what ``ExpectedReturn`` expects, as a mixture of shifted lognormals.

    Given the regimes and the shocks of log volatility on the way, a horizon's return is a sum of
    nearly normal parts, of which mean, variance and skewness are known; they are drawn in
    ``SCENARIOS`` scenarios, a Latin hypercube that is always the same. A jump on the way, or more,
    is a component of its own. Mean and variance are those of ``conditional``. Probabilities are
    right to .002 for horizons up to 10; those of one session with a night are exact.

    Attributes:
        weights: of the components [C].
        mean: of each, given the state [..., C].
        scale, spread: a component is mean + scale·(exp(spread·Z − spread²/2) − 1), with Z a
            standard normal variable [..., C].
    """

    weights: FloatArray
    mean: FloatArray
    scale: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, dynamics: Dynamics, state: State, horizon: int) -> Self:
        """The law of the sessions after a decision.

        Args:
            dynamics: the parameters of the market.
            state: its hidden state at the decision [...].
            horizon: in sessions.

        Raises:
            MarketError: as in ``conditional``.
        """
        expected = conditional(dynamics, state, horizon)
        quiet, chance, jumps = _jumps(dynamics, horizon)
        scenarios = _scenarios(dynamics, state, horizon)
        mean = np.concatenate([scenarios.mean, scenarios.mean + jumps.mean], axis=-1)
        variance, third = (
            np.concatenate([one, one + more], axis=-1)
            for one, more in (
                (scenarios.variance, jumps.variance),
                (scenarios.third, jumps.third),
            )
        )
        weights = np.repeat([quiet, chance], SCENARIOS) / SCENARIOS
        mean = expected.mean[..., None] + _matched(
            mean - (mean @ weights)[..., None], variance @ weights, expected.variance, weights
        )
        spread = third / (3 * variance**1.5)
        scale = np.sqrt(variance / np.expm1(spread**2))
        return cls(weights=weights, mean=mean, scale=scale, spread=spread)

    @property
    def up(self) -> FloatArray:
        """The probability of a return above 0 [...]."""
        return np.asarray(1.0 - self.cdf(0.0))

    def cdf(self, value: npt.ArrayLike) -> FloatArray:
        """The probability of a return of at most a value, one for all or one a state [...]."""
        away = (np.asarray(value, dtype=np.float64)[..., None] - self.mean) / self.scale
        with np.errstate(divide="ignore"):  # what no return falls below has a log of −∞
            logs = np.log(np.maximum(1.0 + away, 0.0))
        return np.asarray(normal_cdf(logs / self.spread + self.spread / 2) @ self.weights)

    @property
    def expected(self) -> FloatArray:
        """The mean [...]."""
        return np.asarray(self.mean @ self.weights)

    def returns(self, count: int) -> FloatArray:
        """Equally likely returns: the quantiles at (k + ½)/count [..., count].

        To .003 for horizons up to 10, and .011 in the outermost twentieth.
        """
        shape = (-1, len(self.weights))
        places = (np.arange(count) + 0.5) / count
        states = (part.reshape(shape) for part in (self.mean, self.scale, self.spread))
        rows = [self._quantiles(places, *state) for state in zip(*states, strict=True)]
        return np.array(rows).reshape(*self.mean.shape[:-1], count)

    def _quantiles(
        self, places: FloatArray, mean: FloatArray, scale: FloatArray, spread: FloatArray
    ) -> FloatArray:
        """Those of one state, of draws that are spread evenly over each component [len(places)]."""
        logs = spread[:, None] * _spread_evenly() - (spread**2 / 2)[:, None]
        drawn = (mean[:, None] + scale[:, None] * np.expm1(logs)).ravel()
        order = np.argsort(drawn)
        weights = np.repeat(self.weights / EACH, EACH)[order]
        return np.interp(places, np.cumsum(weights) - weights / 2, drawn[order])


@lru_cache(maxsize=1)
def _spread_evenly() -> FloatArray:
    """Standard normal draws of each component, evenly spread in each and over all [C, EACH]."""
    rng = np.random.default_rng((SEED, 1))  # not the order in which scenarios have their shocks
    shifts = rng.permutation(np.arange(SCENARIOS) + 0.5) / SCENARIOS
    levels = (np.arange(EACH) + np.tile(shifts, 2)[:, None]) / EACH
    inverse = NormalDist().inv_cdf
    return np.array([[inverse(level) for level in row] for row in levels.tolist()])


def normal_cdf(x: FloatArray) -> FloatArray:
    """The standard normal distribution to 1e-7 (Abramowitz and Stegun, 1964, 26.2.17) [...]."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    series = np.zeros_like(x)
    for b in (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530):
        series = (series + b) * t
    tail = series * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return np.asarray(np.where(x < 0, tail, 1.0 - tail))


def _matched(
    away: FloatArray, within: FloatArray, variance: FloatArray, weights: FloatArray
) -> FloatArray:
    """Means of components, less that of all, so far apart that the variance is the known one.

    Without it, how far scenarios happen to be apart would be most of the error.
    """
    between = away**2 @ weights
    apart = between > APART * variance
    left = np.maximum(variance - within, 0.0)
    factor = np.sqrt(np.where(apart, left / np.where(apart, between, 1.0), 1.0))
    return np.asarray(away * factor[..., None])


class Cumulants(NamedTuple):
    """Mean, variance and third central moment of a return."""

    mean: FloatArray
    variance: FloatArray
    third: FloatArray


def _jumps(d: Dynamics, horizon: int) -> tuple[float, float, Cumulants]:
    """How likely no jump is and any, and what as many add as there then are on average."""
    sessions = horizon - (1 if d.overnight_share else 0)
    quiet = (1 - d.jump_rate) ** sessions
    count = d.jump_rate * sessions / (1 - quiet) if quiet < 1 else 0.0
    size = np.asarray(d.jump_size * d.daily_volatility)
    variance, third = _lognormal(size**2)
    grown = np.exp(size**2)
    mean = count * np.expm1(size**2 / 2)
    return (
        quiet,
        1 - quiet,
        Cumulants(mean, count * grown * variance, count * grown**1.5 * third),
    )


def _lognormal(square: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Variance and third central moment of exp(N(−s²/2, s²))."""
    variance = np.expm1(square)
    return variance, (variance + 3.0) * variance**2


@lru_cache(maxsize=16)
def _draws(sessions: int) -> tuple[FloatArray, FloatArray]:
    """Normal shocks of the scenarios [sessions, SCENARIOS], and a uniform number each [SCENARIOS].

    Each is evenly spread by itself, and so is the sum of shocks, which matters most; the uniform
    one decides the regimes of a whole path.
    """
    rng = np.random.default_rng(SEED)
    even = (np.arange(SCENARIOS) + 0.5) / SCENARIOS
    uniform, *cells = [rng.permutation(even) for _ in range(1 + sessions)]
    inverse = NormalDist().inv_cdf
    normals = np.array([[inverse(u) for u in row.tolist()] for row in cells])
    # An orthogonal matrix whose first column is the same everywhere: the cosine transform.
    place = np.arange(sessions)
    rotation = np.cos(np.pi * place * (2 * place[:, None] + 1) / (2 * sessions))
    rotation *= np.sqrt(np.where(place > 0, 2.0, 1.0) / sessions)
    return rotation @ normals.reshape(sessions, SCENARIOS), uniform


def _scenarios(d: Dynamics, state: State, horizon: int) -> Cumulants:
    """The return without jumps under each scenario [..., SCENARIOS]."""
    normals, uniform = _draws(horizon - 1)
    read = {name: np.asarray(of, dtype=np.float64)[..., None] for name, of in state.items()}
    regime, volatility = read["regime"].astype(np.int64), read["volatility"]
    level = np.log(d.diffusion) - d.volatility_spread**2
    log_volatility = np.log(volatility / d.regime_scale[regime]) - level
    ahead = coefficients(d, horizon)
    leaving = np.pad(np.cumsum(d.transition, axis=1)[:, :-1], ((0, 0), (1, 0)))
    vol_step = d.volatility_spread * np.sqrt(1 - d.volatility_persistence**2)
    shared = -(d.gap_noise**2) / 2
    apart = 1 - (1 + shared) ** 2
    pulled = np.zeros_like(volatility)
    mean, variance, third = np.zeros((3, *volatility.shape[:-1], SCENARIOS))
    for k in range(horizon):
        is_last = k == horizon - 1  # nothing hangs on how volatility goes on
        shock = 0.0 if is_last else normals[k]
        known = 0.0 if is_last else d.leverage
        share = 1 - d.overnight_share if k == 0 else 1.0
        drift = d.drift[regime] + ahead.gap[k] * read["value_gap"] + ahead.mood[k] * read["mood"]
        drift = drift + pulled - d.jump_compensation
        moved = share * volatility * known
        grown = np.exp(share * drift + moved * shock - moved**2 / 2)
        square = volatility**2
        own, skew = _lognormal(share * square * (1 - share * known**2))
        back, rest = ahead.later[k], 1 - known**2
        mean += grown - 1.0
        variance += grown**2 * own + square * back * (
            2 * shared * share * rest + (shared**2 * rest + apart) * back
        )
        third += grown**3 * skew
        if not is_last:
            taken = d.gap_reversion * shared * d.leverage * volatility * shock
            pulled = (1 - d.gap_reversion) * pulled + taken
            log_volatility = d.volatility_persistence * log_volatility + vol_step * shock
            left = leaving[regime]
            following = (uniform[..., None] >= left[..., 1:]).sum(axis=-1)
            # What a uniform number leaves open once it has decided is uniform again.
            uniform = uniform - np.take_along_axis(left, following[..., None], axis=-1)[..., 0]
            uniform, regime = uniform / d.transition[regime, following], following
            volatility = d.regime_scale[regime] * np.exp(level + log_volatility)
    return Cumulants(mean, variance + ahead.mood_spread, third)
