"""What a run folder holds: its jobs, each with what was to be run."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from investorbench_env.errors import InvestorBenchError
from scripts.jobs import task_of
from tasks.recorded import RecordedJob
from tasks.runs import CONFIG

NEEDED = ("agent", "task", "protocol", "data", "repeats", "seed", "warmup")
BESIDE_JOBS = ("answers.sqlite", "spending.txt", "multirun.yaml")
"""Files of a whole run, with what SQLite and locks put beside them."""


def jobs_in(run: Path) -> list[Path]:
    """The folders of all jobs in a folder, which may be one itself.

    Raises:
        InvestorBenchError: there is none.
    """
    if not run.is_dir():
        raise InvestorBenchError(f"there is no folder {run}; `investorbench run` names its own")
    marks = [run / CONFIG, *run.rglob(CONFIG), *run.rglob("repeat-*")]
    jobs = sorted({mark.parent for mark in marks if mark.exists()})
    if not jobs:
        raise InvestorBenchError(
            f"{run} holds no record of a run: give the folder that `investorbench run` named, or "
            "one of an agent in it"
        )
    return jobs


def job_in(path: Path) -> RecordedJob:
    """The job whose folder it is.

    Raises:
        InvestorBenchError: its configuration cannot be read, or is none of this version's.
    """
    file = path / CONFIG
    if not file.exists():
        raise InvestorBenchError(f"{file} is missing, which says what was run")
    try:
        config = OmegaConf.create(file.read_text(encoding="utf-8"))
        missing = [name for name in NEEDED if name not in config]
        if missing:
            raise InvestorBenchError(
                f"{file} has no {', '.join(missing)}: another version wrote it, or it was changed"
            )
        return RecordedJob(
            path=path,
            task=task_of(config),  # type: ignore[arg-type]
            repeats=int(config.repeats),
            seed=int(config.seed),
            warmup=bool(config.warmup),
        )
    except (OmegaConfBaseException, yaml.YAMLError, ValueError, AttributeError, TypeError) as error:
        if isinstance(error, InvestorBenchError):
            raise
        raise InvestorBenchError(f"{file} cannot be read as a configuration: {error}") from None


def foreign_files(run: Path, jobs: list[Path]) -> Iterator[Path]:
    """Files below a run folder that are neither a job's nor the run's own."""
    for path in sorted(run.rglob("*")):
        of_a_job = any(job in path.parents for job in jobs)
        of_the_run = path.parent == run and path.name.startswith(BESIDE_JOBS)
        if path.is_file() and not of_a_job and not of_the_run:
            yield path
