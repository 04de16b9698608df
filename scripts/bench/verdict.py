"""Are tests as strict as they say, intervals as wide as they must be, and tables quick to compute?

``python -m investorbench.scripts.bench.verdict power`` prints how often a planted edge is found
with one to ten repeats, and one that is not there; ``coverage`` how often intervals hold the truth
under six laws of returns; ``speed`` what a table of sixty agents takes.
"""

import argparse
import resource
import time
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt

from investorbench.tasks.statistics import Estimate, compare_agents, compare_two
from investorbench.tasks.statistics.estimate import SEED
from investorbench.tasks.statistics.families import intervals
from investorbench.tasks.statistics.one_task import OneTask
from investorbench.tasks.statistics.pairs import Families
from investorbench.tasks.statistics.yearly import Yearly

FloatArray = npt.NDArray[np.float64]
FIRST_WORLD = 71_000
DAYS = 149
EDGE = 0.08
"""How much oftener than a fair coin the better agent is on the right side of a day."""
SKILLS = 0.1
"""Deviation of what repeats are worth a day, in Sharpe ratios; 149 days leave one of .08 open."""
SIZE = 0.05
LAWS = ("iid", "AR .2", "AR -.2", "GARCH", "t3", "negative skew")
SPANS = (30, 60, 149, 500)
BEFORE = 100
"""Days that a law runs before the first one counts."""
HELD, OWN, BETA, NOISE = 0.05, 0.1, 0.5, 0.8
"""Mean of the benchmark, in its deviations; alpha, beta and residual deviation of the agent."""
A_YEAR = 252
YEARLY = Yearly(periods_a_year=A_YEAR, convention="simple")
FAMILY_DRAWS = 1_999
"""Of families, whose statistics are measured by their own 99.5 % quantile."""


# Power and size.


def coin_flips(
    rng: np.random.Generator, market: FloatArray, repeats: int, edge: float
) -> FloatArray:
    """Returns of an agent that is long or short each day, by a coin of its own a repeat [R, T]."""
    is_right = rng.random((repeats, len(market))) < 0.5 + edge
    return np.asarray(np.where(is_right, np.abs(market), -np.abs(market)))


def sides_for_good(rng: np.random.Generator, market: FloatArray, repeats: int) -> FloatArray:
    """Returns of an agent whose repeats are long or short for all days, by a coin each [R, T]."""
    return np.asarray(rng.choice([-1.0, 1.0], (repeats, 1)) * market)


def skills_for_good(rng: np.random.Generator, repeats: int) -> FloatArray:
    """Returns of an agent each of whose repeats has a skill of its own, 0 on average [R, T]."""
    skill = SKILLS * rng.normal(size=(repeats, 1))
    return np.asarray(0.02 * (skill + rng.normal(size=(repeats, DAYS))))


def shares_found(repeats: int, worlds: int, draws: int) -> dict[str, float]:
    """How often equal and better agents are found to differ, in so many worlds."""
    found: dict[str, list[bool]] = {}
    for world in range(FIRST_WORLD, FIRST_WORLD + worlds):
        rng = np.random.default_rng(world)
        market = 0.02 * rng.normal(size=DAYS)
        better, *equal = (coin_flips(rng, market, repeats, e) for e in (EDGE, 0.0, 0.0))
        lasting = [sides_for_good(rng, market, repeats) for _ in range(2)]
        skilled = [skills_for_good(rng, repeats) for _ in range(2)]
        pairs = {"planted": (better, equal[0]), "equal": equal, "sides": lasting, "skills": skilled}
        for name, (first, second) in pairs.items():
            table = compare_agents(
                {"first": first, "second": second}, None, A_YEAR, jointly=False, draws=draws
            )
            found.setdefault(name, []).append(is_found(table.pairs[0].difference.p_value))
    return {name: float(np.mean(each)) for name, each in found.items()}


def false_families(repeats: int, worlds: int) -> dict[str, float]:
    """How often six equal agents have any pair, or any alpha over the benchmark, that is found."""
    found: dict[str, list[bool]] = {"pairs": [], "alpha": []}
    for world in range(FIRST_WORLD, FIRST_WORLD + worlds):
        rng = np.random.default_rng(world)
        market = 0.02 * rng.normal(size=DAYS)
        runs = {f"agent {n}": coin_flips(rng, market, repeats, 0.0) for n in range(6)}
        pairs = _families(runs, None).pairs
        alphas = _families({**runs, "hold": market[None]}, "hold").against.values()
        for name, family in (("pairs", pairs), ("alpha", alphas)):
            found[name].append(any(is_found(each.adjusted_p) for each in family))
    return {name: float(np.mean(each)) for name, each in found.items()}


def _families(runs: Mapping[str, FloatArray], benchmark: str | None) -> Families:
    lineup = OneTask(runs, benchmark, "day", YEARLY)
    return Families(
        lineup=lineup, resampling=lineup.resampling(lineup.block.days, FAMILY_DRAWS, SEED)
    )


def cells_of(own: FloatArray, held: FloatArray, draws: int) -> dict[str, Estimate]:
    """The benchmark's Sharpe ratio, the agent's beyond it and its alpha, as a table has them."""
    lineup = OneTask({"agent": own[None], "hold": held[None]}, "hold", "day", YEARLY)
    figures = {
        "SR": lineup.own("hold", "sharpe"),
        "difference": lineup.own("agent", "sharpe") - lineup.own("hold", "sharpe"),
        "alpha": lineup.beside("agent", "alpha"),
    }
    resampling = lineup.resampling(lineup.block.days, draws, SEED)
    return dict(zip(figures, intervals(list(figures.values()), resampling), strict=True))


