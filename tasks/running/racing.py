"""Which jobs race, under which rule, and what each of their repeats is scored.

The rule is among the settings of every job of a race, with the names of all its agents, so a reader
of the record can look again, and see that each agent played as much as follows from the scores.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from investorbench.agents.llm import Budget
from investorbench.tasks.expected.steps import expected_episode, why_unknown
from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.record.settings import RACE, REPEATS
from investorbench.tasks.result import Episode, Result
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.rounds import Rounds
from investorbench.tasks.seeds import BLOCK
from investorbench.tasks.snapshots.scores import BPS, SnapshotDecisions, edge, in_pairs
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.sequential import Look, Race, Stopping, StoppingError
from investorbench.tasks.task import Task, settings_of
from investorbench_env.facts import Facts

ROUND, AGENTS = "round", "agents"
"""Settings of a race beside those of its rule: the repeats of a round, and who races."""


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
    races: dict[Job, dict[str, Any]] = {}
    for own in by_task.values():
        racers = [job for job in own if job.name not in aside or job.name == rule["reference"]]
        races |= dict.fromkeys(racers, _setting(racers, rule, size, max_decisions))
    return [
        replace(job, settings={**job.settings, REPEATS: races[job][REPEATS], RACE: races[job]})
        if job in races
        else job
        for job in jobs
    ]


def _setting(
    racers: Sequence[Job], rule: Mapping[str, Any], size: int, max_decisions: int | None
) -> dict[str, Any]:
    job, names = racers[0], [job.name for job in racers]
    if len({each.repeats for each in racers}) > 1:
        raise StoppingError(f"agents of one race have as many repeats each: {', '.join(names)}")
    facts = job.task.facts("test")
    if not (facts.simulated and facts.draws_markets):
        raise StoppingError(
            f"{job.task.id}: repeats on one market are no independent observations; until=... is "
            "for simulated markets, a new one in each repeat"
        )
    given = {name: value for name, value in rule.items() if value is not None}
    if isinstance(given.get("bound"), list):
        given["bound"] = tuple(given["bound"])
    block, in_pair = int(job.settings.get(BLOCK, 1)), 2 if is_paired(job.task) else 1
    if block % in_pair:
        raise StoppingError(f"block={block} splits an antithetic pair: give an even one")
    if max_decisions is not None and max_decisions < block:
        raise StoppingError(f"max_decisions={max_decisions} is less than a block of {block}")
    repeats = job.repeats if max_decisions is None else max_decisions // block
    stopping = Stopping(**{**given, "most": repeats * block // in_pair})
    stopping.pairs(names)
    own = {name: value for name, value in asdict(stopping).items() if value is not None}
    if stopping.bound is not None:
        own["bound"] = list(stopping.bound)
    return {**own, REPEATS: repeats, ROUND: size, AGENTS: names}


def race_of(setting: Mapping[str, Any]) -> Race:
    """The race that a setting describes, before its first look.

    Raises:
        InvestorBenchError: it describes none.
    """
    try:
        rule = {n: v for n, v in setting.items() if n not in (REPEATS, ROUND, AGENTS)}
        if "bound" in rule:
            rule["bound"] = tuple(rule["bound"])
        return Race(stopping=Stopping(**rule), names=tuple(setting[AGENTS]))
    except (LookupError, TypeError, ValueError) as error:
        raise StoppingError(f"the settings of a race describe none: {error}") from None


def race_key(raced: Job | Result) -> str | None:
    """What the jobs or the results of one race have in common; None of one that does not race."""
    if RACE not in raced.settings:
        return None
    common = [settings_of(raced.task), raced.settings[RACE], raced.settings.get("seed")]
    return json.dumps(common, sort_keys=True, default=str)


def rounds_of(jobs: Iterable[Job], budget: Budget) -> dict[Job, Rounds]:
    """The rounds that each job plays, those of a race in common."""
    by_race: dict[str, Rounds] = {}
    found: dict[Job, Rounds] = {}
    for job in jobs:
        if (key := race_key(job)) is not None:
            if key not in by_race:
                own = job.settings[RACE]
                affords = Affords(budget)
                by_race[key] = Rounds(race_of(own), own[REPEATS], own[ROUND], affords)
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


def scores_of(episode: Episode, task: Task) -> FloatArray:
    """The observations of a repeat, in basis points: of snapshots or pairs, or an account's mean.

    An account is scored by what was to be expected a day where that is known, else by what came.
    """
    facts = task.facts("test")
    if not is_of_snapshots(facts):
        return np.array([BPS * float(np.mean(_returns(episode, task, facts)))])
    if episode.scored is None:
        raise StoppingError(f"{task.id}: an older record of snapshots has no scores")
    own = episode.scored
    decided = SnapshotDecisions(
        weight=own.weights,
        mean=own.means,
        variance=own.variances,
        realised=own.returns,
        cost_rate=facts.cost_rate,
        by_weight=facts.action == "weight",
    )
    decided.require_sound()
    scores = BPS * edge(decided)
    return in_pairs(scores) if is_paired(task) else scores


def is_paired(task: Task) -> bool:
    """Whether two snapshots that follow one another are an antithetic pair, one observation."""
    return bool(task.options.get("antithetic"))


def _returns(episode: Episode, task: Task, facts: Facts) -> FloatArray:
    if why_unknown(task, facts) is not None:
        return episode.returns
    return expected_episode(task, facts, episode).expected


def rounds_again(setting: Mapping[str, Any], scores: Mapping[str, Sequence[FloatArray]]) -> Rounds:
    """The rounds of a race, from the scores of each repeat that its agents have finished.

    Raises:
        InvestorBenchError: the setting describes no race, or scores cannot be looked at.
    """
    rounds = Rounds(race_of(setting), int(setting[REPEATS]), int(setting[ROUND]))
    for name, own in scores.items():
        for repeat, each in enumerate(own):
            rounds.finish(name, repeat, each)
    return rounds


def pairs_again(setting: Mapping[str, Any], scores: Mapping[str, FloatArray]) -> Look:
    """What the design of a race says of all pairs of some agents, others beside them included.

    Each pair is looked at when it was in the race: at every round up to the last of both.

    Args:
        setting: of the race.
        scores: of each agent, one for every observation.
    """
    race = race_of({**setting, "until": "ranked", "reference": None, AGENTS: list(scores)})
    size = int(setting[ROUND]) * race.stopping.most // int(setting[REPEATS])
    until = 0
    while not race.last.end:
        until = min(until + size, race.stopping.most)
        for name in race.last.going:
            if len(scores[name]) < until:
                race.drop(name, "played no more")
        if len(race.last.going) < 2:
            break
        race.look({name: scores[name][:until] for name in race.last.going})
    return race.last
