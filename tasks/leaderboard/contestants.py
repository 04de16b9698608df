"""What stands in a leaderboard before anything is compared: recorded agents, and references."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.answers import answers_of
from investorbench.tasks.judging import (
    RATIOS,
    is_one_observation,
    performance_of,
)
from investorbench.tasks.metrics import mean_of, performance
from investorbench.tasks.result import Entry, Episode, Reference
from investorbench.tasks.statistics import filled_up
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench_env.facts import Facts

Dates = npt.NDArray[np.datetime64]

DIFFERENT_DAYS = "episodes lie on different days"
DIFFERENT_MARKETS = "no market was met by all of them"


class Days(NamedTuple):
    """One run through a window, day by day.

    Attributes:
        dates: of its returns [D].
        returns: daily returns [D].
        is_ruined: whether the account was ruined in the last of them.
        market: what its environment began with, where that decides the market; else None.
    """

    dates: Dates
    returns: FloatArray
    is_ruined: bool
    market: int | None = None

    def are_of(self, dates: Dates) -> bool:
        """Whether they are those of a table, or begin them and end in a ruin."""
        own = len(self.dates)
        is_whole = own == len(dates) or self.is_ruined
        return is_whole and np.array_equal(self.dates, dates[:own])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommonDays:
    """The days on which the agents of a table are compared.

    Attributes:
        windows: the days of each market, in the order of repeats; of one that all repeats share
            its own alone, under None.
    """

    windows: Mapping[int | None, Dates]

    @property
    def markets(self) -> tuple[int, ...]:
        """Where another seed leads to another market, those that all agents met."""
        return tuple(market for market in self.windows if market is not None)

    @property
    def dates(self) -> Dates:
        """Of all returns, market after market [D]."""
        return np.concatenate(list(self.windows.values()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contestant:
    """An agent as a leaderboard compares it.

    Attributes:
        agent: its own name.
        facts: of its environment.
        runs: of each repeat.
        metrics: of each repeat, by their keys.
        is_ruined: whether any of its accounts was ruined before the end.
        entry: what was recorded of it; None of a reference.
    """

    agent: str
    facts: Facts
    runs: tuple[Days, ...]
    metrics: tuple[Mapping[str, float], ...]
    is_ruined: bool
    entry: Entry | None = None

    @classmethod
    def recorded(cls, entry: Entry) -> "Contestant":
        """An agent that was scored."""
        result = entry.result
        return cls(
            agent=result.agent,
            facts=result.facts,
            runs=tuple(days_of(episode, result.facts) for episode in result.episodes),
            metrics=tuple(episode.metrics for episode in result.episodes),
            is_ruined=any(episode.ended_early for episode in result.episodes),
            entry=entry,
        )

    @classmethod
    def of_references(cls, references: Sequence[Reference], facts: Facts) -> "Contestant":
        """An agent that was run to compare others with, of whose runs the daily returns are known.

        Metrics that are younger than the record follow from those, as far as they can.
        """
        runs, metrics = [], []
        for each in references:
            assert each.dates is not None and each.returns is not None
            is_ruined = bool(each.returns[-1] <= -1.0)
            runs.append(Days(each.dates, each.returns, is_ruined, each.market_seed))
            found = performance_of(each.returns, facts)
            metrics.append(found | each.figures)
        return cls(
            agent=references[0].name,
            facts=facts,
            runs=tuple(runs),
            metrics=tuple(metrics),
            is_ruined=any(run.is_ruined for run in runs),
        )

    def runs_on(self, common: CommonDays) -> tuple[FloatArray, ...]:
        """Returns on the days of a table, an array [D] each; after a ruin they are 0.

        One a repeat where all share a market. Where each has its own, one a market, in their order;
        where a whole market is one observation, what each of them returned, in one array.
        """
        if is_one_observation(self.facts):
            return (self.over_markets(common),)
        return tuple(
            filled_up(self.runs[place].returns, len(common.windows[self.runs[place].market]))
            for place in self._places_in(common)
        )

    def over_markets(self, common: CommonDays) -> FloatArray:
        """What each market of a table returned, in their order [M]."""
        return np.array([self.metrics[place]["CR"] for place in self._places_in(common)])

    def idle_in(self, common: CommonDays) -> int:
        """In how many markets of a table it never held anything."""
        held = (self.metrics[place]["time_in_market"] for place in self._places_in(common))
        return sum(share == 0.0 for share in held)

    def metrics_on(self, common: CommonDays) -> Mapping[str, float]:
        """Its metrics by their keys, means over repeats or over the markets of a table.

        Days after a ruin count as returns of 0. Where a whole market is one observation, ratios are
        those of what the markets returned, one after another.
        """
        found = mean_of([self._metrics_of(place, common) for place in self._places_in(common)])
        if not is_one_observation(self.facts):
            return found
        periods = periods_a_year(self.facts, common)
        row = performance(self.over_markets(common), self.facts.convention, periods)
        return {**found, **{name: row[name] for name in RATIOS}}

    def ratios_on(self, common: CommonDays) -> tuple[float, ...]:
        """Sharpe ratio a year of each of :meth:`runs_on`; none where those have none apart."""
        if is_one_observation(self.facts):
            return ()
        return tuple(self._metrics_of(place, common)["SR"] for place in self._places_in(common))

    @property
    def median(self) -> Mapping[str, float]:
        """Metrics of the repeat with the median Sharpe ratio."""
        return self.metrics[0] if self.entry is None else self.entry.result.median.metrics

    @property
    def is_whole(self) -> bool:
        """Whether every repeat that was planned came to its end."""
        return self.entry is None or len(self.runs) >= self.entry.planned

    @property
    def is_ranked(self) -> bool:
        """Whether enough decisions are its own, where it asks a language model."""
        answers = None if self.entry is None else answers_of(self.entry.result)
        return answers is None or answers.is_ranked

    def _places_in(self, common: CommonDays) -> Sequence[int]:
        """Its repeats that count in a table."""
        of_market = {run.market: n for n, run in enumerate(self.runs)}
        return [of_market[market] for market in common.markets] or range(len(self.runs))

    def _metrics_of(self, place: int, common: CommonDays) -> Mapping[str, float]:
        run, found = self.runs[place], self.metrics[place]
        days = len(common.windows[run.market])
        if len(run.returns) == days:
            return found
        whole = filled_up(run.returns, days)
        return {
            **found,
            **performance_of(whole, self.facts),
        }

    def drawn_on(self, common: CommonDays) -> int:
        """The repeat that is drawn: the first market's, or the one with the median Sharpe ratio."""
        if common.markets:
            return [run.market for run in self.runs].index(common.markets[0])
        if self.entry is None:
            return 0
        result = self.entry.result
        return result.episodes.index(result.median)

    @property
    def own_days(self) -> CommonDays:
        """Those of its own runs, where it shares none with others."""
        if not self.facts.draws_markets:
            return CommonDays(windows={None: max((run.dates for run in self.runs), key=len)})
        return CommonDays(windows={run.market: run.dates for run in self.runs})


