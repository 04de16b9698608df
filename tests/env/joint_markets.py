"""Markets of several assets that are small enough to check by hand, and random ones."""

from dataclasses import replace
from typing import Any

import numpy as np

from investorbench_env.market import Market
from investorbench_env.market.joining import join
from investorbench_env.market.market import Delisting
from tests.env.small_markets import date, random_market, small_market


def joint_market(assets: dict[str, dict[str, Any]], **changes: Any) -> Market:
    """Assets by symbol, each as ``small_market`` takes it: its closes under ``closes``."""
    parts = {
        symbol: small_market(**{"symbols": (symbol,), **given, **changes})
        for symbol, given in assets.items()
    }
    return join(parts, "stock")


def random_joint_market(
    rng: np.random.Generator, symbols: tuple[str, ...], length: int = 24
) -> Market:
    """Assets with gaps, splits, dividends and texts of their own; now and then one is delisted."""
    return join({symbol: _random_part(rng, symbol, length) for symbol in symbols}, "stock")


def _random_part(rng: np.random.Generator, symbol: str, length: int) -> Market:
    market = replace(random_market(rng, length), symbols=(symbol,))
    if rng.random() > 0.2:
        return market
    gain = float(rng.choice([-1.0, -0.3, 0.1, np.nan]))
    on = np.datetime64(date(int(rng.integers(length // 2, length))))
    return replace(market, delistings={symbol: Delisting(on, gain)})
