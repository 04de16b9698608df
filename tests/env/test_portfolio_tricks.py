"""What slips past a rule of orders, or gains by it, on generated markets."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.portfolio import HeldShares, Portfolio, SessionBar, Terms
from investorbench_env.accounting.session import take_session
from investorbench_env.market.market import Delisting
from tests.env.joint_markets import joint_market, random_joint_market
from tests.env.portfolios import buy, portfolio
from tests.env.small_markets import date

STOP = 97.0
SETTING_A_STOP = {
    "a stop": ShareOrder("A", "stop", stop=STOP),
    "a stop with a limit": ShareOrder("A", "stop", limit=1.0, stop=STOP),
    "a purchase at the open": ShareOrder("A", "buy", 1, stop=STOP),
    "a purchase with a high limit": ShareOrder("A", "buy", 1, limit=1000.0, stop=STOP),
    "a purchase inside the bar": ShareOrder("A", "buy", 1, limit=99.5, stop=STOP),
}


@pytest.mark.parametrize(
    ("way", "is_older"),
    [
        (way, is_older)
        for way, order in SETTING_A_STOP.items()
        for is_older in (False, True)
        if order.side == "buy" or not is_older  # stops do not wait
    ],
)
def test_no_order_sets_a_stop_that_a_sale_inside_the_same_bar_escapes(
    way: str, is_older: bool
) -> None:
    setting = SETTING_A_STOP[way]._replace(until="cancelled")
    rng = np.random.default_rng([14, *map(ord, way)])
    for _ in range(30):
        low, high = rng.uniform(80.0, STOP), rng.uniform(103.0, 120.0)
        sale = ShareOrder("A", "sell", 100, limit=float(rng.uniform(101.0, high)))
        bar = SessionBar(100.0, float(high), float(low), float(rng.uniform(low, high)))
        waiting, listed = ((setting,), [sale]) if is_older else ((), [sale, setting])
        before = Portfolio(
            cash=1000.0, holdings={"A": HeldShares(100.0, 100.0)}, marks={"A": 100.0},
            waiting=waiting,
        )  # fmt: skip
        after, outcome = take_session(before, listed, {"A": bar}, Terms(), Constraints())
        *_, last = outcome.fills
        assert last.quantity <= -100.0 and last.price < STOP
        assert not after.holdings


def test_an_account_knows_at_its_first_decision_what_it_knows_at_a_later_one() -> None:
    limits = {"min_dollar_volume": 20_000.0, "max_weight": 0.5, "min_price": 5.0}
    filled = 0
    for seed in range(12):
        rng = np.random.default_rng([15, seed])
        market = random_joint_market(rng, ("A", "B", "C"))
        days = market.sessions[np.isfinite(market.bars[..., 3]).any(axis=1)]
        orders = [buy(symbol, float(rng.integers(1, 200))) for symbol in market.symbols]
        found = []
        for start in (days[0], days[6]):
            env = portfolio(market, "orders", start=str(start), constraints=limits)
            _, info = env.reset(seed=0)
            while info["session"] < str(days[6]):
                *_, info = env.step([])
            *_, info = env.step(orders)
            found.append((info["fills"], info["rejections"], info["equity"]))
        assert found[0] == found[1]
        filled += len(found[0][0])
    assert filled


@pytest.mark.parametrize("until", ["day", "cancelled"])
def test_no_order_for_what_was_delisted_is_carried_out_or_waits(until: str) -> None:
    rng = np.random.default_rng(16)
    closes = {"A": {"closes": [10.0] * 12}, "B": {"closes": [10.0] * 6 + [np.nan] * 6}}
    delisting = Delisting(np.datetime64(date(6)), -0.3)
    market = replace(joint_market(closes), delistings={"B": delisting})
    env = portfolio(market, "orders")
    env.reset(seed=0)
    *_, info = env.step([buy("B", 10.0)])
    while info["session"] < date(6):
        *_, info = env.step([])
    for _ in range(4):
        sides = rng.permutation(["buy", "sell", "stop"]).tolist()
        orders: list[dict[str, Any]] = [
            {"symbol": "B", "side": side, "quantity": 5.0, "until": until}
            | ({"stop": 9.0} if side == "stop" else {"limit": float(rng.uniform(5.0, 15.0))})
            for side in sides
        ]
        *_, info = env.step([*orders, buy("A", 1.0)])
        assert [order.side for order, _ in info["rejections"]] == sides
        assert {reason for _, reason in info["rejections"]} == {"B was delisted"}
        assert len(info["fills"]) == 1 and not info["open_orders"]


def test_rounding_buys_nothing_where_there_is_no_cash() -> None:
    rng = np.random.default_rng(17)
    for _ in range(20):
        price = float(10.0 ** rng.uniform(-6.0, -1.0))
        bar = SessionBar(price, price, price, price)
        orders = [ShareOrder("A", "buy", float(rng.uniform(1.1e-9, 9e-10 / price)))] * 50
        before = Portfolio(cash=0.0, marks={"A": price})
        after, outcome = take_session(before, orders, {"A": bar}, Terms(), Constraints())
        assert not outcome.fills and after.equity == 0.0


@pytest.mark.parametrize("long_short", [False, True])
def test_debts_that_cost_nothing_are_a_finding(long_short: bool) -> None:
    market = joint_market({"A": {"closes": [10.0] * 3}})
    facts = portfolio(market, max_gross=2.0, long_short=long_short).unwrapped.facts
    assert "debts cost no interest: max_gross=2" in facts.findings
    facts = portfolio(market, long_short=long_short).unwrapped.facts
    assert not any("debts" in finding for finding in facts.findings)


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("waits", [False, True])
def test_a_ladder_of_limits_trades_at_no_better_price_than_its_nearest_one(
    side: str, waits: bool
) -> None:
    rng = np.random.default_rng([18, len(side)])
    sign = -1.0 if side == "buy" else 1.0
    for _ in range(40):
        low, high = float(rng.uniform(80.0, 99.0)), float(rng.uniform(101.0, 120.0))
        distances = np.sort(rng.uniform(0.5, 20.0, 5))[::-1]
        ladder = [
            ShareOrder("A", side, 90.0, limit=float(100.0 + sign * away), until="cancelled")  # type: ignore[arg-type]
            for away in distances
        ]
        reached = [order for order in ladder if low <= (order.limit or 0.0) <= high]
        nearest = reached[-1].limit if reached else None
        if has_market := bool(rng.random() < 0.5):
            ladder.append(ShareOrder("A", side, 90.0))  # type: ignore[arg-type]
        before = Portfolio(
            cash=10_000.0 if side == "buy" else 0.0,
            holdings={} if side == "buy" else {"A": HeldShares(100.0, 100.0)},
            marks={"A": 100.0},
            waiting=tuple(ladder[:-1]) if waits else (),
        )
        listed = ladder[-1:] if waits else ladder
        bar = {"A": SessionBar(100.0, high, low, 100.0)}
        terms = Terms(commission=0.0, slippage=0.0)
        _, outcome = take_session(before, listed, bar, terms, Constraints())
        expected = 100.0 if has_market else nearest
        assert [fill.price for fill in outcome.fills] == [expected] * (expected is not None)
