"""Rewards that are what was expected of a step, given the hidden state of its market."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.protocols import Protocol
from investorbench_env.registration import market_of
from tests.env.small_markets import small_market

AT_CLOSE = Protocol(
    name="at-close", fills="close", hold="keep", prices="traded", convention="simple"
)
SHORT: dict[str, Any] = {"modalities": ["account"], "markets": "train", "episode_length": 25}
STOCK = "InvestorBench/Stock-SIM"


def actions_of(rng: np.random.Generator, options: dict[str, Any], lanes: int) -> Any:
    if options["action"] == "trade":
        return rng.integers(0, 3, lanes)
    least = 0.0 if options.get("long_only") else -1.0
    return rng.uniform(least, 1, (lanes, 1)).astype(np.float32)


ANY: dict[str, list[Any]] = {
    "action": ["trade", "weight"],
    "protocol": ["standard", "paper", AT_CLOSE],
    "long_only": [True, False],
    "initial_cash": [1e5, 0.1],
    "split": ["test", "warmup"],
    "episode_length": [3, 25],
}


def any_options(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    options = {name: values[rng.integers(len(values))] for name, values in ANY.items()}
    if options["protocol"] != "paper":
        options |= {"cash_rate": float(rng.integers(3)) / 50, "slippage_bps": rng.uniform(0, 300)}
    return options


@pytest.mark.parametrize(
    ("id", "options"),
    [
        *((STOCK, any_options(seed)) for seed in range(5)),
        (STOCK, {"action": "weight"}),
        (STOCK, {"action": "trade", "cash_rate": 0.04, "pool": 2}),
        (STOCK, {"action": "weight", "protocol": AT_CLOSE, "cash_rate": 0.04}),
        (STOCK, {"action": "trade", "protocol": "paper"}),
        ("InvestorBench/Crypto-SIM", {"action": "weight"}),
    ],
)
def test_scalar_and_vectorised_rewards_are_equal_to_the_bit(
    id: str, options: dict[str, Any]
) -> None:
    options = {**SHORT, **options, "reward": "expected"}
    # Of a pool the markets of all lanes follow from the seed of the first.
    lanes = 1 if "pool" in options else 2
    together = gym.make_vec(id, num_envs=lanes, **options)
    together.reset(seed=5)
    alone = [gym.make(id, **options) for _ in range(lanes)]
    for lane, env in enumerate(alone):
        env.reset(seed=5 + lane)
    rng = np.random.default_rng(0)
    for _ in range(options["episode_length"]):
        actions = actions_of(rng, options, lanes)
        _, rewards, *_ = together.step(actions)
        assert rewards.tolist() == [
            env.step(own)[1] for env, own in zip(alone, actions, strict=True)
        ]


def test_the_reward_is_each_part_of_the_session_at_the_weight_held_through_it() -> None:
    env = gym.make(STOCK, **{**SHORT, "action": "weight", "reward": "expected"})
    _, info = env.reset(seed=3)
    market = market_of(STOCK, 3, **{**SHORT, "action": "weight"})
    assert market.hidden_state is not None
    dynamics = dynamics_of()
    for weight in (0.8, -0.5, -0.5, 1.0):
        t = list(market.sessions.astype(str)).index(info["session"])
        e = np.log1p(market.hidden_state["expected_return"][t, 0])
        c, equity, before = dynamics.jump_compensation, info["equity"], info["weight"]
        _, reward, *_, info = env.step(np.array([weight], dtype=np.float32))
        night, day = np.exp(0.3 * e + 0.7 * c) - 1, np.exp(0.7 * (e - c)) - 1
        held = info["position"] * info["fill_price"] / equity
        expected = before * night + held * day - info["cost"] / equity
        assert reward == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("protocol", ["standard", "paper", AT_CLOSE])
def test_on_average_what_is_expected_is_what_comes(protocol: str | Protocol) -> None:
    lanes = 200
    totals = []
    for reward in ("return", "expected"):
        options = {**SHORT, "action": "trade", "protocol": protocol, "reward": reward}
        env = gym.make_vec(STOCK, num_envs=lanes, **options)
        env.reset(seed=11)
        rng = np.random.default_rng(1)
        totals.append(sum(env.step(actions_of(rng, options, lanes))[1] for _ in range(25)))
    gap = totals[0] - totals[1]
    assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(lanes)
    assert totals[1].std() < 0.5 * totals[0].std()


@pytest.mark.parametrize("markets", ["fresh", "held_out", "one", [4]])
def test_it_is_for_training_alone(markets: Any) -> None:
    with pytest.raises(InvestorBenchError, match="for training on simulated ones alone"):
        gym.make(STOCK, reward="expected", markets=markets)
    with pytest.raises(InvestorBenchError, match="it is for training with gym"):
        Task(id=STOCK, options={"reward": "expected", "markets": "train"})


def test_no_other_family_has_it() -> None:
    with pytest.raises(UnknownNameError, match="reward 'expected'"):
        gym.make("InvestorBench/Portfolio-SIM", reward="expected", markets="train")
    with pytest.raises(UnknownNameError, match="reward 'expected'"):
        gym.make("InvestorBench/Perpetuals-SIM", reward="expected", markets="train")


def test_a_market_that_is_there_is_refused() -> None:
    with pytest.raises(InvestorBenchError, match="has one market"):
        gym.make(
            "InvestorBench/Stock",
            data=small_market([1.0, 2.0, 3.0]),
            start="2020-01-01",
            end="2020-01-03",
            reward="expected",
            markets="train",
        )
