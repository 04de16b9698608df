"""The arithmetic of margin: floats and arrays alike, tiers, and prices and sizes of a venue."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.accounting.adding import in_order
from investorbench_env.accounting.margin import (
    end_of,
    initial_margin,
    liquidation_price,
    maintenance,
    round_price,
    round_size,
)
from investorbench_env.accounting.margin_state import MarginState, MarginTerms
from investorbench_env.accounting.venues import (
    HYPERLIQUID,
    PerpetualContract,
    margin_tiers,
    tier_table,
)
from investorbench_env.accounting.weights import over_assets

TIERS = {symbol: each.tiers for symbol, each in HYPERLIQUID.contracts.items()}


def table(symbol: str) -> tuple[list[float], list[float]]:
    return [tier.rate for tier in TIERS[symbol]], [tier.deduction for tier in TIERS[symbol]]


def test_floats_and_arrays_give_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    tiers = tier_table([HYPERLIQUID.contract("BNB")])
    size = rng.choice([-1.0, 1.0], 500) * 10 ** rng.uniform(-2, 5, 500)
    entry = 10 ** rng.uniform(-1, 3, 500)
    price = entry * rng.uniform(0.8, 1.2, 500)
    margin = initial_margin(size, entry, 10.0)
    arrays = [
        margin, maintenance(np.abs(size) * price, tiers.rates, tiers.deductions),
        liquidation_price(size, entry, margin, tiers.rates, tiers.deductions),
        *end_of(margin, size, entry, price, 0.00045), round_size(size, 2),
        round_price(price, 5, 4),
    ]  # fmt: skip
    rates, deductions = table("BNB")
    for k in range(500):
        s, e, p = size.item(k), entry.item(k), price.item(k)
        m = initial_margin(s, e, 10.0)
        floats = [
            m, maintenance(abs(s) * p, rates, deductions),
            liquidation_price(s, e, m, rates, deductions),
            *end_of(m, s, e, p, 0.00045), round_size(s, 2), round_price(p, 5, 4),
        ]  # fmt: skip
        assert [each.item(k) for each in arrays] == floats
        assert all(type(each) is float for each in floats)


def test_maintenance_of_bnb_lies_on_two_lines() -> None:
    rates, deductions = table("BNB")
    assert maintenance(3e6, rates, deductions) == pytest.approx(150_000)
    assert maintenance(5e6, rates, deductions) == pytest.approx(350_000)


@given(
    symbol=st.sampled_from(sorted(TIERS)),
    side=st.sampled_from([-1.0, 1.0]),
    notional=st.floats(10, 1e9),
    leverage=st.integers(1, 40),
)
def test_at_its_liquidation_price_a_position_is_worth_its_maintenance(
    symbol: str, side: float, notional: float, leverage: int
) -> None:
    rates, deductions = table(symbol)
    size, margin = side * notional / 50.0, notional / leverage
    price = liquidation_price(size, 50.0, margin, rates, deductions)
    worth = margin + size * (price - 50.0)
    tier = [each for each in TIERS[symbol] if abs(size) * price >= each.above or not each.above][-1]
    needed = abs(size) * price * tier.rate - tier.deduction
    assert worth == pytest.approx(needed, abs=1e-9 * notional)


@given(price=st.floats(1e-4, 1e7), decimals=st.integers(0, 6))
def test_a_price_has_five_figures_or_is_whole(price: float, decimals: int) -> None:
    rounded = round_price(price, 5, decimals)
    figures = min(decimals, max(0, 4 - math.floor(math.log10(price))))
    assert abs(rounded - price) <= 0.5 * 10.0**-figures * (1 + 1e-9)
    assert float(f"{rounded:.{figures}f}") == rounded


@pytest.mark.parametrize(
    ("price", "symbol", "expected"),
    [
        (123_456.7, "BTC", 123_457.0), (65_432.16, "BTC", 65_432.0), (9_999.96, "BTC", 10_000.0),
        (3_456.78, "ETH", 3_456.8), (0.2345678, "DOGE", 0.23457), (0.0123456789, "XRP", 0.012346),
        (189.123456, "SOL", 189.12),
    ],
)  # fmt: skip
def test_prices_of_the_venue(price: float, symbol: str, expected: float) -> None:
    decimals = HYPERLIQUID.price_decimals - HYPERLIQUID.contract(symbol).size_decimals
    assert round_price(price, HYPERLIQUID.significant_figures, decimals) == expected


@given(size=st.floats(-1e6, 1e6), decimals=st.integers(0, 5))
def test_a_size_is_cut_to_its_decimals(size: float, decimals: int) -> None:
    cut = round_size(size, decimals)
    assert -abs(size) * 2.0**-50 <= abs(size) - abs(cut) < 10.0**-decimals
    assert cut == 0 or cut * size > 0
    assert round_size(round(cut, decimals), decimals) == cut


@settings(max_examples=30)
@given(
    bounds=st.lists(st.floats(1e3, 1e7), max_size=3, unique=True),
    leverages=st.lists(st.integers(1, 50), min_size=4, max_size=4, unique=True),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_first_tier_alone_decides_only_where_no_other_is_nearer(
    bounds: list[float], leverages: list[int], seed: int
) -> None:
    above, most = [0.0, *sorted(bounds)], sorted(leverages, reverse=True)
    tiers = margin_tiers([*zip(above, most, strict=False)])
    table = tier_table([PerpetualContract(tiers=tiers, size_decimals=2)])
    rng = np.random.default_rng(seed)
    # Around each bound as well as far from all.
    near = [bound * rng.uniform(0.3, 3.0, 20) for bound in bounds]
    notional = np.concatenate([10 ** rng.uniform(0, 9, 60), *near])
    price, leverage = 10 ** rng.uniform(-2, 5, len(notional)), rng.uniform(1, 50, len(notional))
    size = rng.choice([-1.0, 1.0], len(notional)) * notional / price
    state = MarginState(
        MarginTerms(tiers=table, fees=HYPERLIQUID.fees), np.zeros(len(size)), np.zeros((1, 1))
    )
    # One by one: a single one that is near another tier brings all tiers in.
    margin = initial_margin(size, price, leverage)
    every = liquidation_price(size, price, margin, *(each[:, :, None] for each in table))[0]
    for place in range(len(size)):
        here = slice(place, place + 1)
        found = state.liquidation_after(np.arange(1), size[here], price[here], leverage[here])
        assert found.tolist() == every[here].tolist()


def test_amounts_are_added_up_in_their_order_by_every_python() -> None:
    amounts = [1e16, 1.0, 1.0, -1e16, 0.1, 0.2, 0.3]
    assert in_order(amounts) == over_assets(np.array(amounts)) == 0.1 + 0.2 + 0.3
    assert in_order([]) == 0.0
