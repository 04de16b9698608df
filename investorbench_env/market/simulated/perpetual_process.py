"""What drives simulated perpetuals and the log prices that follow, over many paths [N, A, T]."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.elementary import exp
from investorbench_env.market.simulated.perpetual_dynamics import PerpetualDynamics
from investorbench_env.market.simulated.process import extreme, persisting

NORMALS = ("price", "volatility", "trend", "premium", "jump", "open", "volume")
SHARED = NORMALS[:5]
"""Those that coins have in common with the market, which has no others."""
UNIFORMS = ("jump_time", "high", "low")


class PerpetualShocks(NamedTuple):
    """Independent shocks by name, each [N, T] of the market or [N, A, T] of coins."""

    market: dict[str, FloatArray]
    own: dict[str, FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualPaths:
    """The hidden state after each bar, and what happened in it; all [N, A, T].

    Attributes:
        trend: drift in its own standard deviations.
        log_volatility: in excess of its mean.
        volatility: standard deviation of the diffusion in the *next* bar.
        premium: log price of the perpetual less that of the oracle, at the close.
        expected: log of one plus the expected return of the perpetual in the *next* bar.
        spot_open: log of the oracle price at the open, over the first price.
        open: log of the perpetual's price at the open, over the first price.
        intraday: log return of the perpetual from open to close.
        high: log of the bar's high over its open, at least 0.
        low: log of the bar's low over its open, at most 0.
        volume: log of the relative volume.
    """

    trend: FloatArray
    log_volatility: FloatArray
    volatility: FloatArray
    premium: FloatArray
    expected: FloatArray
    spot_open: FloatArray
    open: FloatArray
    intraday: FloatArray
    high: FloatArray
    low: FloatArray
    volume: FloatArray


def draw_perpetual_shocks(
    market: Sequence[Origin], coins: Sequence[Sequence[Origin]], length: int
) -> PerpetualShocks:
    """The shocks of N paths, bar by bar, so that a longer path begins with the shorter one.

    Args:
        market: what the market's are drawn from [N].
        coins: what those of each coin are drawn from [A][N].
        length: T, in bars.
    """
    common = _draw(market, length, SHARED, UNIFORMS[:1])
    drawn = [_draw(origins, length, NORMALS, UNIFORMS) for origins in coins]
    own = {name: np.stack([each[name] for each in drawn], axis=1) for name in drawn[0]}
    return PerpetualShocks(common, own)


def _draw(
    origins: Sequence[Origin], length: int, normal: Sequence[str], uniform: Sequence[str]
) -> dict[str, FloatArray]:
    """Shocks by name [N, T]."""
    normals = np.empty((len(origins), length, len(normal)))
    uniforms = np.empty((len(origins), length, len(uniform)))
    for path, origin in enumerate(origins):
        origin.generator(Purpose.NORMALS).standard_normal(out=normals[path])
        origin.generator(Purpose.UNIFORMS).random(out=uniforms[path])
    return {
        **{name: normals[..., place] for place, name in enumerate(normal)},
        **{name: uniforms[..., place] for place, name in enumerate(uniform)},
    }


def evolve_perpetuals(
    dynamics: PerpetualDynamics, scale: FloatArray, hours: float, shocks: PerpetualShocks
) -> PerpetualPaths:
    """Run the model over shocks.

    Args:
        dynamics: its parameters.
        scale: volatility of each coin in an average bar [A].
        hours: that a bar takes.
        shocks: of the paths.
    """
    d, scale = dynamics, scale[:, None]
    trend = _state(d, "trend", hours, shocks)
    log_volatility = d.volatility_spread * _state(d, "volatility", hours, shocks)
    apart = _state(d, "premium", hours, shocks)
    follows, alone = np.sqrt(d.crowding), np.sqrt(1 - d.crowding)
    premium = d.premium_mean + d.premium_spread * (follows * trend + alone * apart)
    volatility = scale * exp(log_volatility - d.volatility_spread**2)
    drift = d.trend_strength * np.sqrt(hours) * scale * trend
    # Where the premium goes next, and half the variance of that for the mean of a simple return.
    keeps = d.keep("trend", hours), d.keep("premium", hours)
    expected = drift + d.premium_spread * (
        follows * (keeps[0] - 1) * trend + alone * (keeps[1] - 1) * apart
    )
    noise = d.crowding * (1 - keeps[0] ** 2) + (1 - d.crowding) * (1 - keeps[1] ** 2)
    expected += d.premium_spread**2 * noise / 2
    return PerpetualPaths(
        trend=trend,
        volatility=volatility,
        premium=premium,
        expected=expected,
        log_volatility=log_volatility,
        **_bars(d, scale, hours, shocks, drift, volatility, premium),
    )


def _state(d: PerpetualDynamics, name: str, hours: float, shocks: PerpetualShocks) -> FloatArray:
    """An autoregression of unit variance of each coin [N, A, T]."""
    keep, shock = d.keep(name, hours), _mixed(d, name, shocks)
    return persisting(keep, shock[..., 0], np.sqrt(1 - keep**2) * shock[..., 1:])


def _mixed(d: PerpetualDynamics, name: str, shocks: PerpetualShocks) -> FloatArray:
    """A normal shock to each coin, of which a share is the market's [N, A, T]."""
    share = getattr(d, f"{name}_share")
    together = np.sqrt(share) * shocks.market[name][:, None]
    return np.asarray(together + np.sqrt(1 - share) * shocks.own[name])


