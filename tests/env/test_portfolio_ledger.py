"""Every step of a portfolio is, to the cent, what a ledger in fractions makes of the market."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.market import Market
from tests.env.exact_night import ExactAccount, ExactMarket, exact_weights
from tests.env.joint_markets import random_joint_market
from tests.env.small_markets import date
from tests.env.test_portfolio_money import SYMBOLS, decided

F = Fraction
FIRST, LAST = 3, 23
CENT = 0.005
YEAR = 252

ORDER_WAYS: dict[str, dict[str, Any]] = {
    "standard": {},
    "whole": {"constraints": {"whole_shares": True, "max_weight": 0.6, "volume_cap": 0.02}},
    "lab": {"terms": "lab", "constraints": {"whole_shares": True}},
}
WEIGHT_WAYS: dict[str, dict[str, Any]] = {
    "long": {},
    "dear": {"commission_bps": 300.0, "cash_rate": 0.05},
    "long and short": {
        "long_short": True, "max_gross": 1.5, "borrow_bps": 500.0, "cash_rate": 0.1,
    },
}  # fmt: skip


def episode(market: Market, rng: np.random.Generator, **options: Any) -> Iterator[Any]:
    """Bar, action, and the infos before and after each step of an episode."""
    env: Any = gym.make(
        "InvestorBench/Portfolio", data=market, window=2, start=date(FIRST), end=date(LAST),
        modalities=["account"], initial_cash=10_000.0, **options,
    )  # fmt: skip
    _, before = env.reset()
    ended = False
    while not ended:
        action = decided(env, rng, before)
        _, _, terminated, truncated, info = env.step(action)
        ended = terminated or truncated
        t = int(np.searchsorted(market.sessions, np.datetime64(info["session"])))
        yield env.unwrapped.facts, t, action, before, info
        before = info


def as_exact(info: Any) -> ExactAccount:
    account = info["account"]
    held = {each.symbol: F(each.quantity) for each in account.positions}
    marks = account.marks
    return ExactAccount(
        F(account.cash),
        [held.get(symbol, F(0)) for symbol in SYMBOLS],
        [F(marks[symbol]) if symbol in marks else None for symbol in SYMBOLS],
    )


def check_close(info: Any, exact: ExactMarket, t: int, marks: list[F | None]) -> None:
    """Equity is cash and shares at the closes of the market."""
    after, closes = as_exact(info), exact.closes(t, marks)
    value = sum(s * c for s, c in zip(after.shares, closes, strict=True))
    assert float(after.cash + value) == pytest.approx(info["equity"], abs=CENT)


def check_orders(rng: np.random.Generator, way: str) -> int:
    market, options = random_joint_market(rng, SYMBOLS), ORDER_WAYS[way]
    exact, whole, lists = ExactMarket(market), "whole_shares" in str(options), 0
    for facts, t, action, before, info in episode(market, rng, action="orders", **options):
        slip = 0.0 if way == "lab" else 5e-4
        rate = F(0) if way == "lab" else F(facts.cost_rate - slip)
        night = exact.night(as_exact(before), t, whole=whole)
        cash, shares = night.cash, list(night.shares)
        for fill in info["fills"]:
            asset, worth = SYMBOLS.index(fill.symbol), F(fill.quantity) * F(fill.price)
            assert exact.trades[t, asset]
            opens, high, low, close, _ = market.bars[t, asset]
            low, high = np.nanmin([opens, low, close]), np.nanmax([opens, high, close])
            bounds = low * (1.0 - slip) - CENT, high * (1.0 + slip) + CENT
            assert bounds[0] <= fill.price <= bounds[1]
            cash, shares[asset] = cash - worth - rate * abs(worth), shares[asset] + F(fill.quantity)
        after = as_exact(info)
        assert float(cash) == pytest.approx(float(after.cash), abs=CENT)
        assert [float(s) for s in shares] == pytest.approx([float(s) for s in after.shares])
        assert after.cash >= -1e-6 and min(after.shares) >= 0
        check_close(info, exact, t, night.marks)
        lists += bool(action)
    return lists


def check_weights(rng: np.random.Generator, way: str) -> int:
    market, options = random_joint_market(rng, SYMBOLS), WEIGHT_WAYS[way]
    exact, steps = ExactMarket(market), 0
    gross = F(options.get("max_gross", 1.0))
    for facts, t, action, before, info in episode(market, rng, **options):
        start = as_exact(before)
        night = exact.night(start, t, whole=False)
        weights = [F(float(weight)) for weight in action]
        priced = [mark is not None for mark in start.marks]
        weights = [w if ok else F(0) for w, ok in zip(weights, priced, strict=True)]
        total = sum(map(abs, weights))
        weights = [w / max(total / gross, F(1)) for w in weights]
        prices = exact.fills(t, night.marks)
        worth = night.cash + sum(s * p for s, p in zip(night.shares, prices, strict=True))
        if worth <= 0:
            weights = [F(0)] * len(weights)
        cash, shares = exact_weights(
            night, prices, weights, exact.trades[t], F(facts.cost_rate), gross
        )
        short = sum(
            -s * m
            for s, m in zip(start.shares, start.marks, strict=True)
            if m is not None and s < 0
        )
        rate, fee = (1 + facts.cash_rate) ** (1 / YEAR) - 1, options.get("borrow_bps", 0.0) / 1e4
        cash += max(start.cash - 2 * short, F(0)) * F(rate) - short * F(fee / YEAR)
        after = as_exact(info)
        assert float(cash) == pytest.approx(float(after.cash), abs=1e-6)
        assert [float(s) for s in shares] == pytest.approx([float(s) for s in after.shares])
        assert options or after.cash >= -1e-6
        check_close(info, exact, t, night.marks)
        steps += 1
    return steps


@pytest.mark.parametrize("way", ORDER_WAYS)
def test_cash_and_shares_after_orders_are_those_of_a_ledger_in_fractions(way: str) -> None:
    for seed in range(3):
        check_orders(np.random.default_rng([seed, 1]), way)


@pytest.mark.parametrize("way", WEIGHT_WAYS)
def test_cash_and_shares_after_weights_are_those_of_a_ledger_in_fractions(way: str) -> None:
    for seed in range(3):
        check_weights(np.random.default_rng([seed, 2]), way)


@pytest.mark.long
def test_money_is_right_to_the_cent_over_ten_thousand_lists_of_orders() -> None:
    lists, seed = 0, 0
    while lists < 10_000:
        way = sorted(ORDER_WAYS)[seed % len(ORDER_WAYS)]
        lists, seed = lists + check_orders(np.random.default_rng([seed, 3]), way), seed + 1


@pytest.mark.long
def test_money_is_right_to_the_cent_over_five_thousand_sets_of_weights() -> None:
    steps, seed = 0, 0
    while steps < 5_000:
        way = sorted(WEIGHT_WAYS)[seed % len(WEIGHT_WAYS)]
        steps, seed = steps + check_weights(np.random.default_rng([seed, 4]), way), seed + 1
