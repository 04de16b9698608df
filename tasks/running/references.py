"""What agents on a task are compared with: its benchmark, and policies that act at random."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorEnv

from investorbench.agents.agent import as_agent
from investorbench.agents.allocators import single_precision
from investorbench.agents.baselines import ALL_BASELINES
from investorbench.agents.several_assets import OF_SEVERAL
from investorbench.tasks.days import Dates, daily_returns
from investorbench.tasks.judging import is_of_perpetuals, is_of_snapshots
from investorbench.tasks.metrics import sharpe_ratio
from investorbench.tasks.plain import is_plain
from investorbench.tasks.result import Reference
from investorbench.tasks.running.episode import live, run_to_end
from investorbench.tasks.seeds import Seeds, agent_seed, market_seed
from investorbench.tasks.statistics.estimate import SEED, FloatArray
from investorbench.tasks.task import Task, settings_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

Returns = FloatArray | list[FloatArray]
"""Daily returns of policies [N, D]; where they have days of their own, [N] of [D]."""

Choose = Callable[[int, dict[str, Any]], npt.NDArray[Any]]
"""From the number of a step, and infos before it, to the actions of policies in it."""

POLICIES = 1000

_KNOWN: dict[str, tuple[Reference, ...]] = {}
"""What was computed in this process, by the settings of a task and its market."""


def references_of(task: Task, markets: Iterable[int] = ()) -> tuple[Reference, ...]:
    """What agents on a task are compared with, computed on its test split once a process.

    Where agents give orders, both trade by weights, so that no limit of purchases binds them.

    An environment without a benchmark, or with one that is no baseline of ours or cannot act in it,
    has none; one without a vectorised twin has no random policies. Snapshots, each on a market of
    its own, have neither.

    Args:
        task: what they are scored on.
        markets: what the environments of repeats begin with: where that decides the market, there
            are references of each.

    Raises:
        InvestorBenchError: the market is not at hand.
    """
    facts = task.facts("test")
    if is_of_snapshots(facts):
        return ()  # which are compared with what is frozen with a suite
    met = dict.fromkeys(markets) if facts.draws_markets else [None]
    return tuple(each for market in met for each in _references_in(market, task, facts))


def _references_in(market: int | None, task: Task, facts: Facts) -> tuple[Reference, ...]:
    """References in the market of a seed, or in the one that there is."""
    settings = settings_of(task)
    key = json.dumps([settings, facts.fingerprint, market], sort_keys=True)
    # Functions of one name may differ, so what was set with one is recomputed.
    if key not in _KNOWN or not is_plain(settings["task"]):
        _KNOWN[key] = (*_benchmark(task, facts, market), *_random_policies(task, facts, market))
    return _KNOWN[key]


def _benchmark(task: Task, facts: Facts, market: int | None) -> Iterator[Reference]:
    if facts.benchmark not in ALL_BASELINES:
        return
    agent = as_agent(ALL_BASELINES[facts.benchmark]())
    of_agent = agent_seed(0, task, agent.name, "", repeat=0)
    seeds = Seeds(market_seed(0, repeat=0) if market is None else market, of_agent)
    try:
        held = run_to_end(live(agent, task.by_weights(), seeds=seeds, warmup=False))
    except InvestorBenchError:
        return  # it takes no such actions
    yield Reference(
        name=agent.name,
        kind="agent",
        seed=of_agent,
        market_seed=market,
        dates=held.dates,
        returns=held.returns,
        figures=dict(held.metrics),
    )


def _random_policies(task: Task, facts: Facts, market: int | None) -> Iterator[Reference]:
    if is_of_perpetuals(facts):
        return  # of whom one of the baselines is
    env = task.by_weights().make_vec("test", POLICIES, market)
    if env is None or not isinstance(env.single_action_space, gym.spaces.Discrete | gym.spaces.Box):
        return
    returns = random_returns(env, facts)
    yield Reference(
        name="random policies",
        kind="policies",
        seed=SEED,
        market_seed=market,
        figures={"SR": sharpes_of(returns, facts)},
    )


def random_sharpes(env: VectorEnv, facts: Facts, seed: int = SEED) -> FloatArray:
    """Sharpe ratio a year of policies that choose each action uniformly at random [N].

    See :func:`random_returns`.
    """
    return sharpes_of(random_returns(env, facts, seed), facts)


def random_returns(env: VectorEnv, facts: Facts, seed: int = SEED) -> Returns:
    """Daily returns of policies that choose each action uniformly at random.

    Of several assets all weights that leave none of the equity out are as likely, cash among them.

    Args:
        env: with a lane a policy [N].
        facts: of the environment.
        seed: of the environment and of their actions.
    """
    rng = np.random.default_rng(seed)
    return policy_returns(env, facts, lambda *_: _actions(env, facts, rng), seed)


def policy_returns(env: VectorEnv, facts: Facts, choose: Choose, seed: int = SEED) -> Returns:
    """Daily returns of policies that observe nothing but the step and what they hold.

    They run through the vectorised environment, with the same market, dates, costs and options as
    any agent. An account that is ruined earns nothing any more.

    Args:
        env: with a lane a policy [N].
        facts: of the environment.
        choose: the actions of a step.
        seed: of the environment.
    """
    _, info = env.reset(seed=seed)
    equity = np.empty((env.num_envs, facts.steps + 1))
    sessions = np.empty(equity.shape, dtype="datetime64[D]")
    equity[:, 0], sessions[:, 0] = info["account"]["equity"], info["session"]
    began = info["time"]
    lives = np.ones(env.num_envs, dtype=np.bool_)
    lived = np.zeros(env.num_envs, dtype=np.int64)
    for step in range(facts.steps):
        _, _, terminated, _, info = env.step(choose(step, info))
        # A ruined account stays as it is; its lane goes on with another one.
        equity[:, step + 1] = np.where(lives, info["account"]["equity"], equity[:, step])
        sessions[:, step + 1] = np.where(lives, info["session"], sessions[:, step])
        lived += lives
        lives &= ~terminated
    sessions = _as_if_none_was_ruined(sessions, began, lived)
    if (sessions == sessions[0]).all():
        return _returns(sessions[0], equity, facts)
    # Episodes that begin on days of their own may have different numbers of days.
    return [_returns(*lane, facts) for lane in zip(sessions, equity, strict=True)]


def sharpes_of(returns: Returns, facts: Facts) -> FloatArray:
    """Sharpe ratio a year of each policy [N]."""
    rules = facts.convention, facts.periods_a_year, facts.cash_rate
    if isinstance(returns, np.ndarray):
        return sharpe_ratio(returns, *rules)
    return np.array([sharpe_ratio(own, *rules) for own in returns])


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


def _actions(env: VectorEnv, facts: Facts, rng: np.random.Generator) -> npt.NDArray[Any]:
    space = env.single_action_space
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.start, space.start + space.n, size=env.num_envs)
    assert isinstance(space, gym.spaces.Box)
    if facts.action in OF_SEVERAL:
        return _random_weights(space, env.num_envs, rng)
    chosen = rng.uniform(space.low, space.high, (env.num_envs, *space.shape))
    return np.asarray(chosen.astype(space.dtype))


def _random_weights(
    space: gym.spaces.Box, policies: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Weights [N, A] that add up to 1 with a cash weight, of either sign where shorts are taken."""
    (assets,) = space.shape
    drawn = rng.exponential(size=(policies, assets + 1))
    weights = drawn[:, :-1] / drawn.sum(axis=1, keepdims=True)
    if (space.low < 0.0).any():
        weights *= rng.choice((-1.0, 1.0), size=weights.shape)
    return single_precision(weights)
