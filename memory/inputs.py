"""What callers hand over, checked and in the form in which it is kept."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from investorbench.memory.errors import InvalidInputError
from investorbench.memory.records import MemoryContent


def checked_texts(texts: str | Sequence[str], *, at_least: int = 0) -> list[str]:
    """A list of texts, none of them blank.

    Raises:
        InvalidInputError: one is, or there are fewer than asked for.
    """
    listed = [texts] if isinstance(texts, str) else list(texts)
    if len(listed) < at_least:
        raise InvalidInputError("a query needs at least one text")
    for place, text in enumerate(listed):
        if not isinstance(text, str) or not text.strip():
            raise InvalidInputError(f"text {place} of {len(listed)} is {text!r}: nothing to embed")
    return listed


def contents_of(
    texts: list[str], time: str, metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
) -> list[MemoryContent]:
    """Texts with their labels, as they are kept.

    Raises:
        InvalidInputError: a time or metadata that cannot be kept.
    """
    if not isinstance(time, str):
        raise InvalidInputError(f"a time is a text such as '2021-03-01', not {time!r}")
    each: list[Any] = (
        [metadata or {}] * len(texts)
        if metadata is None or isinstance(metadata, Mapping)
        else list(metadata)
    )
    if len(each) != len(texts):
        raise InvalidInputError(f"{len(texts)} texts, but metadata for {len(each)}")
    return [
        MemoryContent(text=text, time=time, metadata=_as_json(given))
        for text, given in zip(texts, each, strict=True)
    ]


def _as_json(metadata: Any) -> dict[str, Any]:
    """A copy that looks now as it will when it comes back from a file."""
    if not isinstance(metadata, Mapping):
        raise InvalidInputError(f"metadata is a mapping of names to JSON values, not {metadata!r}")
    try:
        copied: dict[str, Any] = json.loads(json.dumps(dict(metadata), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"metadata {metadata!r} is not plain JSON: {error}") from error
    return copied
