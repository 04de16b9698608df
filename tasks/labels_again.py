"""Whether ``labels.json`` of a repeat follows from its record, and from the market at hand."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from investorbench.tasks.labelled import LabelledEpisode, MarkedDay
from investorbench.tasks.record.episode_folder import FILES, LABELS, METRICS, labels_in
from investorbench.tasks.record.lines import RecordFile, read_record
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.schema import steps_of
from investorbench.tasks.record.verifying import Finding
from investorbench.tasks.record.verifying.findings import brief, without_place
from investorbench.tasks.trading_r1.labels import classes_of
from investorbench.tasks.trading_r1.marking import marked_again, relabelled, truths_for
from investorbench.tasks.trading_r1.recorded import theses_of
from investorbench.tasks.trading_r1.truths import labelling_of
from investorbench_env.errors import InvestorBenchError

PRECISION = 1e-9
"""Relative: another machine may add up in another order."""
OF_THE_LABEL = ("label", "why", "score", "momentum", "horizon_return", "daily_volatility")
OF_THE_THESIS = ("decided", "structure", "evidence", "decision", "graded")


def wrong_labels(job: RecordedJob) -> Iterator[Finding]:
    """What does not follow from the record: labels from scores, rewards from theses and labels."""
    for path in job.episodes:
        if (path / METRICS).exists():
            record = read_record(path / FILES["test"])
            if record.header is not None and record.lines and not record.problems:
                yield from _of_a_repeat(job, path, record)


def rewards_again(path: Path) -> dict[str, Any] | None:
    """What ``labels.json`` of a repeat has to say of its theses; None where it is not there.

    Raises:
        InvestorBenchError: it cannot be read.
    """
    record, labelled = read_record(path / FILES["test"]), labels_in(path)
    if labelled is None or record.header is None or len(record.lines) != len(labelled.days):
        return None
    again = marked_again(labelled, steps_of(record.header, record.lines)).plain()
    return {name: again[name] for name in ("decides", "days")}


def other_labels(job: RecordedJob) -> Iterator[Finding]:
    """How labels differ from those that the market at hand gives.

    Raises:
        InvestorBenchError: it is not at hand, or the record cannot be read.
    """
    if job.task.labels is None:
        return
    for path, seeds in zip(job.episodes, job.seeds, strict=True):
        labelled = labels_in(path) if (path / METRICS).exists() else None
        try:
            truths = None if labelled is None else truths_for(job.task, seeds.market)
        except InvestorBenchError as error:
            if (job.task.labels or {}).get("frozen") is None:
                raise
            what = f"not compared with the market: {error}"
            yield Finding(path=path / LABELS, what=what, is_wrong=False, level=2, kind="figures")
            continue
        if labelled is None or truths is None:
            continue
        again = relabelled(labelled, truths, job.task.facts("test"))
        for name in ("thresholds", "trailing"):
            if not _same(getattr(labelled, name), getattr(again, name)):
                what = f"its {name} are not those that come out here"
                yield Finding(path=path / LABELS, what=what, level=2, kind="market")
        if (found := _first_other(labelled, again, OF_THE_LABEL)) is not None:
            yield Finding(path=path / LABELS, what=f"{found} here", level=2, kind="market")


def _of_a_repeat(job: RecordedJob, path: Path, record: RecordFile) -> Iterator[Finding]:
    assert record.header is not None
    steps = steps_of(record.header, record.lines)
    try:
        labelled = labels_in(path)
    except InvestorBenchError as error:
        what = without_place(error, path / LABELS)
        yield Finding(path=path / LABELS, what=what, kind="figures")
        return
    if labelled is None:
        if job.task.labels is not None or theses_of(steps):
            yield Finding(path=path / LABELS, what="is missing, and the run wrote one")
        return
    sessions = [str(step.info["session"]) for step in steps]
    if [day.session for day in labelled.days] != sessions:
        what = "its days are not those of the decisions"
        yield Finding(path=path / LABELS, what=what, kind="figures")
        return
    for what in _contradictions(job, labelled, 2.0 * record.header.facts.cost_rate):
        yield Finding(path=path / LABELS, what=what, kind="figures")
    for written in theses_of(steps):
        if not written.is_as_hashed:
            what = f"on {written.session} the briefing is not the one that its hash is of"
            yield Finding(path=path / FILES["test"], what=what, kind="figures")
            break
    again = marked_again(labelled, steps)
    found = _first_other(labelled, again, OF_THE_THESIS)
    if found is None and labelled.decides != again.decides:
        found = f"decides is {brief(labelled.decides)}, and {brief(again.decides)}"
    if found is not None:
        what = f"{found} by what is recorded of its theses"
        yield Finding(path=path / LABELS, what=what, kind="figures")


def _contradictions(job: RecordedJob, labelled: LabelledEpisode, rate: float) -> Iterator[str]:
    """What the file says that contradicts itself, the configuration or the costs of the account."""
    if not _same(labelled.round_trip_rate, rate):
        yield f"round_trip_rate is {labelled.round_trip_rate}; the account paid {rate}"
    if (labelled.thresholds is None) != (job.task.labels is None):
        yield "it has thresholds, or none, against what the configuration says of labels"
        return
    if labelled.thresholds is None or job.task.labels is None:
        return
    try:
        labelling = labelling_of(job.task.labels)
        values = [float(each) for each in labelled.thresholds["values"]]
        kind = (labelled.thresholds["direction"], labelled.thresholds["volatility"])
        first, last = map(str, labelled.thresholds["window"])
    except (InvestorBenchError, LookupError, TypeError, ValueError) as error:
        yield f"its thresholds cannot be read: {error}"
        return
    inside = str(labelling.train[0]) <= first <= last <= str(labelling.train[1])
    if kind != (labelling.direction, labelling.volatility) or not inside:
        yield "its thresholds are of another window or kind than the configuration says"
    for day in labelled.days:
        score = math.nan if day.score is None else day.score
        (label,) = classes_of(np.array([score]), values)
        if label != day.label or (day.label is None) != (day.why is not None):
            yield f"on {day.session} label is {brief(day.label)}; from its score follows {label}"
            return


def _first_other(
    labelled: LabelledEpisode, again: LabelledEpisode, names: tuple[str, ...]
) -> str | None:
    for own, other in zip(labelled.days, again.days, strict=True):
        for name in names:
            was, now = _part(own, name), _part(other, name)
            if not _same(was, now):
                return f"on {own.session} {name} is {brief(was)}, and {brief(now)}"
    return None


def _part(day: MarkedDay, name: str) -> Any:
    return getattr(day, name)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=PRECISION, abs_tol=PRECISION)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
