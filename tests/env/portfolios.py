"""Portfolio environments on small markets, and what decisions about them look like."""

from typing import Any

import gymnasium as gym
import pytest

from investorbench_env.market import Market
from tests.env.small_markets import date

each_action = pytest.mark.parametrize("action", ["weights", "orders"])
FREE = {"commission_bps": 0.0, "slippage_bps": 0.0}


def portfolio(market: Market, action: str = "weights", **options: Any) -> Any:
    given = {"data": market, "start": date(0), "end": date(len(market.times) - 1), "window": 3}
    return gym.make("InvestorBench/Portfolio", action=action, **{**given, **options})


def buy(symbol: str, quantity: float, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "side": "buy", "quantity": quantity, **more}
