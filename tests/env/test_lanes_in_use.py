"""Environments as others use them: copied, seeded in part, wrapped and vectorised."""

import copy
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.envs.starts import Starts
from investorbench_env.errors import InvestorBenchError
from investorbench_env.registration import market_of
from investorbench_env.wrappers import NumericObservation

STOCK = "InvestorBench/Stock-SIM"
SHORT: dict[str, Any] = {"start": "2021-01-04", "end": "2021-01-20", "window": 5}
NUMERIC = ("bars", "account", "sentiment")
COPIES: list[Callable[[Any], Any]] = [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))]


def lanes(count: int = 2, **options: Any) -> Any:
    return gym.make_vec(STOCK, num_envs=count, **{**SHORT, **options})


def alone(**options: Any) -> Any:
    return gym.make(STOCK, **{**SHORT, **options})


def same(one: Any, other: Any) -> bool:
    """Whether two results of ``step`` or ``reset`` show the same numbers."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) and one.dtype != object:
        return bool(np.array_equal(one, other))
    return bool(np.all(one == other))


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("options", [{}, {"pool": 3}, {"markets": [1, 2]}, {"markets": "one"}])
def test_a_copy_of_lanes_goes_on_as_they_do_into_other_markets(
    copied: Callable[[Any], Any], options: dict[str, Any]
) -> None:
    envs = lanes(episode_length=3, **options)
    envs.reset(seed=1)
    envs.step(np.array([2, 0]))
    other = copied(envs)
    for _ in range(12):
        assert same(envs.step(np.array([1, 2])), other.step(np.array([1, 2])))
    assert same(envs.reset(), other.reset())


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_of_one_episode_goes_on_as_it_does(copied: Callable[[Any], Any]) -> None:
    env = alone(episode_length=3)
    env.reset(seed=1)
    env.step(2)
    other = copied(env)
    for step in range(9):
        if step % 3 == 2:
            assert same(env.reset(), other.reset())
        else:
            assert same(env.step(0), other.step(0))


@pytest.mark.parametrize("copied", COPIES)
def test_what_is_shared_by_infos_stays_unchangeable_in_a_copy(copied: Callable[[Any], Any]) -> None:
    other = copied(lanes())
    _, info = other.reset(seed=1)
    assert not info["symbol"].flags.writeable and not info["_cash"].flags.writeable


@pytest.mark.heavy
@given(
    seeds=st.lists(st.none() | st.integers(0, 2**130), min_size=3, max_size=3),
    mask=st.lists(st.booleans(), min_size=3, max_size=3).filter(any),
    markets=st.sampled_from(["fresh", "train", [4, 5, 6]]),
)
@settings(max_examples=20, deadline=None)
def test_seeds_of_some_lanes_move_no_other(
    seeds: list[int | None], mask: list[bool], markets: Any
) -> None:
    envs, ones = lanes(3, markets=markets), [alone(markets=markets) for _ in range(3)]
    envs.reset(seed=7)
    for lane, one in enumerate(ones):
        one.reset(seed=7 + lane)
    actions = np.array([2, 0, 2])
    envs.step(actions)
    shown, _ = envs.reset(seed=seeds, options={"reset_mask": np.array(mask)})
    for lane, one in enumerate(ones):
        expected = one.step(int(actions[lane]))[0]
        if mask[lane]:
            expected = one.reset(seed=seeds[lane])[0]
        assert all(np.array_equal(shown[name][lane], expected[name]) for name in shown)
    shown, rewards, *_ = envs.step(actions)
    for lane, one in enumerate(ones):
        expected, reward, *_ = one.step(int(actions[lane]))
        assert rewards[lane] == reward
        assert all(np.array_equal(shown[name][lane], expected[name]) for name in shown)


@pytest.mark.parametrize("episode_length", [None, 2])
def test_lanes_choose_from_a_pool_as_the_draws_of_each_lead_them(
    episode_length: int | None,
) -> None:
    envs = lanes(3, pool=7, episode_length=episode_length, autoreset_mode="DISABLED")
    starts = [Starts(seed) for seed in (4, 5, 6)]
    markets, spare = envs.unwrapped._setup.markets, envs.unwrapped._setup.spare
    pool = starts[0].pool(markets)
    mask = np.ones(3, dtype=np.bool_)
    for episode in range(300):
        envs.reset(seed=None if episode else 4, options={"reset_mask": mask})
        begun = np.flatnonzero(mask).tolist()
        chosen = [
            (starts[lane].market(markets, pool), starts[lane].decision(spare)) for lane in begun
        ]
        assert envs.unwrapped._lanes.market[begun].tolist() == [market for market, _ in chosen]
        assert envs.unwrapped._lanes.at[begun].tolist() == [first for _, first in chosen]
        mask = np.array([episode % 3 != 0, True, episode % 5 != 0])
    assert (spare > 0) is (episode_length is not None)


def test_a_pool_is_not_changed_under_lanes_that_go_on() -> None:
    envs = lanes(pool=3)
    envs.reset(seed=1)
    before, *_ = envs.step(np.array([2, 2]))
    with pytest.raises(InvestorBenchError, match="begin all of them again"):
        envs.reset(seed=9, options={"reset_mask": np.array([True, False])})
    shown, _ = envs.reset(options={"reset_mask": np.array([True, False])})
    assert np.array_equal(shown["bars"][1], before["bars"][1])


@pytest.mark.parametrize(
    "seed", [np.int64(3), True, -5, 3.0, "ab", [1, -2], [True, 1], [1.0, 2], [1, 2, 3]], ids=repr
)
def test_what_is_no_seed_of_lanes_is_refused_whatever_the_mask(seed: Any) -> None:
    envs = lanes()
    envs.reset(seed=1)
    for mask in ([True, True], [False, True]):
        with pytest.raises(InvestorBenchError, match="whole number of at least 0"):
            envs.reset(seed=seed, options={"reset_mask": np.array(mask)})


@pytest.mark.parametrize("seed", [True, -5, 3.5, "a"], ids=repr)
def test_there_is_no_market_of_what_is_no_seed(seed: Any) -> None:
    with pytest.raises(InvestorBenchError, match="whole number of at least 0"):
        market_of(STOCK, seed=seed)


@pytest.mark.parametrize("count", [0, -1, True, "3", 2.0, None], ids=repr)
def test_what_is_no_number_of_lanes_is_refused(count: Any) -> None:
    with pytest.raises(InvestorBenchError, match="num_envs="):
        lanes(count)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_gymnasium_makes_lanes_of_single_environments_and_they_agree(mode: AutoresetMode) -> None:
    theirs = SyncVectorEnv([lambda: alone(modalities=NUMERIC)] * 2, autoreset_mode=mode)
    ours = lanes(autoreset_mode=mode)
    assert same(theirs.reset(seed=3)[0], ours.reset(seed=3)[0])
    for step in range(25):  # into the third episode
        actions = np.array([step % 3, 2])
        *one, their_info = theirs.step(actions)
        *other, info = ours.step(actions)
        assert same(tuple(one), tuple(other))
        assert np.array_equal(their_info["equity"], info["equity"])
        assert ("final_info" in their_info) == ("final_info" in info)


def test_gymnasium_steps_single_environments_in_processes_over_several_episodes() -> None:
    theirs = AsyncVectorEnv([lambda: alone(modalities=NUMERIC)] * 2)
    try:
        theirs.reset(seed=3)
        for _ in range(25):
            theirs.step(np.array([2, 0]))
    finally:
        theirs.close()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_gymnasium_counts_the_returns_of_lanes(mode: AutoresetMode) -> None:
    envs: Any = RecordEpisodeStatistics(lanes(autoreset_mode=mode))
    envs.reset(seed=1)
    total, over = np.zeros(2), False
    while not over:
        _, rewards, terminated, truncated, info = envs.step(np.array([2, 0]))
        total += rewards
        over = (terminated | truncated).all()
    assert info["episode"]["r"] == pytest.approx(total)


@pytest.mark.parametrize("make", [alone, lanes])
def test_the_generator_of_an_environment_does_not_tell_its_seed(make: Callable[[], Any]) -> None:
    env = make()
    env.reset(seed=123_456_789)
    generator = env.unwrapped.np_random
    assert generator.bit_generator.seed_seq.entropy != 123_456_789
    drawn = generator.random()
    env.reset(seed=123_456_789)
    assert env.unwrapped.np_random.random() == drawn


@pytest.mark.parametrize(
    "reward",
    [lambda b, a: 0, lambda b, a: a > b, lambda b, a: np.float32(2.0), lambda b, a: a],
)
def test_rewards_of_any_number_are_floats_of_the_readers_own(reward: Any) -> None:
    envs, one = lanes(reward=reward), alone(reward=reward)
    envs.reset(seed=1)
    one.reset(seed=1)
    rewards = envs.step(np.array([2, 2]))[1]
    assert rewards.dtype == np.float64 and rewards.shape == (2,)
    assert rewards[0] == one.step(2)[1]
    expected = one.step(1)[4]["equity"]
    rewards[:] = np.nan
    assert envs.step(np.array([1, 1]))[4]["equity"][0] == expected


def test_a_reward_function_may_write_into_its_arguments() -> None:
    def grown(before: Any, after: Any) -> Any:
        after -= before
        return after

    envs, other = lanes(reward=grown), lanes(reward="pnl")
    envs.reset(seed=1)
    other.reset(seed=1)
    for _ in range(3):
        assert same(envs.step(np.array([2, 0])), other.step(np.array([2, 0])))


@pytest.mark.parametrize("given", [None, "3", [1.0, 2.0, 3.0], [[1.0], [1.0, 2.0]]], ids=repr)
def test_a_reward_that_is_no_number_is_refused_and_nothing_moves(given: Any) -> None:
    envs, one = lanes(reward=lambda b, a: given), alone(reward=lambda b, a: given)
    envs.reset(seed=1)
    with pytest.raises(InvestorBenchError, match="the reward function gives"):
        envs.step(np.array([2, 2]))
    if given != "3":
        one.reset(seed=1)
        with pytest.raises(InvestorBenchError, match="the reward function gives"):
            one.step(2)


@pytest.mark.parametrize("kind", [np.float32, np.float64, int, Fraction])
def test_numbers_of_any_kind_make_the_same_account(kind: Any) -> None:
    env = alone(initial_cash=kind(30_001), commission_bps=kind(3), slippage_bps=kind(2))
    plain = alone(initial_cash=30_001.0, commission_bps=3.0, slippage_bps=2.0)
    env.reset(seed=1)
    plain.reset(seed=1)
    for action in (2, 1, 0):
        step, expected = env.step(action), plain.step(action)
        assert same(step, expected)
        assert [type(part) for part in step[1:4]] == [float, bool, bool]


@pytest.mark.parametrize("cash", [1e-15, 1e15])
def test_features_of_the_smallest_and_the_largest_account_are_finite(cash: float) -> None:
    env = NumericObservation(alone(initial_cash=cash))
    assert np.isfinite(env.reset(seed=1)[0]).all()
    assert all(np.isfinite(env.step(action)[0]).all() for action in (2, 1, 0))
    with pytest.raises(InvestorBenchError, match="initial_cash="):
        alone(initial_cash=1e-50)
