"""Whether lines are written as the writer writes them: byte for byte, each part once, in order.

A chain of hashes ties bytes together and says nothing of what two readers make of them: of a key
that stands twice, one takes the first value and another the last.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from investorbench.tasks.record.files import bytes_of
from investorbench.tasks.record.lines import chained
from investorbench.tasks.record.schema import Content, Header, Line, as_text
from investorbench.tasks.record.verifying.findings import Finding, brief

Read = Callable[[Mapping[str, Any]], Header | Line]


def not_as_written(path: Path) -> Iterator[Finding]:
    """The first line of a file that is not as its writer writes lines, and how many more are not.

    Args:
        path: of a file of version 2 that can be read.
    """
    wrong = [
        (number, why)
        for number, text in enumerate(bytes_of(path).split(b"\n")[:-1])
        if (why := _why(text, is_first=number == 0))
    ]
    if wrong:
        number, why = wrong[0]
        rest = f"; so are {len(wrong) - 1} more lines" if len(wrong) > 1 else ""
        what = f"line {number + 1} is not as it was written: {why}{rest}"
        yield Finding(path=path, what=what, kind="bytes")


def _why(text: bytes, is_first: bool) -> str | None:
    """Why a line is not as it was written; None where it is, or cannot be read at all."""
    try:
        content = json.loads(text, object_pairs_hook=each_once)
    except TwiceError as error:
        return f"{error} stands twice in one object"
    except (ValueError, RecursionError):
        return None  # a finding of the chain says so
    if not isinstance(content, dict):
        return None
    read: Read = Header.from_json if is_first else Line.from_json
    if _is_written_again(text, content, read) and _is_time(content.get("written_at")):
        return None
    try:
        written = as_text(content).encode("utf-8", "replace")
    except ValueError:
        return None
    if written != text:
        at = next(
            (n for n, (one, other) in enumerate(zip(written, text, strict=False)) if one != other),
            min(len(written), len(text)),
        )
        return f"byte {at + 1} would be another one"
    return _order(content, read)


def _is_written_again(text: bytes, content: Content, read: Read) -> bool:
    """Whether the writer makes the same bytes of what is read of a line, as of almost all.

    Then nothing is lost or stands elsewhere, and it need not be looked for part by part.
    """
    try:
        return chained(read(content).content(), content["before"]) == text
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False


def _order(content: Content, read: Read) -> str | None:
    try:
        known = [*read(content).content(), "before"]
    except (ValueError, LookupError):
        return None
    if strange := [name for name in content if name not in known]:
        return f"it has {strange[0]!r}, which no version up to this one writes"
    if list(content) != [name for name in known if name in content]:
        return "its parts stand in another order"
    if not _is_time(content.get("written_at")):
        return f"written_at is {brief(content.get('written_at'))}, which is no time"
    rest = {name: part for name, part in content.items() if name not in ("before", "schema")}
    return _lost(rest, read(content).to_json())


def _is_time(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _lost(content: Any, read: Any, name: str = "") -> str | None:
    """The first part of a content that is not in what was read of it; younger parts may be."""
    if isinstance(content, dict) and isinstance(read, dict):
        if [key for key in read if key in content] != [key for key in content if key in read]:
            return f"the parts of {name or 'the line'} stand in another order"
        for key, part in content.items():
            inner = f"{name}.{key}" if name else key
            if key not in read:
                return f"it has {inner!r}, which no version up to this one writes"
            if (found := _lost(part, read[key], inner)) is not None:
                return found
        return None
    if isinstance(content, list) and isinstance(read, list) and len(content) == len(read):
        pairs = enumerate(zip(content, read, strict=True))
        return next(filter(None, (_lost(*pair, f"{name}[{n}]") for n, pair in pairs)), None)
    is_same = content == read and isinstance(content, bool) == isinstance(read, bool)
    return None if is_same else f"{name} is {brief(content)}, and is read as {brief(read)}"


class TwiceError(ValueError):
    """A key that stands twice in one object."""


def each_once(pairs: list[tuple[str, Any]]) -> Content:
    """An object of JSON whose keys each stand once.

    Raises:
        TwiceError: one stands twice.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise TwiceError(repr(next(name for name in names if names.count(name) > 1)))
    return content
