"""The files of an episode: their chain, and the one reader under everything that reads them.

The first line is the header; every line holds the SHA-256 of the bytes of the one before, so none
can be changed, lost or moved unseen, but for the last: that one ``metrics.json`` names.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from investorbench.tasks.record import version_1
from investorbench.tasks.record.files import bytes_of
from investorbench.tasks.record.schema import SCHEMA, Content, Header, Line, as_text
from investorbench_env.errors import InvestorBenchError
from investorbench_env.regular_files import open_file

BEFORE_THE_FIRST = "0" * 64
"""What the header carries in place of the hash of a line before it."""
CUT_OFF = "the last line is cut off, as a kill leaves it"


class RecordError(InvestorBenchError):
    """A record that cannot be continued: it was changed, or is another run's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile:
    """One file of an episode, as far as it can be read.

    Attributes:
        path: where it is.
        schema: its version; 0 where nothing is there.
        header: None where there is none, as in version 1.
        lines: those that can be read, in the order of the file.
        last: SHA-256 of the last whole line, which stands for all of them.
        end: the byte after that line.
        problems: what is wrong with the file, in words, each with where it is.
        is_cut: whether there is half a line at its end.
    """

    path: Path
    schema: int = 0
    header: Header | None = None
    lines: tuple[Line, ...] = ()
    last: str = BEFORE_THE_FIRST
    end: int = 0
    problems: tuple[str, ...] = ()
    is_cut: bool = False

    @property
    def bound(self) -> Content | None:
        """How many decisions it has, and the hash that stands for all of them; None for none."""
        return {"lines": len(self.lines), "head": self.last} if self.lines else None

    def require_whole(self) -> Self:
        """The same, if all but half a line at its end can be read and follows.

        Raises:
            RecordError: it is not, and where.
        """
        if self.schema > SCHEMA:
            raise RecordError(f"{self.path} {unknown_version(self.schema)}")
        if self.problems:
            raise RecordError(
                f"{self.path}: {self.problems[0]}; the record was changed or damaged, and cannot "
                "be used as it is: `investorbench inspect` shows what can be read, and "
                "`investorbench verify` names all that is wrong"
            )
        return self

    def require_resumable(self) -> Self:
        """The same, if lines can be added to it.

        Raises:
            RecordError: they cannot, and what else can be done.
        """
        if self.schema == 1:
            raise RecordError(
                f"{self.path} is a record of version 1: it can be scored, verified, reported, "
                "inspected and replayed, and not be continued; give another folder=..."
            )
        return self.require_whole()


def read_record(path: Path) -> RecordFile:
    """All that can be read of a file of decisions, of this version or the one before."""
    if not path.exists():
        return RecordFile(path=path)
    try:
        *texts, rest = bytes_of(path).split(b"\n")
    except InvestorBenchError as error:
        return RecordFile(path=path, problems=(str(error).removeprefix(f"{path} "),))
    if not texts:
        return RecordFile(path=path, is_cut=bool(rest))
    contents = [_content(text) for text in texts]
    schema = _version(next(filter(None, contents), {}))
    if schema not in (1, SCHEMA):
        return RecordFile(path=path, schema=schema, problems=(unknown_version(schema),))
    if schema == 1:
        found = version_1.read(path, contents)
        return RecordFile(
            path=path,
            schema=1,
            lines=found.lines,
            last=found.last,
            end=_size(texts),
            problems=found.problems,
            is_cut=bool(rest),
        )
    return _read(path, texts, contents, is_cut=bool(rest))


def version_of(path: Path) -> int:
    """The version of a file of decisions, by its first line; 0 where none is there."""
    first = _first(path)
    return 0 if first is None else _version(first)


def header_in(path: Path) -> Header | None:
    """The header of a file of decisions, without reading the rest; None where none can be read."""
    return _header(_first(path))[0]


