"""Whether a run of a suite met the markets that follow from its salt."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.verifying.findings import Finding
from investorbench.tasks.seeds import BLOCK
from investorbench.tasks.suites.freezing import require_frozen, task_of_suite
from investorbench.tasks.suites.opening import OF_A_JOB, SUITE, read_suite
from investorbench.tasks.suites.salt import require_salt, salt_hash, seed_of
from investorbench.tasks.suites.suite import Suite
from investorbench.tasks.suites.wordings import WORDED
from investorbench.tasks.task import settings_of
from investorbench_env.errors import InvestorBenchError


def off_suite(run: Path, jobs: Iterable[RecordedJob]) -> Iterator[Finding]:
    """What does not fit between a run, its jobs and what it says of its suite."""
    of_suites = [job for job in jobs if job.settings.get(OF_A_JOB)]
    path = run / SUITE
    if not path.exists():
        if of_suites:
            what = f"has no {SUITE}: whether its markets follow from a salt cannot be seen"
            yield Finding(path=run, what=what, is_wrong=False, kind="files")
        return
    try:
        said = read_suite(run)
    except InvestorBenchError as error:
        yield Finding(path=path, what=str(error).removeprefix(f"{path} "), kind="files")
        return
    salt, sha256 = said.get("salt"), str(said.get("sha256"))
    if salt is None:
        what = "shows no salt: the run is not finished"
        yield Finding(path=path, what=what, is_wrong=False, kind="unfinished")
    elif (why := _no_salt(salt, said.get("salt_sha256"))) is not None:
        yield Finding(path=path, what=why, kind="headers")
        return
    suite = _defined(said)
    if suite is None:
        what = (
            "its definition does not lead to its hash: it was changed, or this version has others"
        )
        yield Finding(path=path, what=what, is_wrong=False, kind="headers")
    for job in of_suites:
        own = job.settings[OF_A_JOB]
        if suite is not None and (what := _other_than(suite, job)):
            yield Finding(path=job.path, what=what, kind="headers")
        if (own.get("name"), own.get("sha256")) != (said.get("suite"), sha256):
            what = f"is of suite {own.get('name')}, and {SUITE} is of {said.get('suite')}"
            yield Finding(path=job.path, what=what, kind="headers")
        elif salt is not None and job.seed != seed_of(sha256, str(salt)):
            what = "its seed is not the one that follows from the suite and its salt"
            yield Finding(path=job.path, what=what, kind="headers")


def _defined(said: Mapping[str, Any]) -> Suite | None:
    """The suite that a run says it is of; None where its hash is another one here."""
    try:
        suite = Suite.of(said["definition"], SUITE)
        return suite if require_frozen(suite) == said.get("sha256") else None
    except (InvestorBenchError, LookupError, TypeError, AttributeError):
        return None


def _other_than(suite: Suite, job: RecordedJob) -> str:
    """In what a job is not as its suite has it; empty where it is.

    Of a real task its data and a model's knowledge cutoff are chosen by who runs it.
    """
    tasks = [task_of_suite(each, suite) for each in suite.tasks]
    same = [each for each in tasks if each.id == job.task.id]
    if job.task.is_simulated or not same:
        same = [each for each in tasks if settings_of(each) == settings_of(job.task)]
    if not same:
        return f"its task is none of suite {suite.name}"
    worded = suite.wordings > 1 and "model" in job.settings
    said = {
        BLOCK: suite.block if job.task.is_of_snapshots else None,
        WORDED: suite.wordings if worded else None,
    }
    for name, wanted in said.items():
        if (given := job.settings.get(name)) != wanted:
            return f"{name}={given}, and {wanted} in suite {suite.name}"
    if job.repeats > suite.repeats:
        return f"repeats={job.repeats}, and {suite.repeats} in suite {suite.name}"
    return ""


def _no_salt(salt: Any, kept: Any) -> str | None:
    """Why it is not the salt whose hash was written down before the first decision."""
    try:
        require_salt(str(salt), SUITE)
    except InvestorBenchError as error:
        return str(error)
    return None if salt_hash(str(salt)) == kept else "its salt is not the one that it has a hash of"
