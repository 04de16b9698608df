"""A record leads to the fate of every order, and to an account's history and figures."""

from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from investorbench.tasks.account_history import history_of, portfolio_figures
from investorbench.tasks.order_fates import OrderFate, order_fates, rule_of
from investorbench.tasks.record.schema import Line
from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.events import AccountState, Position, Rejection
from investorbench_env.accounting.order_lists import read_orders
from investorbench_env.accounting.portfolio import Portfolio, SessionBar, Terms
from investorbench_env.accounting.session import take_session

FREE = Terms(commission=0.0, slippage=0.0)
NAMES = ("AAA", "BBB")


def order(symbol: str, side: str, quantity: float = 0.0, **others: Any) -> dict[str, Any]:
    return {"symbol": symbol, "side": side, "quantity": quantity, **others}


def bar(open_: float, low: float, high: float, close: float, **others: float) -> SessionBar:
    return SessionBar(open_, high, low, close, 1000.0, **others)


QUIET = bar(20, 20, 20, 20)


def state(account: Portfolio) -> AccountState:
    positions = [
        Position(name, held.quantity, held.entry, account.marks[name], 0.0, 0.0)
        for name, held in account.holdings.items()
    ]
    return AccountState(
        cash=account.cash, equity=account.equity, costs=0.0, positions=positions,
        marks=account.marks,
    )  # fmt: skip


def played(
    actions: Sequence[Sequence[Any]],
    bars: Sequence[SessionBar],
    constraints: Constraints | None = None,
) -> tuple[Any, list[Line]]:
    """The record of an account of two assets, of which BBB stays at 20."""
    account = Portfolio(cash=1000.0, marks={"AAA": 10.0, "BBB": 20.0})
    header: Any = SimpleNamespace(facts=SimpleNamespace(symbols=NAMES), opening=state(account))
    lines = []
    for n, own in enumerate(bars):
        action = list(actions[n]) if n < len(actions) else []
        orders, unreadable = read_orders(action) or ([], [])
        account, outcome = take_session(
            account, orders, {"AAA": own, "BBB": QUIET}, FREE, constraints or Constraints()
        )
        before, after = (
            str(np.datetime64("2020-01-06") + np.timedelta64(k, "D")) for k in (n, n + 1)
        )
        lines.append(
            Line(
                number=n, time="", session=before, marked_at="", marked=after, documents=(),
                action=action, reward=0.0, is_last=False, account=state(account),
                fills=outcome.fills, distributions=outcome.distributions,
                rejections=(*unreadable, *(Rejection(*each) for each in outcome.refused)),
                open_orders=account.waiting,
            )
        )  # fmt: skip
    return header, lines


def shown(fates: Sequence[OrderFate]) -> list[tuple[Any, ...]]:
    return [
        (each.decided[-2:], each.order.symbol, each.order.side, each.fate, each.ended[-2:],
         each.filled, round(each.price, 6))
        for each in fates
    ]  # fmt: skip


def test_each_order_has_its_fate_and_each_stop_that_sold_a_line() -> None:
    actions = [
        [
            order("AAA", "buy", 10, stop=9.0),
            order("AAA", "buy", 5, limit=8.5, until="cancelled", id="w"),
            order("BBB", "sell", 4),
            "nonsense",
        ],
        [order("AAA", "buy", 2, limit=9.5)],
        [order("", "cancel", id="w"), order("BBB", "buy", 3)],
    ]
    bars = [bar(10, 10, 10, 10), bar(10, 9.2, 10, 10), bar(10, 8.8, 10, 9)]
    assert shown(order_fates(played(actions, bars)[1])) == [
        ("06", "AAA", "buy", "filled", "07", 10.0, 10.0),
        ("06", "BBB", "sell", "refused", "07", 0.0, 0.0),
        ("06", "", "", "refused", "07", 0.0, 0.0),
        ("06", "AAA", "buy", "cancelled", "09", 0.0, 0.0),
        ("07", "AAA", "buy", "filled", "08", 2.0, 9.5),
        ("08", "", "cancel", "done", "09", 0.0, 0.0),
        ("08", "BBB", "buy", "filled", "09", 3.0, 20.0),
        ("09", "AAA", "stop", "filled", "09", 12.0, 9.0),
    ]


def test_an_order_that_is_filled_in_parts_has_one_fate_with_the_mean_price() -> None:
    constraints = Constraints(volume_cap=0.01)
    actions = [[order("AAA", "buy", 25, until="cancelled"), order("BBB", "buy", 12)]]
    bars = [bar(10, 10, 10, 10), bar(11, 11, 11, 11), bar(12, 12, 12, 12), bar(9, 9, 9, 9)]
    whole, day = order_fates(played(actions, bars, constraints)[1])[::-1]
    assert (whole.fate, whole.filled, whole.ended) == ("filled", 25.0, "2020-01-09")
    assert whole.price == pytest.approx((10 * 10 + 10 * 11 + 5 * 12) / 25)
    assert (day.fate, day.filled) == ("part filled", 10.0)
    assert day.reason == "volume_cap left 2 of 12 shares"
    waits = order_fates(played(actions, bars[:2], constraints)[1])[-1]
    assert (waits.fate, waits.filled, waits.reason) == ("waiting", 20.0, "the rest waits")


