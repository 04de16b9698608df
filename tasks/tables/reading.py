"""The rows of tables, read from run folders an episode at a time; what cannot be read is said."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from investorbench.tasks.record.episode_folder import METRICS, labels_in
from investorbench.tasks.record.reading import RecordedJob, recorded_failure, require_one_version
from investorbench.tasks.record.run_folder import job_in, jobs_in, names_of
from investorbench.tasks.record.scanning import Scan, scan
from investorbench.tasks.tables import episodes, labels
from investorbench.tasks.tables.fields import (
    Block,
    Field,
    TidyRow,
    episode_values,
    job_values,
    require_kept,
)
from investorbench_env.errors import InvestorBenchError

Say = Callable[[str], None]
Watch = Callable[[], None]
"""Is called after each repeat that was read."""
OfScan = Callable[[Scan], Iterator[TidyRow]]
WRONG = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What reading raises of a line that holds what no run writes."""


def recorded_jobs(runs: Sequence[Path], say: Say) -> Iterator[tuple[RecordedJob, TidyRow]]:
    """The jobs of run folders, with what is known of each.

    Args:
        runs: the folders.
        say: takes what cannot be read, a line each.
    """
    for run, name in zip(runs, names_of(runs), strict=True):
        for path in jobs_in(run):
            place = Path(name, path.relative_to(run)).as_posix()
            try:
                job = job_in(path, place)
                require_one_version(job)
                yield job, job_values(job, name)
            except InvestorBenchError as error:
                say(f"left out: {str(error).replace(str(path), place)}")


def blocks_of_scans(
    runs: Sequence[Path],
    fields: Sequence[Field],
    rows: OfScan,
    say: Say,
    watch: Watch = lambda: None,
) -> Iterator[Block]:
    """The rows of all that is recorded by split, unfinished episodes as far as they came.

    Args:
        runs: the folders.
        fields: the columns of the table.
        rows: those of a split, without what is known of its episode.
        say: takes what cannot be read or is not finished, a line each.
        watch: is called after each repeat.
    """
    for job, known in recorded_jobs(runs, say):
        for number in range(job.repeats):
            yield from _blocks_of_repeat(job, known, number, fields, rows, say)
            watch()


def blocks_of_episodes(
    runs: Sequence[Path], say: Say, watch: Watch = lambda: None
) -> Iterator[Block]:
    """A row each, whatever came of it.

    Args:
        runs: the folders.
        say: takes what cannot be read, a line each.
        watch: is called after each repeat.
    """
    for job, known in recorded_jobs(runs, say):
        for number in range(job.repeats):
            yield Block({}, [episodes.row(job, known, number)])
            watch()


def _blocks_of_repeat(
    job: RecordedJob,
    known: TidyRow,
    number: int,
    fields: Sequence[Field],
    rows: OfScan,
    say: Say,
) -> Sequence[Block]:
    """All rows of an episode, or none: a line that was changed makes the others doubtful."""
    found: list[Block] = []
    place = episodes.place_of(job, number)
    try:
        for split in job.splits:
            if (scanned := scan(job, number, split)) is not None:
                episode = episode_values(job, known, number, scanned.header)
                own = list(rows(scanned))
                if split == "test" and set(labels.OF_DECISIONS) <= set(fields):
                    own = labels.with_labels(own, labels_in(job.episodes[number]))
                block = Block({**episode, "split": split}, own)
                require_kept(fields, block)
                found.append(block)
        if not (job.episodes[number] / METRICS).exists():
            why = recorded_failure(job.episodes[number], number).why
            say(f"{place}: {' '.join(why.split())}")
    except InvestorBenchError as error:
        said = job.seen_anywhere(error)
        say(f"left out: {said}" if job.place in said else f"left out: {place}: {said}")
        return ()
    except WRONG as error:
        say(f"left out: {place} cannot be read: {type(error).__name__} {error}")
        return ()
    return found
