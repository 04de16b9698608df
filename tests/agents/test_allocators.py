"""Baselines of several assets on accounts and observations made by hand."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.allocators import (
    ALLOCATORS,
    RESERVE,
    Allocator,
    EqualWeight,
    InverseVolatility,
    MomentumRanks,
    RandomWeights,
    UniformBuyAndHold,
)
from investorbench_env.accounting.events import AccountState, Position
from investorbench_env.errors import InvestorBenchError
from tests.agents.facts import facts

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
PRICES = (10.0, 20.0, 50.0, 100.0)


def account(units: Sequence[float] = (0.0,) * 4, cash: float = 1_000.0) -> AccountState:
    worth = [each * price for each, price in zip(units, PRICES, strict=True)]
    equity = cash + sum(worth)
    rows = zip(SYMBOLS, units, PRICES, worth, strict=True)
    held = [Position(s, n, p, p, w / equity, 0.0) for s, n, p, w in rows if n]
    marks = dict(zip(SYMBOLS, PRICES, strict=True))
    return AccountState(cash=cash, equity=equity, costs=0.0, positions=held, marks=marks)


def observation(
    growth: Sequence[float] = (0.0,) * 4, tradable: Sequence[int] = (1,) * 4, window: int = 22
) -> dict[str, Any]:
    """A window of closes that grow by so much a session, a fifth of it more or less in turn."""
    steps = np.arange(window)[:, None]
    wave = np.where(steps % 2, 1.2, 0.8) * np.array(growth)
    bars = np.zeros((window, len(growth), 5), np.float32)
    bars[:, :, 3] = 100.0 * np.cumprod(1.0 + wave, axis=0)
    mask = np.ones((window, len(growth)), np.int8)
    return {"bars": bars, "mask": mask, "tradable": np.array(tradable, np.int8)}


def begun(agent: Allocator, action: str = "weights", seed: int = 0) -> Allocator:
    agent.begin(facts(symbols=SYMBOLS, action=action), "test", seed)
    return agent


def weights(agent: Allocator, seen: dict[str, Any], own: AccountState | None = None) -> list[float]:
    chosen = agent.act(seen, {"account": own or account()})
    assert chosen.dtype == np.float32
    return [float(each) for each in chosen]


def test_equal_weights_are_of_what_can_be_traded() -> None:
    agent = begun(EqualWeight())
    assert weights(agent, observation()) == pytest.approx([0.25] * 4)
    assert weights(agent, observation(tradable=(1, 0, 1, 0))) == pytest.approx([0.5, 0, 0.5, 0])
    assert weights(agent, observation(tradable=(0,) * 4)) == [0.0] * 4


def test_buying_and_holding_asks_for_what_it_has_once_it_has_bought() -> None:
    agent = begun(UniformBuyAndHold())
    assert weights(agent, observation()) == pytest.approx([0.25] * 4)
    own = account((20.0, 10.0, 10.0, 1.0), cash=0.0)  # 200, 200, 500 and 100
    assert weights(agent, observation(), own) == pytest.approx([0.2, 0.2, 0.5, 0.1])


def test_buying_and_holding_orders_later_what_it_could_not_buy_and_sells_nothing() -> None:
    agent = begun(UniformBuyAndHold(), "orders")
    first = agent.act(observation(), {"account": account()})
    assert [each["symbol"] for each in first] == list(SYMBOLS)
    share = 0.25 * (1.0 - RESERVE) * 1_000.0
    assert [each["quantity"] for each in first] == [share // p for p in PRICES]
    own = account((40.0, 10.0, 0.0, 3.0), cash=500.0)
    (later,) = agent.act(observation(), {"account": own})
    assert (later["symbol"], later["side"]) == ("CCC", "buy")
    gone = observation(tradable=(1, 1, 0, 1))
    assert agent.act(gone, {"account": own}) == []


@given(units=st.lists(st.floats(0.5, 1e5), min_size=4, max_size=4), cash=st.floats(0.0, 1e6))
def test_buying_and_holding_orders_nothing_once_it_holds_all(
    units: list[float], cash: float
) -> None:
    agent = begun(UniformBuyAndHold(), "orders")
    agent.act(observation(), {"account": account()})
    assert agent.act(observation(), {"account": account(units, cash)}) == []


def test_calm_assets_weigh_more_in_proportion_to_one_over_their_volatility() -> None:
    agent = begun(InverseVolatility())
    found = weights(agent, observation((0.001, 0.002, 0.004, 0.0)))
    # Of what does not move nothing is known; the returns are ±20 % about their means.
    assert found == pytest.approx([4 / 7, 2 / 7, 1 / 7, 0.0], rel=5e-3)
    assert weights(agent, observation()) == pytest.approx([0.25] * 4)
    assert weights(agent, observation(window=2)) == pytest.approx([0.25] * 4)


def test_momentum_ranks_from_the_lowest_return_and_shares_the_ranks_of_equal_ones() -> None:
    agent = begun(MomentumRanks())
    seen = observation((0.003, -0.002, 0.001, 0.002))
    assert weights(agent, seen) == pytest.approx([0.4, 0.1, 0.2, 0.3])
    assert weights(agent, observation((0.001, 0.0, 0.001, 0.0))) == pytest.approx(
        [0.35, 0.15, 0.35, 0.15]
    )
    out = observation((0.003, -0.002, 0.001, 0.002), tradable=(0, 1, 1, 1))
    assert weights(agent, out) == pytest.approx([0.0, 1 / 6, 2 / 6, 3 / 6])


@given(turnover=st.floats(0.01, 0.5), seed=st.integers(0, 99))
def test_random_weights_trade_as_much_as_they_are_given(turnover: float, seed: int) -> None:
    agent = begun(RandomWeights(turnover=turnover), seed=seed)
    own = account((20.0, 10.0, 10.0, 1.0), cash=1_000.0)
    held = np.array([0.1, 0.1, 0.25, 0.05])
    for _ in range(3):
        traded = np.abs(weights(agent, observation(), own) - held).sum()
        assert traded == pytest.approx(turnover, rel=1e-4) or traded < turnover


def test_random_weights_follow_from_their_seed_and_stay_out_of_what_cannot_be_traded() -> None:
    first, again, other = (
        weights(begun(RandomWeights(turnover=2.0), seed=seed), observation()) for seed in (1, 1, 2)
    )
    assert first == again != other and 0.0 < sum(first) <= 1.0
    kept = begun(RandomWeights(turnover=2.0))
    assert weights(kept, observation(tradable=(1, 1, 0, 1)))[2] == 0.0


@given(
    raw=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40).filter(lambda raw: sum(raw) > 0.0)
)
def test_weights_in_single_precision_never_add_up_to_more_than_all(raw: list[float]) -> None:
    class Fixed(Allocator):
        name = "fixed"

        def weights(self, observation: Any, held: Any) -> Any:
            return np.array(raw) / sum(raw)

    agent = Fixed()
    agent.begin(facts(symbols=tuple(map(str, range(len(raw)))), action="weights"), "test", 0)
    own = AccountState(cash=1.0, equity=1.0, costs=0.0, positions=(), marks={})
    chosen = agent.act({}, {"account": own})
    assert float(chosen.astype(np.float64).sum()) <= 1.0 and (chosen >= 0.0).all()


def test_orders_sell_first_and_close_whole_what_is_wanted_no_more() -> None:
    agent = begun(EqualWeight(), "orders")
    own = account((90.0, 0.0, 1.7, 0.0), cash=15.0)  # 900 and 85
    orders = agent.act(observation(tradable=(1, 1, 0, 1)), {"account": own})
    sides = [(each["side"], each["symbol"]) for each in orders]
    assert sides == [("sell", "AAA"), ("sell", "CCC"), ("buy", "BBB"), ("buy", "DDD")]
    assert orders[1]["quantity"] == 1.7
    # A third of 980 is 326.67: 32, 16 and 3 whole shares of 10, 20 and 100.
    assert [each["quantity"] for each in orders] == [90.0 - 32.0, 1.7, 16.0, 3.0]
    settled = account((32.0, 16.0, 0.0, 3.0), cash=60.0)
    assert agent.act(observation(tradable=(1, 1, 0, 1)), {"account": settled}) == []


def test_what_is_not_observed_is_done_without_or_asked_for() -> None:
    assert weights(begun(EqualWeight()), {"news": ()}) == pytest.approx([0.25] * 4)
    for agent in (InverseVolatility(), MomentumRanks()):
        with pytest.raises(InvestorBenchError, match='have "bars" among modalities'):
            begun(agent).act({"news": ()}, {"account": account()})


@pytest.mark.parametrize("name", ALLOCATORS)
@pytest.mark.parametrize("action", ["trade", "weight"])
def test_where_there_is_nothing_to_divide_it_is_said(name: str, action: str) -> None:
    with pytest.raises(InvestorBenchError, match=f"{name} divides an account among assets"):
        ALLOCATORS[name]().begin(facts(action=action), "test", 0)


@given(
    rule=st.sampled_from([(InverseVolatility, "sessions", 2), (MomentumRanks, "sessions", 1),
                          (RandomWeights, "turnover", 0)]),
    value=st.integers(-5, 5) | st.sampled_from([math.nan, -math.inf, "3", None, True]),
)  # fmt: skip
def test_a_setting_that_means_nothing_is_refused(rule: Any, value: Any) -> None:
    agent, name, least = rule
    if type(value) is int and value >= least:
        assert getattr(agent(**{name: value}), name) == value
        return
    with pytest.raises(
        InvestorBenchError, match=f"^{name}=.* must be a number of at least {least}$"
    ):
        agent(**{name: value})
