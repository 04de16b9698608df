"""No money comes or goes but by what a portfolio reports: over random markets and decisions."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.market import Market
from tests.env.joint_markets import random_joint_market
from tests.env.small_markets import date, random_market

SYMBOLS = ("A", "B", "C")
FIRST, LAST = 3, 23
WAYS: dict[str, dict[str, Any]] = {
    "weights": {},
    "long and short": {"long_short": True, "max_gross": 2.0, "borrow_bps": 300.0},
    "orders": {"action": "orders"},
    "constrained": {
        "action": "orders",
        "constraints": {"whole_shares": True, "max_weight": 0.6, "volume_cap": 0.02},
        "terms": {"dividend_adjusts_orders": True, "limit_fill": "through"},
    },
    "lab": {"action": "orders", "terms": "lab"},
}


def played(market: Market, rng: np.random.Generator, **options: Any) -> Any:
    """Infos and rewards of an episode of random decisions."""
    env: Any = gym.make(
        "InvestorBench/Portfolio", data=market, window=2, start=date(FIRST), end=date(LAST),
        modalities=["account"], initial_cash=10_000.0, **options,
    )  # fmt: skip
    _, info = env.reset()
    yield info, 0.0
    ended = False
    while not ended:
        _, reward, terminated, truncated, info = env.step(decided(env, rng, info))
        ended = terminated or truncated
        yield info, reward


def decided(env: Any, rng: np.random.Generator, info: dict[str, Any]) -> Any:
    """Random weights; or orders of sizes and prices that are often filled."""
    if env.action_space.shape is not None:
        weights = rng.uniform(env.action_space.low, 1.0)
        return weights if rng.random() < 0.5 else np.round(weights, 1)
    orders = []
    for number in range(int(rng.integers(4))):
        symbol = str(rng.choice(SYMBOLS))
        price = info["account"].marks.get(symbol, 100.0)
        side = str(rng.choice(["buy", "buy", "sell", "stop", "cancel"]))
        orders.append({
            "symbol": symbol, "side": side, "quantity": float(rng.integers(1, 40)),
            "limit": price * rng.uniform(0.9, 1.1) if rng.random() < 0.5 else None,
            "stop": price * rng.uniform(0.8, 0.99) if side in ("buy", "stop") else None,
            "until": str(rng.choice(["day", "cancelled"])), "id": f"{info['session']} {number}",
        })  # fmt: skip
    return orders


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_cash_and_shares_follow_from_what_is_reported(way: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = random_joint_market(rng, SYMBOLS)
    options, growth, costs = WAYS[way], 1.0, 0.0
    before: Any = None
    for info, reward in played(market, rng, **options):
        account = info["account"]
        growth *= 1.0 + reward
        held = {each.symbol: each for each in account.positions}
        value = sum(each.quantity * each.price for each in account.positions)
        assert account.cash + value == pytest.approx(account.equity, abs=1e-6)
        assert all(each.price == account.marks[each.symbol] for each in account.positions)
        if before is not None:
            paid = sum(each.cash for each in info["distributions"])
            traded = sum(fill.quantity * fill.price + fill.cost for fill in info["fills"])
            fee = account.costs - costs - sum(fill.cost for fill in info["fills"])
            assert account.cash == pytest.approx(before.cash + paid - traded - fee, abs=1e-6)
            assert fee == pytest.approx(0.0, abs=1e-9) or "borrow_bps" in options
            assert_shares(before, held, info)
        if not options.get("long_short"):
            assert account.cash > -1e-6 and all(each.quantity > 0 for each in account.positions)
        before, costs = account, account.costs
    assert growth == pytest.approx(before.equity / 10_000.0, rel=1e-9, abs=1e-9)


def assert_shares(before: Any, held: dict[str, Any], info: dict[str, Any]) -> None:
    ratios = {each.symbol: each.ratio for each in info["distributions"]}
    shares = {each.symbol: each.quantity for each in before.positions}
    shares = {name: quantity * ratios.get(name, 1.0) for name, quantity in shares.items()}
    for fill in info["fills"]:
        shares[fill.symbol] = shares.get(fill.symbol, 0.0) + fill.quantity
        assert fill.notional == pytest.approx(abs(fill.quantity) * fill.price, abs=1e-6)
    for name, quantity in shares.items():
        found = held[name].quantity if name in held else 0.0
        fraction = 1.0 if ratios.get(name, 1.0) != 1.0 else 0.0  # paid in cash where they are whole
        assert quantity - fraction - 1e-6 < found < quantity + 1e-6


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), long_short=st.booleans())
def test_a_portfolio_of_one_asset_is_that_of_its_own_environment(
    seed: int, long_short: bool
) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng)
    options: dict[str, Any] = {
        "data": market, "window": 4, "start": date(FIRST), "end": date(LAST), "cash_rate": 0.05
    }  # fmt: skip
    one: Any = gym.make("InvestorBench/Portfolio", long_short=long_short, **options)
    other: Any = gym.make(
        "InvestorBench/Stock", action="weight", long_only=not long_short, **options
    )
    (seen, info), (expected, also_said) = one.reset(), other.reset()
    ended = False
    while not ended:
        np.testing.assert_array_equal(seen["bars"][:, 0], expected["bars"])
        np.testing.assert_array_equal(seen["mask"][:, 0], expected["mask"])
        np.testing.assert_array_equal(seen["sentiment"][0], expected["sentiment"])
        for name in ("news", "filings", "time"):
            assert seen[name] == expected[name]
        for name in ("equity", "cash", "costs"):
            assert info[name] == pytest.approx(also_said[name], rel=1e-12, abs=1e-7)
        weight = rng.uniform(-1.0 if long_short else 0.0, 1.0, 1)
        seen, reward, terminated, truncated, info = one.step(weight)
        expected, also, *ends, also_said = other.step(weight)
        assert reward == pytest.approx(also, rel=1e-12, abs=1e-12)
        assert [terminated, truncated] == ends
        ended = terminated or truncated
