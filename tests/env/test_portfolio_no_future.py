"""Nothing that comes after a decision about a portfolio changes what is seen at it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.market import Market, joint_history
from investorbench_env.market.joint_history import JointHistory
from investorbench_env.market.joint_prices import JointPrices, joint_prices
from investorbench_env.market.market import Delisting
from investorbench_env.registration import FAMILIES
from investorbench_env.universes import find_universe
from tests.env.joint_markets import random_joint_market
from tests.env.small_markets import date
from tests.env.test_no_future import FIRST, canonical, changed_after, time_of

UNIVERSES = FAMILIES["Portfolio"].universes
each_universe = pytest.mark.parametrize("universe", UNIVERSES)
each_action = pytest.mark.parametrize("action", ["weights", "orders"])


def seen_until(market: Market, last: np.datetime64, seed: int, **options: Any) -> list[Any]:
    """All that an agent meets up to the decision at a time, in canonical form."""
    env: Any = gym.make(data=market, window=5, start=date(FIRST), end=date(23), **options)
    env.action_space.seed(seed)
    observation, info = env.reset(seed=0)
    seen = [shown(observation, info)]
    while time_of(info) < last:
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        if terminated or truncated:
            break
        seen.append((shown(observation, info), reward))
    return seen


def shown(observation: Any, info: dict[str, Any]) -> Any:
    """What is seen, the label of the warm-up apart: it is the future by intention."""
    info = {name: value for name, value in info.items() if name != "label"}
    return canonical((observation, {**info, "history": dict(info["history"])}))


def other_future(market: Market, t: int, rng: np.random.Generator) -> Market:
    """The same market up to bar ``t``: each asset has gaps and a delisting of its own after it."""
    other = changed_after(market, t, rng)
    bars = other.bars.copy()
    bars[t + 1 : -1][rng.random(bars[t + 1 : -1].shape[:2]) < 0.3] = np.nan
    known = np.datetime64(market.sessions[t])
    delistings = {name: each for name, each in market.delistings.items() if each.on <= known}
    for symbol in market.symbols:
        if symbol not in delistings and rng.random() < 0.3:
            delistings[symbol] = Delisting(
                known + np.timedelta64(int(rng.integers(1, 10)), "D"), -0.5
            )
    return replace(other, bars=bars, delistings=delistings)


def look_at(universe: str, action: str, seed: int, **options: Any) -> None:
    """Change the future after a random decision; what was seen must be the same."""
    rng = np.random.default_rng(seed)
    symbols = tuple(member.symbol for member in find_universe(universe).members)
    market = random_joint_market(rng, symbols)
    t = int(rng.integers(FIRST, 22))
    chosen = {"id": f"InvestorBench/Portfolio-{universe}", "action": action, **options}
    worlds = (market, other_future(market, t, rng))
    one, other = (seen_until(world, market.times[t], seed, **chosen) for world in worlds)
    assert one == other


@each_universe
@each_action
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), split=st.sampled_from(["warmup", "test"]))
def test_the_future_changes_nothing_that_is_seen_of_a_portfolio(
    universe: str, action: str, split: str, seed: int
) -> None:
    look_at(universe, action, seed, split=split)


def look_often(universe: str, action: str) -> None:
    for seed in range(20):
        look_at(universe, action, seed)


def show_the_next_bar(patch: pytest.MonkeyPatch) -> None:
    bars = JointHistory.bars
    patch.setattr(JointHistory, "bars", lambda self, t: bars(self, min(t + 1, 23)))


def mark_at_the_next_close(patch: pytest.MonkeyPatch) -> None:
    def leaky(market: Market, symbols: Sequence[str]) -> JointPrices:
        prices = joint_prices(market, symbols)
        return prices._replace(final=np.append(prices.final[1:], prices.final[-1:], axis=0))

    patch.setattr(joint_history, "joint_prices", leaky)


def know_a_delisting_a_session_early(patch: pytest.MonkeyPatch) -> None:
    is_priced = JointHistory.is_priced
    patch.setattr(JointHistory, "is_priced", lambda self, t: is_priced(self, min(t + 1, 23)))


def remember_a_bar_more(patch: pytest.MonkeyPatch) -> None:
    past = JointHistory.past
    patch.setattr(JointHistory, "past", lambda self, t: past(self, min(t + 1, 23)))


def fill_more_of_what_will_trade_on(patch: pytest.MonkeyPatch) -> None:
    def leaky(market: Market, symbols: Sequence[str]) -> JointPrices:
        prices = joint_prices(market, symbols)
        even = np.arange(len(prices.traded))[:, None] % 2 == 0
        return prices._replace(traded=prices.traded & (even | prices.traded[-5:].all(axis=0)))

    patch.setattr(joint_history, "joint_prices", leaky)


LEAKS = (
    show_the_next_bar,
    mark_at_the_next_close,
    know_a_delisting_a_session_early,
    remember_a_bar_more,
    fill_more_of_what_will_trade_on,
)


@each_action
@pytest.mark.parametrize("plant", LEAKS, ids=lambda plant: plant.__name__)
def test_a_leak_that_is_planted_in_a_portfolio_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        look_often("IB7", action)
