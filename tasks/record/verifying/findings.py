"""What may be said of a file of a record, and how two contents differ, in words."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from investorbench.tasks.answers import as_written
from investorbench.tasks.record.schema import Content, without_nan

Kind = Literal[
    "bytes",  # a line is not written as the writer writes it
    "chain",  # lines were edited, dropped, doubled, moved or cut off
    "money",  # amounts of an account do not follow from each other
    "figures",  # metrics do not follow from the lines
    "digest",  # a file is not the one that the manifest was written for
    "answers",  # answers are not the replies that were kept
    "headers",  # a header contradicts its place, the configuration, or another header
    "manifest",  # the manifest contradicts the other files
    "files",  # a file is missing, foreign, or a link
    "ranks",  # what agents were shown of one another does not follow from their accounts
    "race",  # an agent played more than follows from the scores of its race
    "mixed",  # jobs or repeats of different code, data or servers
    "unfinished",  # not all of it was run
    "market",  # the market that is here, or the environment run again, gives something else
    "agent",  # the agent run again on the recorded answers gives something else
    "seal",  # a seal does not fit
]
"""What a finding is about."""

PRECISION = 1e-9
"""Relative: a weight is recomputed from cash and equity, which rounds."""
LONGEST = 40
"""Characters of a value that a finding quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a file of a record.

    Attributes:
        path: the file or folder.
        what: what is wrong with it, or worth knowing.
        is_wrong: whether the record cannot be trusted there.
        level: 1: the record alone shows it; 2: the market does; 3: the agent does.
        kind: what it is about.
    """

    path: Path
    what: str
    is_wrong: bool = True
    level: int = 1
    kind: Kind = "files"


def differences(
    path: Path,
    found: Mapping[str, Any],
    expected: Mapping[str, Any],
    whence: str,
    kind: Kind = "figures",
    level: int = 1,
) -> Iterator[Finding]:
    """What a file says that does not follow, by name; of several figures the first."""
    for name, value in without_nan(expected).items():
        own = found.get(name)
        if name == "metrics" and isinstance(own, dict):  # some may be younger than the record
            value = {key: figure for key, figure in value.items() if key in own}
        if name == "answers":
            value = as_written(value, own)
        if _same(own, value):
            continue
        if name not in found:
            what = f"has no {name}: another version wrote it, or it was changed"
        else:
            what = _difference(name, own, value, whence)
        yield Finding(path=path, what=what, kind=kind, level=level)


def brief(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _difference(name: str, own: Any, value: Any, whence: str) -> str:
    others = ""
    if isinstance(value, dict) and isinstance(own, dict):
        first, *rest = [key for key in {**value, **own} if not _same(own.get(key), value.get(key))]
        others = f"; also {', '.join(rest)}" if rest else ""
        name, own, value = f"{name}.{first}", own.get(first), value.get(first)
    return f"{name} is {brief(own)}; {whence} {brief(value)}{others}"


def _same(found: Any, expected: Any) -> bool:
    """Whether two values are equal, floats but for rounding."""
    if isinstance(expected, float) and isinstance(found, int | float):
        return math.isclose(found, expected, rel_tol=PRECISION, abs_tol=PRECISION)
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(
            _same(found[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_same, found, expected))
    return bool(found == expected)


def without_place(error: Exception, path: Path) -> str:
    """What an error says of a file, whose name stands before it anyway."""
    return str(error).removeprefix(f"{path} ")


Manifests = Mapping[Path, Content]
"""What the manifests of jobs say, by the folder of the job."""
