"""Yardsticks for portfolios: the order that policies of known strength must come out in."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.agents.allocators import Allocator, EqualWeight, RandomWeights
from investorbench.agents.simulated.filter import Filter
from investorbench.agents.simulated.portfolio import (
    PortfolioOracle,
    PortfolioTextReader,
    best_of,
)
from investorbench.agents.simulated.text_reader import TextReader
from investorbench_env.errors import InvestorBenchError, MarketError
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.registration import facts_of, market_of
from tests.env.joint_markets import joint_market

TEN = "InvestorBench/Portfolio-SIM"
SEEDS = range(80_000, 80_008)
"""Fixed before the first look."""


def growth(agent: Allocator, seed: int, **options: Any) -> float:
    """Of the equity over the test on the market of a seed."""
    env: Any = gym.make(TEN, window=2, **options)
    observation, info = env.reset(seed=seed)
    agent.begin(env.unwrapped.facts, "test", 0)
    ended = False
    while not ended:
        observation, _, terminated, truncated, info = env.step(agent.act(observation, info))
        ended = terminated or truncated
    return float(np.log(info["equity"] / 100_000.0))


@pytest.mark.heavy
def test_knowing_the_state_beats_reading_and_reading_beats_holding_all() -> None:
    found = np.array(
        [
            [
                growth(PortfolioOracle(market_of(TEN, seed=seed)), seed),
                growth(PortfolioTextReader(), seed),
                growth(EqualWeight(), seed),
                growth(RandomWeights(), seed),
            ]
            for seed in SEEDS
        ]
    )
    print(found.mean(axis=0).round(3))
    differences = found[:, :-2] - found[:, 1:-1]
    errors = differences.std(axis=0, ddof=1) / np.sqrt(len(SEEDS))
    assert (differences.mean(axis=0) > 2.4 * errors).all()  # one-sided 2.5 % of Student's t, 7 df
    assert found[:, 3].mean() < found[:, 1].mean()


@pytest.mark.parametrize("action", ["weights", "orders"])
def test_yardsticks_trade_by_weights_and_by_orders(action: str) -> None:
    options: dict[str, Any] = {"action": action, "start": "2020-10-01", "end": "2020-10-16"}
    for agent in (PortfolioOracle(market_of(TEN, seed=3)), PortfolioTextReader(assets=2)):
        assert growth(agent, 3, **options) != 0.0


def test_what_is_held_is_given_up_only_for_what_is_clearly_better() -> None:
    everything = np.ones(3, bool)
    held = np.array([0.5, 0.0, 0.0])
    assert best_of(np.array([1.0, 1.1, -1.0]), held, everything, 1).tolist() == [1, 0, 0]
    assert best_of(np.array([1.0, 3.0, -1.0]), held, everything, 1).tolist() == [0, 1, 0]
    assert best_of(np.array([-1.0, -2.0, -3.0]), 0 * held, everything, 2).tolist() == [0, 0, 0]
    assert best_of(np.array([2.0, 1.0, 3.0]), 0 * held, everything, 2).tolist() == [0.5, 0, 0.5]
    assert best_of(np.array([2.0, 1.0, 3.0]), 0 * held, ~everything, 2).tolist() == [0, 0, 0]


def test_yardsticks_of_one_asset_refuse_several() -> None:
    facts = facts_of(TEN)
    for agent in (Filter(dynamics_of()), TextReader()):
        with pytest.raises(InvestorBenchError, match="decides on one asset"):
            agent.begin(facts, "test", 0)


def test_an_oracle_is_refused_without_a_hidden_state_and_with_one_asset() -> None:
    with pytest.raises(MarketError, match="no hidden state"):
        PortfolioOracle(joint_market({name: {"closes": [1.0, 2.0]} for name in "AB"}))
    single: Any = gym.make("InvestorBench/Stock-SIM")
    with pytest.raises(InvestorBenchError, match="divides an account among assets"):
        PortfolioTextReader().begin(single.unwrapped.facts, "test", 0)
