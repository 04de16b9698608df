"""The lines of a record, each carrying the hash of the one before, and files written whole."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from investorbench.tasks.step import Step
from investorbench_env.errors import InvestorBenchError

BEFORE_THE_FIRST = "0" * 64
"""What the first line of a file carries in place of the hash of the one before."""
CHAIN = ("before", "hash")

Line = dict[str, Any]


class RecordError(InvestorBenchError):
    """A record that cannot be gone on with: it was changed, or is another run's."""


def decision_of(step: Step) -> Line:
    """What was known, done, and what came of it, as plain JSON values.

    The observation itself follows from the market, whose fingerprint is in the manifest.
    """
    return {
        "number": step.number,
        "session": step.info["session"],
        "time": step.info["time"],
        "documents": [document.id for document in step.info["documents"]],
        "action": np.asarray(step.action).tolist(),
        "reward": step.reward,
        **{
            name: step.outcome[name]
            for name in ("fill_price", "notional", "cost", "position", "cash", "equity")
        },
    }


def chained(line: Mapping[str, Any], before: str) -> Line:
    """A line with the hash of the one before it and its own, SHA-256 over both."""
    body = {**line, "before": before}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return {**body, "hash": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()}


def read_lines(path: Path) -> Iterator[tuple[Line, int]]:
    """The whole lines of a record, each with the byte at which the next one begins.

    A last line without an end is what a kill left of it, and is passed over.

    Raises:
        RecordError: a line does not follow from the one before.
    """
    if not path.exists():
        return
    before, end = BEFORE_THE_FIRST, 0
    for number, text in enumerate(path.read_bytes().splitlines(keepends=True)):
        if not text.endswith(b"\n"):
            return
        try:
            line = json.loads(text)
            body = {name: value for name, value in line.items() if name not in CHAIN}
            follows = chained(body, before) == line and line["number"] == number
        except (ValueError, KeyError, AttributeError):
            follows = False
        if not follows:
            raise RecordError(
                f"{path}, line {number + 1} does not follow from the one before: the record was "
                "changed or damaged, so the run cannot go on; give another folder=..."
            )
        before, end = line["hash"], end + len(text)
        yield line, end


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically; figures that are no number become null."""
    text = json.dumps(without_nan(content), ensure_ascii=False, indent=2, allow_nan=False)
    write_atomically(path, text + "\n")


def as_yaml(content: Mapping[str, Any]) -> str:
    """Plain settings as YAML, in their order."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def without_nan(value: Any) -> Any:
    """The same with None in place of every float that is no finite number."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
