"""What there is to say of a leaderboard, its agents and their pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from investorbench.tasks.statistics.draws import BlockLength
from investorbench.tasks.statistics.estimate import SEED, Estimate
from investorbench.tasks.statistics.variance import VarianceSplit

Scope = Literal["agent", "run"]
"""What a row speaks of: with one repeat nobody knows what another would have shown."""
FamilyName = Literal["alpha", "pairs"]
"""Hypotheses that are adjusted together: every alpha is 0; every two Sharpe ratios are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """How days or markets were drawn: length of blocks, number of draws, seed."""

    block: BlockLength
    draws: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatistics:
    """Of one agent: means over its repeats; ratios and alpha a year.

    Attributes:
        cr: cumulative return, with its interval.
        sr: Sharpe ratio, with its interval.
        scope: whether intervals allow for what repeats differ in, or speak of this run alone.
        repeats: how many runs the figures are means of.
        idle_repeats: how many of them never invested, and count as 0.
        is_twin: whether it returned what the benchmark did, in every repeat.
        alpha: return beyond beta times the benchmark's; simultaneous interval of all agents, the
            p-value unadjusted.
        beta: slope on the benchmark's returns.
        appraisal: alpha over the deviation of what beta leaves.
        correlation: with the benchmark's returns.
        excess: mean return less the benchmark's.
        information_ratio: excess over its own deviation.
        probabilistic: PSR(0).
        deflated: DSR.
        track_record: MinTRL against 0, in days.
        best: model confidence set; the p-value that no other is better.
        random: share of random policies of its own exposure and turnover with a worse Sharpe ratio.
        random_uniform: the same of those that draw each action uniformly.
        variance: of its Sharpe ratio a step, by path and repeat.
    """

    cr: Estimate
    sr: Estimate
    scope: Scope
    repeats: int
    idle_repeats: int = 0
    is_twin: bool = False
    alpha: Estimate
    beta: Estimate
    appraisal: Estimate
    correlation: Estimate
    excess: Estimate
    information_ratio: Estimate
    probabilistic: Estimate
    deflated: Estimate
    track_record: Estimate
    best: Estimate
    random: Estimate
    random_uniform: Estimate
    variance: VarianceSplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A hypothesis of a family: the first agent's figure is that of the second.

    Attributes:
        names: the first and the second.
        family: what it is adjusted with; "alpha" is that of the first over the second, "pairs" the
            first's Sharpe ratio a year less the second's.
        difference: with the simultaneous interval of its family; the p-value is unadjusted.
        adjusted_p: after Romano and Wolf's step-down; at most 5 % where the interval leaves out 0.
        jobson_korkie: p-value for independent, normal returns, of two agents with one repeat each.
        days: until the test of its family finds this difference with 80 % power.
    """

    names: tuple[str, str]
    family: FamilyName
    difference: Estimate
    adjusted_p: float | None = None
    jobson_korkie: Estimate
    days: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """The largest t-statistic of alpha among agents without skill, as many and as correlated.

    Attributes:
        expected_t: its mean.
        t_95: its 95 % point.
        largest_t: the largest that was found.
        agent: who has it.
        trials: how many agents, without the benchmark and its twins.
        reason: why there are no figures; then they are None.
    """

    expected_t: float | None = None
    t_95: float | None = None
    largest_t: float | None = None
    agent: str | None = None
    trials: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overfitting:
    """How probable it is that the best of some configurations is below the median elsewhere.

    Attributes:
        group: what they are configurations of.
        configurations: their names.
        pbo: the probability.
    """

    group: str
    configurations: tuple[str, ...]
    pbo: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What there is to say of a leaderboard.

    Attributes:
        agents: by name, in the order given.
        against: alpha of every other agent over the benchmark, by name.
        pairs: Sharpe ratios of all pairs; the benchmark is always the second.
        rank_sets: best and worst place that the family of pairs leaves each agent.
        superior: SPA; the p-value that no agent is better than the benchmark.
        luck: what agents without skill would reach.
        days_of_best: days until the tests find the highest lead in Sharpe ratio over the benchmark,
            less what picking the highest adds to it.
        overfitting: of configurations that somebody chose between.
        smallest_p: that so many draws can give.
        days: steps T; over several markets, all together.
        markets: how many were drawn; 0 where days were.
        bootstrap: how.
    """

    agents: dict[str, AgentStatistics]
    against: dict[str, Tested]
    pairs: tuple[Tested, ...]
    rank_sets: dict[str, tuple[int, int]]
    superior: Estimate
    luck: Luck
    days_of_best: Estimate
    overfitting: tuple[Overfitting, ...] = ()
    smallest_p: float
    days: int
    markets: int = 0
    bootstrap: Bootstrap


def nothing_to_compare(repeats: Mapping[str, int], reason: str) -> Comparison:
    """A comparison without a figure, where agents are not on the same days.

    Args:
        repeats: how many each agent has, by name.
        reason: why there is no figure.
    """
    none = Estimate(reason=reason)
    names = [each.name for each in fields(AgentStatistics) if each.type is Estimate]
    without: dict[str, Any] = dict.fromkeys(names, none)
    return Comparison(
        agents={
            name: AgentStatistics(
                **without,
                scope=scope_of(count),
                repeats=count,
                variance=VarianceSplit(repeats=count, reason=reason),
            )
            for name, count in repeats.items()
        },
        against={},
        pairs=(),
        rank_sets={name: (1, len(repeats)) for name in repeats},
        superior=none,
        luck=Luck(trials=0, reason=reason),
        days_of_best=none,
        smallest_p=1.0,
        days=0,
        bootstrap=Bootstrap(block=BlockLength(days=1, rule="none were drawn"), draws=0, seed=SEED),
    )


def scope_of(repeats: int) -> Scope:
    """What figures of so many repeats speak of."""
    return "run" if repeats == 1 else "agent"
