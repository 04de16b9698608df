"""What a table over several tasks is: its rows, and what is said of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from investorbench.tasks.answers import Answers, answers_of
from investorbench.tasks.leaderboard.benchmarks import Benchmark
from investorbench.tasks.leaderboard.entries import Setting
from investorbench.tasks.leaderboard.rows import place_of
from investorbench.tasks.result import Entry
from investorbench.tasks.statistics import AgentStatistics, Comparison, Tested


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OverallRow:
    """An agent over all tasks that every agent of the table was scored on.

    Attributes:
        agent: its name.
        sr: mean Sharpe ratio a year over the tasks.
        cr: mean cumulative return over the tasks.
        statistics: those figures with their uncertainty, and others.
        against: its mean alpha over the benchmark, as in
            :class:`~investorbench.tasks.leaderboard.rows.Row`.
        beside: its mean Sharpe ratio less the benchmark's, likewise.
        passes: pass^k by k, means over the tasks; of as many repeats as each task has.
        rank: likewise; everybody here has one.
        knows: whether it was handed what others cannot know.
        is_baseline: whether it is a baseline as it comes.
        signs: beside its name, which notes explain.
        entries: what was recorded of it on each task; fewer where it is known from a reference.
    """

    agent: str
    sr: float
    cr: float
    statistics: AgentStatistics
    against: Tested | None
    beside: Tested | None
    passes: Mapping[int, float]
    rank: tuple[int, int] | None
    knows: bool
    is_baseline: bool
    signs: str = ""
    entries: tuple[Entry, ...] = ()

    @property
    def entry(self) -> Entry | None:
        """What was recorded of it on the first task, for what is the same on all."""
        return self.entries[0] if self.entries else None

    @property
    def answers(self) -> Answers | None:
        """How its answers of language models add up over all tasks; None where it asks none."""
        return answers_of(*(entry.result for entry in self.entries))

    def place(self, benchmark: Benchmark | None) -> str:
        """Its rank as tables show it, see :meth:`Row.place`."""
        return place_of(self.rank, self.statistics.is_twin, benchmark)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overall:
    """All agents over several tasks of one protocol, all real or all simulated.

    Attributes:
        protocol: its name.
        simulated: whether the markets are simulated.
        options: of the environments, in words; empty for none.
        settings: the tasks that are counted.
        benchmark: the agent that others are compared with, by its name in the table; None where it
            is missing.
        compared_with: the same, in words for readers.
        comparison: the statistics over all of them.
        rows: by mean Sharpe ratio, best first.
        sentence: what a reader may quote.
        notes: which agents or tasks are left out and why, a line each.
        findings: what is wrong or missing in the data, a line each, with the tasks that it is of.
    """

    protocol: str
    simulated: bool
    options: str
    settings: tuple[Setting, ...]
    benchmark: str | None
    compared_with: Benchmark | None
    comparison: Comparison
    rows: tuple[OverallRow, ...]
    sentence: str
    notes: tuple[str, ...]
    findings: tuple[str, ...] = ()
