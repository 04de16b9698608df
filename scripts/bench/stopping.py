"""Does stopping when the answer is known keep its promises, and what does it save?

``python -m investorbench.scripts.bench.stopping`` plays races of agents that buy or sell one
snapshot after another, scored by what was to be expected: how often something is said that is not
so where no agent is better, how many observations a difference takes beside the fixed sample that
knows it, how often intervals hold at a stop, and how often 13 agents of known skill are put right.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.sequential import Look, PairedLook, Race, Stopping
from investorbench.tasks.statistics.sequential.stopping import Goal

FIRST = 88_000
AGENTS, ROUND = 13, 25
EDGE_BPS, TAIL = 120.0, 5
"""Scale of what snapshots are expected to return, and the freedom of its Student's law."""
COST_BPS = 10.0
SHARED = 0.6
"""Of the variance of agents' mistakes, what they have in common: they read the same texts."""
SKILL = 0.5
"""Correlation of an agent's view with what is to be expected, where all have the same."""
FILTER, READER = 0.9, 0.76
"""Of two agents whose difference takes a fixed sample of some 155 snapshots."""
STUBS = (
    0.0, 0.075, 0.147, 0.224, 0.303, 0.382, 0.467, 0.553, 0.638, 0.723, 0.803, 0.88, 0.95,
)  # fmt: skip
"""Of thirteen agents, each 8.9 basis points a decision better than the one before."""
Equal = tuple[int, Goal, int, int]
EQUAL: tuple[Equal, ...] = (
    (2, "distinguished", 200, 25),
    (2, "distinguished", 2000, 100),
    (AGENTS, "distinguished", 500, 50),
    (AGENTS, "ranked", 500, 50),
)
"""Agents, goal, most observations and those of a round, of races at no difference."""
NORMAL = NormalDist()
FIXED = NORMAL.inv_cdf(0.975) + NORMAL.inv_cdf(0.8)
USD_A_DECISION = 0.002
"""What a decision of a small model costs: 2,000 tokens at a dollar a million."""


def scores(skills: Sequence[float], number: int, rng: np.random.Generator) -> FloatArray:
    """Expected returns in basis points of agents that buy or sell what they think best [A, n]."""
    edges = EDGE_BPS * rng.standard_t(TAIL, number)
    seen = edges / EDGE_BPS / np.sqrt(TAIL / (TAIL - 2))
    skill = np.asarray(skills)[:, None]
    own = np.sqrt(1.0 - SHARED) * rng.standard_normal((len(skill), number))
    mistaken = np.sqrt(SHARED) * rng.standard_normal(number) + own
    views = skill * seen + np.sqrt(1.0 - skill**2) * mistaken
    return np.asarray(np.sign(views) * edges - COST_BPS)


def race(rule: Stopping, skills: Sequence[float], seed: int, size: int = ROUND) -> Look:
    """The end of a race; agents are named by their numbers, the first is the reference."""
    found = scores(skills, rule.most, np.random.default_rng(seed))
    names = tuple(str(number) for number in range(len(skills)))
    running = Race(stopping=rule, names=names)
    until = 0
    while not running.last.end:
        until = min(until + size, rule.most)
        running.look({name: found[int(name), :until] for name in running.last.going})
    return running.last


