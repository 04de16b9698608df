"""What a run folder holds: its jobs, each with what was to be run."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import gymnasium as gym

from investorbench.tasks.configured import configuration_of, is_baseline
from investorbench.tasks.handed import HANDED
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.files import is_of_a_system
from investorbench.tasks.record.lines import header_in
from investorbench.tasks.record.reading import (
    NothingFinishedError,
    RecordedJob,
    Seen,
    recorded_entry,
)
from investorbench.tasks.record.references import read_references
from investorbench.tasks.record.settings import CONFIG, read_settings
from investorbench.tasks.result import Entry, Failure
from investorbench.tasks.seeds import BLOCK, seeds_by_repeat
from investorbench.tasks.task import Task, task_of
from investorbench_env.errors import InvestorBenchError

NEEDED = (
    "agent_name", "name", "agent", "task", "protocol", "data", "repeats", "seed", "warmup",
)  # fmt: skip
MOST_REPEATS = 10_000
"""Of a job that is read; each has a seed and a folder."""
SEED, SEED_LOCK = "seed.txt", ".seed.lock"
"""The seed that was drawn for a run; held while a process draws it."""
FETCHED_BESIDE = ".fetched"
"""How names begin of what is kept in a run that is fetched from elsewhere."""
BESIDE_JOBS = (
    "answers.sqlite", "spending.txt", "multirun.yaml", "report", "leaderboard.", ".submitit",
    "tracking", SEED, SEED_LOCK, "plan.seal", "record.seal", ".plan.seal",
    "suite.json", "salt.txt", ".suite.lock", FETCHED_BESIDE,
)  # fmt: skip
"""Files of a whole run, with what SQLite and locks put beside them."""


def jobs_in(run: Path) -> list[Path]:
    """The folders of all jobs in a folder, which may be one itself.

    Raises:
        InvestorBenchError: there is none.
    """
    if not run.is_dir():
        raise InvestorBenchError(f"there is no folder {run}; `investorbench run` names its own")
    marks = [run / CONFIG, *run.rglob(CONFIG), *run.rglob("repeat-*")]
    found = {mark.parent for mark in marks if mark.exists()}
    # What a command that fetches is about to unpack is none yet.
    jobs = sorted(job for job in found if not _is_passing(job.relative_to(run)))
    if not jobs:
        raise InvestorBenchError(
            f"{run} holds no record of a run: give the folder that `investorbench run` named, or "
            "one of an agent in it"
        )
    return jobs


def _is_passing(path: Path) -> bool:
    return path.parts[:1] != () and path.parts[0].startswith(f"{FETCHED_BESIDE}-")


def names_of(runs: Sequence[Path]) -> list[str]:
    """What tables and pages call run folders: their names, with as much of their paths as tells
    those of one name apart.

    Args:
        runs: the folders.
    """
    parts = [run.resolve().parts for run in runs]
    return [_name_among(own, [other for other in parts if other != own]) for own in parts]


def _name_among(own: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    names = (own[-length:] for length in range(1, len(own)))
    short = (name for name in names if all(each[-len(name) :] != name for each in others))
    return Path(*next(short, own)).as_posix()


class FoundRuns(NamedTuple):
    """What run folders hold.

    Attributes:
        entries: of each job that has a finished repeat, in the order of their folders.
        problems: what cannot be shown, and why.
        problems_anywhere: the same by places within runs, for what is read elsewhere; without jobs
            that are not finished.
        unfinished: jobs without a finished repeat, with why each repeat is none.
    """

    entries: list[tuple[RecordedJob, Entry]]
    problems: list[str]
    problems_anywhere: list[str]
    unfinished: Sequence[tuple[RecordedJob, tuple[Failure, ...]]] = ()


def found_in(runs: Sequence[Path], seen: Seen | None = None) -> FoundRuns:
    """All that is finished in run folders; what cannot be read leaves the others alone.

    Args:
        runs: their folders.
        seen: sees the test split of each repeat while it is read, finished or not.

    Raises:
        InvestorBenchError: one is no run folder.
    """
    entries: list[tuple[RecordedJob, Entry]] = []
    problems: list[str] = []
    anywhere: list[str] = []
    unfinished: list[tuple[RecordedJob, tuple[Failure, ...]]] = []
    for run, name in zip(runs, names_of(runs), strict=True):
        for path in jobs_in(run):
            place = Path(name, path.relative_to(run)).as_posix()
            try:
                job = job_in(path, place)
                entry = replace(recorded_entry(job, name, seen), job=place)
                entries.append((job, entry))
                # The figures are there; what stands beside them may still be damaged.
                _ = job.manifest, read_references(path)
            except NothingFinishedError as error:
                problems.append(str(error))
                unfinished.append((error.job, error.failures))
            except InvestorBenchError as error:
                problems.append(str(error))
                anywhere.append(str(error).replace(str(path), place))
    return FoundRuns(entries, problems, anywhere, unfinished)


def recorded_bytes(runs: Sequence[Path]) -> int:
    """How large the decisions of runs are, without reading them."""
    return sum(path.stat().st_size for path in _recorded(runs))


def recorded_episodes(runs: Sequence[Path]) -> int:
    """Of how many episodes runs have decisions, without reading them."""
    return sum(1 for _ in _recorded(runs))


def _recorded(runs: Sequence[Path]) -> Iterator[Path]:
    return (path for run in runs for path in run.rglob(FILES["test"]))


def job_in(path: Path, place: str | None = None) -> RecordedJob:
    """The job whose folder it is.

    Args:
        path: the folder.
        place: what messages and pages call it; the path for None.

    Raises:
        InvestorBenchError: its configuration cannot be read, or is none of this version's.
    """
    file = path / CONFIG
    settings = read_settings(path)
    missing = [name for name in NEEDED if name not in settings]
    if missing:
        raise InvestorBenchError(
            f"{file} has no {', '.join(missing)}: another version wrote it, or it was changed"
        )
    try:
        task = task_of(settings)
        if not 1 <= int(settings["repeats"]) <= MOST_REPEATS:
            raise ValueError(f"repeats is not from 1 to {MOST_REPEATS:,}")
        seeds = seeds_by_repeat(settings, _with_symbols(task, path))
        return RecordedJob(
            path=path,
            name=str(settings["name"]),
            task=task,
            seed=int(settings["seed"]),
            seeds=tuple(own[0] for own in seeds),
            settings=settings,
            snapshots=seeds if BLOCK in settings else (),
            warmup=bool(settings["warmup"]),
            handed=tuple(settings.get(HANDED, ())),
            configuration_of=configuration_of(settings),
            is_baseline=is_baseline(settings),
            place=str(path) if place is None else place,
            wrapper=settings.get("wrapper"),
        )
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        if isinstance(error, InvestorBenchError):
            raise
        raise InvestorBenchError(f"{file} cannot be read as a configuration: {error}") from None


def _with_symbols(task: Task, job: Path) -> Task:
    """A task that knows its assets from what is recorded, and need not be made for them.

    Of snapshots facts have the name of their universe, and the task the assets that it was run by.
    """
    if task.is_of_snapshots:
        with contextlib.suppress(InvestorBenchError, gym.error.Error):
            return replace(task, options={**task.options, "symbol": task.symbol})
    for name in FILES.values():
        for path in sorted(job.glob(f"repeat-*/{name}")):
            if (header := header_in(path)) is not None:
                return replace(task, options={**task.options, "symbol": header.facts.symbol})
    return task


def foreign_files(run: Path, jobs: list[Path]) -> Iterator[Path]:
    """Files below a run folder that are neither a job's nor the run's own."""
    for path in sorted(run.rglob("*")):
        of_a_job = any(job in path.parents for job in jobs)
        of_the_run = path.relative_to(run).parts[0].startswith(BESIDE_JOBS)
        of_a_system = is_of_a_system(path)
        if path.is_file() and not (of_a_job or of_the_run or of_a_system):
            yield path
