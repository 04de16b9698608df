"""Whether the ranks that agents were shown follow from the records of the other accounts."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from investorbench.tasks.ranks import RIVALS, ranks_of
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import RecordFile, read_record
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.settings import CONFIG, read_settings
from investorbench.tasks.record.verifying.findings import Finding
from investorbench_env.errors import InvestorBenchError

SHARED = ("task", "protocol", "data", "seed", "warmup", RIVALS)
"""Settings that all agents of a tournament have in common."""
Files = Mapping[str, RecordFile]
"""Files of one repeat and split, by agent."""


def wrong_ranks(jobs: Iterable[RecordedJob]) -> Iterator[Finding]:
    """The first line of each file whose ranks do not follow, and what cannot be checked.

    Args:
        jobs: of one run folder.
    """
    tournaments: dict[str, list[RecordedJob]] = defaultdict(list)
    rivals: dict[str, Sequence[str]] = {}
    for job in jobs:
        settings = _settings(job)
        if settings.get(RIVALS):
            key = json.dumps({name: settings.get(name) for name in SHARED}, default=str)
            tournaments[key].append(job)
            rivals[key] = settings[RIVALS]
    for key, own in tournaments.items():
        names = [job.name for job in own]
        if missing := sorted(set(rivals[key]) - set(names)):
            for job in own:
                what = f"ranks are not checked: the record of {', '.join(missing)} is not here"
                yield Finding(path=job.path / CONFIG, what=what, is_wrong=False, kind="ranks")
            continue
        for number in range(min(job.repeats for job in own)):
            for split in own[0].splits:
                paths = {job.name: job.episodes[number] / FILES[split] for job in own}
                yield from _of_a_split({name: read_record(path) for name, path in paths.items()})


def _settings(job: RecordedJob) -> Mapping[str, Any]:
    try:
        return read_settings(job.path)
    except InvestorBenchError:
        return {}  # a finding says so already


def _of_a_split(files: Files) -> Iterator[Finding]:
    if any(record.problems or record.header is None for record in files.values()):
        return  # findings say so already, or it has not begun
    worth = {name: _equities(record) for name, record in files.items()}
    for name, record in files.items():
        for line in record.lines:
            if any(_is_cut(files[each], line.number) for each in files):
                break  # a run that was killed, in which not all had come so far
            at = {each: own[min(line.number, len(own) - 1)] for each, own in worth.items()}
            if line.ranks != (expected := ranks_of(at, name)):
                what = (
                    f"line {line.number + 2} ({line.session}): ranks are {line.ranks}; from all "
                    f"accounts follows {expected}"
                )
                yield Finding(path=record.path, what=what, kind="ranks")
                break


def _equities(record: RecordFile) -> list[float]:
    """An account at each decision, and after the last."""
    assert record.header is not None
    return [record.header.opening.equity, *(line.account.equity for line in record.lines)]


def _is_cut(record: RecordFile, number: int) -> bool:
    """Whether a file ends before a decision, and its account has not ended there."""
    return len(record.lines) < number and not record.lines[-1].is_last if record.lines else True
