"""Snapshots side by side are to the bit those that are drawn one by one."""

import pickle
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env import registration
from investorbench_env.errors import InvestorBenchError, MarketError
from investorbench_env.wrappers import NumericObservation, NumericVectorObservation

SNAPSHOT = "InvestorBench/Snapshot-SIM"
FIGURES = (
    "symbol", "equity", "cash", "position", "weight", "fill_price", "notional", "cost", "costs",
    "dividend", "split",
)  # fmt: skip
LANES = st.fixed_dictionaries(
    {
        "split": st.sampled_from(["warmup", "test"]),
        "action": st.sampled_from(["trade", "weight"]),
        "window": st.sampled_from([1, 7, 30]),
        "horizon": st.sampled_from([1, 2, 5, 12]),
        "document_sessions": st.sampled_from([1, 5]),
        "markets": st.sampled_from(["fresh", "held_out", [2, 5, 11], "one"]),
        "symbols": st.sampled_from([["SIM"], ["SIM", "TSLA"]]),
        "data": st.just("simulated"),
        "antithetic": st.booleans(),
    }
)


def actions_of(env: Any, rng: np.random.Generator) -> Any:
    if isinstance(env.single_action_space, gym.spaces.Box):
        return rng.uniform(-1, 1, env.num_envs).astype(np.float32)
    return rng.integers(3, size=env.num_envs)


def assert_lane(lane: int, observation: Any, info: Any, seen: Any, scalar_info: Any) -> None:
    for name, values in observation.items():
        assert np.ascontiguousarray(values[lane]).tobytes() == seen[name].tobytes(), name
    for name in FIGURES:
        assert info[name][lane] == scalar_info[name], name
    assert str(info["session"][lane]) == scalar_info["session"]
    assert f"{info['time'][lane].astype('M8[s]')}+00:00" == scalar_info["time"]
    for name in ("label", "market_seed"):
        assert (name in scalar_info) == bool(info.get("_" + name, [False] * 3)[lane])
        assert name not in scalar_info or scalar_info[name] == info[name][lane]


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**100), options=LANES)
def test_each_lane_is_the_snapshot_of_its_seed_to_the_bit(
    seed: int, options: dict[str, Any]
) -> None:
    many: Any = gym.make_vec("InvestorBench/Snapshot", num_envs=3, **options)
    alone: Any = [gym.make("InvestorBench/Snapshot", **options) for _ in range(3)]
    rng = np.random.default_rng(seed)
    observation, info = many.reset(seed=seed)
    seeds: list[int | None] = [seed, seed + 1, seed + 2]
    for _ in range(2):
        shown = [env.reset(seed=own) for env, own in zip(alone, seeds, strict=True)]
        for lane, (seen, scalar_info) in enumerate(shown):
            assert_lane(lane, observation, info, seen, scalar_info)
            assert many.texts(info)[lane] == scalar_info["documents"]
            assert many.histories(info)[lane] == scalar_info["history"]
        actions = actions_of(many, rng)
        observation, rewards, terminated, truncated, info = many.step(actions)
        for lane, env in enumerate(alone):
            seen, *outcome, scalar_info = env.step(actions[lane])
            assert [rewards[lane], terminated[lane], truncated[lane]] == outcome
            assert_lane(lane, observation, info, seen, scalar_info)
            assert many.texts(info)[lane] == scalar_info["documents"]
        observation, rewards, terminated, truncated, info = many.step(actions)
        assert not (rewards.any() or terminated.any() or truncated.any())
        seeds = [None] * 3


def test_snapshots_whose_prices_split_are_shown_and_paid_alike() -> None:
    options: dict[str, Any] = {"symbols": ["TSLA"], "data": "simulated", "horizon": 12}
    many: Any = gym.make_vec("InvestorBench/Snapshot", num_envs=400, **options)
    alone: Any = gym.make("InvestorBench/Snapshot", **options)
    before, _ = many.reset(seed=0)
    after, rewards, *_ = many.step(np.full(400, 2))
    # Four shares for one above 300: seen from after it, what was before lies below 100.
    lows = after["bars"][:, -12:, 3].min(axis=1)
    for seed in np.flatnonzero((before["bars"][:, -1, 3] > 250) & (lows < 100)).tolist():
        seen, _ = alone.reset(seed=seed)
        ended, reward, *_, info = alone.step(2)
        assert (info["history"].bars(adjusted=False, last=12)["split"] != 1.0).any()
        assert np.array_equal(seen["bars"], before["bars"][seed])
        assert np.array_equal(ended["bars"], after["bars"][seed])
        assert reward == rewards[seed]
        break
    else:
        raise AssertionError("none has split")


