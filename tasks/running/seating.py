"""Which jobs of a run are played side by side, since their agents are shown their ranks."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from investorbench.tasks.ranks import RIVALS
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.racing import race_key
from investorbench.tasks.running.tournament import Seat, Tournament
from investorbench.tasks.task import Task, settings_of
from investorbench_env.accounting.trading_rules import rules_of
from investorbench_env.errors import InvestorBenchError


def shows_ranks(task: Task) -> bool:
    """Whether agents on a task are shown their ranks among those that play beside them."""
    rules = task.options.get("rules")
    return task.is_ours and rules is not None and rules_of(rules).ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """The seats of episodes, by job and repeat; those that are shown no ranks have none."""

    by_episode: Mapping[tuple[Job, int], Seat] = field(default_factory=dict)

    def get(self, job: Job, repeat: int) -> Seat | None:
        """The seat of an episode."""
        return self.by_episode.get((job, repeat))

    def of_job(self, job: Job) -> Iterator[Seat]:
        """Those of all its repeats."""
        return (seat for (own, _), seat in self.by_episode.items() if own is job)


def seated(jobs: Iterable[Job]) -> Seats:
    """A seat for each repeat of the jobs whose agents are shown their ranks."""
    tables: dict[tuple[str, int], list[Job]] = defaultdict(list)
    for job in jobs:
        for repeat in range(job.repeats) if shows_ranks(job.task) else ():
            tables[_tournament(job), repeat].append(job)
    seats: dict[tuple[Job, int], Seat] = {}
    for (_, repeat), own in tables.items():
        table = Tournament([job.name for job in own])
        seats |= {(job, repeat): table.seat(job.name) for job in own}
    return Seats(by_episode=seats)


def side_by_side(
    plan: Mapping[Job, list[int]],
) -> tuple[dict[Job, list[int]], list[dict[Job, list[int]]]]:
    """A plan of those that play alone, and one of each tournament and of each race."""
    alone: dict[Job, list[int]] = {}
    together: dict[str, dict[Job, list[int]]] = {}
    for job, repeats in plan.items():
        key = _played_together(job)
        into = alone if key is None else together.setdefault(key, {})
        into[job] = repeats
    return alone, list(together.values())


def rivals_of(job: Job, jobs: Sequence[Job]) -> list[Job]:
    """The jobs that are played with one, itself among them."""
    if (key := _played_together(job)) is None:
        return [job]
    return [each for each in jobs if _played_together(each) == key]


def with_rivals(jobs: Sequence[Job]) -> list[Job]:
    """Jobs with the names of all agents whose accounts their ranks rest on among the settings.

    Raises:
        InvestorBenchError: two agents of a tournament have one name, or other numbers of repeats.
    """
    found = []
    for job in jobs:
        if shows_ranks(job.task):
            own = rivals_of(job, jobs)
            names = sorted(each.name for each in own)
            if len(set(names)) < len(names) or len({each.repeats for each in own}) > 1:
                raise InvestorBenchError(
                    f"agents that are shown their ranks play side by side: give each of "
                    f"{', '.join(names)} its own name, and all of them as many repeats"
                )
            job = replace(job, settings={**job.settings, RIVALS: names})
        found.append(job)
    return found


def require_one_process(jobs: Sequence[Job], shared_by: str) -> None:
    """Refuse to share a tournament among processes.

    Args:
        jobs: of a run.
        shared_by: the setting that would share them.

    Raises:
        InvestorBenchError: there is one.
    """
    if any(_played_together(job) is not None for job in jobs):
        raise InvestorBenchError(
            f"{shared_by}: agents that are shown their ranks, or race, play in one process: leave "
            "it out"
        )


def _played_together(job: Job) -> str | None:
    """What jobs that wait for each other have in common; None of one that waits for none."""
    return _tournament(job) if shows_ranks(job.task) else race_key(job)


def _tournament(job: Job) -> str:
    """What jobs of one tournament have in common: all but their agents."""
    same = {name: job.settings.get(name) for name in ("seed", "warmup")}
    return json.dumps([settings_of(job.task), same], sort_keys=True, default=str)
