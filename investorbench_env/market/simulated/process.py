"""The hidden state and the prices that follow from it, as arrays over many paths [N, T]."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.elementary import exp, log

NORMALS = ("gap", "mood", "volatility", "jump", "overnight", "intraday", "volume")
MIRROR = np.where(np.isin(NORMALS, ("volatility", "volume")), 1.0, -1.0)
"""What each is multiplied by on a mirrored path."""
UNIFORMS = ("regime", "jump_time", "high", "low", "news")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPaths:
    """The hidden state after each session, and the log returns of each session; all [N, T].

    Attributes:
        regime: 0 bear, 1 calm, 2 bull.
        gap: log fundamental value less log price.
        mood: in standard deviations.
        log_volatility: in excess of its mean.
        volatility: standard deviation of the diffusion in the *next* session.
        expected: log of one plus the expected return of the *next* session.
        overnight: log return from the close before to this session's open.
        intraday: log return from open to close.
        high: log of the session's high over its open, at least 0.
        low: log of the session's low over its open, at most 0.
        surprise: the session's log return less its mean, in volatilities.
        volume: log of the relative volume.
        news_uniform: what decides how much news there is, given what has happened.
    """

    regime: npt.NDArray[np.int8]
    gap: FloatArray
    mood: FloatArray
    log_volatility: FloatArray
    volatility: FloatArray
    expected: FloatArray
    overnight: FloatArray
    intraday: FloatArray
    high: FloatArray
    low: FloatArray
    surprise: FloatArray
    volume: FloatArray
    news_uniform: FloatArray

    @property
    def expected_return(self) -> FloatArray:
        """Of the *next* session, close to close, dividends included [N, T]."""
        return exp(self.expected) - 1.0

    def __getitem__(self, paths: slice) -> "SimulatedPaths":
        return SimulatedPaths(
            **{part.name: getattr(self, part.name)[paths] for part in fields(self)}
        )


def draw_shocks(origins: Sequence[Origin], length: int) -> dict[str, FloatArray]:
    """Independent shocks by name [N, T].

    Each path has its own generators and draws session by session, so a longer simulation begins
    with the shorter one.
    """
    normals = np.empty((len(origins), length, len(NORMALS)))
    uniforms = np.empty((len(origins), length, len(UNIFORMS)))
    for path, origin in enumerate(origins):
        normal, uniform = origin.generators(Purpose.NORMALS, Purpose.UNIFORMS)
        normal.standard_normal(out=normals[path])
        if origin.mirrored:
            normals[path] *= MIRROR
        uniform.random(out=uniforms[path])
    by_name = np.ascontiguousarray(np.moveaxis(normals, -1, 0))
    shocks = dict(zip(NORMALS, by_name, strict=True))
    by_name = np.ascontiguousarray(np.moveaxis(uniforms, -1, 0))
    return shocks | {f"{name}_uniform": each for name, each in zip(UNIFORMS, by_name, strict=True)}


def evolve(
    dynamics: Dynamics, shocks: dict[str, FloatArray], lasting: FloatArray | None = None
) -> SimulatedPaths:
    """Run the model of ``simulate`` over shocks [N, T].

    Args:
        dynamics: its parameters.
        shocks: by name.
        lasting: what else the next session is expected to return, value and price alike [N, T].
    """
    d = dynamics
    night, day = np.sqrt(d.overnight_share), np.sqrt(1 - d.overnight_share)
    price_shock = night * shocks["overnight"] + day * shocks["intraday"]
    # The gap widens by its own noise; the price shock is shared so that innovations of the value
    # and of the price have the same size and correlation `shared`.
    shared = 1 - d.gap_noise**2 / 2
    gap_shock = (shared - 1) * price_shock + np.sqrt(1 - shared**2) * shocks["gap"]
    vol_shock = d.leverage * price_shock + np.sqrt(1 - d.leverage**2) * shocks["volatility"]

    regime = _regimes(d, shocks["regime_uniform"])
    mood = persisting(
        d.mood_persistence,
        shocks["mood"][:, 0],
        np.sqrt(1 - d.mood_persistence**2) * shocks["mood"][:, 1:],
    )
    vol_step = d.volatility_spread * np.sqrt(1 - d.volatility_persistence**2)
    log_volatility = persisting(
        d.volatility_persistence,
        d.volatility_spread * shocks["volatility"][:, 0],
        vol_step * vol_shock[:, 1:],
    )
    level = np.log(d.diffusion) - d.volatility_spread**2
    volatility = exp(level + log_volatility) * d.regime_scale[regime]
    # The value takes the regime's drift as the price does, so of e only κ·x and β·m part them.
    gap = persisting(
        1 - d.gap_reversion,
        d.gap_spread * shocks["gap"][:, 0],
        volatility[:, :-1] * gap_shock[:, 1:] - d.mood_drift * mood[:, :-1],
    )
    expected = d.drift[regime] + d.gap_reversion * gap + d.mood_drift * mood
    if lasting is not None:
        expected = expected + lasting
    return SimulatedPaths(
        regime=regime,
        gap=gap,
        mood=mood,
        log_volatility=log_volatility,
        volatility=volatility,
        expected=expected,
        news_uniform=shocks["news_uniform"],
        **_sessions(d, shocks, expected, volatility),
    )


def persisting(keep: float, first: FloatArray, steps: FloatArray) -> FloatArray:
    """An autoregression of the first order: x₀ = first, x_t = keep·x_{t−1} + steps_t [..., T].

    Each pass sums over twice as many steps as the one before (Hillis & Steele 1986, Communications
    of the ACM 29), so that there are as many as the length has bits.
    """
    x = np.concatenate([first[..., None], steps], axis=-1)
    back = 1
    while back < x.shape[-1]:
        x[..., back:] += keep * x[..., :-back]
        keep, back = keep * keep, 2 * back
    return x


def _regimes(dynamics: Dynamics, uniform: FloatArray) -> npt.NDArray[np.int8]:
    """A Markov chain by inversion of its transitions, from its stationary shares [N, T]."""
    length = uniform.shape[1]
    following = np.cumsum(dynamics.transition, axis=1)[:, :-1]
    start = np.cumsum(dynamics.regime_shares)[:-1].tolist()
    # In most sessions a path stays where it is, whichever regime that is.
    stays_from, stays_to = np.diagonal(following, -1).max(), np.diagonal(following).min()
    leaves = (uniform < stays_from) | (uniform >= stays_to)
    leaves[:, 0] = True
    places = np.flatnonzero(leaves)
    bounds = following.tolist()
    regimes, regime = [], 0
    for place, drawn in zip(places.tolist(), uniform.ravel()[places].tolist(), strict=True):
        regime = bisect_right(bounds[regime] if place % length else start, drawn)
        regimes.append(regime)
    stays = np.diff(places, append=uniform.size)
    return np.repeat(np.array(regimes, dtype=np.int8), stays).reshape(uniform.shape)


def _sessions(
    d: Dynamics, shocks: dict[str, FloatArray], expected: FloatArray, volatility: FloatArray
) -> dict[str, FloatArray]:
    """What happened in each session, from the state before it; the first one is average."""
    # The first session has no state before it, so it is an average one.
    before = np.full_like(expected, d.growth)
    before[:, 1:] = expected[:, :-1]
    scale = np.full_like(volatility, d.diffusion)
    scale[:, 1:] = volatility[:, :-1]
    jump = (
        (shocks["jump_time_uniform"] < d.jump_rate)
        * d.jump_size
        * d.daily_volatility
        * shocks["jump"]
    )
    # Half the variance is taken off, so that the mean of the simple return is what is expected.
    mean = before - scale**2 / 2 - d.jump_compensation
    night, day = d.overnight_share, 1 - d.overnight_share
    # Where the exchange never closes there is no night for a jump to fall into.
    jump_night = jump if night > 0 else 0 * jump
    overnight = night * mean + np.sqrt(night) * scale * shocks["overnight"] + jump_night
    intraday = day * mean + np.sqrt(day) * scale * shocks["intraday"] + (jump - jump_night)
    surprise = (overnight + intraday - mean) / scale
    spread = np.sqrt(day) * scale
    return {
        "overnight": overnight,
        "intraday": intraday,
        "high": extreme(intraday, spread, shocks["high_uniform"]),
        "low": -extreme(-intraday, spread, shocks["low_uniform"]),
        "surprise": surprise,
        "volume": 0.5 * np.minimum(np.abs(surprise), 4.0) + 0.3 * shocks["volume"],
    }


def extreme(end: FloatArray, spread: FloatArray, uniform: FloatArray) -> FloatArray:
    """The maximum of a Brownian bridge from 0 to ``end``, by inversion of its distribution.

    P(max > m) = exp(−2m(m − end)/spread²) for m ≥ max(0, end); Karatzas & Shreve, §4.3.C.
    """
    root = np.sqrt(end**2 - 2 * spread**2 * log(1.0 - uniform))
    return np.asarray((end + root) / 2)
