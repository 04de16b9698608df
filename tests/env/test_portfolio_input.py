"""What comes in wrong of a portfolio, refused in words: orders, weights and options."""

import json
import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.errors import (
    InvalidActionError,
    InvestorBenchError,
)
from investorbench_env.spaces import OrderLists
from tests.env.joint_markets import joint_market
from tests.env.portfolios import buy, portfolio
from tests.env.small_markets import date


def test_an_entry_that_is_no_order_is_rejected_and_the_others_are_executed() -> None:
    market = joint_market({"A": {"closes": [10, 10, 10]}, "B": {"closes": [10, 10, 10]}})
    env = portfolio(market, "orders", constraints={"whole_shares": True})
    env.reset()
    given = [
        buy("A", 5), "buy apples", None, {}, {"side": "buy"}, buy("C", 1), buy("A", -1),
        buy("A", 0), buy("A", float("nan")), buy("A", 1.5), buy("A", "many"), buy("A", 10**400),
        buy("A", 1, price=3), buy("A", 1e9), buy("A", 1, stop=10), buy("A", 1, limit=-1),
        {"symbol": "B", "side": "sell", "quantity": 1}, buy("A", 1, id="x"), buy("B", 1, id="x"),
        buy(7, 1), {"symbol": "A", "side": "hold"}, {"side": "cancel", "id": "none"}, buy("B", 2),
    ]  # fmt: skip
    info = env.step(given)[-1]
    filled = [(fill.symbol, fill.quantity) for fill in info["fills"]]
    assert filled == [("A", 5.0), ("A", 1.0), ("B", 2.0)]
    assert len(info["rejections"]) == len(given) - 3
    assert all(each.reason and isinstance(each.order, ShareOrder) for each in info["rejections"])


class Angry(dict[str, Any]):
    """An object of somebody's own that cannot be looked into."""

    def items(self) -> Any:
        raise RuntimeError("leave me alone")


def test_an_entry_that_raises_is_rejected_and_the_others_are_executed() -> None:
    market = joint_market({"A": {"closes": [10, 10, 10]}})
    env = portfolio(market, "orders")
    env.reset()
    info = env.step([Angry(buy("A", 5)), buy("A", 1)])[-1]
    assert [fill.quantity for fill in info["fills"]] == [1.0]
    assert [each.reason for each in info["rejections"]] == ["an entry of type Angry cannot be read"]


@pytest.mark.parametrize("given", [None, 1, "buy", {"symbol": "A"}, ShareOrder("A", "buy", 1), {1}])
def test_what_is_no_list_of_orders_is_no_action(given: Any) -> None:
    refused("orders", given)


@pytest.mark.parametrize(
    "given",
    [None, 0.5, [0.5], [0.5] * 3, [-0.1, 0.5], [1.1, 0.0], [np.nan, 0.5], ["a", 0.5], [[0.1, 0.2]],
     [1j, 0.0], {}],
)  # fmt: skip
def test_what_is_no_weight_of_each_asset_is_no_action(given: Any) -> None:
    refused("weights", given)


def refused(action: str, given: Any) -> None:
    """See that an action is refused, and that it changed nothing."""
    market = joint_market({"A": {"closes": [10, 11, 12]}, "B": {"closes": [10, 11, 12]}})
    env = portfolio(market, action)
    env.reset()
    before = env.unwrapped._closed
    with pytest.raises(InvalidActionError, match="nothing was traded"):
        env.step(given)
    assert env.unwrapped._closed is before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "paper"}, "the protocol 'paper' is of one asset"),
        ({"symbols": []}, "must list the assets, each once"),
        ({"symbols": "AAPL"}, "must list the assets, each once"),
        ({"symbols": ["A", "A"]}, "must list the assets, each once"),
        ({"symbols": ["A", "a"]}, "must list the assets, each once"),
        ({"symbols": ["A", "C"]}, "unknown symbol 'C'"),
        ({"max_gross": 0}, "max_gross=0 must be a number of at least 1e-06"),
        ({"borrow_bps": 10}, "set long_short=True"),
        ({"action": "orders", "strict": True}, 'strict=True goes with action="weights"'),
        ({"constraints": {"max_weight": 0.5}}, 'goes with action="orders"'),
        ({"action": "orders", "constraints": {"max_wait": 1}}, "max_wait"),
        ({"action": "orders", "terms": "labs"}, "unknown terms 'labs'"),
        ({"action": "trade"}, "unknown action 'trade'"),
        ({"modalities": ["chart"]}, "unknown modality 'chart'"),
        ({"markets": "train"}, "has one market"),
        ({"start": date(2)}, "needs one more than its steps"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    market = joint_market({"A": {"closes": [10, 11, 12]}, "B": {"closes": [10, 11, 12]}})
    with pytest.raises(InvestorBenchError, match=re.escape(message)):
        portfolio(market, **options)


def test_a_portfolio_without_assets_is_refused() -> None:
    with pytest.raises(InvestorBenchError, match="which assets"):
        gym.make("InvestorBench/Portfolio", data="simulated")


def test_lists_of_orders_are_drawn_from_a_seed_and_go_through_json() -> None:
    space, same = OrderLists(["A", "B"], seed=3), OrderLists(["A", "B"], seed=3)
    samples = [space.sample() for _ in range(50)]
    assert samples == [same.sample() for _ in range(50)]
    assert space.from_jsonable(json.loads(json.dumps(space.to_jsonable(samples)))) == samples
    assert all(space.contains(sample) for sample in samples) and space == same
    orders = [order for sample in samples for order in sample]
    assert {order["side"] for order in orders} == {"buy", "sell", "stop", "cancel"}
    assert {"A", "B", "NONE"} == {order.get("symbol") for order in orders}
    assert not space.contains({"symbol": "A"}) and space.contains([])
