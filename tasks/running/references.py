"""What agents on a task are compared with: its benchmark, and policies that act at random."""

import json
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorEnv

from investorbench.agents.agent import as_agent
from investorbench.agents.baselines import BASELINES
from investorbench.tasks.days import Dates, daily_returns
from investorbench.tasks.metrics import sharpe_ratio
from investorbench.tasks.plain import is_plain
from investorbench.tasks.result import Reference
from investorbench.tasks.running.episode import live, run_to_end
from investorbench.tasks.seeds import Seeds, agent_seed, market_seed
from investorbench.tasks.statistics.estimate import SEED, FloatArray
from investorbench.tasks.task import Task, settings_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

POLICIES = 1000

_KNOWN: dict[str, tuple[Reference, ...]] = {}
"""What was computed in this process, by the settings of a task and its market."""


def references_of(task: Task) -> tuple[Reference, ...]:
    """What agents on a task are compared with, computed on its test split once a process.

    An environment without a benchmark, or with one that is no baseline of ours or cannot act in it,
    has none; one without a vectorised twin has no random policies.

    Raises:
        InvestorBenchError: the market is not at hand.
    """
    facts = task.facts("test")
    settings = settings_of(task)
    key = json.dumps([settings, facts.fingerprint], sort_keys=True)
    # Functions of one name may differ, so what was set with one is computed anew.
    if key not in _KNOWN or not is_plain(settings["task"]):
        _KNOWN[key] = (*_benchmark(task, facts), *_random_policies(task, facts))
    return _KNOWN[key]


def _benchmark(task: Task, facts: Facts) -> Iterator[Reference]:
    if facts.benchmark not in BASELINES:
        return
    agent = as_agent(BASELINES[facts.benchmark]())
    seeds = Seeds(market_seed(0, 0), agent_seed(0, task, agent.name, "", 0))
    try:
        held = run_to_end(live(agent, task, seeds=seeds, warmup=False))
    except InvestorBenchError:
        return  # it takes no such actions
    yield Reference(
        name=agent.name,
        kind="agent",
        seed=seeds.agent,
        dates=held.dates,
        returns=held.returns,
        figures=dict(held.metrics),
    )


def _random_policies(task: Task, facts: Facts) -> Iterator[Reference]:
    env = task.make_vec("test", POLICIES)
    if env is None or not isinstance(env.single_action_space, gym.spaces.Discrete | gym.spaces.Box):
        return
    sharpes = random_sharpes(env, facts)
    yield Reference(name="random policies", kind="policies", seed=SEED, figures={"SR": sharpes})


def random_sharpes(env: VectorEnv, facts: Facts, seed: int = SEED) -> FloatArray:
    """Sharpe ratio a year of policies that choose each action uniformly at random [N].

    They run through the vectorised environment, with the same market, dates, costs and options as
    any agent. An account that is ruined earns nothing any more.

    Args:
        env: with a lane a policy [N].
        facts: of the environment.
        seed: of the environment and of their actions.
    """
    rng = np.random.default_rng(seed)
    _, info = env.reset(seed=seed)
    equity = np.empty((env.num_envs, facts.steps + 1))
    sessions = np.empty(equity.shape, dtype="datetime64[D]")
    equity[:, 0], sessions[:, 0] = info["account"]["equity"], info["session"]
    began = info["time"]
    lives = np.ones(env.num_envs, dtype=np.bool_)
    lived = np.zeros(env.num_envs, dtype=np.int64)
    for step in range(facts.steps):
        _, _, terminated, _, info = env.step(_actions(env, rng))
        # A ruined account stays as it is; its lane goes on with another one.
        equity[:, step + 1] = np.where(lives, info["account"]["equity"], equity[:, step])
        sessions[:, step + 1] = np.where(lives, info["session"], sessions[:, step])
        lived += lives
        lives &= ~terminated
    sessions = _as_if_none_was_ruined(sessions, began, lived)
    if (sessions == sessions[0]).all():
        returns = _returns(sessions[0], equity, facts)
        return sharpe_ratio(returns, facts.convention, facts.periods_a_year)
    # Episodes that begin on days of their own may have different numbers of days.
    each = (_returns(*lane, facts) for lane in zip(sessions, equity, strict=True))
    return np.array([sharpe_ratio(own, facts.convention, facts.periods_a_year) for own in each])


def _as_if_none_was_ruined(
    sessions: Dates, began: npt.NDArray[Any], lived: npt.NDArray[np.int64]
) -> Dates:
    """Sessions [N, T + 1], each lane's those of the longest lived that began when it did [N]."""
    longest_first = np.argsort(-lived, kind="stable")
    _, first, group = np.unique(began[longest_first], return_index=True, return_inverse=True)
    whole = np.empty_like(sessions)
    whole[longest_first] = sessions[longest_first[first[group]]]
    return whole


def _returns(sessions: Dates, equity: FloatArray, facts: Facts) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        _, returns = daily_returns(sessions, equity, facts.interval)
    return np.where(np.isfinite(returns), returns, 0.0)  # what is left of nothing is nothing


def _actions(env: VectorEnv, rng: np.random.Generator) -> npt.NDArray[Any]:
    space = env.single_action_space
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.start, space.start + space.n, size=env.num_envs)
    assert isinstance(space, gym.spaces.Box)
    chosen = rng.uniform(space.low, space.high, (env.num_envs, *space.shape))
    return np.asarray(chosen.astype(space.dtype))
