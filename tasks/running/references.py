"""What chance does on a task: policies that act at random, all at once."""

from dataclasses import fields
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench.tasks.metrics import sharpe_ratio
from investorbench.tasks.statistics.estimate import SEED, FloatArray
from investorbench_env.envs.setup import Options, Setup
from investorbench_env.protocols import find_protocol

POLICIES = 1000


def random_sharpes(
    setup: Setup, days_a_year: float, task_id: str, policies: int = POLICIES, seed: int = SEED
) -> FloatArray:
    """Sharpe ratio a year of policies that choose each action uniformly at random [policies].

    They run through the vectorised environment, with the same market, dates, costs and options as
    any agent. An account that is ruined earns nothing any more.

    Args:
        setup: that of the task's test split.
        days_a_year: trading days a year.
        task_id: the environment's id.
        policies: how many.
        seed: of their actions.
    """
    options = {each.name: getattr(setup.options, each.name) for each in fields(Options)}
    options |= {"data": setup.market, "modalities": ("account",)}
    env = gym.make_vec(task_id, num_envs=policies, **options)
    rng = np.random.default_rng(seed)
    _, info = env.reset(seed=seed)
    before, lives = info["equity"].copy(), np.ones(policies, dtype=np.bool_)
    returns = np.zeros((policies, setup.steps))
    for step in range(setup.steps):
        _, _, terminated, _, info = env.step(_actions(env.single_action_space, policies, rng))
        equity = info["equity"].copy()
        np.divide(equity - before, before, out=returns[:, step], where=lives)
        before, lives = equity, lives & ~terminated
    convention = find_protocol(setup.protocol).convention
    return sharpe_ratio(returns, convention, days_a_year)


def _actions(space: gym.Space[Any], number: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.n, size=number)
    assert isinstance(space, gym.spaces.Box)
    return rng.uniform(space.low, space.high, (number, 1)).astype(np.float32)
