"""What drives a simulated perpetual and the log prices that follow, over many paths [N, T]."""

from collections.abc import Sequence
from dataclasses import dataclass

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


Shocks = dict[str, FloatArray]
"""Independent ones by name, each [N, T]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualPaths:
    """The hidden state after each bar, and what happened in it; all [N, T].

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


def draw_market_shocks(origins: Sequence[Origin], length: int) -> Shocks:
    """What all coins have in common; for its arguments see :func:`draw_coin_shocks`."""
    return _draw(origins, length, SHARED, UNIFORMS[:1])


def draw_coin_shocks(origins: Sequence[Origin], length: int) -> Shocks:
    """What a coin has for itself, bar by bar, so that a longer path begins with the shorter one.

    Args:
        origins: what each path is drawn from [N].
        length: T, in bars.
    """
    return _draw(origins, length, NORMALS, UNIFORMS)


def _draw(
    origins: Sequence[Origin], length: int, normal: Sequence[str], uniform: Sequence[str]
) -> Shocks:
    normals = np.empty((len(origins), length, len(normal)))
    uniforms = np.empty((len(origins), length, len(uniform)))
    for path, origin in enumerate(origins):
        origin.generator(Purpose.NORMALS).standard_normal(out=normals[path])
        origin.generator(Purpose.UNIFORMS).random(out=uniforms[path])
    by_name = [np.ascontiguousarray(np.moveaxis(each, -1, 0)) for each in (normals, uniforms)]
    return {
        **dict(zip(normal, by_name[0], strict=True)),
        **dict(zip(uniform, by_name[1], strict=True)),
    }


def evolve_perpetual(
    dynamics: PerpetualDynamics, scale: float, hours: float, market: Shocks, own: Shocks
) -> PerpetualPaths:
    """Run the model of a coin over shocks.

    Args:
        dynamics: its parameters.
        scale: volatility in an average bar.
        hours: that a bar takes.
        market: shocks that all coins have in common.
        own: shocks to this one.
    """
    d = dynamics
    mixed = {name: _mixed(d, name, market, own) for name in SHARED if name != "jump"}
    trend, log_volatility, apart = (
        _state(d.keep(name, hours), mixed[name]) for name in ("trend", "volatility", "premium")
    )
    log_volatility *= d.volatility_spread
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
    jump = _jumps(d, scale, hours, market, own)
    return PerpetualPaths(
        trend=trend,
        volatility=volatility,
        premium=premium,
        expected=expected,
        log_volatility=log_volatility,
        **_bars(d, scale, drift, volatility, premium, mixed["price"], jump, own),
    )


def _state(keep: float, shock: FloatArray) -> FloatArray:
    """An autoregression of unit variance [N, T]."""
    return persisting(keep, shock[:, 0], np.sqrt(1 - keep**2) * shock[:, 1:])


def _mixed(d: PerpetualDynamics, name: str, market: Shocks, own: Shocks) -> FloatArray:
    """A normal shock of which a share is the market's [N, T]."""
    share = getattr(d, f"{name}_share")
    return np.asarray(np.sqrt(share) * market[name] + np.sqrt(1 - share) * own[name])


def _bars(
    d: PerpetualDynamics,
    scale: float,
    drift: FloatArray,
    volatility: FloatArray,
    premium: FloatArray,
    shock: FloatArray,
    jump: FloatArray,
    own: Shocks,
) -> dict[str, FloatArray]:
    """What happened in each bar, from the state before it; the first one is average."""
    drift, premium_before = _before(drift, 0.0), _before(premium, premium[:, :1])
    volatility = _before(volatility, scale)
    # Half the variance is taken off, so that the mean of the simple return is what is expected.
    gap, rest = d.open_share, 1 - d.open_share
    variance = volatility**2
    spread = np.sqrt(rest) * volatility
    diffused = spread * shock
    opening = jump + np.sqrt(gap) * volatility * own["open"] - gap * variance / 2
    spot = drift + diffused - rest * variance / 2
    intraday = spot + premium - premium_before
    spot_open = np.cumsum(opening + spot, axis=-1)
    spot_open -= spot
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
    """What held as each bar began, from what held after it [N, T]."""
    before = np.empty_like(after)
    before[:, :1], before[:, 1:] = first, after[:, :-1]
    return before


def _jumps(
    d: PerpetualDynamics, scale: float, hours: float, market: Shocks, own: Shocks
) -> FloatArray:
    """Jumps into the open of each bar, with what compensates for their mean [N, T]."""
    size = d.jump_size * scale / np.sqrt(hours)
    total = np.zeros_like(own["jump"])
    for shocks, rate in ((own, d.jump_rate * hours), (market, d.market_jump_rate * hours)):
        total += (shocks["jump_time"] < rate) * (size * shocks["jump"])
        total -= np.log1p(rate * np.expm1(size**2 / 2))
    return total
