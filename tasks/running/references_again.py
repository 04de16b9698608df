"""What a recorded job is compared with, computed again: is it what the record compares it with?"""

from collections.abc import Iterator

import numpy as np

from investorbench.tasks.record.reading import RecordedJob, recorded_entry
from investorbench.tasks.record.references import read_references
from investorbench.tasks.result import Reference
from investorbench.tasks.running.matched import MATCHED, matched_policies
from investorbench.tasks.running.references import references_of

PRECISION = 1e-6
"""Relative: another machine may add up in another order."""


def other_references(job: RecordedJob) -> Iterator[str]:
    """How the references of a job differ from what comes out here, in words.

    Raises:
        InvestorBenchError: the market is not at hand, or the record cannot be read.
    """
    kept = read_references(job.path) or ()
    if job.manifest is None:  # those of an agent's own exposure follow from all of its repeats
        kept = tuple(reference for reference in kept if reference.kind != MATCHED)
    again = [*references_of(job.task, [seeds.market for seeds in job.seeds])]
    if any(reference.kind == MATCHED for reference in kept):
        again += matched_policies(job.task, recorded_entry(job).result.episodes)
    known = {_key(reference): reference for reference in again}
    for reference in kept:
        expected = known.get(_key(reference))
        if expected is None:
            yield f"{reference.name} is not what a job on this task is compared with"
        elif (name := _first_other(reference, expected)) is not None:
            yield f"{name} of {reference.name} is not what comes out here"
    missing = known.keys() - {_key(reference) for reference in kept}
    if kept and missing:
        yield f"has no {', '.join(sorted(name for name, *_ in missing))}"


def lacking_references(job: RecordedJob) -> Iterator[str]:
    """What a finished job is not compared with, and others are, in words.

    Raises:
        InvestorBenchError: the market is not at hand, or the record cannot be read.
    """
    if job.manifest is None:
        return
    kinds = {reference.kind for reference in read_references(job.path) or ()}
    if not kinds and references_of(job.task, [seeds.market for seeds in job.seeds]):
        yield "holds nothing that the job is compared with: it was removed, or never computed"
    elif "policies" in kinds and MATCHED not in kinds:
        yield (
            "has no random policies of the agent's own exposure: an older version wrote it, or "
            "they were removed"
        )


def _key(reference: Reference) -> tuple[str, str, int | None]:
    return reference.name, reference.kind, reference.market_seed


def _first_other(kept: Reference, again: Reference) -> str | None:
    """The first part in which two references differ; figures that are younger do not count."""
    if (kept.returns is None) != (again.returns is None):
        return "returns"
    if kept.returns is not None and not _alike(kept.returns, again.returns):
        return "returns"
    for name, figure in kept.figures.items():
        if name in again.figures and not _alike(figure, again.figures[name]):
            return name
    return None


def _alike(one: object, other: object) -> bool:
    first, second = (np.asarray(each, dtype=np.float64) for each in (one, other))
    if first.shape != second.shape:
        return False
    return bool(np.allclose(first, second, PRECISION, PRECISION, equal_nan=True))
