"""Paths of a simulated perpetual as they traded: bars on ticks, funding and oracle prices."""

from typing import NamedTuple

import numpy as np

from investorbench_env.market.asset_classes import Simulated
from investorbench_env.market.market import FIELDS, FloatArray
from investorbench_env.market.simulated.elementary import exp
from investorbench_env.market.simulated.perpetual_process import PerpetualPaths

SIGNIFICANT = 5
"""Figures of a first price; a price that rises or falls keeps its tick."""
INTEREST, BAND, CAP = 0.0001, 0.0005, 0.04
"""Of the funding rate over eight hours, and the most of it an hour; see ``docs/arena.md``."""
PARTS = 8
"""Hours of the funding rate, of which each hour charges one."""


class TradedPerpetual(NamedTuple):
    """Paths of a coin as they traded.

    Attributes:
        bars: open, high, low, close and volume [N, T, 5].
        funding: the rate charged at the stamp with which a bar opens, else NaN [N, T].
        oracle: the oracle price at that stamp, else NaN [N, T].
    """

    bars: FloatArray
    funding: FloatArray
    oracle: FloatArray


def traded_perpetual(
    paths: PerpetualPaths, profile: Simulated, bars_an_hour: int
) -> TradedPerpetual:
    """Paths of a coin as they traded.

    Args:
        paths: from midnight on.
        profile: its first price and its volume.
        bars_an_hour: so many bars after another there is funding.
    """
    level, ticks = profile.level, 10.0 ** decimals_of(profile.level)
    bars = np.empty((*paths.open.shape, len(FIELDS)))
    logs = (paths.open + move for move in (paths.high, paths.low, paths.intraday))
    for column, log in enumerate((paths.open, *logs)):
        price = np.rint(level * ticks * exp(log))
        bars[..., column] = np.maximum(price, 1.0) / ticks
    units = profile.units_a_day / (24 * bars_an_hour)
    bars[..., 4] = np.rint(units * exp(paths.volume + paths.log_volatility / 2))
    stamps = slice(bars_an_hour, None, bars_an_hour)
    funding, oracle = np.full((2, *paths.open.shape), np.nan)
    funding[:, stamps] = hourly_funding(paths.premium, bars_an_hour)
    # The oracle price has a figure more.
    spot = np.rint(level * ticks * 10 * exp(paths.spot_open[:, stamps]))
    oracle[:, stamps] = np.maximum(spot, 1.0) / (ticks * 10)
    return TradedPerpetual(bars, funding, oracle)


def decimals_of(level: float) -> int:
    """The decimals that give a price its significant figures."""
    return max(SIGNIFICANT - 1 - int(np.floor(np.log10(level))), 0)


def hourly_funding(premium: FloatArray, bars_an_hour: int) -> FloatArray:
    """The rate at the end of each whole hour but a last one, from its mean premium [..., H].

    Of the premium P over an hour the rate over eight hours is P + clamp(.01 % − P, ±.05 %), and
    each hour charges an eighth of it.

    Args:
        premium: at the close of each bar, from the beginning of an hour on [..., T].
        bars_an_hour: how many bars an hour has.
    """
    hours = (premium.shape[-1] - 1) // bars_an_hour
    whole = premium[..., : hours * bars_an_hour]
    total = np.zeros((*premium.shape[:-1], hours))
    for place in range(bars_an_hour):  # one after the other, the same in every shape
        total += whole[..., place::bars_an_hour]
    mean = total / bars_an_hour
    rate = np.clip(INTEREST, mean - BAND, mean + BAND)
    return np.asarray(np.clip(rate / PARTS, -CAP, CAP))


def coarser_bars(bars: FloatArray, count: int) -> FloatArray:
    """Bars of so many bars each: first open, highest, lowest, last close, sum of volumes.

    Args:
        bars: [..., T, A, 5]; what is left at the end is in none.
        count: bars that make one.
    """
    whole = bars.shape[-3] // count
    parts = bars[..., : whole * count, :, :].reshape(
        *bars.shape[:-3], whole, count, *bars.shape[-2:]
    )
    return np.stack(
        [
            parts[..., 0, :, 0],
            parts[..., 1].max(axis=-2),
            parts[..., 2].min(axis=-2),
            parts[..., -1, :, 3],
            parts[..., 4].sum(axis=-2),
        ],
        axis=-1,
    )