@pytest.mark.parametrize("mode", AutoresetMode)
def test_snapshots_begin_again_as_episodes_of_one_step(mode: AutoresetMode) -> None:
    many: Any = gym.make_vec(SNAPSHOT, num_envs=2, pool=3, autoreset_mode=mode, window=4)
    alone: Any = gym.make(SNAPSHOT, pool=3, window=4)
    first, _ = many.reset(seed=8)
    assert np.array_equal(first["bars"][0], alone.reset(seed=8)[0]["bars"])
    for _ in range(3):
        observation, rewards, ended, _, info = many.step(np.array([2, 0]))
        seen, reward, *_, outcome = alone.step(2)
        assert ended.all() and rewards[0] == reward
        final = info.get("final_info", info)
        assert final["market_seed"][0] == outcome["market_seed"]
        last = info["final_obs"][0] if "final_obs" in info else {"bars": observation["bars"][0]}
        assert np.array_equal(last["bars"], seen["bars"])
        if mode is AutoresetMode.NEXT_STEP:
            observation, *_ = many.step(np.array([0, 0]))
        elif mode is AutoresetMode.DISABLED:
            observation, _ = many.reset(options={"reset_mask": ended})
        assert np.array_equal(observation["bars"][0], alone.reset()[0]["bars"])


@pytest.mark.parametrize("horizon", [1, 5])
def test_lanes_are_paid_what_was_expected_as_each_is_alone(horizon: int) -> None:
    options: dict[str, Any] = {
        "symbols": ["SIM", "TSLA"],
        "data": "simulated",
        "action": "weight",
        "horizon": horizon,
        "reward": "expected",
        "markets": "train",
        "modalities": ["bars"],
    }
    many: Any = gym.make_vec("InvestorBench/Snapshot", num_envs=20, **options)
    alone: Any = gym.make("InvestorBench/Snapshot", **options)
    many.reset(seed=7)
    weights = np.linspace(-1, 1, 20, dtype=np.float32)
    rewards = many.step(weights)[1]
    for lane, weight in enumerate(weights):
        alone.reset(seed=7 + lane)
        assert alone.step(weight)[1] == rewards[lane]
    assert len(set(np.abs(rewards))) == 20


def test_antithetic_pairs_are_of_one_day_and_move_against_each_other() -> None:
    options: dict[str, Any] = {"num_envs": 400, "antithetic": True, "window": 40}
    many: Any = gym.make_vec(SNAPSHOT, **options)
    observation, info = many.reset(seed=10)
    sessions = info["session"].reshape(-1, 2)
    assert (sessions[:, 0] == sessions[:, 1]).all()
    assert len(set(sessions[:, 0].tolist())) == 16
    returns = np.diff(np.log(observation["bars"][..., 3]), axis=1)
    pairs = [np.corrcoef(*pair)[0, 1] for pair in returns.reshape(-1, 2, 39)]
    strangers = [np.corrcoef(*pair)[0, 1] for pair in returns[1:-1].reshape(-1, 2, 39)]
    assert np.mean(pairs) < -0.7 and abs(np.mean(strangers)) < 0.05
    counts = observation["sentiment"].reshape(-1, 2, 3)
    assert np.corrcoef(*(counts[..., 0] - counts[..., 2]).T)[0, 1] < -0.2
    assert many.facts.markets == "fresh; antithetic pairs"
    assert gym.make(SNAPSHOT).unwrapped.facts.markets == "fresh"  # type: ignore[attr-defined]


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_an_asset_of_which_lasting_things_are_said_is_refused(make: Any) -> None:
    with pytest.raises(MarketError, match="such as SIM"):
        make("InvestorBench/Snapshot", symbols=["SIM-Noise"], data="simulated")


def test_real_prices_are_not_mirrored() -> None:
    market = replace(registration.market_of("InvestorBench/Stock-SIM", 1), simulated=False)
    with pytest.raises(InvestorBenchError, match="cannot be mirrored"):
        gym.make("InvestorBench/Snapshot", data=market, antithetic=True)


def test_features_of_lanes_are_those_of_each_alone() -> None:
    many: Any = NumericVectorObservation(gym.make_vec(SNAPSHOT, num_envs=2))
    alone: Any = NumericObservation(gym.make(SNAPSHOT))
    assert np.array_equal(many.reset(seed=5)[0][0], alone.reset(seed=5)[0])


def test_a_copy_of_lanes_goes_on_as_they_do() -> None:
    many: Any = gym.make_vec(SNAPSHOT, num_envs=2, pool=3)
    many.reset(seed=5)
    other = pickle.loads(pickle.dumps(many))
    for _ in range(4):
        one, another = (envs.step(np.array([2, 0])) for envs in (many, other))
        assert np.array_equal(one[0]["bars"], another[0]["bars"])
        assert np.array_equal(one[1], another[1])
