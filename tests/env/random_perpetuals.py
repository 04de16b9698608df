"""Random markets of perpetuals, wild enough that stops, targets and liquidations come often."""

from typing import Any

import numpy as np

from investorbench_env.market import Market

COINS = ("BTC", "ETH", "SOL")
START = np.datetime64("2025-07-14", "ns")
MINUTE = np.timedelta64(60, "s")


def random_perpetuals(
    seed: int, *, days: int = 3, minutes: int = 15, with_marks: bool = False
) -> Market:
    """Bars of so many minutes beside those of 4 hours, with funding each hour and outages.

    Args:
        seed: of the draws.
        days: from 2025-07-14 on.
        minutes: of a bar.
        with_marks: whether there are prices of the mark, some of them unknown.
    """
    rng, coins = np.random.default_rng(seed), COINS
    count, shape = days * 1_440 // minutes, (days * 1_440 // minutes, len(coins))
    prices = (
        100.0 * 10.0 ** np.arange(len(coins)) * np.exp(np.cumsum(rng.normal(0, 0.02, shape), 0))
    )
    opens = np.vstack([prices[:1], prices[:-1] * np.exp(rng.normal(0, 0.005, shape)[1:])])
    wide = 1.0 + np.abs(rng.normal(0, 0.01, (2, *shape)))
    high, low = np.maximum(opens, prices) * wide[0], np.minimum(opens, prices) / wide[1]
    volume = rng.uniform(1, 9, shape)
    bars = np.stack([opens, high, low, prices, volume], axis=-1)
    for coin in range(len(coins)):
        first = int(rng.integers(count // 4, count - 12))
        last = bars[first - 1, coin, 3]
        bars[first : first + 8, coin] = [last, last, last, last, 0.0]
    times = START + MINUTE * minutes * np.arange(1, count + 1)
    stamps = (times - MINUTE * minutes - START) % (60 * MINUTE) == np.timedelta64(0, "s")
    funding = np.where(stamps[:, None], rng.normal(0, 3e-3, shape), np.nan)
    oracle = np.where(rng.random(shape) < 0.7, opens * rng.uniform(0.99, 1.01, shape), np.nan)
    longer = bars.reshape(-1, 240 // minutes, *bars.shape[1:])
    context = np.stack(
        [longer[:, 0, :, 0], longer[..., 1].max(1), longer[..., 2].min(1), longer[:, -1, :, 3],
         longer[..., 4].sum(1)], axis=-1,
    )  # fmt: skip
    marks = bars[..., :4] * rng.uniform(0.998, 1.002, (*shape, 1))
    marks[rng.random(shape) < 0.1] = np.nan
    return _market(
        coins, bars, minutes, interval=f"{minutes}m", funding=funding, oracle=oracle,
        marks=marks if with_marks else None,
        intervals={"4h": _market(coins, context, 240, interval="4h")},
    )  # fmt: skip


def _market(coins: tuple[str, ...], bars: Any, minutes: int, **more: Any) -> Market:
    times = START + MINUTE * minutes * np.arange(1, len(bars) + 1)
    shape = bars.shape[:2]
    return Market(
        symbols=coins,
        asset_class="perpetual",
        sessions=(times - MINUTE * minutes).astype("datetime64[D]"),
        times=times,
        bars=bars,
        adjusted_close=bars[..., 3],
        dividends=np.zeros(shape),
        share_splits=np.ones(shape),
        source="random perpetuals",
        **more,
    )
