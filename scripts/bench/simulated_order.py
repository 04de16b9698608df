"""Does the benchmark rank policies as it must? Five of them with a known order, simulated markets.

``python -m investorbench.scripts.bench.simulated_order --seeds 200 --days 1250`` prints mean Sharpe
ratios with intervals, the paired differences, and how many days it takes to distinguish two
neighbours.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.filter import Filter
from investorbench.agents.simulated.oracle import Oracle
from investorbench.agents.simulated.text_reader import TextReader
from investorbench_env.envs.single_asset import SingleAssetEnv
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import dynamics_of, simulate
from investorbench_env.spaces import BUY

FloatArray = npt.NDArray[np.float64]
START = "2015-01-02"
HISTORY = 60
"""Sessions before the first decision."""
DAYS_A_YEAR = 252
SIZE, POWER = 0.05, 0.80
Z_SIZE, Z_POWER = NormalDist().inv_cdf(1 - SIZE / 2), NormalDist().inv_cdf(POWER)


Act = Callable[[Mapping[str, Any], Mapping[str, Any]], int]


def _filter(market: Market, seed: int) -> Act:
    return Filter(dynamics_of(market.symbols[0], market.asset_class), seed=seed).act


def _random(market: Market, seed: int) -> Act:
    rng = np.random.default_rng([seed, 7])
    return lambda observation, info: int(rng.integers(3))


POLICIES: dict[str, Callable[[Market, int], Act]] = {
    "oracle": lambda market, seed: Oracle(market).act,
    "filter": _filter,
    "text reader": lambda market, seed: TextReader().act,
    "buy and hold": lambda market, seed: lambda observation, info: BUY,
    "random": _random,
}
"""From the best to the worst: how each acts, by market and seed."""


@dataclass(frozen=True, kw_only=True)
class MeanOverSeeds:
    """A mean over seeds with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:6.2f}  [{self.low:5.2f}, {self.high:5.2f}]"


@dataclass(frozen=True, kw_only=True)
class PolicyPair:
    """Two neighbours in the order.

    Attributes:
        names: the better and the worse.
        difference: of their annual Sharpe ratios, paired by seed.
        days_jkm: to distinguish them by the test of Jobson and Korkie (1981) as corrected by Memmel
            (2003).
        days_paired: the same from the spread of the difference over seeds, which also counts that
            returns of a policy are not independent from day to day.
    """

    names: tuple[str, str]
    difference: MeanOverSeeds
    days_jkm: float
    days_paired: float


def episode(seed: int, days: int) -> FloatArray:
    """Daily simple returns of each policy on one market, protocol ``standard`` [P, days]."""
    start = np.datetime64(START) + np.timedelta64(HISTORY * 7 // 5, "D")
    # 252 sessions a year, and two weeks to spare; the market is cut to the days afterwards.
    end = start + np.timedelta64(int(days * 365.25 / DAYS_A_YEAR) + 14, "D")
    market = simulate(seed=seed, start=START, end=str(end))
    env = SingleAssetEnv(data=market, start=str(start), end=str(market.sessions[-1]))
    return np.array([_play(env, make(market, seed), days) for make in POLICIES.values()])


def _play(env: SingleAssetEnv, act: Act, days: int) -> list[float]:
    observation, info = env.reset(seed=0)
    rewards: list[float] = []
    for _ in range(days):
        observation, reward, ruined, _, info = env.step(act(observation, info))
        rewards.append(reward)
        if ruined:
            break
    # A ruined account earns nothing more.
    return rewards + [0.0] * (days - len(rewards))


def returns_over_seeds(seeds: Sequence[int], days: int, processes: int = 1) -> FloatArray:
    """Daily returns of each policy on each seed's market [S, P, days]."""
    from rich.progress import track

    found = _episodes(seeds, days, processes)
    return np.array(list(track(found, "Simulating", total=len(seeds), transient=True)))


def _episodes(seeds: Sequence[int], days: int, processes: int) -> Iterator[FloatArray]:
    if processes <= 1:
        yield from (episode(seed, days) for seed in seeds)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(episode, seeds, [days] * len(seeds))


def sharpe(returns: FloatArray) -> FloatArray:
    """Annual Sharpe ratio over the last axis [...]."""
    ratio = returns.mean(axis=-1) / returns.std(axis=-1, ddof=1)
    return np.asarray(ratio * np.sqrt(DAYS_A_YEAR))


def mean_over_seeds(values: FloatArray) -> MeanOverSeeds:
    """The mean of values over seeds, with a normal interval."""
    mean = float(values.mean())
    margin = Z_SIZE * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return MeanOverSeeds(mean=mean, low=mean - margin, high=mean + margin)


def neighbours(returns: FloatArray) -> list[PolicyPair]:
    """Each policy against the next one in the order, from returns [S, P, days]."""
    names = list(POLICIES)
    return [
        pair_of((names[k], names[k + 1]), returns[:, k], returns[:, k + 1])
        for k in range(len(names) - 1)
    ]


def pair_of(names: tuple[str, str], better: FloatArray, worse: FloatArray) -> PolicyPair:
    """Two policies on the same markets, from returns [S, days] each."""
    annual = sharpe(better) - sharpe(worse)
    a, b = (float(sharpe(each).mean()) / np.sqrt(DAYS_A_YEAR) for each in (better, worse))
    rho = np.mean([np.corrcoef(x, y)[0, 1] for x, y in zip(better, worse, strict=True)])
    variance = 2 - 2 * rho + (a**2 + b**2 - 2 * a * b * rho**2) / 2
    needed = (Z_SIZE + Z_POWER) ** 2
    spread = float(annual.var(ddof=1)) * better.shape[1]
    return PolicyPair(
        names=names,
        difference=mean_over_seeds(annual),
        days_jkm=float(needed * variance / (a - b) ** 2),
        days_paired=needed * spread / float(annual.mean()) ** 2,
    )


def report(returns: FloatArray) -> str:
    """The table of the order, as text."""
    seeds, _, days = returns.shape
    lines = [f"simulated SIM, standard protocol, {seeds} seeds × {days} days, annual Sharpe ratio"]
    for name, values in zip(POLICIES, np.moveaxis(sharpe(returns), 1, 0), strict=True):
        lines.append(f"  {name:28}{mean_over_seeds(values)}")
    lines.append(
        "paired difference; days to distinguish at 80 % power, 5 % size (JKM | over seeds)"
    )
    for pair in neighbours(returns):
        label = f"{pair.names[0]} − {pair.names[1]}"
        days_needed = f"{pair.days_jkm:7.0f} | {pair.days_paired:7.0f}"
        lines.append(f"  {label:28}{pair.difference}  {days_needed}")
    return "\n".join(lines)


def main() -> None:
    """Run the experiment from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=10_000, help="the first seed")
    parser.add_argument("--days", type=int, default=1250)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    print(report(returns_over_seeds(seeds, given.days, given.processes)))


if __name__ == "__main__":
    main()
