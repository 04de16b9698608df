"""Small markets of perpetuals, made for a test bar by bar."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from investorbench_env.market import Market

START = np.datetime64("2025-07-14T00:00", "ns")
MINUTE = np.timedelta64(60, "s")
Bar = Sequence[float]


def perpetual_market(
    bars: Mapping[str, Sequence[Bar]], *, minutes: int = 3, context: int | None = None, **more: Any
) -> Market:
    """A market of bars that are given as open, high, low, close and, where it matters, volume.

    Args:
        bars: of each coin, from midnight on.
        minutes: the length of a bar.
        context: bars that make a longer one beside them; None for no longer ones.
        more: attributes of the market.
    """
    rows = np.array([[(*bar, 1e3)[:5] for bar in own] for own in bars.values()]).swapaxes(0, 1)
    market = _market(tuple(bars), rows, minutes, **more)
    if context is None:
        return market
    whole = len(rows) // context * context
    parts = rows[:whole].reshape(-1, context, len(bars), 5)
    longer = np.stack(
        [
            parts[:, 0, :, 0], np.fmax.reduce(parts[..., 1], 1), np.fmin.reduce(parts[..., 2], 1),
            parts[:, -1, :, 3], np.nansum(parts[..., 4], 1),
        ],
        axis=-1,
    )  # fmt: skip
    other = _market(tuple(bars), longer, minutes * context)
    return _market(tuple(bars), rows, minutes, intervals={other.interval: other}, **more)


def _market(symbols: tuple[str, ...], rows: Any, minutes: int, **more: Any) -> Market:
    times = START + np.arange(1, len(rows) + 1) * minutes * MINUTE
    shape = rows.shape[:2]
    given: dict[str, Any] = {
        "asset_class": "perpetual",
        "sessions": (times - np.timedelta64(1, "ns")).astype("datetime64[D]"),
        "times": times,
        "bars": rows,
        "adjusted_close": rows[..., 3],
        "dividends": np.zeros(shape),
        "share_splits": np.ones(shape),
        "source": "made for a test",
        "interval": f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m",
    }
    return Market(symbols=symbols, **given | more)


def flat(price: float, count: int = 1) -> list[Bar]:
    """Bars that move just enough to be no outage."""
    return [(price, price * (1 + 1e-9), price * (1 - 1e-9), price, 1e3)] * count


def perpetuals(market: Market, **options: Any) -> Any:
    """The environment of a market over all of its bars, without slippage."""
    given = {
        "data": market, "interval": market.interval, "context": None, "slippage_bps": 0,
        "start": str(market.sessions[0]), "end": str(market.sessions[-1]),
    }  # fmt: skip
    return gym.make("InvestorBench/Perpetuals", **given | options).unwrapped


def entry(quantity: float, leverage: float, **plan: Any) -> dict[str, Any]:
    """A signal to buy, or to sell short where the quantity is negative."""
    word = "buy_to_enter" if quantity > 0 else "sell_to_enter"
    return {"signal": word, "quantity": abs(quantity), "leverage": leverage, **plan}


def random_perpetual_market(
    rng: np.random.Generator, symbols: tuple[str, ...], *, minutes: int, context: int, count: int
) -> Market:
    """Wild bars, some of them missing or without a trade, with funding, oracle prices and marks.

    Args:
        rng: draws all of it.
        symbols: the coins.
        minutes: the length of a bar.
        context: bars that make a longer one.
        count: bars.
    """
    shape = count, len(symbols)
    close = 100.0 * np.exp(rng.normal(0.0, 0.015, shape).cumsum(axis=0))
    opened = np.vstack([close[:1], close[:-1]]) * rng.uniform(0.99, 1.01, shape)
    high = np.maximum(opened, close) * rng.uniform(1.0, 1.02, shape)
    low = np.minimum(opened, close) * rng.uniform(0.98, 1.0, shape)
    rows = np.stack([opened, high, low, close, rng.uniform(1.0, 1e4, shape)], axis=-1)
    still = rng.random(shape) < 0.05
    rows[still] = np.repeat(opened[still][:, None], 5, axis=1) * [1, 1, 1, 1, 0]
    marks = rows[..., :4] * rng.uniform(0.999, 1.001, (*shape, 1))
    rows[rng.random(shape) < 0.03] = np.nan
    ends = START + np.arange(1, count + 1) * minutes * MINUTE
    is_stamp = (ends - minutes * MINUTE - START) % (60 * MINUTE) == 0 * MINUTE
    rates = np.where(is_stamp[:, None], rng.normal(0.0, 1e-3, shape), np.nan)
    oracle = np.where(rng.random(shape) < 0.7, opened * rng.uniform(0.99, 1.01, shape), np.nan)
    marks[rng.random(shape) < 0.2] = np.nan
    bars = {symbol: rows[:, coin].tolist() for coin, symbol in enumerate(symbols)}
    given = {"funding": rates, "oracle": oracle}
    if rng.random() < 0.5:
        given["marks"] = marks
    return perpetual_market(bars, minutes=minutes, context=context, **given)
