"""Leaderboards: the agents of one task beside each other, with what can be told of them.

Data flows from recorded entries to a leaderboard for each setting, and from those to one over all
tasks. Nothing here reads a file, and nothing draws; tables, exports and the report do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tasks.result import Result
from tasks.statistics import AgentStatistics, Comparison, Estimate, Pair


class Setting(NamedTuple):
    """What results must have in common to stand in one table."""

    task: str
    symbol: str
    protocol: str
    start: str
    end: str
    data_source: str
    simulated: bool
    options: str


class Failure(NamedTuple):
    """A repeat that did not come to its end.

    Attributes:
        repeat: its number.
        kind: ``"agent"``, whose code raised; ``"infrastructure"``, such as a server that was down;
            ``"unfinished"``, interrupted or not begun.
        why: in one line.
        trace: of the exception; empty where there is none.
    """

    repeat: int
    kind: str
    why: str
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """An agent on one task, as far as it came.

    Attributes:
        result: what the finished repeats came to, at least one.
        planned: how many repeats were to be run.
        failures: the others.
        run: the name of the run folder it was recorded in; empty where it is in none.
    """

    result: Result
    planned: int
    failures: tuple[Failure, ...] = ()
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """A line of a leaderboard.

    Attributes:
        entry: the agent and what it came to.
        statistics: what can be told of it.
        against: the agent less Buy & Hold; None for Buy & Hold itself.
        rank: the best and the worst place that the tests of all pairs leave it; equal ones are
            ties, and where nothing is told apart everybody has (1, number of agents).
    """

    entry: Entry
    statistics: AgentStatistics
    against: Pair | None
    rank: tuple[int, int]

    @property
    def agent(self) -> str:
        return self.entry.result.agent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leaderboard:
    """All agents of one setting.

    Attributes:
        setting: what they have in common.
        rows: by Sharpe ratio, best first.
        comparison: the statistics over all of them.
        sentence: what a reader may quote.
        notes: what the figures rest on and what is missing, a line each.
    """

    setting: Setting
    rows: tuple[Row, ...]
    comparison: Comparison
    sentence: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OverallRow:
    """An agent over all tasks that every agent of the table was scored on.

    Attributes:
        agent: its name.
        sr: mean Sharpe ratio a year over the tasks, with its interval.
        cr: mean cumulative return over the tasks, with its interval.
        against: its mean Sharpe ratio less that of Buy & Hold, with interval and p-value.
        rank: as in :class:`Row`.
    """

    agent: str
    sr: Estimate
    cr: Estimate
    against: Estimate | None
    rank: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overall:
    """All agents over several tasks of one protocol, all real or all simulated.

    Attributes:
        protocol: its name.
        simulated: whether the markets are simulated.
        settings: the tasks that are counted.
        rows: by mean Sharpe ratio, best first.
        sentence: what a reader may quote.
        notes: which agents or tasks are left out and why, a line each.
    """

    protocol: str
    simulated: bool
    settings: tuple[Setting, ...]
    rows: tuple[OverallRow, ...]
    sentence: str
    notes: tuple[str, ...]


def leaderboards(entries: Iterable[Entry]) -> list[Leaderboard]:
    """A leaderboard for each setting; Buy & Hold is added wherever it is not among the entries."""
    raise NotImplementedError


def overall(boards: Sequence[Leaderboard]) -> list[Overall]:
    """Agents over all tasks: one for each protocol, real and simulated markets apart."""
    raise NotImplementedError
