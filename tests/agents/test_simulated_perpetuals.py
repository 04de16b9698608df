"""Yardsticks for simulated perpetuals: the order that agents of known strength must come out in."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.agents.signal_rules import RandomSignals, SignalRule, TrendOfAverages
from investorbench.agents.simulated.perpetuals import PerpetualOracle
from investorbench_env.errors import MarketError
from investorbench_env.registration import market_of
from tests.env.joint_markets import joint_market

SIX = "InvestorBench/Perpetuals-SIM"
EVERY = 20
"""Bars from one decision to the next: an hour."""
MARKETS = range(91_000, 91_048)
"""Fixed before the first look."""


def growth(agent: SignalRule, env: Any, seed: int) -> float:
    """Of the equity over the test on the market of a seed."""
    observation, info = env.reset(seed=seed)
    agent.begin(env.unwrapped.facts, "test", seed)
    ended = False
    while not ended:
        observation, _, terminated, truncated, info = env.step(agent.act(observation, info))
        ended = terminated or truncated
    return float(np.log(info["equity"] / 10_000.0))


@pytest.mark.heavy
def test_knowing_the_trend_beats_following_it_and_that_beats_cash_and_chance() -> None:
    env: Any = gym.make(SIX, every=EVERY, modalities=["features", "account"])
    found = np.array(
        [
            [
                growth(PerpetualOracle(market_of(SIX, seed=seed)), env, seed),
                growth(TrendOfAverages(), env, seed),
                0.0,  # of an account that never trades
                growth(RandomSignals(change_rate=0.4), env, seed),
            ]
            for seed in MARKETS
        ]
    )
    print(found.mean(axis=0).round(3))
    differences = found[:, :-1] - found[:, 1:]
    errors = differences.std(axis=0, ddof=1) / np.sqrt(len(MARKETS))
    assert (differences.mean(axis=0) > 2.0 * errors).all()  # one-sided 2.5 % of Student's t, 47 df


def test_an_oracle_is_on_the_side_of_the_trend_where_it_is_worth_the_fees() -> None:
    market = market_of(SIX, seed=3)
    env: Any = gym.make(SIX, every=480, modalities=["account"])
    observation, info = env.reset(seed=3)
    agent = PerpetualOracle(market)
    agent.begin(env.unwrapped.facts, "test", 0)
    assert market.hidden_state is not None
    for _ in range(3):
        now = int(np.searchsorted(market.times, np.datetime64(info["time"][:19])))
        trend = dict(zip(market.symbols, market.hidden_state["trend"][now].tolist(), strict=True))
        held = {each.symbol: np.sign(each.quantity) for each in info["positions"]}
        action = agent.act(observation, info)
        for symbol, strength in trend.items():
            side, given = np.sign(strength), action.get(symbol, {"signal": "hold"})["signal"]
            if symbol in held:
                assert given == ("hold" if held[symbol] == side else "close_position")
            elif abs(strength) < 0.2:
                assert given == "hold"
            else:
                assert given == ("buy_to_enter" if side > 0 else "sell_to_enter")
        observation, *_, info = env.step(action)
        assert not info["rejections"]


def test_an_oracle_of_perpetuals_is_refused_without_a_hidden_trend() -> None:
    for market in (
        joint_market({name: {"closes": [1.0, 2.0]} for name in "AB"}),
        market_of("InvestorBench/Portfolio-SIM", seed=1),
    ):
        with pytest.raises(MarketError, match="no hidden trend"):
            PerpetualOracle(market)
