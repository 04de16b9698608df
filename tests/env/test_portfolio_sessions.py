"""A portfolio that takes orders fills them as the rules say: golden sequences, an exact model."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.orders import ShareOrder, buy_limit, sell_limit, stop_sale
from investorbench_env.accounting.portfolio import LAB, Portfolio, SessionBar, Terms
from investorbench_env.accounting.session import take_session
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.library import find_data
from tests.env.exact_portfolio import ExactPortfolio

F = Fraction
FREE = Constraints()

# --- golden: three stocks as traded, 2020-08-03 to 2021-02-26 ----------------------------------

DECIDED = {
    "2020-08-03": [
        ShareOrder("AAPL", "buy", 50, stop=400),
        ShareOrder("MSFT", "buy", 100, limit=212),
    ],
    "2020-08-20": [ShareOrder("AAPL", "buy", 10, stop=420)],
    "2020-09-01": [ShareOrder("AAPL", "sell", 100, limit=130)],
    "2020-10-01": [
        ShareOrder("MSFT", "sell", 500),
        ShareOrder("JNJ", "buy", 100, limit=140, until="cancelled"),
    ],
    "2020-10-28": [ShareOrder("MSFT", "stop", stop=205)],
}


def played(folder: Path, terms: Terms) -> tuple[Portfolio, list[Any], list[Any], list[Any]]:
    markets = {name: find_data(name, "stock", folder) for name in ("AAPL", "MSFT", "JNJ")}
    sessions = [str(day) for day in markets["AAPL"].sessions]
    first, last = sessions.index("2020-08-03"), sessions.index("2021-02-26")
    rows = {
        name: {str(day): row for row, day in enumerate(market.sessions)}
        for name, market in markets.items()
    }

    def bars(day: str) -> dict[str, SessionBar]:
        found = {}
        for name, market in markets.items():
            row = rows[name][day]
            prices = map(float, market.bars[row, 0])
            found[name] = SessionBar(
                *prices, float(market.dividends[row, 0]), float(market.share_splits[row, 0])
            )
        return found

    marks = {name: bar.close for name, bar in bars(sessions[first]).items()}
    account, orders = Portfolio(cash=100_000.0, marks=marks), DECIDED[sessions[first]]
    fills, refused, paid = [], [], []
    for day in sessions[first + 1 : last + 1]:
        account, outcome = take_session(account, orders, bars(day), terms, FREE)
        fills += [(day, fill.symbol, fill.quantity, fill.price) for fill in outcome.fills]
        refused += [(day, each.order.symbol) for each in outcome.refused]
        paid += [(each.symbol, each.cash) for each in outcome.distributions if each.cash]
        orders = DECIDED.get(day, [])
    return account, fills, refused, paid


def test_a_sequence_on_three_stocks_comes_out_as_worked_out_by_hand(data_folder: Path) -> None:
    account, fills, refused, paid = played(data_folder, Terms())
    expected = [
        ("2020-08-04", "AAPL", 50, 436.748265),
        ("2020-08-04", "MSFT", 100, 212),
        ("2020-08-21", "AAPL", 10, 477.288513),
        ("2020-09-02", "AAPL", -100, 137.521201),
        ("2020-09-21", "AAPL", -140, 104.487731),
        ("2020-10-28", "JNJ", 100, 140),
        ("2020-10-29", "MSFT", -100, 203.967972),
    ]
    assert [(*fill[:3], round(fill[3], 6)) for fill in fills] == expected
    assert refused == [("2020-10-02", "MSFT")]
    assert paid == [("AAPL", 41.0), ("MSFT", 51.0), ("JNJ", 101.0), ("JNJ", 101.0)]
    assert account.cash == pytest.approx(87_205.607511, abs=1e-6)
    assert account.equity == pytest.approx(103_051.608211, abs=1e-6)
    assert account.costs == pytest.approx(55.293749, abs=1e-6)


def test_the_same_without_costs_and_in_cents_is_that_of_the_lab(data_folder: Path) -> None:
    account, fills, _, _ = played(data_folder, LAB)
    assert account.equity == pytest.approx(103_144.6003, abs=1e-4) and account.costs == 0.0
    stops = [price for *_, quantity, price in fills if quantity < 0][1:]
    assert stops == [round(price, 2) for price in stops]


# --- an exact model of the same rules ----------------------------------------------------------

NAMES = ("AAA", "BBB", "CCC")
WAYS: dict[str, tuple[Terms, Constraints, dict[str, Any]]] = {
    "standard": (Terms(), FREE, {}),
    "through": (Terms(limit_fill="through"), FREE, {"through": True}),
    "lab": (LAB, Constraints(whole_shares=True), {"lab": True, "whole": True}),
    "constrained": (
        Terms(commission=0.001, slippage=0.002),
        Constraints(
            max_positions=2, max_weight=0.5, min_price=8.0, min_dollar_volume=4000.0,
            cash_floor=100.0, volume_cap=0.05, whole_shares=True,
        ),
        {
            "positions": 2, "weight": F(1, 2), "price": F(8), "dollars": F(4000), "floor": F(100),
            "cap": F(1, 20), "whole": True,
        },
    ),
}  # fmt: skip


def quarter(rng: np.random.Generator, low: float, high: float) -> F:
    """A price in quarters: touches and gaps are then frequent, and doubles exact."""
    return F(int(rng.integers(int(4 * low), int(4 * high) + 1)), 4)


def random_bar(rng: np.random.Generator) -> dict[str, F] | None:
    if rng.random() < 0.08:
        return None
    prices = [quarter(rng, 6, 14) for _ in range(4)]
    ratios = {0.04: F(2), 0.06: F(4), 0.08: F(1, 4), 0.09: F(3, 2)}
    chance = rng.random()
    split = next((ratio for bound, ratio in ratios.items() if chance < bound), F(1))
    return {
        "open": prices[0], "close": prices[1], "high": max(prices), "low": min(prices),
        "volume": F(int(rng.integers(0, 2000))), "split": split,
        "dividend": quarter(rng, 0, 1) if rng.random() < 0.1 else F(0),
    }  # fmt: skip


def random_orders(rng: np.random.Generator, ids: list[str]) -> list[dict[str, Any]]:
    orders = []
    for _ in range(rng.integers(0, 4)):
        side = str(rng.choice(["buy", "buy", "buy", "sell", "sell", "stop", "cancel"]))
        id = f"o{len(ids)}" if rng.random() < 0.8 or not ids else str(rng.choice(ids[-4:]))
        ids.append(id)
        has_stop = side == "stop" or (side == "buy" and rng.random() < 0.4)
        orders.append({
            "symbol": str(rng.choice(NAMES)), "side": side, "id": id,
            "quantity": F(int(rng.integers(-1, 60)), int(rng.choice([1, 1, 1, 2]))),
            "limit": quarter(rng, 6, 14) if side != "stop" and rng.random() < 0.6 else None,
            "stop": quarter(rng, 5, 12) if has_stop else None,
            "until": str(rng.choice(["day", "cancelled"])),
        })  # fmt: skip
    return orders


def as_bar(bar: dict[str, F] | None) -> SessionBar:
    if bar is None:
        return SessionBar(*[math.nan] * 5)
    names = ("open", "high", "low", "close", "volume", "dividend", "split")
    return SessionBar(*(float(bar[name]) for name in names))


def as_order(order: dict[str, Any]) -> ShareOrder:
    return ShareOrder(**{
        name: float(value) if isinstance(value, F) else value for name, value in order.items()
    })  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_random_orders_fill_as_an_exact_model_of_the_rules_says(way: str) -> None:
    terms, constraints, rules = WAYS[way]
    fills_seen = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, *map(ord, way)])
        model = ExactPortfolio(
            3000, rate=F(str(terms.commission)), slip=F(str(terms.slippage)),
            **{"through": False, "lab": False} | rules,
        )  # fmt: skip
        model.last = {name: F(10) for name in NAMES}
        account = Portfolio(cash=3000.0, marks=dict.fromkeys(NAMES, 10.0))
        ids: list[str] = []
        for _ in range(30):
            orders = random_orders(rng, ids)
            bars = {name: random_bar(rng) for name in NAMES}
            expected = model.session(orders, bars)
            before = account
            account, outcome = take_session(
                account, [*map(as_order, orders)], {n: as_bar(b) for n, b in bars.items()}, terms,
                constraints,
            )  # fmt: skip
            found = [(fill.symbol, fill.quantity, fill.price) for fill in outcome.fills]
            assert [each[0] for each in found] == [each[0] for each in expected], (seed, orders)
            for mine, exact in zip(found, expected, strict=True):
                assert mine[1:] == pytest.approx([float(exact[1]), float(exact[2])], rel=1e-9)
            assert account.cash == pytest.approx(float(model.cash), abs=1e-6)
            assert account.equity == pytest.approx(float(model.equity()), abs=1e-6)
            assert [order.id for order in account.waiting] == [o["id"] for o in model.book]
            assert account.cash >= -1e-9
            moved = sum(-fill.quantity * fill.price - fill.cost for fill in outcome.fills)
            paid = sum(each.cash for each in outcome.distributions)
            assert account.cash - before.cash == pytest.approx(moved + paid, abs=1e-6)
            fills_seen += len(found)
    assert fills_seen > 300


# --- prices alone ------------------------------------------------------------------------------


def test_prices_of_floats_and_of_arrays_are_the_same_to_the_bit() -> None:
    rng = np.random.default_rng(7)
    limit, open_, other = rng.integers(20, 60, (3, 2000)) / 4.0
    for through in (False, True):
        for rule in (buy_limit, sell_limit):
            filled, price = rule(limit, open_, other, 0.001, through=through)
            one_by_one = [
                rule(*map(float, each), 0.001, through=through)
                for each in zip(limit, open_, other, strict=True)
            ]
            assert list(zip(filled, price, strict=True)) == one_by_one
    reached, price = stop_sale(limit, open_, other, 0.001)
    one_by_one = [
        stop_sale(*map(float, each), 0.001) for each in zip(limit, open_, other, strict=True)
    ]
    assert list(zip(reached, price, strict=True)) == one_by_one


def test_a_limit_is_never_filled_beyond_itself_whatever_the_slippage() -> None:
    # LIBB fills a purchase with a limit of 10.00 at 10.10 once slippage is on.
    assert buy_limit(10.0, 10.0, 9.9, 0.01, through=False) == (1.0, 10.0)
    assert sell_limit(10.0, 10.0, 10.1, 0.01, through=False) == (1.0, 10.0)


# --- what is refused ---------------------------------------------------------------------------

DAY = {"AAA": SessionBar(10, 11, 9, 10.5, 1000), "BBB": SessionBar(*[math.nan] * 5)}


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (ShareOrder("XYZ", "buy", 1), "there is no asset 'XYZ'"),
        (ShareOrder("BBB", "buy", 1), "BBB did not trade"),
        (ShareOrder("AAA", "buy", -1), "-1 shares cannot be traded"),
        (ShareOrder("AAA", "buy", 0), "0 shares cannot be traded"),
        (ShareOrder("AAA", "buy", math.nan), "nan shares cannot be traded"),
        (ShareOrder("AAA", "buy", 1.5), "shares are whole, not 1.5"),
        (ShareOrder("AAA", "sell", 11), "11 shares of AAA are more than the 10 held"),
        (ShareOrder("AAA", "buy", 200), "are more than the cash, 1,000.00"),
        (ShareOrder("AAA", "buy", 1, stop=10), "a stop of 10 is not below the last price, 10"),
        (ShareOrder("AAA", "stop"), "a stop takes a price"),
        (ShareOrder("AAA", "buy", 1, limit=math.inf), "a limit of inf is no price"),
        (ShareOrder("AAA", "buy", 1, limit=8), "the limit of 8 was not reached"),
        (ShareOrder("AAA", "cancel", id="none"), "no order 'none' waits"),
        (ShareOrder("AAA", "hold", 1), "side 'hold' is none of buy, sell, stop, cancel"),  # type: ignore[arg-type]
        (ShareOrder("AAA", "buy", 1, id="w"), "another order has the id 'w'"),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_the_others_are_executed(
    order: ShareOrder, reason: str
) -> None:
    start = Portfolio(cash=1000.0, marks={"AAA": 10.0, "BBB": 5.0})
    buys = [
        ShareOrder("AAA", "buy", 10),
        ShareOrder("AAA", "buy", 1, limit=5.0, until="cancelled", id="w"),
    ]
    constraints = Constraints(whole_shares=True)
    held, _ = take_session(start, buys, DAY, Terms(commission=0, slippage=0), constraints)
    held = Portfolio(
        cash=1000.0, holdings=held.holdings, waiting=held.waiting, marks={"AAA": 10.0, "BBB": 5.0}
    )
    orders = [order, ShareOrder("AAA", "buy", 2)]
    after, outcome = take_session(held, orders, DAY, Terms(), constraints)
    assert [each.reason for each in outcome.refused if reason in each.reason]
    assert len(outcome.refused) == 1 and after.holdings["AAA"].quantity == 12


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"max_positions": 0}, "max_positions is 0, it would be 1"),
        ({"max_weight": 0.4}, "max_weight is 0.4, it would be 0.50"),
        ({"min_price": 12}, "min_price is 12, it would be 10.005"),
        ({"min_dollar_volume": 1e6}, "min_dollar_volume is 1,000,000, it would be 5,000"),
        ({"max_market_cap": 3e8}, "max_market_cap is 300,000,000, and the data does not say it"),
        ({"cash_floor": 600}, "cash_floor is 600, it would be 499.5"),
        ({"volume_cap": 0.01}, "volume_cap left 40 of 50 shares"),
    ],
)
def test_a_purchase_that_breaks_a_limit_is_refused_with_rule_and_figures(
    rules: dict[str, float], reason: str
) -> None:
    start = Portfolio(cash=1000.0, marks={"AAA": 10.0}, dollar_volumes={"AAA": 5000.0})
    bars = {"AAA": DAY["AAA"]}
    _, outcome = take_session(
        start, [ShareOrder("AAA", "buy", 50)], bars, Terms(), Constraints(**rules)
    )
    assert outcome.refused[0].reason.startswith(reason)
    assert [fill.quantity for fill in outcome.fills] == ([10.0] if "volume_cap" in rules else [])


def test_a_limit_that_is_no_number_is_an_error() -> None:
    with pytest.raises(InvestorBenchError, match="max_weight=nan must be a number"):
        Constraints(max_weight=math.nan)


def test_a_reverse_split_cancels_what_waits_and_divides_stops() -> None:
    account = Portfolio(cash=1000.0, marks={"AAA": 10.0})
    bars = {"AAA": SessionBar(10, 11, 9.5, 10.0, 1e6)}
    orders = [
        ShareOrder("AAA", "buy", 10, stop=9),
        ShareOrder("AAA", "buy", 10, limit=8.0, until="cancelled", id="w"),
    ]
    account, _ = take_session(account, orders, bars, Terms(), FREE)
    bars = {"AAA": SessionBar(40, 41, 38, 40.0, 1e6, split=0.25)}
    account, outcome = take_session(account, [], bars, Terms(), FREE)
    assert account.holdings["AAA"].quantity == 2.5 and account.holdings["AAA"].stop == 36
    assert [each.reason for each in outcome.refused] == [
        "cancelled by a reverse split of 0.25 for 1"
    ]


@pytest.mark.parametrize("adjusts", [False, True])
def test_a_dividend_leaves_orders_alone_unless_that_is_wanted(adjusts: bool) -> None:
    account = Portfolio(cash=1000.0, marks={"AAA": 10.0})
    orders = [
        ShareOrder("AAA", "buy", 10, stop=8),
        ShareOrder("AAA", "buy", 10, limit=7.0, until="cancelled", id="b"),
    ]
    bars = {"AAA": SessionBar(10, 11, 9, 10.0, 1e6)}
    account, _ = take_session(account, orders, bars, Terms(), FREE)
    bars = {"AAA": SessionBar(9.5, 10, 9, 9.5, 1e6, dividend=0.5)}
    account, _ = take_session(account, [], bars, Terms(dividend_adjusts_orders=adjusts), FREE)
    assert account.waiting[0].limit == (6.5 if adjusts else 7.0)
    assert account.holdings["AAA"].stop == (7.5 if adjusts else 8.0)
