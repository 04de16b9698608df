"""Which jobs race, and under which rule.

The rule is among the settings of every job of a race, with the names of all its agents, so a reader
of the record can look again, and see that each agent played as much as follows from the scores.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from investorbench.agents.llm import Budget
from investorbench.tasks.record.settings import RACE, REPEATS
from investorbench.tasks.result import Result
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.observed import (
    ASSETS_A_DAY,
    RepeatScores,
    is_paired,
    observations,
)
from investorbench.tasks.running.rounds import Rounds
from investorbench.tasks.seeds import BLOCK
from investorbench.tasks.statistics.estimate import FEWEST_DAYS
from investorbench.tasks.statistics.sequential import Look, Race, Stopping, StoppingError
from investorbench.tasks.statistics.sequential.anytime import BURN_IN
from investorbench.tasks.task import settings_of
from investorbench_env.envs.snapshot_days import DayDeal
from investorbench_env.envs.snapshot_given import GivenSnapshots

ROUND, AGENTS = "round", "agents"
"""Settings of a race beside those of its rule: the repeats of a round, and who races."""
OF_A_RACE = ("task", "protocol", "data", RACE, "seed")
"""Settings that its jobs have in common."""


def racing(
    jobs: Sequence[Job],
    rule: Mapping[str, Any],
    size: int = 1,
    max_decisions: int | None = None,
    aside: Collection[str] = (),
) -> list[Job]:
    """Jobs that stop when the answer is known.

    Args:
        jobs: of one run. Their repeats are the most that an agent plays.
        rule: the arguments of :class:`~investorbench.tasks.statistics.sequential.Stopping` without
            ``most``; differences are in basis points, of a decision or of a day.
        size: repeats of a round.
        max_decisions: that an agent takes, or episodes where they are of accounts; None for all
            repeats of its job.
        aside: names of agents that play all repeats in any case, unless one is the reference.

    Raises:
        InvestorBenchError: the rule is none, the reference is missing, or the repeats of a task
            are no independent observations.
    """
    for name, value in (("round", size), ("max_decisions", max_decisions)):
        if value is not None and (type(value) is not int or value < 1):
            raise StoppingError(f"{name}={value!r} must be a whole number of at least 1")
    by_task: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        by_task[json.dumps(settings_of(job.task), sort_keys=True, default=str)].append(job)
    found: dict[Job, Job] = {}
    for own in by_task.values():
        racers = [job for job in own if job.name not in aside or job.name == rule["reference"]]
        setting = _setting(racers, rule, size, max_decisions)
        for job in own:
            dealt = _dealt_in_days(job, setting)
            raced = {REPEATS: setting[REPEATS], RACE: setting} if job in racers else {}
            found[job] = replace(dealt, settings={**dealt.settings, **raced})
    return [found[job] for job in jobs]


def _dealt_in_days(job: Job, setting: Mapping[str, Any]) -> Job:
    """A job beside a race on real days, which meets the same ones in the same order."""
    if ASSETS_A_DAY not in setting:
        return job
    own, in_days = job.settings["task"], {ASSETS_A_DAY: setting[ASSETS_A_DAY]}
    return replace(
        job,
        task=replace(job.task, options={**job.task.options, **in_days}),
        settings={
            **job.settings,
            "task": {**own, "options": {**(own["options"] or {}), **in_days}},
        },
    )


def _setting(
    racers: Sequence[Job], rule: Mapping[str, Any], size: int, max_decisions: int | None
) -> dict[str, Any]:
    job, names = racers[0], [job.name for job in racers]
    if len({each.repeats for each in racers}) > 1:
        raise StoppingError(f"agents of one race have as many repeats each: {', '.join(names)}")
    given = {name: value for name, value in rule.items() if value is not None}
    if isinstance(given.get("bound"), list):
        given["bound"] = tuple(given["bound"])
    block, in_pair = int(job.settings.get(BLOCK, 1)), 2 if is_paired(job.task) else 1
    if block % in_pair:
        raise StoppingError(f"block={block} splits an antithetic pair: give an even one")
    if max_decisions is not None and max_decisions < block:
        raise StoppingError(f"max_decisions={max_decisions} is less than a block of {block}")
    repeats = job.repeats if max_decisions is None else max_decisions // block
    days = _days_of(job, repeats * block)
    most = repeats * block // in_pair if days is None else days.days
    stopping = Stopping(**{**given, "most": most})
    stopping.pairs(names)
    if stopping.anytime and stopping.bound is None and most < BURN_IN:
        raise StoppingError(
            f"anytime=true says nothing before {BURN_IN} observations, and there are {most} at "
            "most: ask for more decisions or days, leave it out, or give a bound"
        )
    own = {name: value for name, value in asdict(stopping).items() if value is not None}
    if stopping.bound is not None:
        own["bound"] = list(stopping.bound)
    in_days = {} if days is None else {ASSETS_A_DAY: days.assets_a_day}
    return {**own, REPEATS: repeats, ROUND: size, AGENTS: names, **in_days}


def _days_of(job: Job, decisions: int) -> DayDeal | None:
    """The days that so many real snapshots are of; None where a repeat has its own market.

    Raises:
        StoppingError: repeats are on one market, or there are too few days.
    """
    task = job.task
    markets = task.snapshots().markets if task.is_of_snapshots else None
    if not isinstance(markets, GivenSnapshots):
        facts = task.facts("test")
        if facts.simulated and facts.draws_markets:
            return None
        raise StoppingError(
            f"{task.id}: repeats on one market are no independent observations; until=... is for "
            "snapshots, and for simulated markets, a new one in each repeat"
        )
    found = markets.day_by_day(decisions)
    if found.days < FEWEST_DAYS:
        raise StoppingError(
            f"{decisions:,} decisions of {task.id} are {found.days} whole days whose horizons "
            f"share no session, and a race needs {FEWEST_DAYS}: ask for more decisions or dates, "
            "or for a shorter horizon"
        )
    return found


def race_of(setting: Mapping[str, Any]) -> Race:
    """The race that a setting describes, before its first look.

    Raises:
        InvestorBenchError: it describes none.
    """
    try:
        beside = (REPEATS, ROUND, AGENTS, ASSETS_A_DAY)
        rule = {n: v for n, v in setting.items() if n not in beside}
        if "bound" in rule:
            rule["bound"] = tuple(rule["bound"])
        return Race(stopping=Stopping(**rule), names=tuple(setting[AGENTS]))
    except (LookupError, TypeError, ValueError) as error:
        raise StoppingError(f"the settings of a race describe none: {error}") from None


def race_key(raced: Job | Result) -> str | None:
    """What the jobs or the results of one race have in common; None of one that does not race."""
    return race_in(raced.settings)


def race_in(settings: Mapping[str, Any]) -> str | None:
    """The same from the settings of a job, also where its data is elsewhere."""
    if not isinstance(settings.get(RACE), dict):
        return None
    return json.dumps({name: settings.get(name) for name in OF_A_RACE}, sort_keys=True, default=str)


def rounds_of(jobs: Iterable[Job], budget: Budget) -> dict[Job, Rounds]:
    """The rounds that each job plays, those of a race in common."""
    by_race: dict[str, Rounds] = {}
    found: dict[Job, Rounds] = {}
    for job in jobs:
        if (key := race_key(job)) is not None:
            if key not in by_race:
                own = job.settings[RACE]
                by_race[key] = _rounds(own, Affords(budget))
            found[job] = by_race[key]
    return found


class Affords:
    """Whether a budget has what the last round cost, and what its dearest call could have.

    The next round has no more agents than the last; before its last call as much has to be left as
    that can cost at most.

    Args:
        budget: of the run.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget, self._spent = budget, budget.spent_usd

    def __call__(self) -> bool:
        """After a round."""
        spent = self._budget.spent_usd
        cost, self._spent = spent - self._spent, spent
        needed = spent + cost + self._budget.dearest_usd
        return self._budget.max_usd is None or needed <= self._budget.max_usd


