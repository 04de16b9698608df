"""What agents on a task are compared with: its benchmark, and policies that act at random."""

from dataclasses import fields
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench.agents.baselines import baseline
from investorbench.tasks.evaluator import evaluate
from investorbench.tasks.metrics import sharpe_ratio
from investorbench.tasks.result import Reference
from investorbench.tasks.statistics.estimate import SEED, FloatArray
from investorbench.tasks.task import Task
from investorbench_env.envs.setup import Options, Setup
from investorbench_env.protocols import find_protocol

POLICIES = 1000


def references_of(task: Task) -> tuple[Reference, ...]:
    """What agents on a task are compared with, computed on its test split.

    Raises:
        InvestorBenchError: the market is not at hand.
    """
    facts = task.facts("test")
    setup = task.make("test").unwrapped.setup  # type: ignore[attr-defined]
    sharpes = random_sharpes(setup, facts.periods_a_year, task.id)
    found = [Reference(name="random policies", kind="policies", seed=SEED, figures={"SR": sharpes})]
    if facts.benchmark is not None:
        held = evaluate(baseline(facts.benchmark), task, warmup=False).median
        found.insert(
            0,
            Reference(
                name=facts.benchmark,
                kind="agent",
                seed=held.seed,
                dates=held.sessions[:-1],
                returns=held.returns,
                figures=dict(held.metrics),
            ),
        )
    return tuple(found)


def random_sharpes(
    setup: Setup, periods_a_year: float, task_id: str, policies: int = POLICIES, seed: int = SEED
) -> FloatArray:
    """Sharpe ratio a year of policies that choose each action uniformly at random [policies].

    They run through the vectorised environment, with the same market, dates, costs and options as
    any agent. An account that is ruined earns nothing any more.

    Args:
        setup: that of the task's test split.
        periods_a_year: see ``Facts``.
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
    return sharpe_ratio(returns, convention, periods_a_year)


def _actions(space: gym.Space[Any], number: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.n, size=number)
    assert isinstance(space, gym.spaces.Box)
    return rng.uniform(space.low, space.high, (number, 1)).astype(np.float32)
