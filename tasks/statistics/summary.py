"""Everything a leaderboard says of its agents and their pairs, in one call."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.statistics.agents import own_figures
from investorbench.tasks.statistics.comparison import (
    AgentStatistics,
    Bootstrap,
    Comparison,
    Luck,
    scope_of,
)
from investorbench.tasks.statistics.estimate import DRAWS, SEED, Estimate, FloatArray
from investorbench.tasks.statistics.jointly import Jointly
from investorbench.tasks.statistics.lineup import Lineup
from investorbench.tasks.statistics.luck import NO_ALPHA, luck_of
from investorbench.tasks.statistics.one_task import OneTask, Runs
from investorbench.tasks.statistics.overfitting import overfitting_among
from investorbench.tasks.statistics.pairs import IS_TWIN, Families
from investorbench.tasks.statistics.rank_sets import rank_sets
from investorbench.tasks.statistics.scores import DrawnUnit
from investorbench.tasks.statistics.selection import random_percentile
from investorbench.tasks.statistics.several_tasks import SeveralTasks
from investorbench.tasks.statistics.track_record import days_until_sure, probability_above_zero
from investorbench.tasks.statistics.variance import variance_split
from investorbench.tasks.statistics.yearly import Yearly
from investorbench_env.protocols import Convention


class TaskRuns(NamedTuple):
    """Runs of all agents on one of several tasks.

    Attributes:
        runs: as for ``compare_agents``.
        dates: the days, in order [T]; None where each run has a market of its own.
        periods_a_year: how many returns are a year.
        cash_rate: what cash earns a year.
    """

    runs: Mapping[str, Runs]
    dates: npt.NDArray[np.datetime64] | None
    periods_a_year: float
    cash_rate: float = 0.0

    def yearly(self, convention: Convention) -> Yearly:
        """How figures of the task are made."""
        return Yearly(
            periods_a_year=self.periods_a_year, convention=convention, cash_rate=self.cash_rate
        )


class Chance(NamedTuple):
    """Sharpe ratios a year of random policies [N], for all and by agent; or why there are none."""

    uniform: FloatArray | None = None
    matched: Mapping[str, FloatArray | str] = {}


def compare_agents(
    runs: Mapping[str, Runs],
    benchmark: str | None,
    periods_a_year: float,
    convention: Convention = "simple",
    *,
    unit: DrawnUnit = "day",
    days_of_markets: int | None = None,
    cash_rate: float = 0.0,
    trials: Collection[str] | None = None,
    configuration_of: Mapping[str, str] | None = None,
    random_sharpes: FloatArray | None = None,
    matched_sharpes: Mapping[str, FloatArray | str] | None = None,
    jointly: bool = True,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Comparison:
    """Statistics of a leaderboard: one task, protocol, window and data source.

    The figure of an agent is the mean over its repeats. Without ``arch``, tests over all agents
    have a reason instead.

    Args:
        runs: returns of each agent's repeats by name [R, T]; R may differ, T may not
            (``filled_up`` is for ruined accounts). Where markets are drawn, one [T_m] in each, the
            same markets in the same order for all agents.
        benchmark: its name among them; None where it is not, and nothing is compared with it.
        periods_a_year: how many returns are a year.
        convention: how returns add up.
        unit: what is drawn, days or markets; of a single market days are.
        days_of_markets: where each return is that of a whole market, which follows from nothing in
            another, how many days these have; cumulative returns are then means over markets.
        cash_rate: what cash earns a year.
        trials: agents that somebody tried, by name; otherwise all but the benchmark. Twins of it
            are none.
        configuration_of: what agents are configurations of, by their names.
        random_sharpes: Sharpe ratio a year of random policies on the same task [N].
        matched_sharpes: the same of policies of an agent's own exposure and turnover, by its name;
            or why there are none.
        jointly: whether to test all agents at once, by SPA and confidence set. Loading what they
            need takes longer than all else here.
        draws: of the bootstrap.
        seed: of the draws.

    Raises:
        UnknownNameError: the benchmark is not among the runs.
        ReturnsError: not the same days or markets for all.
    """
    if all(len(own) == 1 for own in runs.values()):
        unit = "day"  # of a single market, days are what can be drawn
    yearly = Yearly(periods_a_year=periods_a_year, convention=convention, cash_rate=cash_rate)
    lineup = OneTask(runs, benchmark, unit, yearly, days_of_markets)
    chance = Chance(uniform=random_sharpes, matched=matched_sharpes or {})
    tried = lineup.names if trials is None else trials
    found = _compared(lineup, tried, chance, jointly=jointly, draws=draws, seed=seed)
    chosen = {name: group for name, group in (configuration_of or {}).items() if name != benchmark}
    return replace(found, overfitting=overfitting_among(lineup.in_a_row, chosen))


def over_tasks(
    tasks: Sequence[TaskRuns],
    benchmark: str | None,
    convention: Convention = "simple",
    *,
    trials: Collection[str] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Comparison:
    """Statistics of means over tasks of one protocol, all with the same agents.

    Each draw takes the same dates of the common calendar for all agents and tasks; where markets
    are drawn, it takes markets of all tasks. Figures that are of one task alone have a reason.

    Args:
        tasks: runs of the agents on each.
        benchmark: its name among them; None where it is not.
        convention: how returns add up.
        trials: as for ``compare_agents``.
        draws: of the bootstrap.
        seed: of the draws.
    """
    has_markets = any(task.dates is None for task in tasks)
    lineups = [
        OneTask(task.runs, benchmark, "market" if has_markets else "day", task.yearly(convention))
        for task in tasks
    ]
    dates = [task.dates for task in tasks if task.dates is not None]
    lineup = SeveralTasks(lineups, [] if has_markets else dates)
    tried = lineup.names if trials is None else trials
    return _compared(lineup, tried, Chance(), jointly=False, draws=draws, seed=seed)


def _compared(
    lineup: Lineup,
    trials: Collection[str],
    chance: Chance,
    *,
    jointly: bool,
    draws: int,
    seed: int,
) -> Comparison:
    block = lineup.block
    families = Families(lineup=lineup, resampling=lineup.resampling(block.days, draws, seed))
    together = Jointly(families=families, asked_for=jointly)
    luck, deflated = _luck(families, trials)
    figures, too_few = own_figures(lineup, draws, seed), lineup.too_few_markets

    def agent(name: str) -> AgentStatistics:
        own, alpha = figures[name], families.against.get(name)
        return AgentStatistics(
            cr=own["growth"],
            sr=own["sharpe"],
            scope=scope_of(lineup.repeats(name)),
            repeats=lineup.repeats(name),
            idle_repeats=lineup.idle(name),
            is_twin=name in lineup.twins,
            alpha=alpha.difference if alpha else own["beta"],
            beta=own["beta"],
            appraisal=own["appraisal"],
            correlation=own["correlation"],
            excess=own["excess"],
            information_ratio=own["information_ratio"],
            probabilistic=_probabilistic(lineup, name, own["sharpe"]),
            deflated=deflated[name],
            track_record=_track_record(lineup, name, own["sharpe"]),
            best=together.best[name],
            random=_random(own["sharpe"], chance.matched.get(name), too_few),
            random_uniform=_random(own["sharpe"], chance.uniform, too_few),
            variance=variance_split(lineup, name),
        )

    return Comparison(
        agents={name: agent(name) for name in lineup.names},
        against=families.against,
        pairs=families.pairs,
        rank_sets=rank_sets(lineup.names, families.pairs),
        superior=together.superior,
        luck=luck,
        days_of_best=families.days_of_best,
        smallest_p=1.0 / (draws + 1),
        days=lineup.days,
        markets=lineup.units if lineup.unit == "market" else 0,
        bootstrap=Bootstrap(block=block, draws=draws, seed=seed),
    )


def filled_up(returns: FloatArray, days: int) -> FloatArray:
    """Returns [T'] of a ruined account as [days]: after its ruin it earns nothing."""
    return np.concatenate([returns, np.zeros(days - len(returns))])


def _luck(families: Families, trials: Collection[str]) -> tuple[Luck, dict[str, Estimate]]:
    """Luck, and of each agent its deflated Sharpe ratio; those that are the same count once."""
    lineup, alphas = families.lineup, families.alphas
    same_as = {name: lineup.same_as[name] for name in trials if name in lineup.same_as}
    tried = set(same_as.values())
    luck, found = Luck(trials=0, reason=NO_ALPHA), dict[str, Estimate]()
    if alphas:
        luck, found = luck_of(alphas, tried & alphas.keys(), families.resampling)
        # One that was tried, whichever stands for all that are the same.
        named = [name for name, same in same_as.items() if same == luck.agent]
        luck = replace(luck, agent=min(named, default=None))
    deflated = {}
    for name in lineup.names:
        why, same = lineup.without_benchmark(name), lineup.same_as.get(name, "")
        deflated[name] = found.get(same) or Estimate(reason=why or IS_TWIN)
    return luck, deflated


def _probabilistic(lineup: Lineup, name: str, sr: Estimate) -> Estimate:
    if sr.low is None:
        return Estimate(reason=sr.reason)
    return probability_above_zero(lineup.own(name, "sharpe"), lineup.variance_without_skill(name))


def _track_record(lineup: Lineup, name: str, sr: Estimate) -> Estimate:
    if sr.low is None:
        return Estimate(reason=sr.reason)
    variance = lineup.variance_without_skill(name)
    return days_until_sure(lineup.own(name, "sharpe"), variance, lineup.days)


def _random(
    sr: Estimate, random_sharpes: FloatArray | str | None, too_few_markets: str | None
) -> Estimate:
    if random_sharpes is None:
        return Estimate(reason="no random policies were run")
    if isinstance(random_sharpes, str):
        return Estimate(reason=random_sharpes)
    if sr.value is None or (sr.reason is not None and sr.reason != too_few_markets):
        return Estimate(reason=sr.reason)
    return random_percentile(sr.value, random_sharpes)
