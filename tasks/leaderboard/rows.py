"""What a leaderboard is: its rows, and the statistics over all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from investorbench.tasks.answers import Answers, answers_of
from investorbench.tasks.leaderboard.benchmarks import Benchmark, benchmark_of
from investorbench.tasks.leaderboard.contestants import Dates, Days
from investorbench.tasks.leaderboard.entries import Setting
from investorbench.tasks.result import Entry, Episode, Result
from investorbench.tasks.statistics import AgentStatistics, Comparison, Tested
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.wording import NONE, rank
from investorbench_env.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """A line of a leaderboard.

    Attributes:
        agent: what the table calls it: its name, and that of its run where two runs differ.
        entry: what was recorded of it; None where it is known from a reference alone.
        metrics: by their keys, means over repeats; where each repeat has a market of its own, over
            the markets of the table. A ruined account counts with all days of the setting.
        shown: the days of the repeat that is drawn: of the one with the median Sharpe ratio, or in
            the first market.
        episode: the same as a whole; None of a reference.
        runs: daily returns of its repeats on the days of the table, an array [D] each; where each
            repeat has a market of its own, of each market, in their order. None where episodes lie
            on different days.
        ratios: Sharpe ratio a year of each of those.
        median: metrics of the repeat with the median Sharpe ratio, as papers publish them.
        is_ruined: whether an account of it was ruined before the end.
        statistics: its figures with their uncertainty.
        against: its alpha over the benchmark; None for the benchmark itself, its twins, and where
            there is no benchmark or no test.
        beside: its Sharpe ratio less the benchmark's; None likewise.
        rank: the best and the worst place that the tests of all pairs leave it; equal ones are
            ties, and where nothing is distinguishable everybody has (1, number of agents). None
            where it has no rank, since too few decisions are its own.
    """

    agent: str
    entry: Entry | None
    metrics: Mapping[str, float]
    median: Mapping[str, float]
    shown: Days
    episode: Episode | None
    runs: tuple[FloatArray, ...] | None
    ratios: tuple[float, ...]
    is_ruined: bool
    statistics: AgentStatistics
    against: Tested | None
    beside: Tested | None
    rank: tuple[int, int] | None

    @property
    def result(self) -> Result | None:
        """How it did; None where it is known from a reference alone."""
        return None if self.entry is None else self.entry.result

    @property
    def knows(self) -> bool:
        """Whether it was handed what others cannot know."""
        return self.result is not None and bool(self.result.knows)

    @property
    def is_baseline(self) -> bool:
        """Whether it is a baseline as it comes, which no one chose by how it does."""
        return self.result is not None and self.result.is_baseline

    @property
    def answers(self) -> Answers | None:
        """How its answers of language models add up; None where it asks none."""
        return None if self.result is None else answers_of(self.result)

    @property
    def sr(self) -> float:
        """Sharpe ratio a year."""
        return self.metrics["SR"]

    @property
    def cr(self) -> float:
        """Cumulative return."""
        return self.metrics["CR"]

    def place(self, benchmark: Benchmark | None) -> str:
        """Its rank as tables show it: a range of places, or that it decides as the benchmark does.

        Args:
            benchmark: what its agents are compared with.
        """
        return place_of(self.rank, self.statistics.is_twin, benchmark)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leaderboard:
    """All agents of one setting.

    Attributes:
        setting: what they have in common.
        facts: what is known of the environment they were scored in.
        dates: the days of all returns [D]; None where episodes lie on different days.
        markets: what environments began with, where that decides the market and all agents met it.
        rows: by Sharpe ratio, best first.
        benchmark: what the table calls the agent that others are compared with; None where it is
            missing, or the task has none.
        comparison: the statistics over all of them.
        sentence: what a reader may quote.
        notes: what the figures rest on and what is missing, a line each.
        findings: what is wrong or missing in the data, a line each.
        apart_for: why no agent is compared with another; None where all are.
    """

    setting: Setting
    facts: Facts
    dates: Dates | None
    markets: tuple[int, ...]
    rows: tuple[Row, ...]
    benchmark: str | None
    comparison: Comparison
    sentence: str
    notes: tuple[str, ...]
    findings: tuple[str, ...] = ()
    apart_for: str | None = None

    @property
    def compared_with(self) -> Benchmark | None:
        """What agents of this task are compared with; None where there is nothing."""
        return benchmark_of(self.facts)

    @property
    def publishes_median(self) -> bool:
        """Whether the figures of the median repeat stand beside the means, as papers have them."""
        return self.setting.protocol == "paper"


def place_of(places: tuple[int, int] | None, is_twin: bool, benchmark: Benchmark | None) -> str:
    """A rank as tables show it.

    Args:
        places: the best and the worst; None for no rank.
        is_twin: whether it decided as the benchmark did.
        benchmark: what is compared with.
    """
    if is_twin and benchmark is not None:
        return f"= {benchmark.short}"
    return NONE if places is None else rank(places)
