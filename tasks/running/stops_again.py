"""Whether agents of a recorded race played as much as follows from the scores on record."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from investorbench.tasks.record.episode_folder import METRICS
from investorbench.tasks.record.reading import RecordedJob, recorded_episode
from investorbench.tasks.record.settings import CONFIG, RACE, read_settings
from investorbench.tasks.record.verifying import Finding
from investorbench.tasks.running.observed import RepeatScores, scores_of
from investorbench.tasks.running.racing import AGENTS, race_in, rounds_again
from investorbench_env.errors import InvestorBenchError


def wrong_stops(jobs: Iterable[RecordedJob]) -> Iterator[Finding]:
    """What does not follow in each race, and what cannot be checked.

    Args:
        jobs: of one run folder.
    """
    races: dict[str, list[RecordedJob]] = defaultdict(list)
    settings: dict[str, Mapping[str, Any]] = {}
    for job in jobs:
        try:
            recorded = read_settings(job.path)
        except InvestorBenchError:
            continue  # a finding says so already
        if (key := race_in(recorded)) is not None:
            races[key].append(job)
            settings[key] = recorded[RACE]
    for key, own in races.items():
        yield from _of_a_race(settings[key], own)


def _of_a_race(setting: Mapping[str, Any], jobs: Sequence[RecordedJob]) -> Iterator[Finding]:
    note = partial(Finding, is_wrong=False, kind="race")
    try:
        if missing := sorted(set(setting[AGENTS]) - {job.name for job in jobs}):
            raise InvestorBenchError(f"the record of {', '.join(missing)} is not here")
        scores = {job.name: _scores(job) for job in jobs}
        rounds = rounds_again(setting, scores)
    except (InvestorBenchError, LookupError, TypeError, ValueError) as error:
        for job in jobs:
            yield note(path=job.path / CONFIG, what=f"its race is not checked: {error}")
        return
    look = rounds.race.last
    for job in jobs:
        played, allowed = len(scores[job.name]), rounds.allowed(job.name)
        if played > allowed:
            why = look.left.get(
                job.name, "the scores of all agents of the round before are missing"
            )
            what = f"{played} repeats are finished, and {allowed} follow from the race: {why}"
            yield Finding(path=job.path, what=what, kind="race")
        elif not look.end and job.name in look.going:
            what = f"its race is not over: {played} repeats are finished, and it goes on"
            yield note(path=job.path, what=what)


def _scores(job: RecordedJob) -> list[RepeatScores]:
    """Of the repeats that are finished, up to the first that is not."""
    found = []
    for number, path in enumerate(job.episodes):
        if not (path / METRICS).exists():
            break
        facts, episode = recorded_episode(job, number)
        found.append(scores_of(episode, job.task, facts or job.task.facts("test")))
    return found
