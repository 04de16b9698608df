"""Target weights of several assets: what is left after costs, to the bit in every form."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from investorbench_env.accounting.spot import rebalance
from investorbench_env.accounting.weights import (
    Traded,
    average_entries,
    over_assets,
    scale,
    short_value,
    trade_to_weights,
)

F = Fraction
ASSETS = (1, 2, 7, 8, 9, 30)


def random_accounts(rng: np.random.Generator, assets: int, lanes: int, *, short: bool) -> Any:
    """Cash, units, prices, weights and which assets trade."""
    shape = assets, lanes
    prices = np.exp(rng.normal(3.0, 1.0, shape))
    held = rng.dirichlet(np.ones(assets + 1), lanes).T * 1000.0
    weights = rng.dirichlet(np.ones(assets + 1), lanes).T[1:].copy()
    # Some stay where they are, or nearly: whether they buy or sell hangs on what costs leave.
    weights = np.where(rng.random(shape) < 0.4, held[1:] / 1000.0 * (1 - 1e-4), weights)
    weights[rng.random(shape) < 0.2] = 0.0
    sides = rng.choice([-1.0, 1.0], (2, *shape)) if short else np.ones((2, *shape))
    values, weights = held[1:] * sides[0], weights * sides[1]
    cash = 1000.0 - values.sum(axis=0)
    return cash, values / prices, prices, scale(weights, 1.0)[0], rng.random(shape) < 0.8


def exact_equity_after(cash: F, values: list[F], weights: list[F], rate: F) -> F:
    """The root of E' = E - c * sum |w * E' - V|, found between the points at which it bends."""
    equity = cash + sum(values)

    def beyond(left: F) -> F:
        pairs = zip(weights, values, strict=True)
        return left - equity + rate * sum(abs(w * left - v) for w, v in pairs)

    bends = {v / w for w, v in zip(weights, values, strict=True) if w and 0 < v / w < equity}
    points = sorted({F(0), equity, *bends})
    for low, high in pairwise(points):
        if beyond(low) <= 0 <= beyond(high):
            slope = (beyond(high) - beyond(low)) / (high - low)
            return low - beyond(low) / slope
    raise AssertionError("there is none")


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("rate", [0.0, 1e-3, 0.03, 0.9])
def test_what_is_left_solves_the_equation_exactly(short: bool, rate: float) -> None:
    rng = np.random.default_rng(3)
    cash, units, prices, weights, _ = random_accounts(rng, 5, 60, short=short)
    after = trade_to_weights(cash, units, prices, weights, None, rate)
    for lane in range(60):
        values = [F(u) * F(p) for u, p in zip(units[:, lane], prices[:, lane], strict=True)]
        wanted = [F(w) for w in weights[:, lane]]
        left = exact_equity_after(F(cash[lane]), values, wanted, F(rate))
        held = after.units[:, lane] * prices[:, lane]
        assert held == pytest.approx([float(w * left) for w in wanted], abs=1e-9)
        assert after.cash[lane] + held.sum() == pytest.approx(float(left), abs=1e-9)
        assert after.cost[lane] == pytest.approx(1000.0 - float(left), abs=1e-9)


@pytest.mark.parametrize("assets", ASSETS)
@pytest.mark.parametrize("lanes", [1, 2, 3, 17])
def test_one_account_and_many_agree_to_the_bit(assets: int, lanes: int) -> None:
    rng = np.random.default_rng([assets, lanes])
    cash, units, prices, weights, some = random_accounts(rng, assets, lanes, short=True)
    for trades in (None, some):
        many = trade_to_weights(cash, units, prices, weights, trades, 1e-3)
        entries = average_entries(prices, many, prices * 1.1)
        for lane in range(lanes):
            own = (a[:, lane].copy() for a in (units, prices, weights))
            one = trade_to_weights(
                float(cash[lane]), *own, None if trades is None else trades[:, lane].copy(), 1e-3
            )
            for alone, together in zip(one, many, strict=True):
                assert np.array_equal(alone, together[..., lane])
            moved = average_entries(prices[:, lane], one, prices[:, lane] * 1.1)
            assert np.array_equal(moved, entries[:, lane])
        assert [over_assets(units[:, lane].copy()) for lane in range(lanes)] == list(
            over_assets(units)
        )


def test_one_asset_is_traded_as_an_account_of_one_asset_trades_it() -> None:
    rng = np.random.default_rng(5)
    cash, units, prices, weights, _ = random_accounts(rng, 1, 500, short=True)
    expected = rebalance(cash, units[0], prices[0], weights[0], np.ones(500), 1e-3)
    found = trade_to_weights(cash, units, prices, weights, None, 1e-3)
    lanes = found.cash, *(each[0] for each in found[1:4]), found.cost
    for one, other in zip(expected, lanes, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-10)


@pytest.mark.parametrize("short", [False, True])
def test_what_does_not_trade_stays_and_leaves_room_for_the_others(short: bool) -> None:
    rng = np.random.default_rng(8)
    cash, units, prices, weights, trades = random_accounts(rng, 6, 400, short=short)
    after = trade_to_weights(cash, units, prices, weights, trades, 1e-3)
    assert np.array_equal(after.units[~trades], units[~trades])
    assert not after.bought[~trades].any() and not after.notional[~trades].any()
    values = after.units * prices
    equity = after.cash + values.sum(axis=0)
    assert (equity <= 1000.0 + 1e-9).all()
    spare = equity - np.abs(values).sum(axis=0)
    stuck = (np.abs(units * prices) * ~trades).sum(axis=0)
    # Where what is stuck leaves no room at all, all else is sold.
    assert ((spare >= -1e-9) | (stuck > equity - 1e-9)).all()
    if not short:
        assert (after.cash >= -1e-9).all()
        binds = spare < 1e-9
        assert binds.any() and not binds.all()


def test_weights_that_add_up_to_too_much_are_divided_by_it() -> None:
    weights, gross = scale(np.array([0.5, 1.0, 0.5]), 1.0)
    assert (weights.tolist(), gross) == ([0.25, 0.5, 0.25], 2.0)
    weights, gross = scale(np.array([0.5, -1.0, 0.5]), 1.5)
    assert weights == pytest.approx([0.375, -0.75, 0.375]) and gross == 2.0
    given = np.array([[0.5, 0.1], [1.5, 0.2]])
    assert scale(given, 1.0)[0].tolist() == [[0.25, 0.1], [0.75, 0.2]]


def test_short_positions_alone_are_borrowed() -> None:
    assert short_value(np.array([[5.0], [-3.0], [-0.5]])).tolist() == [3.5]


def test_entries_average_what_was_added_and_stay_when_some_is_sold() -> None:
    before = np.array([10.0, 10.0, 10.0, 0.0, -10.0, 10.0])
    after = np.array([30.0, 5.0, -5.0, 4.0, -30.0, 0.0])
    traded = Traded(0.0, after, after - before, after, 0.0)
    entries = average_entries(np.full(6, 100.0), traded, np.full(6, 130.0))
    assert entries.tolist() == [120.0, 100.0, 130.0, 130.0, 120.0, 0.0]