def periods_a_year(facts: Facts, common: CommonDays) -> float:
    """How many returns are a year: days, or whole markets where each is one observation."""
    if not is_one_observation(facts):
        return facts.periods_a_year
    return facts.periods_a_year * len(common.windows) / len(common.dates)


def days_of(episode: Episode, facts: Facts) -> Days:
    """The days of an episode."""
    is_ruined = bool(episode.equity[-1] <= 0.0)
    market = episode.market_seed if facts.draws_markets else None
    return Days(episode.dates, episode.returns, is_ruined, market)


def common_days(contestants: Iterable[Contestant]) -> CommonDays | str:
    """The days on which all can be compared; where there are none, why not."""
    given = list(contestants)
    runs: dict[int | None, list[Days]] = {}
    for run in (run for each in given for run in each.runs):
        runs.setdefault(run.market, []).append(run)
    met = [{run.market for run in each.runs} for each in given]
    shared = {market: own for market, own in runs.items() if all(market in each for each in met)}
    windows = {market: max((run.dates for run in own), key=len) for market, own in shared.items()}
    if not windows:
        return DIFFERENT_MARKETS
    if not all(run.are_of(windows[market]) for market, own in shared.items() for run in own):
        return DIFFERENT_DAYS
    return CommonDays(windows=windows)
