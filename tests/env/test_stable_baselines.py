"""Lanes as Stable-Baselines3 trains on them."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.errors import InvestorBenchError
from investorbench_env.wrappers import NumericVectorObservation
from tests.env.small_markets import date, small_market

pytestmark = pytest.mark.heavy
STOCK = "InvestorBench/Stock-SIM"
OPTIONS: dict[str, Any] = {"window": 4, "episode_length": 5, "markets": "train"}


def lanes(count: int, mode: str = "SAME_STEP", id: str = STOCK, **options: Any) -> Any:
    envs = gym.make_vec(id, num_envs=count, autoreset_mode=mode, **{**OPTIONS, **options})
    return NumericVectorObservation(envs)


def adapted(count: int, **options: Any) -> Any:
    from investorbench_env.wrappers.stable_baselines import StableBaselinesVecEnv

    return StableBaselinesVecEnv(lanes(count, **options))


def test_the_end_of_a_split_is_truncated_and_its_last_observation_kept() -> None:
    env, twin = adapted(3), lanes(3, "NEXT_STEP")
    env.seed(1)
    assert np.array_equal(env.reset(), twin.reset(seed=1)[0])
    actions = np.array([2, 0, 1])
    for _ in range(5):
        observation, rewards, dones, infos = env.step(actions)
        last, expected, *_ = twin.step(actions)
        assert np.array_equal(rewards, expected.astype(np.float32))
    assert dones.all()
    for lane, info in enumerate(infos):
        assert info["TimeLimit.truncated"]
        assert np.array_equal(info["terminal_observation"], last[lane])
    assert np.array_equal(observation, twin.step(actions)[0])


def test_ruin_is_no_truncation() -> None:
    market = small_market([100.0, 100.0, 250.0, 100.0, 100.0])
    options = {"start": date(0), "end": date(4), "markets": "fresh", "episode_length": None}
    env = adapted(2, id="InvestorBench/Stock", data=market, **options)
    env.reset()
    env.step(np.array([0, 1]))
    _, _, dones, infos = env.step(np.array([1, 1]))
    assert dones.tolist() == [True, False]
    assert not infos[0]["TimeLimit.truncated"]
    assert infos[1] == {}


def test_lanes_that_do_not_reset_at_once_are_refused() -> None:
    from investorbench_env.wrappers.stable_baselines import StableBaselinesVecEnv

    with pytest.raises(InvestorBenchError, match="SAME_STEP"):
        StableBaselinesVecEnv(lanes(2, "NEXT_STEP"))


@pytest.mark.parametrize("action", ["trade", "weight"])
def test_a_model_trains_on_lanes_and_acts_in_one_environment(action: str) -> None:
    from stable_baselines3 import PPO

    from investorbench_env.wrappers import NumericObservation

    env = adapted(4, action=action, pool=8)
    model = PPO("MlpPolicy", env, n_steps=32, batch_size=32, n_epochs=1, seed=0)
    model.learn(256)
    alone = NumericObservation(gym.make(STOCK, **{**OPTIONS, "action": action}))
    observation, _ = alone.reset(seed=3)
    assert alone.action_space.contains(model.predict(observation, deterministic=True)[0])


def test_a_learner_reads_attributes_through_wrappers_and_learns_which_there_are_not() -> None:
    envs = adapted(2, id=STOCK)
    assert [facts.symbols for facts in envs.get_attr("facts")] == [("SIM",)] * 2
    assert envs.has_attr("render_mode") and not envs.has_attr("no_such_thing")
