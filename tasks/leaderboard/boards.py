"""A leaderboard for each setting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from investorbench.agents.baselines import BuyAndHold
from investorbench.tasks.evaluator import evaluate
from investorbench.tasks.leaderboard.benchmarks import Benchmark, benchmark_named
from investorbench.tasks.leaderboard.entries import (
    Group,
    Setting,
    benchmark_in,
    grouped,
)
from investorbench.tasks.leaderboard.notes import notes_of
from investorbench.tasks.leaderboard.ranks import difference_of, places
from investorbench.tasks.leaderboard.sentences import sentence_of
from investorbench.tasks.result import Entry, Episode, Result
from investorbench.tasks.running.references import random_sharpes
from investorbench.tasks.statistics import (
    AgentStatistics,
    Comparison,
    Pair,
    compare_agents,
    filled_up,
    nothing_to_compare,
)
from investorbench.tasks.statistics.estimate import DRAWS, FloatArray
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.protocols import find_protocol

Dates = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """A line of a leaderboard.

    Attributes:
        agent: what the table calls it: its name, and that of its run where two runs differ.
        entry: the agent and what it came to.
        statistics: what can be told of it.
        against: the agent less Buy & Hold; None for Buy & Hold itself, or without it.
        rank: the best and the worst place that the tests of all pairs leave it; equal ones are
            ties, and where nothing is told apart everybody has (1, number of agents).
    """

    agent: str
    entry: Entry
    statistics: AgentStatistics
    against: Pair | None
    rank: tuple[int, int]

    @property
    def metrics(self) -> Mapping[str, float]:
        """Those of the repeat with the median Sharpe ratio, by their keys."""
        return self.entry.result.metrics

    @property
    def sr(self) -> float:
        """Sharpe ratio a year; a ruined account counts with all days of the setting."""
        value = self.statistics.sr.value
        return self.metrics["SR"] if value is None else value

    @property
    def cr(self) -> float:
        """Cumulative return."""
        value = self.statistics.cr.value
        return self.metrics["CR"] if value is None else value

    @property
    def is_ruined(self) -> bool:
        """Whether an account of it was worth nothing before the end."""
        return any(episode.ended_early for episode in self.entry.result.episodes)


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

    @property
    def facts(self) -> Facts:
        """What is known of what they were scored on."""
        return self.rows[0].entry.result.facts

    @property
    def compared_with(self) -> Benchmark | None:
        """What agents of this task are compared with; None where there is nothing."""
        name = self.facts.benchmark
        return benchmark_named(name) if name else None

    @property
    def benchmark(self) -> str | None:
        """What the table calls Buy & Hold; None where it is missing."""
        return benchmark_in({row.agent: row.entry for row in self.rows})


def leaderboards(
    entries: Iterable[Entry], *, jointly: bool = True, draws: int = DRAWS
) -> list[Leaderboard]:
    """A leaderboard for each setting; Buy & Hold is added wherever it is not among the entries.

    Where the market of a setting is not at hand, there is a note instead of Buy & Hold, and no
    percentile among random policies.

    Args:
        entries: agents on tasks, in any order.
        jointly: whether to test all agents of a setting at once, see ``compare_agents``.
        draws: of each bootstrap.
    """
    return [
        _board(setting, group, notes, jointly, draws)
        for setting, (group, notes) in grouped(entries).items()
    ]


def _board(
    setting: Setting, group: Group, notes: list[str], jointly: bool, draws: int
) -> Leaderboard:
    task = next(iter(group.values())).result.task
    try:
        chance = _with_market(setting, group, task)
    except InvestorBenchError as error:
        chance = None
        missing = "" if benchmark_in(group) else "Buy & Hold and "
        why = str(error).split(";")[0]  # what follows concerns folders of this machine
        notes = [*notes, f"without {missing}random policies: {why}"]
    comparison = _compare(group, task, chance, jointly, draws)
    against = [difference_of(pair) for pair in comparison.against.values()]
    rank = places(list(group), [*against, *map(difference_of, comparison.pairs)])
    rows = [
        Row(
            agent=name,
            entry=entry,
            statistics=comparison.agents[name],
            against=comparison.against.get(name),
            rank=rank[name],
        )
        for name, entry in group.items()
    ]
    rows.sort(key=lambda row: (-row.sr, row.agent))
    return Leaderboard(
        setting=setting,
        rows=tuple(rows),
        comparison=comparison,
        sentence=sentence_of(setting, rows, comparison, against, task.days_a_year),
        notes=(*notes_of(rows, comparison, chance), *notes),
    )


def _with_market(setting: Setting, group: Group, task: Task) -> FloatArray:
    """Sharpe ratios of random policies; adds Buy & Hold to a group that has none.

    Raises:
        InvestorBenchError: the market is not at hand, or is not the one that was recorded.
    """
    setup = task.make("test").unwrapped.setup  # type: ignore[attr-defined]
    if not setup.market.is_the_one_recorded(setting.market):
        raise InvestorBenchError("the market found here is not the one that was recorded")
    if benchmark_in(group) is None:
        held = evaluate(BuyAndHold(), task, warmup=False)
        group[held.agent] = Entry(result=held, planned=1)
    return random_sharpes(setup, task.days_a_year, task.id)


def _compare(
    group: Group, task: Task, chance: FloatArray | None, jointly: bool, draws: int
) -> Comparison:
    repeats = {name: len(entry.result.episodes) for name, entry in group.items()}
    dates = dates_of([entry.result for entry in group.values()])
    if dates is None:
        return nothing_to_compare(repeats, "episodes lie on different days")
    return compare_agents(
        {name: returns_of(entry.result, len(dates)) for name, entry in group.items()},
        benchmark_in(group),
        task.days_a_year,
        find_protocol(task.protocol).convention,
        random_sharpes=chance,
        jointly=jointly,
        draws=draws,
    )


def returns_of(result: Result, days: int) -> FloatArray:
    """Returns of all repeats [R, days]."""
    return np.array([filled_up(episode.returns, days) for episode in result.episodes])


def dates_of(results: Sequence[Result]) -> Dates | None:
    """The days of all episodes; None where they are not the same, but for a ruin."""
    episodes = [episode for result in results for episode in result.episodes]
    longest = max(episodes, key=lambda episode: len(episode.returns))
    dates = longest.sessions[:-1]
    return dates if all(_lies_on(episode, dates) for episode in episodes) else None


def _lies_on(episode: Episode, dates: Dates) -> bool:
    days = len(episode.returns)
    return np.array_equal(episode.sessions[:-1], dates[:days]) and (
        days == len(dates) or bool(episode.equity[-1] <= 0.0)
    )
