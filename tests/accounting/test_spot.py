"""The arithmetic of an account: against slow and exact solutions, and floats against arrays."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.accounting.account import Amounts, SpotAccount
from investorbench_env.accounting.paper import compound
from investorbench_env.accounting.spot import accrue, rebalance, share_opened
from investorbench_env.envs.tape import Prices


def either_sign(least: float, most: float) -> st.SearchStrategy[float]:
    return st.one_of(st.just(0.0), st.floats(least, most), st.floats(-most, -least))


CASH = either_sign(1e-6, 1e6)
UNITS = either_sign(1e-9, 1e4)
PRICE = st.floats(1e-3, 1e5)
WEIGHT = either_sign(1e-9, 1.0)
RATE = st.sampled_from([0.0, 0.001, 0.03, 0.5])


def value_to_hold(equity: Fraction, value: Fraction, weight: Fraction, rate: Fraction) -> Fraction:
    """The H that solves H = w * (E - c * |H - V|), by halving, to 2**-200 of the first interval.

    For c < 1 and |w| <= 1 the left side less the right grows with H, so there is one solution.
    """
    low, high = -4 * abs(equity) - 4 * abs(value) - 1, 4 * abs(equity) + 4 * abs(value) + 1
    for _ in range(200):
        middle = (low + high) / 2
        if middle - weight * (equity - rate * abs(middle - value)) > 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


@settings(max_examples=60, deadline=None)
@given(cash=CASH, units=UNITS, price=PRICE, weight=WEIGHT, rate=RATE)
def test_a_rebalance_is_the_exact_solution(
    cash: float, units: float, price: float, weight: float, rate: float
) -> None:
    value = Fraction(units) * Fraction(price)
    equity = Fraction(cash) + value
    hold = value_to_hold(equity, value, Fraction(weight), Fraction(rate))
    money, held, bought, notional, cost = rebalance(cash, units, price, weight, True, rate)
    assert held == units + bought
    size = float(abs(Fraction(cash)) + abs(value)) + 1e-9
    assert held * price == pytest.approx(float(hold), rel=1e-9, abs=1e-12 * size)
    assert notional == pytest.approx(float(abs(hold - value)), rel=1e-9, abs=1e-11 * size)
    assert cost == rate * notional
    assert money + held * price == pytest.approx(
        float(equity - Fraction(rate) * abs(hold - value)), rel=1e-9, abs=1e-11 * size
    )


@settings(max_examples=200, deadline=None)
@given(cash=CASH, units=UNITS, price=PRICE, weight=WEIGHT, rate=RATE)
def test_without_an_order_the_account_comes_back_bit_for_bit(
    cash: float, units: float, price: float, weight: float, rate: float
) -> None:
    money, held, bought, notional, cost = rebalance(cash, units, price, weight, False, rate)
    assert bits([money, held]) == bits([cash, units])
    assert bits([notional, cost]) == bits([0.0, 0.0])
    assert bought == 0.0


ROWS = st.lists(
    st.tuples(CASH, UNITS, PRICE, WEIGHT, st.booleans(), st.floats(0, 10), st.floats(0.1, 10)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, rate=RATE)
def test_floats_and_arrays_give_the_same_bits(
    rows: list[tuple[float, float, float, float, bool, float, float]], rate: float
) -> None:
    cash, units, price, weight, trades, dividend, split = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    assert_same_bits(
        rebalance(cash, units, price, weight, trades, rate),
        [rebalance(*row[:5], rate) for row in rows],
    )
    assert_same_bits(
        accrue(cash, units, price, dividend, split),
        [accrue(*row[:3], *row[5:]) for row in rows],
    )
    assert_same_bits(
        (share_opened(units, weight),), [(share_opened(row[1], row[3]),) for row in rows]
    )
    assert_same_bits(
        compound(cash, weight, dividend), [compound(row[0], row[3], row[5]) for row in rows]
    )


def assert_same_bits(many: tuple[Any, ...], alone: list[tuple[float, ...]]) -> None:
    """Arrays [N] each, and N results of floats."""
    for column, amounts in enumerate(many):
        assert bits(amounts) == bits([one[column] for one in alone])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rate=RATE, resizes=st.booleans())
def test_many_accounts_at_once_are_the_accounts_one_by_one(
    seed: int, rate: float, resizes: bool
) -> None:
    rng = np.random.default_rng(seed)
    cash = rng.uniform(1.0, 1e6, 5)
    account = SpotAccount(rate, resizes)
    many = account.open(cash, np.full(5, 100.0))
    alone = [account.open(float(amount), 100.0) for amount in cash]
    for _ in range(6):
        fill, final = rng.uniform(50.0, 150.0, (2, 5))
        dividend, split = rng.uniform(0.0, 2.0, 5), rng.choice([1.0, 2.0], 5)
        weight, trades = rng.choice([-1.0, 0.0, 0.3, 1.0], 5), rng.random(5) < 0.5
        ex_date = bool(rng.random() < 0.5)
        prices = Prices(fill, final, ex_date, dividend, split, np.zeros(5))
        many, trade, rewards = account.step(many, weight, trades, prices)
        for n in range(5):
            own = [float(values[n]) for values in (fill, final, dividend, split)]
            alone[n], traded, reward = account.step(
                alone[n],
                float(weight[n]),
                bool(trades[n]),
                Prices(*own[:2], ex_date, *own[2:], 0.0),
            )
            assert bits([reward]) == bits([rewards[n]])
            assert bits(alone[n]) == bits([amounts[n] for amounts in many])
            if traded is not None:
                assert trade is not None
                assert bits(traded[:4]) == bits([values[n] for values in trade[:4]])
            elif trade is not None:
                assert trade[2][n] == 0.0


def bits(values: Iterable[float]) -> bytes:
    return np.asarray(list(values), dtype=np.float64).tobytes()


def test_an_order_costs_its_rate_on_what_it_trades() -> None:
    # H = 1000 - 0.25 * H
    assert rebalance(1000.0, 0.0, 10.0, 1.0, True, 0.25) == (0.0, 80.0, 80.0, 800.0, 200.0)


def test_turning_around_pays_for_both_legs() -> None:
    # From +8 shares at 100 to H = -(800 - 0.1 * (800 - H)): H = -720 / 1.1
    money, held, bought, notional, cost = rebalance(0.0, 8.0, 100.0, -1.0, True, 0.1)
    assert bought * 100 == pytest.approx(-800 - 720 / 1.1)
    assert held * 100 == pytest.approx(-720 / 1.1)
    assert notional == pytest.approx(800 + 720 / 1.1)
    assert money + held * 100 == pytest.approx(800 - cost)


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        (0.0, 5.0, 1.0),  # opened
        (5.0, 10.0, 0.5),  # doubled
        (10.0, 5.0, 0.0),  # halved
        (5.0, 5.0, 0.0),  # unchanged
        (5.0, -5.0, 1.0),  # turned around
        (-4.0, -8.0, 0.5),  # a larger short
        (-8.0, -2.0, 0.0),  # a smaller one
        (-5.0, 5.0, 1.0),
    ],
)
def test_a_trade_moves_the_entry_price_by_the_share_that_it_opened(
    before: float, after: float, share: float
) -> None:
    assert share_opened(before, after) == share


FREE = SpotAccount(0.0, resizes=True)


def amounts_after(*steps: tuple[float, float]) -> Amounts:
    """Amounts without costs after orders of a weight at a price each, marked at that price."""
    amounts = FREE.open(1000.0, 10.0)
    for weight, price in steps:
        prices = Prices(price, price, False, 0.0, 1.0, 0.0)
        amounts, _, _ = FREE.step(amounts, weight, True, prices)
    return amounts


@pytest.mark.parametrize(
    ("steps", "position", "entry"),
    [
        ([(0.5, 10.0)], 50.0, 10.0),
        # 50 shares at 10 and 500 in cash; at 20 equity is 1,500 and 75 shares are wanted.
        ([(0.5, 10.0), (1.0, 20.0)], 75.0, (50 * 10 + 25 * 20) / 75),
        ([(1.0, 10.0), (0.5, 20.0)], 50.0, 10.0),
        ([(1.0, 10.0), (-1.0, 20.0)], -100.0, 20.0),
        ([(-0.5, 10.0), (-0.5, 10.0)], -50.0, 10.0),
        ([(1.0, 10.0), (0.0, 20.0), (0.5, 40.0)], 25.0, 40.0),
    ],
)
def test_the_entry_is_the_average_price_of_what_is_held(
    steps: list[tuple[float, float]], position: float, entry: float
) -> None:
    _, _, _, units, average, *_ = amounts_after(*steps)
    assert units == pytest.approx(position)
    assert average == pytest.approx(entry)


def test_unrealised_profit_is_the_value_above_the_entry() -> None:
    amounts = amounts_after((1.0, 10.0))
    amounts, _, _ = FREE.step(amounts, 0.0, False, Prices(11.0, 12.0, False, 0.0, 1.0, 0.0))
    *_, unrealised, _ = amounts
    assert unrealised == pytest.approx(200.0)
    amounts, _, _ = FREE.step(amounts, 0.0, False, Prices(6.0, 6.5, True, 0.0, 2.0, 0.0))
    _, _, _, units, entry, _, _, unrealised, _ = amounts
    # 200 shares after the split, entered at 5.
    assert (units, entry) == (200.0, 5.0)
    assert unrealised == pytest.approx(300.0)


def test_compounding_pays_the_weight_times_the_log_return() -> None:
    assert compound(200.0, -0.5, 0.1) == (200.0 * 0.95, -0.05)