def _bars(
    d: PerpetualDynamics,
    scale: FloatArray,
    hours: float,
    shocks: PerpetualShocks,
    drift: FloatArray,
    volatility: FloatArray,
    premium: FloatArray,
) -> dict[str, FloatArray]:
    """What happened in each bar, from the state before it; the first one is average."""
    own = shocks.own
    drift, premium_before = _before(drift, 0.0), _before(premium, premium[..., :1])
    volatility = _before(volatility, scale)
    jump, compensation = _jumps(d, scale, hours, shocks)
    # Half the variance is taken off, so that the mean of the simple return is what is expected.
    gap, rest = d.open_share, 1 - d.open_share
    variance = volatility**2
    diffused = np.sqrt(rest) * volatility * _mixed(d, "price", shocks)
    opening = jump - compensation + np.sqrt(gap) * volatility * own["open"] - gap * variance / 2
    spot = drift + diffused - rest * variance / 2
    intraday = spot + premium - premium_before
    spot_open = np.cumsum(opening + spot, axis=-1)
    spot_open -= spot
    spread = np.sqrt(rest) * volatility
    surprise = np.minimum(np.abs((jump + diffused) / volatility), 4.0)
    return {
        "spot_open": spot_open,
        "open": spot_open + premium_before,
        "intraday": intraday,
        "high": extreme(intraday, spread, own["high"]),
        "low": -extreme(-intraday, spread, own["low"]),
        "volume": 0.5 * surprise + 0.3 * own["volume"],
    }


def _before(after: FloatArray, first: float | FloatArray) -> FloatArray:
    """What held as each bar began, from what held after it [N, A, T]."""
    before = np.empty_like(after)
    before[..., :1], before[..., 1:] = first, after[..., :-1]
    return before


def _jumps(
    d: PerpetualDynamics, scale: FloatArray, hours: float, shocks: PerpetualShocks
) -> tuple[FloatArray, FloatArray]:
    """Jumps into the open of each bar [N, A, T], and what compensates for their mean [A, 1]."""
    size = d.jump_size * scale / np.sqrt(hours)
    alone = shocks.own["jump_time"] < d.jump_rate * hours
    at_once = shocks.market["jump_time"] < d.market_jump_rate * hours
    jump = alone * shocks.own["jump"] + (at_once * shocks.market["jump"])[:, None]
    gain = np.expm1(size**2 / 2)
    rates = d.jump_rate * hours, d.market_jump_rate * hours
    return size * jump, np.log1p(rates[0] * gain) + np.log1p(rates[1] * gain)
