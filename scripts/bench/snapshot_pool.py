"""Snapshots of simulated markets, with what five policies decide on each and was to be expected."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.snapshots import (
    SnapshotFilter,
    SnapshotReader,
    best_side,
    best_weight,
)
from investorbench.tasks.snapshots.references import key_of
from investorbench.tasks.snapshots.scores import SnapshotDecisions
from investorbench_env.market.simulated import Dynamics, dynamics_of
from investorbench_env.market.simulated.conditional import conditional
from investorbench_env.registration import facts_in, facts_of
from investorbench_env.spaces import BUY

FloatArray = npt.NDArray[np.float64]

ID = "InvestorBench/Snapshot-SIM"
HORIZONS = (1, 5, 10)
ACTIONS = ("trade", "weight")
POLICIES = ("oracle", "filter", "text reader", "best constant", "random")
"""From the best to the worst."""


class DrawnSnapshot(NamedTuple):
    """One market, or many [n]: its law at the decision, and what policies make of what they see."""

    mean: Any
    variance: Any
    realised: Any
    believed_mean: Any
    """The filter's."""
    believed_variance: Any
    read_side: Any
    """The text reader's."""
    read_weight: Any


class Pool(NamedTuple):
    """Snapshots of one horizon [n]."""

    horizon: int
    cost_rate: float
    snapshots: DrawnSnapshot

    def decisions(self, policy: str, action: str, constant: float) -> SnapshotDecisions:
        """What a policy decides.

        Args:
            policy: one of ``POLICIES``.
            action: one of ``ACTIONS``.
            constant: the best constant weight.
        """
        s, by_weight = self.snapshots, action == "weight"
        if policy == "oracle":
            weight = self._best(s.mean, s.variance, by_weight)
        elif policy == "filter":
            weight = self._best(s.believed_mean, s.believed_variance, by_weight)
        elif policy == "text reader":
            weight = s.read_weight if by_weight else s.read_side
        elif policy == "best constant":
            weight = np.full(len(s.mean), constant)
        else:
            rng = np.random.default_rng(len(s.mean))
            sides = rng.integers(-1, 2, len(s.mean)).astype(np.float64)
            weight = rng.uniform(-1.0, 1.0, len(s.mean)) if by_weight else sides
        return SnapshotDecisions(weight, s.mean, s.variance, s.realised, self.cost_rate, by_weight)

    def best_constant(self, action: str) -> float:
        """The constant weight with the largest mean edge."""
        s = self.snapshots
        best = float(self._best(s.mean.mean(), s.variance.mean(), action == "weight"))
        return best + 0.0  # no weight has no sign

    def _best(self, mean: Any, variance: Any, by_weight: bool) -> Any:
        if by_weight:
            return best_weight(mean, variance, self.cost_rate)
        return best_side(mean, self.cost_rate)


def draw_pool(horizon: int, seeds: Sequence[int], **options: Any) -> Pool:
    """Play snapshots of the environment, a market a seed.

    Args:
        horizon: in sessions.
        seeds: of ``reset``.
        options: other keywords of ``gym.make``.
    """
    from rich.console import Console
    from rich.progress import track

    env = gym.make(ID, horizon=horizon, **options)
    each = track(
        _snapshots(env, horizon, seeds),
        f"Horizon {horizon}",
        total=len(seeds),
        transient=True,
        console=Console(stderr=True),
    )
    table = np.array(list(each))
    return Pool(horizon, facts_in(env).cost_rate, DrawnSnapshot(*table.T))


def _snapshots(
    env: gym.Env[Any, Any], horizon: int, seeds: Sequence[int]
) -> Iterator[DrawnSnapshot]:
    facts = facts_in(env)
    dynamics = dynamics_of(facts.symbol, facts.asset_class)
    believer, readers = SnapshotFilter(dynamics), (SnapshotReader(), SnapshotReader())
    for reader, action in zip(readers, ACTIONS, strict=True):
        reader.begin(replace(facts, action=action), "test", 0)
    for seed in seeds:
        observation, info = env.reset(seed=seed)
        believer.begin(facts, "test", seed)
        believed = believer.expected(observation, info)
        read = [reader.weight(observation, info) for reader in readers]
        _, reward, _, _, end = env.step(BUY)
        law = true_law(dynamics, end["hidden_state"], horizon)
        yield DrawnSnapshot(*law, float(reward) + facts.cost_rate, *believed[:2], *read)


def task_of(horizon: int, action: str) -> dict[str, Any]:
    """What decides the yardsticks' edges there, see ``key_of``."""
    options = {"horizon": horizon, "action": action}
    return key_of(facts_of(ID, **options), options)


def true_law(
    dynamics: Dynamics, hidden_state: Mapping[str, FloatArray], horizon: int
) -> tuple[float, float]:
    """Mean and variance of what a horizon returns, from the states up to its end [T] each."""
    state = {name: values[-1 - horizon] for name, values in hidden_state.items()}
    known = conditional(dynamics, state, horizon)
    return float(known.mean), float(known.variance)
