"""Does luck pass for skill? Agents without any, in a rising, a flat and a falling market.

``python -m investorbench.scripts.bench.no_skill --worlds 1000`` prints for each market in how many
worlds some agent has a deflated Sharpe ratio above 95 %, how far copies of one agent and an entry
that is always short move what is said of the others, and how often an excess over Buy & Hold alone
would have passed for skill.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from investorbench.tasks.statistics import Comparison, compare_agents
from investorbench.tasks.statistics.estimate import DRAWS

FloatArray = npt.NDArray[np.float64]

DAYS, DAYS_A_YEAR, VOLATILITY = 149, 252, 0.02
AGENTS, COPIES = 13, 3
MARKETS = (1.6, 0.0, -1.6)
"""Sharpe ratios a year of the market."""
FIRST = 72_000
HELD = "buy_and_hold"
SURE, SIZE = 0.95, 0.05
EVERY = 50
"""In one world of so many, further entries are tried, with as many draws as tables have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a table says of one world.

    Attributes:
        is_skill: whether some agent has a deflated Sharpe ratio above 95 %.
        is_significant: whether some alpha is distinguishable from 0.
        is_ahead: whether some excess over Buy & Hold has an interval of its own above 0.
    """

    is_skill: bool
    is_significant: bool
    is_ahead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """By how much further entries move what is said of others.

    Attributes:
        by_copies: the most that three copies of an agent move a deflated ratio, or luck.
        verdicts: how many verdicts on pairs of others copies change.
        by_short: the most that an entry which is always short moves a deflated ratio.
    """

    by_copies: float
    verdicts: int
    by_short: float


def agents_without_skill(market: FloatArray, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Returns of agents that are long on 70 % of the days [1, T], by name.

    On the other days every second one is short, the rest hold nothing; the last five keep what they
    hold for five days on average.
    """
    found = {}
    for number in range(AGENTS):
        stays = 0.8 if number >= AGENTS - 5 else 0.0
        chosen = np.where(rng.random(len(market)) < 0.7, 1.0, -1.0 if number % 2 else 0.0)
        drawn = rng.random(len(market)) >= stays
        drawn[0] = True
        since = np.maximum.accumulate(np.where(drawn, np.arange(len(market)), 0))
        found[f"agent {number}"] = (chosen[since] * market)[None]
    return found


def market_of(seed: int, sharpe: float) -> tuple[FloatArray, np.random.Generator]:
    """Returns of a market [T], and what else is drawn in its world."""
    rng = np.random.default_rng(seed)
    drift = sharpe / np.sqrt(DAYS_A_YEAR)
    return VOLATILITY * (drift + rng.standard_normal(DAYS)), rng


def table(market: FloatArray, agents: Mapping[str, FloatArray], draws: int) -> Comparison:
    """Agents beside Buy & Hold."""
    runs = {HELD: market[None], **agents}
    return compare_agents(runs, HELD, DAYS_A_YEAR, jointly=False, draws=draws)


def world(seed: int, sharpe: float, draws: int) -> World:
    """One world of agents without skill."""
    market, rng = market_of(seed, sharpe)
    agents = agents_without_skill(market, rng)
    found = table(market, agents, draws)
    lows = [found.agents[name].excess.low for name in agents]
    p_values = [found.against[name].adjusted_p for name in agents]
    return World(
        is_skill=any(deflated > SURE for deflated in deflated_of(found, agents).values()),
        is_significant=any(p is not None and p <= SIZE for p in p_values),
        is_ahead=any(low is not None and low > 0.0 for low in lows),
    )


def always_short(market: FloatArray) -> FloatArray:
    """Returns of an account that sells as much as it has and lets the position drift [T]."""
    after = np.cumprod(1.0 + market)
    before = np.append(1.0, after[:-1])
    equity = np.maximum(2.0 - before, 0.05)  # cash and proceeds, less what is owed
    return np.asarray((before - after) / equity)


def moved(seed: int, sharpe: float, draws: int = DRAWS) -> Moved:
    """The same world with further entries beside the one without."""
    market, rng = market_of(seed, sharpe)
    agents = agents_without_skill(market, rng)
    copies = {f"copy {number}": agents["agent 4"] for number in range(COPIES)}
    short = {"always short": always_short(market)[None]}
    alone, copied, shorted = (
        table(market, {**agents, **more}, draws) for more in ({}, copies, short)
    )
    before, after = verdicts(alone, agents), verdicts(copied, agents)
    return Moved(
        by_copies=max(_moved(alone, copied, agents), _luck_moved(alone, copied)),
        verdicts=sum(before[two] != after[two] for two in before),
        by_short=_moved(alone, shorted, agents),
    )


def deflated_of(table: Comparison, agents: Mapping[str, FloatArray]) -> dict[str, float]:
    """Deflated Sharpe ratio of each agent."""
    found = {name: table.agents[name].deflated.value for name in agents}
    return {name: value for name, value in found.items() if value is not None}


def verdicts(table: Comparison, agents: Mapping[str, FloatArray]) -> dict[frozenset[str], bool]:
    """Whether each two of them are distinguishable."""
    wanted = {frozenset(two) for two in combinations([HELD, *agents], 2)}
    found = {
        frozenset(pair.names): pair.adjusted_p is not None and pair.adjusted_p <= SIZE
        for pair in table.pairs
    }
    return {two: found[two] for two in wanted}


def _moved(one: Comparison, other: Comparison, agents: Mapping[str, FloatArray]) -> float:
    before, after = (deflated_of(table, agents) for table in (one, other))
    assert before.keys() == after.keys()
    return max(abs(before[name] - after[name]) for name in before)


def _luck_moved(one: Comparison, other: Comparison) -> float:
    both = ((one.luck.expected_t, other.luck.expected_t), (one.luck.t_95, other.luck.t_95))
    return max(abs((before or 0.0) - (after or 0.0)) for before, after in both)


def report(sharpe: float, worlds: Sequence[World], further: Sequence[Moved]) -> str:
    """A line for a market."""
    skill, significant, ahead = (
        sum(getattr(each, name) for each in worlds) / len(worlds)
        for name in ("is_skill", "is_significant", "is_ahead")
    )
    copies, short = (max(getattr(each, by) for each in further) for by in ("by_copies", "by_short"))
    return (
        f"{sharpe:6.1f} {skill:9.1%} {significant:9.1%} {ahead:9.1%} "
        f"{copies:9.4f} {sum(each.verdicts for each in further):9d} {short:13.4f}"
    )


def main() -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=FIRST, help="the first seed")
    parser.add_argument("--draws", type=int, default=999, help="to find what passes for skill")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.worlds)
    print(
        f"{AGENTS} agents without skill, {DAYS} days, {given.worlds} worlds a market; further "
        f"entries in every {EVERY}th"
    )
    print("market  DSR>95 %   alpha p  excess>0    copies  verdicts  always short")
    for sharpe in MARKETS:
        worlds = [world(seed, sharpe, given.draws) for seed in seeds]
        further = [moved(seed, sharpe) for seed in seeds[::EVERY]]
        print(report(sharpe, worlds, further), flush=True)


if __name__ == "__main__":
    main()