def wrong_claims(look: Look, skills: Sequence[float]) -> int:
    """Pairs of which something is said that is not so."""
    pairs = [pair for pair in look.pairs if pair.worse is not None]
    return sum(
        skills[int(pair.worse or 0)] >= max(skills[int(name)] for name in pair.names)
        for pair in pairs
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How often races at no difference say something."""

    name: str
    races: int
    wrong: int

    def __str__(self) -> str:
        share = self.wrong / self.races
        error = (share * (1.0 - share) / self.races) ** 0.5
        return f"{self.name:46s} {share:6.1%} ± {error:.1%}"


def sizes(races: int, kinds: Sequence[Equal] = EQUAL) -> Iterator[Size]:
    """Races of equal agents; until something is said, those for the best are those for ranks."""
    for anytime in (False, True):
        for count, until, most, size in kinds:
            rule, skills = rule_of(until, most, anytime), [SKILL] * count
            looks = (race(rule, skills, FIRST + number, size) for number in range(races))
            wrong = sum(any(pair.worse for pair in look.pairs) for look in looks)
            kind = "anytime" if anytime else "planned"
            name = f"{kind}, {count} agents, {until}, {most} by {size}"
            yield Size(name=name, races=races, wrong=wrong)


def rule_of(until: Goal, most: int, anytime: bool, smallest: float | None = None) -> Stopping:
    """A rule, with the first agent as the reference where there is one."""
    return Stopping(
        until=until,
        most=most,
        anytime=anytime,
        smallest=smallest,
        reference="0" if until == "distinguished" else None,
    )


def fixed_sample(skills: Sequence[float]) -> tuple[float, float]:
    """Observations with which a difference is found with 80 % power, and the difference."""
    one, other = scores(skills, 4_000_000, np.random.default_rng(FIRST - 1))
    apart = one - other
    return float((FIXED * apart.std() / apart.mean()) ** 2), float(apart.mean())


def planted(races: int) -> str:
    """Two agents as far apart as filter and reader, beside the fixed sample that knows it."""
    fixed, difference = fixed_sample((FILTER, READER))
    lines = [
        f"fixed sample {fixed:.0f}, difference {difference:.1f} bps; in fixed samples:",
        "                   mean   90 %   power   wrong  intervals hold  naive ones",
    ]
    for name, rule, size in (
        ("planned", rule_of("distinguished", int(1.05 * fixed), False, difference), ROUND),
        ("anytime", rule_of("distinguished", int(20 * fixed), True), ROUND),
        ("anytime by 10", rule_of("distinguished", int(20 * fixed), True), 10),
    ):
        looks = (race(rule, (FILTER, READER), FIRST + number, size) for number in range(races))
        pairs = [look.pairs[0] for look in looks]
        used = np.array([pair.observations for pair in pairs]) / fixed
        found = np.array([pair.worse is not None for pair in pairs])
        wrong = np.array([pair.worse == "0" for pair in pairs])
        # Pairs are of another agent and the reference, which is the better one.
        holds = np.array([pair.low <= -difference <= pair.high for pair in pairs])
        lines.append(
            f"{name:16s} {used.mean():6.2f} {np.quantile(used, 0.9):6.2f} {found.mean():7.1%} "
            f"{wrong.mean():7.1%} {holds.mean():15.1%} {_naive(rule, pairs, difference):11.1%}"
        )
    return "\n".join(lines)


def _naive(rule: Stopping, pairs: Sequence[PairedLook], difference: float) -> float:
    """How often an interval holds that knows nothing of the looks before."""
    held = []
    for number, pair in enumerate(pairs):
        one, other = scores((FILTER, READER), rule.most, np.random.default_rng(FIRST + number))
        apart = (one - other)[: pair.observations]
        margin = NORMAL.inv_cdf(0.975) * apart.std(ddof=1) / len(apart) ** 0.5
        held.append(abs(apart.mean() - difference) <= margin)
    return float(np.mean(held))


def stubs(races: int, most: int = 8000) -> Iterator[str]:
    """Thirteen agents of known skill: whether they are put right, and what is saved."""
    for anytime in (False, True):
        for until in ("best", "ranked"):
            rule = rule_of(until, most, anytime)
            looks = [race(rule, STUBS, FIRST + number, 4 * ROUND) for number in range(races)]
            wrong = sum(wrong_claims(look, STUBS) > 0 for look in looks)
            best = sum(_winner(look) == str(AGENTS - 1) for look in looks)
            answered = sum(look.end == "answered" for look in looks)
            used = sum(sum(look.observations.values()) for look in looks) / races
            whole = AGENTS * most
            yield (
                f"{'anytime' if anytime else 'planned'}, {until:7s} {races} races: best right in "
                f"{best}, answered {answered}, with a wrong pair {wrong}; {used:,.0f} of {whole:,} "
                f"decisions, {1 - used / whole:.0%} saved: "
                f"${(whole - used) * USD_A_DECISION:,.2f} of ${whole * USD_A_DECISION:,.2f}"
            )


def _winner(look: Look) -> str | None:
    """The only agent that none is distinguished as better than."""
    beaten = {pair.worse for pair in look.pairs}
    left = [name for name in look.observations if name not in beaten]
    return left[0] if len(left) == 1 else None


def main() -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=2000, help="of each kind of two agents")
    parser.add_argument("--stubs", type=int, default=100, help="races of thirteen with known skill")
    given = parser.parse_args()
    print(planted(given.races), flush=True)
    for line in stubs(given.stubs):
        print(line, flush=True)
    for found in sizes(given.races):
        print(found, flush=True)


if __name__ == "__main__":
    main()
