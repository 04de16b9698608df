"""What there is to say of a leaderboard, its agents and their pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from investorbench.tasks.statistics.estimate import SEED, Estimate
from investorbench.tasks.statistics.resampling import BlockLength, VarianceSplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """How days were drawn: length of blocks, number of draws, that of tests of pairs, seed."""

    block: BlockLength
    draws: int
    pair_draws: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatistics:
    """Of one agent; Sharpe ratios a year.

    Attributes:
        cr: cumulative return, with its interval.
        sr: Sharpe ratio, with its interval.
        probabilistic: PSR(0).
        deflated: DSR.
        track_record: MinTRL against 0, in days.
        best: model confidence set; the p-value that no other is better.
        random: share of random policies with a worse Sharpe ratio.
        variance: of its Sharpe ratio a step, by path and repeat.
    """

    cr: Estimate
    sr: Estimate
    probabilistic: Estimate
    deflated: Estimate
    track_record: Estimate
    best: Estimate
    random: Estimate
    variance: VarianceSplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two agents on the same days, the first's Sharpe ratio a year less the second's.

    Attributes:
        names: the first and the second.
        jobson_korkie: p-value for independent, normal returns.
        ledoit_wolf: p-value by bootstrap; the one to quote.
        adjusted_p: the latter after control of the false-discovery rate, among all pairs with the
            benchmark (Benjamini–Hochberg) or all others (Benjamini–Yekutieli).
        days: until a test of 5 % size finds this difference with 80 % power.
    """

    names: tuple[str, str]
    jobson_korkie: Estimate
    ledoit_wolf: Estimate
    adjusted_p: float | None = None
    days: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What there is to say of a leaderboard.

    Attributes:
        agents: by name, in the order given.
        against: every other agent against the benchmark, by name.
        pairs: all pairs without the benchmark.
        superior: SPA; the p-value that no agent is better than the benchmark.
        luck: Sharpe ratio a year to expect of the best of these trials without skill.
        trials: how many were counted.
        days: steps T.
        bootstrap: how days were drawn.
    """

    agents: dict[str, AgentStatistics]
    against: dict[str, Pair]
    pairs: tuple[Pair, ...]
    superior: Estimate
    luck: Estimate
    trials: int
    days: int
    bootstrap: Bootstrap


def nothing_to_compare(repeats: Mapping[str, int], reason: str) -> Comparison:
    """A comparison without a figure, where agents are not on the same days.

    Args:
        repeats: how many each agent has, by name.
        reason: why there is no figure.
    """
    none = Estimate(reason=reason)
    return Comparison(
        agents={
            name: AgentStatistics(
                **{each.name: none for each in fields(AgentStatistics) if each.name != "variance"},
                variance=VarianceSplit(repeats=count, reason=reason),
            )
            for name, count in repeats.items()
        },
        against={},
        pairs=(),
        superior=none,
        luck=none,
        trials=len(repeats),
        days=0,
        bootstrap=Bootstrap(
            block=BlockLength(days=1, rule="none were drawn"), draws=0, pair_draws=0, seed=SEED
        ),
    )
