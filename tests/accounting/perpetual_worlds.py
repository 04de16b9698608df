"""Random markets of perpetuals and orders: gaps, ties, outages, stamps, accounts of any size."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.margin_bars import Entries, PerpetualBar
from investorbench_env.accounting.venues import HYPERLIQUID

SYMBOLS = tuple(HYPERLIQUID.contracts)
LEVELS = np.array([118_000.0, 3_600.0, 190.0, 3.4, 0.24, 760.0])
Floats = npt.NDArray[np.float64]


class World(NamedTuple):
    """What N accounts meet, bar by bar.

    Attributes:
        cash: that each starts with [N].
        marks: before the first bar [A, N].
        bars: of the market.
        entries: one for each bar.
        closes: places, one array for each bar.
    """

    cash: Floats
    marks: Floats
    bars: list[PerpetualBar]
    entries: list[Entries]
    closes: list[npt.NDArray[np.intp]]


def make_world(seed: int, accounts: int, length: int, *, has_marks: bool) -> World:
    """A world of six coins, prices [A, N] of which differ from account to account."""
    rng = np.random.default_rng(seed)
    shape = len(SYMBOLS), accounts
    cash = np.round(10 ** rng.uniform(3, 8.3, accounts), 2)
    deviation = 10 ** rng.uniform(-3, -1.4, accounts)
    last = LEVELS[:, None] * rng.uniform(0.8, 1.2, shape)
    marks, bars = last, []
    for number in range(length):
        prices = _candle(rng, last, deviation)
        mark = tuple(each * 1.0 for each in _candle(rng, last, deviation)) if has_marks else None
        stamp = rng.random() < 0.4
        scale = rng.choice([1e-5, 1e-3, 0.2], p=[0.7, 0.2, 0.1])
        rate = np.where(rng.random(shape) < 0.8, rng.normal(0, scale, shape), np.nan)
        oracle = np.where(rng.random(shape) < 0.7, prices[0] * rng.normal(1, 1e-3, shape), np.nan)
        bars.append(
            PerpetualBar(
                *prices,
                trades=rng.random(shape) < 0.93,
                rate=rate if stamp else None,
                oracle=oracle if rng.random() < 0.8 else None,
                marks=mark,
                number=number,
                day=20_000 + number // 2 * (1 + (seed % 3 == 0) * 4),
            )
        )
        last = prices[3]
    entries = [_entries(rng, cash, bars, number) for number in range(length)]
    closes = [np.flatnonzero(rng.random(shape) < 0.04) for _ in range(length)]
    return World(cash, marks, bars, entries, closes)


def _candle(
    rng: np.random.Generator, last: Floats, deviation: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    gap = np.where(rng.random(last.shape) < 0.1, 3.0, 0.3)
    opened = last * np.exp(gap * deviation * rng.normal(size=last.shape))
    close = opened * np.exp(deviation * rng.normal(size=last.shape))
    up, down = np.abs(rng.normal(size=(2, *last.shape))) * deviation * 0.5
    high, low = np.maximum(opened, close) * (1 + up), np.minimum(opened, close) / (1 + down)
    return opened, high, low, close


def _entries(
    rng: np.random.Generator, cash: Floats, bars: list[PerpetualBar], number: int
) -> Entries:
    """Entries of any side and size, with stops and targets on either side or none.

    Some levels are extremes of a bar to come, so that prices meet them exactly.
    """
    bar, shape = bars[number], bars[number].open.shape
    at = np.flatnonzero(rng.random(shape) < 0.15)
    coin, account = np.divmod(at, shape[1])
    most = np.array([HYPERLIQUID.contract(name).tiers[0].max_leverage for name in SYMBOLS])
    leverage = np.ceil(rng.uniform(0, 1.1, len(at)) * most[coin])
    side = rng.choice([-1.0, 1.0], len(at))
    price = bar.open.reshape(-1)[at]
    size = side * np.round(cash[account] * rng.uniform(0.05, 0.8, len(at)) * leverage / price, 3)
    later = bars[min(number + int(rng.integers(0, 3)), len(bars) - 1)]
    stop = price * (1 - side * rng.uniform(-0.01, 0.06, len(at)))
    extreme = np.where(side > 0, later.low.reshape(-1)[at], later.high.reshape(-1)[at])
    stop = np.where(rng.random(len(at)) < 0.2, extreme, stop)
    target = price * (1 + side * rng.uniform(-0.005, 0.08, len(at)))
    extreme = np.where(side > 0, later.high.reshape(-1)[at], later.low.reshape(-1)[at])
    target = np.where(rng.random(len(at)) < 0.2, extreme, target)
    stop = np.where(rng.random(len(at)) < 0.4, np.nan, stop)
    target = np.where(rng.random(len(at)) < 0.4, np.nan, target)
    wanted = size != 0.0
    return Entries(at, size, leverage, stop, target).those(wanted)