def test_fates_account_for_every_fill_and_rejection_of_random_orders() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        actions = [
            [
                order(
                    str(rng.choice([*NAMES, "ZZZ"])), str(rng.choice(["buy", "sell", "stop"])),
                    float(rng.integers(0, 20)), limit=float(rng.choice([9.0, 10.0, 11.0])),
                    stop=8.0, until=str(rng.choice(["day", "cancelled"])),
                )
                for _ in range(rng.integers(0, 4))
            ]
            for _ in range(15)
        ]  # fmt: skip
        prices = rng.integers(8, 13, (15, 2)).astype(float).tolist()
        bars = [bar(open_, 7, 14, close) for open_, close in prices]
        _, lines = played(actions, bars, Constraints(volume_cap=0.01))
        fates = order_fates(lines)
        fills = [abs(fill.quantity) for line in lines for fill in line.fills]
        assert sum(each.filled for each in fates) == pytest.approx(sum(fills))
        rejected = sum(len(line.rejections) for line in lines)
        assert sum(each.fate in ("refused", "part filled") for each in fates) == rejected


def test_the_rule_that_an_order_broke_is_known_by_its_reason() -> None:
    for reason, rule in {
        "max_weight is 0.25, it would be 0.3": "max_weight",
        "volume_cap left 2 of 12 shares": "volume_cap",
        "1,200.00 are more than the cash, 1,000.00": "cash",
        "5 shares of AAA are more than the 3 held": "shares held",
        "no share of AAA is held": "shares held",
        "the limit of 9 was not reached": "not reached",
        "AAA did not trade": "not traded",
        "there is no asset 'XYZ' here": "unknown asset",
        "cancelled by a reverse split of 0.1 for 1": "reverse split",
        "a stop of 10 is not below the last price, 10": "stop price",
        "another order has the id 'w'": "id",
        "shares are whole, not 1.5": "whole shares",
        "'x' is no order: give symbol and side": "unreadable",
        "'stop' is no order: give symbol and side": "unreadable",
        "AAA was delisted": "not traded",
        "the moon is wrong": "other",
    }.items():
        assert rule_of(reason) == rule, reason


def test_a_history_has_the_lots_that_a_split_and_a_fraction_leave() -> None:
    actions = [[order("AAA", "buy", 7)], [], [order("AAA", "sell", 5)]]
    bars = [bar(10, 10, 10, 10), bar(4, 4, 4, 4, split=2.5, dividend=1.0), bar(5, 5, 5, 5)]
    header, lines = played(actions, bars, Constraints(whole_shares=True))
    history = history_of(header, lines)
    # 7 become 17.5: half a share is paid at 10/2.5 = 4, what it had cost.
    assert [(lot.quantity, lot.pnl) for lot in history.lots] == [
        (0.5, pytest.approx(0.0)), (5.0, pytest.approx(5 * (5 - 4))),
    ]  # fmt: skip
    equity = 1000 - 70 + 7 + 2 + 25 + 12 * 5
    assert history.equity[date(2020, 1, 9)] == pytest.approx(equity)
    figures = portfolio_figures(
        history, {"S&P 500": {day: 50.0 + n**2 for n, day in enumerate(history.days)}}
    )
    assert figures.trades.lots == 2 and figures.trades.win_rate.value == 0.5
    assert figures.hundred_dollars["account"][date(2020, 1, 9)] == pytest.approx(equity / 10)
    assert figures.hundred_dollars["S&P 500"][date(2020, 1, 9)] == pytest.approx(118.0)
    assert figures.spread.turnover == pytest.approx(
        (70 + 2 + 25) / np.mean([1000, 1000, 1007, 1024])
    )
    assert figures.markets.keys() == {"S&P 500"} and not figures.falls


def test_a_delisting_closes_the_lots_of_an_asset_at_what_was_paid() -> None:
    nan = float("nan")
    bars = [bar(10, 10, 10, 10), SessionBar(nan, nan, nan, nan, nan, dividend=7.0, split=0.0)]
    history = history_of(*played([[order("AAA", "buy", 8)]], [*bars, QUIET]))
    (lot,) = history.lots
    assert (lot.quantity, lot.pnl, str(lot.closed)) == (8.0, pytest.approx(-24.0), "2020-01-08")
    assert history.equity[date(2020, 1, 8)] == pytest.approx(976.0)