def rounds_again(
    setting: Mapping[str, Any], scores: Mapping[str, Sequence[RepeatScores]]
) -> Rounds:
    """The rounds of a race, from the scores of each repeat that its agents have finished.

    Raises:
        InvestorBenchError: the setting describes no race, or scores cannot be looked at.
    """
    rounds = _rounds(setting)
    for name, own in scores.items():
        for repeat, each in enumerate(own):
            rounds.finish(name, repeat, each)
    return rounds


def _rounds(setting: Mapping[str, Any], affords: Callable[[], bool] = lambda: True) -> Rounds:
    race, observed = race_of(setting), partial(observations, setting=setting)
    return Rounds(race, int(setting[REPEATS]), int(setting[ROUND]), affords, observed)


def pairs_again(setting: Mapping[str, Any], scores: Mapping[str, Sequence[RepeatScores]]) -> Look:
    """What the design of a race says of all pairs of some agents, others beside them included.

    Each pair is looked at when it was in the race: at every round up to the last of both.

    Args:
        setting: of the race.
        scores: of each agent, those of each repeat.
    """
    rounds = _rounds({**setting, "until": "ranked", "reference": None, AGENTS: list(scores)})
    race, most = rounds.race, rounds.repeats
    for repeat in range(most):
        for name in race.last.going:
            if len(scores[name]) <= repeat:
                race.drop(name, "played no more")
        if not race.last.open_pairs:
            break
        for name in race.last.going:
            rounds.finish(name, repeat, scores[name][repeat])
        if race.last.end:
            break
    return race.last
