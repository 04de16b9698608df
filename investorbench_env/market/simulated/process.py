"""The hidden state and the prices that follow from it, as arrays over many paths [N, T]."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.bands import generator
from investorbench_env.market.simulated.dynamics import Dynamics

NORMALS = ("gap", "mood", "volatility", "jump", "overnight", "intraday", "volume")
UNIFORMS = ("regime", "jump_time", "high", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPaths:
    """The hidden state after each session, and the log returns of each session; all [N, T].

    Attributes:
        regime: 0 bear, 1 calm, 2 bull.
        gap: log fundamental value less log price.
        mood: in standard deviations.
        log_volatility: in excess of its mean.
        volatility: standard deviation of the diffusion in the *next* session.
        expected_return: of the *next* session, close to close, dividends included.
        overnight: log return from the close before to this session's open.
        intraday: log return from open to close.
        high: log of the session's high over its open, at least 0.
        low: log of the session's low over its open, at most 0.
        surprise: the session's log return less its mean, in volatilities.
        volume: log of the relative volume.
    """

    regime: npt.NDArray[np.int8]
    gap: FloatArray
    mood: FloatArray
    log_volatility: FloatArray
    volatility: FloatArray
    expected_return: FloatArray
    overnight: FloatArray
    intraday: FloatArray
    high: FloatArray
    low: FloatArray
    surprise: FloatArray
    volume: FloatArray

    def __getitem__(self, paths: slice) -> "SimulatedPaths":
        return SimulatedPaths(
            **{part.name: getattr(self, part.name)[paths] for part in fields(self)}
        )


def draw_shocks(entropies: Sequence[Sequence[int]], length: int) -> dict[str, FloatArray]:
    """Independent shocks by name [N, T].

    Each path has its own generators and draws session by session, so a longer simulation begins
    with the shorter one.
    """
    normals = np.empty((len(entropies), length, len(NORMALS)))
    uniforms = np.empty((len(entropies), length, len(UNIFORMS)))
    for path, entropy in enumerate(entropies):
        generator(entropy, 0).standard_normal(out=normals[path])
        generator(entropy, 1).random(out=uniforms[path])
    shocks = {name: normals[..., k] for k, name in enumerate(NORMALS)}
    return shocks | {f"{name}_uniform": uniforms[..., k] for k, name in enumerate(UNIFORMS)}


def evolve(dynamics: Dynamics, shocks: dict[str, FloatArray]) -> SimulatedPaths:
    """Run the model of ``simulate`` over shocks [N, T]."""
    d = dynamics
    paths, length = shocks["gap"].shape
    new = {name: np.zeros((paths, length)) for name in ("gap", "mood", "log_volatility", "noise")}
    regime = np.empty((paths, length), dtype=np.int8)
    volatility, expected = np.empty((paths, length)), np.empty((paths, length))

    night, day = np.sqrt(d.overnight_share), np.sqrt(1 - d.overnight_share)
    price_shock = night * shocks["overnight"] + day * shocks["intraday"]
    # The gap widens by its own noise; the price shock is shared so that innovations of the value
    # and of the price have the same size and correlation `shared`.
    shared = 1 - d.gap_noise**2 / 2
    gap_shock = (shared - 1) * price_shock + np.sqrt(1 - shared**2) * shocks["gap"]
    vol_shock = d.leverage * price_shock + np.sqrt(1 - d.leverage**2) * shocks["volatility"]
    vol_step = d.volatility_spread * np.sqrt(1 - d.volatility_persistence**2)
    mood_step = np.sqrt(1 - d.mood_persistence**2)
    cumulative = np.cumsum(d.transition, axis=1)
    gap, mood, log_vol = new["gap"], new["mood"], new["log_volatility"]
    level = np.log(d.diffusion) - d.volatility_spread**2

    for t in range(length):
        uniform = shocks["regime_uniform"][:, t]
        if t == 0:
            bounds = np.broadcast_to(np.cumsum(d.regime_shares), (paths, 3))
            gap[:, 0] = d.gap_spread * shocks["gap"][:, 0]
            mood[:, 0] = shocks["mood"][:, 0]
            log_vol[:, 0] = d.volatility_spread * shocks["volatility"][:, 0]
        else:
            bounds = cumulative[regime[:, t - 1]]
            move = volatility[:, t - 1] * gap_shock[:, t]
            grown = d.drift[regime[:, t - 1]]
            gap[:, t] = gap[:, t - 1] + grown - expected[:, t - 1] + move
            mood[:, t] = d.mood_persistence * mood[:, t - 1] + mood_step * shocks["mood"][:, t]
            log_vol[:, t] = (
                d.volatility_persistence * log_vol[:, t - 1] + vol_step * vol_shock[:, t]
            )
        regime[:, t] = (uniform[:, None] >= bounds[:, :2]).sum(axis=1)
        volatility[:, t] = np.exp(level + log_vol[:, t]) * d.regime_scale[regime[:, t]]
        expected[:, t] = (
            d.drift[regime[:, t]] + d.gap_reversion * gap[:, t] + d.mood_drift * mood[:, t]
        )
    return SimulatedPaths(
        regime=regime,
        gap=gap,
        mood=mood,
        log_volatility=log_vol,
        volatility=volatility,
        expected_return=np.expm1(expected),
        **_sessions(d, shocks, expected, volatility),
    )


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
        "high": _extreme(intraday, spread, shocks["high_uniform"]),
        "low": -_extreme(-intraday, spread, shocks["low_uniform"]),
        "surprise": surprise,
        "volume": 0.5 * np.minimum(np.abs(surprise), 4.0) + 0.3 * shocks["volume"],
    }


def _extreme(end: FloatArray, spread: FloatArray, uniform: FloatArray) -> FloatArray:
    """The maximum of a Brownian bridge from 0 to ``end``, by inversion of its distribution.

    P(max > m) = exp(−2m(m − end)/spread²) for m ≥ max(0, end); Karatzas & Shreve, §4.3.C.
    """
    root = np.sqrt(end**2 - 2 * spread**2 * np.log1p(-uniform))
    return np.asarray((end + root) / 2)
