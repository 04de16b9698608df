"""What stands in a leaderboard before anything is compared: recorded agents, and references."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.metrics import performance
from investorbench.tasks.result import Entry, Episode, Reference
from investorbench.tasks.statistics import filled_up
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench_env.facts import Facts

Dates = npt.NDArray[np.datetime64]


class Days(NamedTuple):
    """One run through a window, day by day.

    Attributes:
        dates: of its returns [D].
        returns: daily returns [D].
        is_ruined: whether the account was ruined in the last of them.
    """

    dates: Dates
    returns: FloatArray
    is_ruined: bool

    def are_of(self, dates: Dates) -> bool:
        """Whether they are those of a table, or begin them and end in a ruin."""
        own = len(self.dates)
        is_whole = own == len(dates) or self.is_ruined
        return is_whole and np.array_equal(self.dates, dates[:own])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contestant:
    """An agent as a leaderboard compares it.

    Attributes:
        agent: its own name.
        runs: of each repeat.
        shown: the one whose figures are shown, that with the median Sharpe ratio.
        metrics: of that, by their keys.
        is_ruined: whether any of its accounts was ruined before the end.
        entry: what was recorded of it; None of a reference.
    """

    agent: str
    runs: tuple[Days, ...]
    shown: Days
    metrics: Mapping[str, float]
    is_ruined: bool
    entry: Entry | None = None

    @classmethod
    def recorded(cls, entry: Entry) -> "Contestant":
        """An agent that was scored."""
        result = entry.result
        return cls(
            agent=result.agent,
            runs=tuple(map(days_of, result.episodes)),
            shown=days_of(result.median),
            metrics=result.metrics,
            is_ruined=any(episode.ended_early for episode in result.episodes),
            entry=entry,
        )

    @classmethod
    def of_reference(cls, reference: Reference, facts: Facts) -> "Contestant":
        """An agent that was run to compare others with; its daily returns are known.

        Metrics that are younger than the record follow from those, as far as they can.
        """
        dates, returns = reference.dates, reference.returns
        assert dates is not None and returns is not None
        run = Days(dates, returns, bool(returns[-1] <= -1.0))
        figures = performance(returns, facts.convention, facts.periods_a_year)
        return cls(
            agent=reference.name,
            runs=(run,),
            shown=run,
            metrics=figures | reference.figures,
            is_ruined=run.is_ruined,
        )

    def returns_on(self, dates: Dates) -> FloatArray:
        """Returns of all repeats on the days of a table [R, D]; after a ruin they are 0."""
        return np.array([filled_up(run.returns, len(dates)) for run in self.runs])


def days_of(episode: Episode) -> Days:
    """The days of an episode."""
    is_ruined = bool(episode.equity[-1] <= 0.0)
    return Days(episode.dates, episode.returns, is_ruined)


def common_dates(contestants: Iterable[Contestant]) -> Dates | None:
    """The days of all runs; None where they are not the same, but for a ruin."""
    runs: Sequence[Days] = [run for each in contestants for run in each.runs]
    dates = max(runs, key=lambda run: len(run.dates)).dates
    return dates if all(run.are_of(dates) for run in runs) else None
