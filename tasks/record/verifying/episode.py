"""Whether the files of one repeat are whole, and its figures follow from its lines."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from investorbench.tasks.record.code import code_of
from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.episode_folder import FAILURE, METRICS
from investorbench.tasks.record.files import read_json
from investorbench.tasks.record.lines import CUT_OFF, RecordFile
from investorbench.tasks.record.reading import RecordedJob, episode_from, recorded_failure
from investorbench.tasks.record.schema import SCHEMA, Content
from investorbench.tasks.record.settings import CONFIG
from investorbench.tasks.record.verifying.findings import Finding, differences, without_place
from investorbench.tasks.record.verifying.money import off_by_money
from investorbench.tasks.record.verifying.written import not_as_written
from investorbench.tasks.seeds import Seeds
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

LISTED = 3
"""Lines of a file that are named one by one."""
Records = Mapping[str, RecordFile]
"""The files of a repeat, by split."""


def verify_episode(
    job: RecordedJob, number: int, records: Records, market: Mapping[str, Facts]
) -> Iterator[Finding]:
    """What is wrong with a repeat, or worth knowing of it.

    Args:
        job: of the repeat.
        number: of the repeat.
        records: its files.
        market: the facts of the splits as the data that is here has them, where it is.
    """
    path = job.episodes[number]
    is_finished = (path / METRICS).exists()
    for split, record in records.items():
        yield from _file(job, split, record, is_due=is_finished or _is_begun(split, records))
        if record.lines and split in job.splits and (is_finished or split == "warmup"):
            of_block = len(job.snapshots[number]) if job.snapshots else None
            yield from _length(record, market.get(split), is_finished, of_block)
            yield from _markets(record, job.snapshots[number] if job.snapshots else ())
    if not is_finished:
        yield _unfinished(job, number, records)
        return
    try:
        figures = read_json(path / METRICS)
    except InvestorBenchError as error:
        what = without_place(error, path / METRICS)
        yield Finding(path=path / METRICS, what=what, kind="figures")
        return
    yield from _figures(job, number, records, figures)


def _is_begun(split: str, records: Records) -> bool:
    return split == "warmup" and bool(records["test"].lines)


def _file(job: RecordedJob, split: str, record: RecordFile, *, is_due: bool) -> Iterator[Finding]:
    """Whether a file of decisions is there, whole, and written as lines are written."""
    path = record.path
    for what in record.problems[:LISTED]:
        yield Finding(path=path, what=what, kind="chain")
    if (more := len(record.problems) - LISTED) > 0:
        yield Finding(path=path, what=f"so it is with {more} more of its lines", kind="chain")
    if record.is_cut:
        is_finished = (path.parent / METRICS).exists()
        yield Finding(path=path, what=CUT_OFF, is_wrong=is_finished, kind="chain")
    if split not in job.splits:
        if record.lines:
            yield Finding(path=path, what=f"was not to be run, says {CONFIG}")
        return
    if is_due and not record.lines:
        yield Finding(path=path, what="is missing or empty")
    if record.schema == SCHEMA and record.header is not None and not record.problems:
        yield from not_as_written(path)
        yield from _shown(record)
        if job.task.is_ours:
            reward = job.task.options.get("reward", "return")
            known = job.wrapper is None and isinstance(reward, str)
            yield from off_by_money(record, str(reward) if known else None)


def _shown(record: RecordFile) -> Iterator[Finding]:
    """Whether each line has the hash of what the agent was shown, once one of them has."""
    has = [line.observed is not None for line in record.lines]
    if True in has and not all(has[has.index(True) :]):
        number = has.index(False, has.index(True))
        where = f"line {number + 2} ({record.lines[number].session})"
        what = f"{where} has no `observed`: it was removed"
        yield Finding(path=record.path, what=what, kind="chain")


def unobserved(job: Path, records: Sequence[RecordFile]) -> Iterator[Finding]:
    """Files without hashes of what was observed, though the same code wrote others with them."""
    has: dict[str, set[bool]] = defaultdict(set)
    for record in records:
        if record.header is not None and record.lines:
            code = str(record.header.code.get("sha256"))
            has[code].add(record.lines[-1].observed is not None)
    if any(len(each) > 1 for each in has.values()):
        what = "some of its files have no `observed` in their lines: it was removed"
        yield Finding(path=job, what=what, kind="chain")
    elif {False} in has.values():
        older = False not in has.get(code_of()["sha256"], ())  # which this one is not
        why = "an older version wrote them" if older else "a run of this version writes one"
        what = f"its lines have no hash of what was observed: {why}"
        yield Finding(path=job, what=what, is_wrong=False, kind="chain")


def _markets(record: RecordFile, seeds: Sequence[Seeds]) -> Iterator[Finding]:
    """Whether each snapshot of a block is of the market that its place asks for."""
    for line, own in zip(record.lines, seeds, strict=False):
        if line.market_seed != own.market:
            where = f"line {line.number + 2} ({line.session})"
            what = f"{where}: market_seed is {line.market_seed}; its place asks for {own.market}"
            yield Finding(path=record.path, what=what, kind="headers")
            return


def _length(
    record: RecordFile, market: Facts | None, is_finished: bool, of_block: int | None
) -> Iterator[Finding]:
    """Whether a split goes to its end, or to the ruin of its account."""
    facts = market if record.header is None else record.header.facts
    if facts is None:
        return
    lines, last = len(record.lines), record.lines[-1]
    is_over = last.is_last or last.account.equity <= 0.0
    steps, of = (facts.steps, "split") if of_block is None else (of_block, "block")
    if lines > steps or (lines < steps and is_finished and not is_over):
        what = f"has {lines} lines; the {of} has {steps} steps"
        yield Finding(path=record.path, what=what, kind="chain")


def _unfinished(job: RecordedJob, number: int, records: Records) -> Finding:
    path = job.episodes[number]
    failed = (path / FAILURE).exists()
    why = f"failed: {recorded_failure(path, 0).why}" if failed else f"it has no {METRICS}"
    what = f"is not finished: {why}, and {len(records['test'].lines)} decisions"
    is_wrong = (job.path / MANIFEST).exists()  # which says that every repeat was
    return Finding(path=path, what=what, is_wrong=is_wrong, kind="unfinished")


def _figures(
    job: RecordedJob, number: int, records: Records, figures: Content
) -> Iterator[Finding]:
    path, header = job.episodes[number], records["test"].header
    seed = job.seeds[number].agent if header is None else header.seed
    expected: Content = {"seed": seed}
    if header is not None:
        expected["schema"] = SCHEMA
    expected["records"] = {split: own.bound for split, own in records.items() if own.bound}
    if records["test"].lines:
        try:
            with np.errstate(all="ignore"):
                episode = episode_from(job, number, records)
        except InvestorBenchError as error:
            yield Finding(path=path, what=without_place(error, path), kind="figures")
        else:
            expected |= {"metrics": episode.metrics, "answers": episode.answers}
    yield from differences(path / METRICS, figures, expected, "from the decisions follows")


def read_figures(path: Path) -> Content | None:
    """The figures of a repeat; None where there are none that can be read."""
    try:
        return read_json(path / METRICS) if (path / METRICS).exists() else None
    except InvestorBenchError:
        return None
