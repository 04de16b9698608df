"""How many days of whole episodes it takes to distinguish five policies, by either return."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench.agents.baselines import BuyAndHold, Random
from investorbench.agents.simulated.filter import Filter
from investorbench.agents.simulated.oracle import Oracle
from investorbench.agents.simulated.text_reader import TextReader
from investorbench.tasks.snapshots.power import decisions_needed
from investorbench.tasks.snapshots.scores import BPS
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.registration import facts_in, market_of

FloatArray = npt.NDArray[np.float64]

ID = "InvestorBench/Stock-SIM"
OPTIONS: dict[str, Any] = {"markets": "train", "end": "2021-05-07"}
"""Whose test split has 150 decisions."""
POLICIES: dict[str, Callable[[Market], Any]] = {
    "oracle": Oracle,
    "filter": lambda market: Filter(dynamics_of()),
    "text reader": lambda market: TextReader(),
    "buy & hold": lambda market: BuyAndHold(),
    "random": lambda market: Random(),
}
"""From the best to the worst: the agent of each, by the market that an oracle sees."""


class PairOfEpisodes(NamedTuple):
    """Two neighbours in the order, on the same markets.

    Attributes:
        better, worse: their names.
        difference: of their mean expected returns, in basis points a day.
        expected_days, realised_days: of whole episodes, for 80 % power at 5 % by either return.
    """

    better: str
    worse: str
    difference: float
    expected_days: float
    realised_days: float

    @property
    def name(self) -> str:
        """Both."""
        return f"{self.better} − {self.worse}"

    @property
    def fewer(self) -> float:
        """By what factor expected returns need fewer days than realised ones."""
        return self.realised_days / self.expected_days


def pairs_of_episodes(seeds: Sequence[int]) -> list[PairOfEpisodes]:
    """Each policy against the next one, a market a seed."""
    from rich.console import Console
    from rich.progress import track

    env = gym.make(ID, reward="expected", **OPTIONS)
    each = track(seeds, "Episodes", transient=True, console=Console(stderr=True))
    means = np.array([_means(env, seed, market_of(ID, seed, **OPTIONS)) for seed in each])
    return [_pair(k, means, facts_in(env).steps) for k in range(len(POLICIES) - 1)]


def _means(env: gym.Env[Any, Any], seed: int, market: Market) -> list[tuple[float, float]]:
    """Mean expected and realised return a day of each policy on one market [P, 2]."""
    return [_mean(env, make(market), seed) for make in POLICIES.values()]


def _mean(env: gym.Env[Any, Any], agent: Any, seed: int) -> tuple[float, float]:
    agent.begin(facts_in(env), "test", seed)
    observation, info = env.reset(seed=seed)
    expected, equity, over = [], [info["equity"]], False
    while not over:
        observation, reward, ruined, ended, info = env.step(agent.act(observation, info))
        expected.append(float(reward))
        equity.append(info["equity"])
        over = ruined or ended
    values = np.array(equity)
    return float(np.mean(expected)), float(np.mean(values[1:] / values[:-1] - 1.0))


def _pair(k: int, means: FloatArray, days: int) -> PairOfEpisodes:
    better, worse = list(pairwise(POLICIES))[k]
    gaps = means[:, k] - means[:, k + 1]
    difference, (by_expected, by_realised) = gaps[:, 0].mean(), gaps.std(axis=0, ddof=1)
    return PairOfEpisodes(
        better,
        worse,
        float(difference) * BPS,
        days * decisions_needed(float(difference), float(by_expected)),
        days * decisions_needed(float(difference), float(by_realised)),
    )
