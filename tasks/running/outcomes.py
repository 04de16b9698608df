"""What comes of the jobs of a run, as it runs or from its folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from investorbench.tasks.record.reading import NothingFinishedError, recorded_entry
from investorbench.tasks.record.run_folder import job_in
from investorbench.tasks.result import Entry, Failure, Result
from investorbench.tasks.running.job import Job
from investorbench_env.errors import InvestorBenchError


class JobFailure(NamedTuple):
    """What went wrong with a job.

    Attributes:
        why: in words.
        can_be_resumed: whether the same job in the same folder may be run again.
        error: what was raised, where it was raised in this process.
    """

    why: str
    can_be_resumed: bool = True
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What came of the jobs of a run.

    Attributes:
        entries: of each job that has a finished repeat, its results and what is missing of them.
        failed: what went wrong, or cannot be read.
    """

    entries: list[Entry]
    failed: list[JobFailure]

    @property
    def results(self) -> list[Result]:
        """The results of the entries."""
        return [entry.result for entry in self.entries]

    def is_whole(self, jobs: Sequence[Job]) -> bool:
        """Whether every repeat of these jobs is finished."""
        return len(self.entries) == len(jobs) and not any(each.failures for each in self.entries)


def recorded(
    jobs: Sequence[Job], folder: Path, lost: Mapping[Job, str] | None = None
) -> RunOutcome:
    """What came of jobs that other processes ran, from their records.

    Args:
        jobs: that were run.
        folder: of the run.
        lost: why there may be no record of some.
    """
    entries: list[Entry] = []
    failed: list[JobFailure] = []
    for job in jobs:
        where = f"{job.name} on {job.task.id}"
        try:
            entry = recorded_entry(job_in(job.path(folder)), folder.name)
        except NothingFinishedError as error:
            failed += _of_repeats(where, error.failures)
            continue
        except InvestorBenchError as error:
            why = str((lost or {}).get(job, error))
            failed.append(JobFailure(f"{where}: {why.removeprefix(f'{where}: ')}"))
            continue
        entries.append(entry)
        failed += _of_repeats(where, entry.failures)
    return RunOutcome(entries=entries, failed=failed)


def _of_repeats(where: str, failures: Sequence[Failure]) -> list[JobFailure]:
    return [JobFailure(f"{where}, repeat {each.repeat}: {each.why}") for each in failures]