def is_observed(path: Path) -> bool:
    """Whether the first decision of a file says what was observed, without reading the rest."""
    try:
        with open_file(path) as file:
            first = [_content(file.readline().removesuffix(b"\n")) for _ in range(2)]
    except OSError:
        return False
    lines = (content for content in first if content is not None and "number" in content)
    return next((content.get("observed") is not None for content in lines), False)


def chained(content: Mapping[str, Any], before: str) -> bytes:
    """A line without its end, with the hash of the line before it."""
    return as_text({**content, "before": before}).encode("utf-8", "replace")


def hash_of(line: bytes) -> str:
    """SHA-256 of a line without its end."""
    return hashlib.sha256(line).hexdigest()


def _read(
    path: Path, texts: Sequence[bytes], contents: Sequence[Content | None], is_cut: bool
) -> RecordFile:
    hashes = [hash_of(text) for text in texts]
    places: dict[str, int] = {}  # where each line stands first
    for n, own in enumerate(hashes):
        places.setdefault(own, n)
    header, problems = _header(contents[0])
    lines: list[Line] = []
    for n, content in enumerate(contents):
        if n == 0 and header is not None:
            continue
        try:
            if content is None:
                raise ValueError("it is no JSON object")
            line = Line.from_json(content)
        except ValueError as error:
            if n > 0 or "number" in (content or {}):
                problems.append(f"line {n + 1} cannot be read: {error}")
            continue
        lines.append(line)
        known = contents[n - 1] if n > 0 else None
        problems += _what_is_wrong(line, str(content.get("before")), known, n, hashes, places)
    return RecordFile(
        path=path,
        schema=SCHEMA,
        header=header,
        lines=tuple(lines),
        last=hashes[-1],
        end=_size(texts),
        problems=tuple(problems),
        is_cut=is_cut,
    )


def _header(content: Content | None) -> tuple[Header | None, list[str]]:
    """The header, or why there is none."""
    if content is None or "schema" not in content:
        return None, ["line 1 is no header: it was removed or damaged"]
    try:
        header = Header.from_json(content)
    except ValueError as error:
        return None, [f"line 1, the header, cannot be read: {error}"]
    if content.get("before") != BEFORE_THE_FIRST:
        return header, ["line 1, the header, was edited: nothing can come before it"]
    return header, []


def _what_is_wrong(
    line: Line,
    before: str,
    known: Content | None,
    n: int,
    hashes: Sequence[str],
    places: Mapping[str, int],
) -> list[str]:
    """How line n, counted from 0, does not follow from the one before, which is known or not."""
    where = f"line {n + 1} ({line.session})"
    if places[hashes[n]] < n:
        return [f"{where} repeats line {places[hashes[n]] + 1}"]
    is_next = known is None or known.get("number", -1) == line.number - 1
    if n > 0 and before == hashes[n - 1]:
        return [] if is_next else [f"{where} has the number {line.number}"]
    if before in places:
        return [f"{where} is out of order: it follows from line {places[before] + 1}"]
    if known is None:
        return []  # said already: the line before cannot be read
    if is_next:
        day = known.get("session", "the header")
        return [f"line {n} ({day}) was edited: it is not what the next line follows from"]
    return [f"before {where} a line is missing or was replaced"]


def _version(first: Content) -> int:
    """The version of a file, by its first line that can be read."""
    if version_1.is_line(first):
        return 1
    schema = first.get("schema", SCHEMA)
    return schema if isinstance(schema, int) else SCHEMA


def _first(path: Path) -> Content | None:
    try:
        with open_file(path) as file:
            return _content(file.readline().removesuffix(b"\n"))
    except OSError:
        return None


def _content(text: bytes) -> Content | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _size(texts: Sequence[bytes]) -> int:
    return sum(len(text) + 1 for text in texts)


def unknown_version(schema: int) -> str:
    """What a record is that a later InvestorBench wrote, and who can read it."""
    return (
        f"is a record of version {schema}, and this InvestorBench reads versions up to {SCHEMA}: "
        "the version that wrote it, or a later one, can read it"
    )
