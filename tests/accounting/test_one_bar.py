"""No order of a session is served by what another one filled later on the same bar."""

from collections.abc import Sequence

import numpy as np
import pytest

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.portfolio import LAB, HeldShares, Portfolio, SessionBar, Terms
from investorbench_env.accounting.session import take_session

FREE = Terms(commission=0.0, slippage=0.0)
BAR = SessionBar(open=100.0, high=104.0, low=96.0, close=100.0, volume=1000.0)


def buy(quantity: float, **others: float) -> ShareOrder:
    return ShareOrder("AAA", "buy", quantity, **others)


def sell(quantity: float, **others: float) -> ShareOrder:
    return ShareOrder("AAA", "sell", quantity, **others)


def stop(price: float) -> ShareOrder:
    return ShareOrder("AAA", "stop", stop=price)


IN_CASH = Portfolio(cash=1000.0, marks={"AAA": 100.0})
IN_SHARES = Portfolio(cash=0.0, holdings={"AAA": HeldShares(10.0, 100.0)}, marks={"AAA": 100.0})


@pytest.mark.parametrize(
    ("start", "orders"),
    [
        (IN_CASH, [buy(10, limit=97.0), sell(10)]),
        (IN_CASH, [buy(10, limit=97.0), sell(10, limit=99.0)]),
        (IN_CASH, [buy(10, limit=97.0), sell(10, limit=103.0)]),
        (IN_CASH, [buy(10, limit=97.0, stop=99.5)]),
        (IN_CASH, [buy(10, limit=97.0), stop(99.5)]),
        (IN_SHARES, [sell(10, limit=103.0), buy(10)]),
        (IN_SHARES, [sell(10, limit=103.0), buy(10, limit=97.0)]),
    ],
)
def test_a_round_trip_inside_one_bar_earns_nothing(
    start: Portfolio, orders: Sequence[ShareOrder]
) -> None:
    _, outcome = take_session(start, orders, {"AAA": BAR}, FREE, Constraints())
    is_round = sum(fill.quantity for fill in outcome.fills) == 0.0
    gain = sum(-fill.quantity * fill.price for fill in outcome.fills)
    assert outcome.fills and (not is_round or gain <= 0.0)


def test_the_published_experiment_takes_orders_as_they_are_listed_whatever_came_first() -> None:
    orders = [buy(10, limit=97.0), sell(10)]
    after, _ = take_session(IN_CASH, orders, {"AAA": BAR}, LAB, Constraints())
    assert after.cash == 1030.0


def test_what_was_held_and_paid_before_trades_at_both_ends_of_a_bar() -> None:
    start = Portfolio(cash=1000.0, holdings={"AAA": HeldShares(10.0, 100.0)}, marks={"AAA": 100.0})
    orders = [buy(10, limit=97.0), sell(10, limit=103.0)]
    after, outcome = take_session(start, orders, {"AAA": BAR}, FREE, Constraints())
    assert [fill.price for fill in outcome.fills] == [97.0, 103.0] and after.equity == 2060.0


def test_what_fills_at_the_open_serves_the_orders_below_it() -> None:
    orders = [sell(10), ShareOrder("BBB", "buy", 5)]
    bars = {"AAA": BAR, "BBB": BAR}
    after, outcome = take_session(IN_SHARES, orders, bars, FREE, Constraints())
    assert not outcome.refused and after.cash == 500.0
    orders = [buy(10), sell(10, limit=103.0)]
    after, outcome = take_session(IN_CASH, orders, bars, FREE, Constraints())
    assert not outcome.refused and after.cash == 1030.0


def test_a_stop_comes_before_a_sale_inside_the_bar_wherever_the_list_has_it() -> None:
    for orders in ([sell(10, limit=103.0), stop(98.0)], [stop(98.0), sell(10, limit=103.0)]):
        _, outcome = take_session(IN_SHARES, orders, {"AAA": BAR}, FREE, Constraints())
        assert [fill.price for fill in outcome.fills] == [98.0]
        _, outcome = take_session(IN_SHARES, orders, {"AAA": BAR}, LAB, Constraints())
        assert [fill.price for fill in outcome.fills] == [103.0]


def test_orders_share_what_the_volume_cap_leaves() -> None:
    start = Portfolio(cash=1e6, marks={"AAA": 100.0})
    orders = [buy(40)._replace(until="cancelled") for _ in range(3)]
    constraints = Constraints(volume_cap=0.05)
    after, outcome = take_session(start, orders, {"AAA": BAR}, FREE, constraints)
    assert [fill.quantity for fill in outcome.fills] == [40.0, 10.0]
    assert [order.quantity for order in after.waiting] == [30.0, 40.0]


def test_all_the_cash_buys_as_many_shares_as_it_pays_for_and_is_never_negative() -> None:
    rng = np.random.default_rng(3)
    for cash in rng.uniform(1.0, 1e6, 200):
        start = Portfolio(cash=float(cash), marks={"AAA": 100.0})
        order = buy(cash / (BAR.open * (1 + 5e-4)) / (1 + 5e-4))
        after, outcome = take_session(start, [order], {"AAA": BAR}, Terms(), Constraints())
        assert outcome.fills and 0.0 <= after.cash < 1e-6


def test_less_than_anything_is_no_order() -> None:
    _, outcome = take_session(IN_CASH, [buy(1e-10)], {"AAA": BAR}, FREE, Constraints())
    assert outcome.refused[0].reason == "1e-10 shares cannot be traded"


def test_a_share_of_less_than_half_a_cent_is_not_free() -> None:
    penny = SessionBar(open=0.004, high=0.004, low=0.004, close=0.004, volume=1e6)
    start = Portfolio(cash=10.0, marks={"AAA": 0.004})
    after, _ = take_session(start, [buy(1000)], {"AAA": penny}, LAB, Constraints())
    assert after.cash == 6.0 and after.equity == 10.0
