"""The lines of an episode one after another, in plain values, with their chain looked at.

For readers of many records that need no objects of what they pass on;
:mod:`investorbench.tasks.record.lines` has those.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from investorbench.tasks.record import version_1
from investorbench.tasks.record.episode_folder import FILES, METRICS
from investorbench.tasks.record.files import read_json
from investorbench.tasks.record.lines import (
    RecordError,
    hash_of,
    header_in,
    read_record,
    unknown_version,
    version_of,
)
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.schema import SCHEMA, Content, Header
from investorbench_env.errors import InvestorBenchError
from investorbench_env.regular_files import open_file

AT_ONCE = 2**18
"""Bytes that are read from a file together: a line with its prompt is longer than Python's 8 kB,
and would be read in parts."""
BEGINS = b'{"'
"""How a line begins, as every writer of JSON writes an object with something in it."""
_parsed = json.JSONDecoder().raw_decode


class Scan(NamedTuple):
    """A split of an episode, as far as it is recorded.

    Attributes:
        header: of its file.
        lines: what its lines hold, without the half of one that a kill leaves; to be read once.
    """

    header: Header
    lines: Iterator[Content]


def scan(job: RecordedJob, number: int, split: str) -> Scan | None:
    """What is recorded of a split of a repeat; None where nothing is.

    Reading the lines raises a RecordError where they do not follow from each other, or are not
    those that the figures of a finished episode were written for.

    Raises:
        InvestorBenchError: the file is no record that this version reads, or is empty or missing
            although the episode is finished.
    """
    folder = job.episodes[number]
    path = folder / FILES[split]
    version = version_of(path)
    if version == 0:
        _require_unfinished(path, split)
        return None
    if version > SCHEMA:
        raise RecordError(f"{path} {unknown_version(version)}")
    if version == 1:
        record = read_record(path).require_whole()
        header = version_1.header_of(job.task, job.seeds[number].agent, number, record.lines)
        return Scan(header, (line.content() for line in record.lines))
    header_found = header_in(path)
    if header_found is None:
        raise RecordError(f"{path}: line 1 is no header; `investorbench verify` says more")
    return Scan(header_found, _lines(path, _bound(folder, split)))


def _bound(folder: Path, split: str) -> Content | None:
    """What the figures of a finished episode say of the lines that they were written for."""
    figures = folder / METRICS
    return read_json(figures).get("records", {}).get(split) if figures.exists() else None


def _require_unfinished(path: Path, split: str) -> None:
    """Refuse that nothing is recorded of what was finished; a warm-up need not have been."""
    is_finished = split == "test" and (path.parent / METRICS).exists()
    if is_finished or _bound(path.parent, split) is not None:
        raise _not_bound(path)


def content_of(line: bytes) -> Any:
    """What a line holds, as ``json.loads`` has it, which first looks for what no line of ours has.

    Raises:
        ValueError: it is no JSON.
    """
    if line.startswith(BEGINS):
        text = line.decode("utf-8", "surrogatepass")
        content, end = _parsed(text)
        if end == len(text) - 1:
            return content
    return json.loads(line)


def _lines(path: Path, bound: Content | None) -> Iterator[Content]:
    try:
        with open_file(path, AT_ONCE) as file:
            before = hash_of(file.readline().removesuffix(b"\n"))
            found = 0
            for text in file:
                if not text.endswith(b"\n"):
                    break
                content = content_of(text)
                if content["before"] != before or content["number"] != found:
                    raise RecordError(
                        f"{path}: line {found + 2} does not follow from the one before; "
                        "`investorbench verify` says more"
                    )
                before, found = hash_of(text[:-1]), found + 1
                yield content
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        if isinstance(error, InvestorBenchError):
            raise
        raise RecordError(f"{path}: line {found + 2} cannot be read: {error}") from None
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from None
    if bound is not None and bound != {"lines": found, "head": before}:
        raise _not_bound(path)


def _not_bound(path: Path) -> RecordError:
    return RecordError(
        f"{path} does not hold the lines that its metrics.json was written for; "
        "`investorbench verify` says more"
    )