def holds(cell: Estimate, truth: float) -> bool:
    """Whether the truth lies in an interval."""
    return cell.low is not None and cell.high is not None and cell.low <= truth <= cell.high


def is_found(p_value: float | None) -> bool:
    """Whether a test of 5 % rejects."""
    return p_value is not None and p_value <= SIZE


# Coverage.


def returns_of(law: str, rng: np.random.Generator, days: int) -> FloatArray:
    """A series with mean 0 and variance 1 [T]."""
    if law == "iid":
        return rng.normal(size=days)
    if law == "t3":
        return np.asarray(rng.standard_t(3, days) / np.sqrt(3.0))
    if law == "negative skew":
        return np.asarray((2.0 - rng.gamma(2.0, size=days)) / np.sqrt(2.0))
    noise, series = rng.normal(size=days + BEFORE), np.zeros(days + BEFORE)
    variance = 1.0
    for day in range(days + BEFORE):
        before = series[day - 1] if day else 0.0
        if law == "GARCH":
            variance = 0.05 + 0.10 * before**2 + 0.85 * variance if day else 1.0
            series[day] = np.sqrt(variance) * noise[day]
        else:
            echo = float(law.removeprefix("AR "))
            series[day] = echo * before + np.sqrt(1.0 - echo**2) * noise[day]
    return series[BEFORE:]


def covered(law: str, days: int, worlds: int, draws: int) -> dict[str, float]:
    """How often the intervals of a Sharpe ratio, a difference and an alpha hold the truth."""
    root = np.sqrt(A_YEAR)
    mean = OWN + BETA * HELD
    ratio = mean / np.hypot(BETA, NOISE)
    truth = {"SR": HELD * root, "difference": (ratio - HELD) * root, "alpha": OWN * A_YEAR}
    found: dict[str, list[bool]] = {name: [] for name in truth}
    for world in range(FIRST_WORLD, FIRST_WORLD + worlds):
        rng = np.random.default_rng([world, days])
        held = HELD + returns_of(law, rng, days)
        own = OWN + BETA * held + NOISE * returns_of(law, rng, days)
        cells = cells_of(own, held, draws)
        for name, cell in cells.items():
            found[name].append(holds(cell, truth[name]))
    return {name: float(np.mean(each)) for name, each in found.items()}


# Speed.


def table_of(agents: int, repeats: int, days: int) -> dict[str, FloatArray]:
    """Agents that follow one market, and Buy & Hold."""
    rng = np.random.default_rng(FIRST_WORLD)
    market = 0.001 + 0.02 * rng.normal(size=days)
    runs = {
        f"agent {n}": 0.5 * market + 0.015 * rng.normal(size=(repeats, days)) for n in range(agents)
    }
    return {**runs, "hold": market[None]}


def time_table(agents: int = 60, repeats: int = 5, days: int = DAYS) -> tuple[float, float]:
    """Seconds of a processor that a table takes, and MiB by which the process grows."""
    runs = table_of(agents, repeats, days)
    compare_agents(table_of(2, 2, days), "hold", A_YEAR, jointly=False, draws=99)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    compare_agents(runs, "hold", A_YEAR, jointly=False)
    taken = time.process_time() - started
    return taken, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024.0


def time_pairs(pairs: int = 10, repeats: int = 5, days: int = DAYS) -> float:
    """Seconds of a processor a pair if each is compared by itself."""
    runs = list(table_of(5, repeats, days).values())[:5]
    started = time.process_time()
    for first, second in list(combinations(runs, 2))[:pairs]:
        compare_two(first, second, A_YEAR)
    return (time.process_time() - started) / pairs


# What is printed.


def _power(worlds: int, draws: int) -> Iterator[str]:
    yield f"{worlds} worlds of {DAYS} days, seeds from {FIRST_WORLD}; share of p at most {SIZE}"
    yield (
        f"{'repeats':>8}{'planted':>9}{'equal':>9}{'sides':>9}{'skills':>9}{'six, pairs':>12}"
        f"{'alpha':>8}"
    )
    for repeats in (1, 2, 5, 10):
        alone = shares_found(repeats, worlds, draws)
        families = false_families(repeats, worlds)
        yield (
            f"{repeats:8}{alone['planted']:9.3f}{alone['equal']:9.3f}{alone['sides']:9.3f}"
            f"{alone['skills']:9.3f}{families['pairs']:12.3f}{families['alpha']:8.3f}"
        )


def _coverage(worlds: int, draws: int) -> Iterator[str]:
    yield f"{worlds} worlds, seeds from {FIRST_WORLD}; share of 95 % intervals that hold the truth"
    yield f"{'':14}{'days':>6}{'SR':>8}{'difference':>12}{'alpha':>8}"
    for days in SPANS:
        for law in LAWS:
            shares = covered(law, days, worlds, draws)
            yield f"{law:14}{days:6}" + "".join(
                f"{share:{width}.3f}"
                for share, width in zip(shares.values(), (8, 12, 8), strict=True)
            )


def _speed(worlds: int, draws: int) -> Iterator[str]:
    taken, grown = time_table()
    apart = time_pairs() * 61 * 60 / 2
    yield f"60 agents, 5 repeats, {DAYS} days, 9,999 draws: {taken:.1f} s, {grown:.0f} MiB"
    yield f"pairs one by one (compare_two, ten measured): {apart:.0f} s, {apart / taken:.0f} times"


PARTS = {"power": _power, "coverage": _coverage, "speed": _speed}


def main() -> None:
    """Print a part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=999)
    given = parser.parse_args()
    for line in PARTS[given.part](given.worlds, given.draws):
        print(line, flush=True)


if __name__ == "__main__":
    main()
