"""Checkpoints that are whole: what a kill left half-written is taken away, not taken up."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from investorbench.tasks.record.files import read_json, write_json
from investorbench_env.errors import InvestorBenchError

WHOLE = "whole.json"
"""Written last: the sizes of all other files of a checkpoint."""
_NAME = re.compile(r"checkpoint-(\d+)")


def seal_checkpoint(folder: Path) -> None:
    """Say that all of a checkpoint is written."""
    write_json(folder / WHOLE, {"bytes": _sizes(folder)})


def newest_checkpoint(phase: Path) -> Path | None:
    """The last whole checkpoint of a phase; those that are not whole are removed."""
    newest, last = None, -1
    for step, folder in _checkpoints(phase):
        if not _is_whole(folder):
            shutil.rmtree(folder)
        elif step > last:
            newest, last = folder, step
    return newest


def step_of(checkpoint: Path) -> int:
    """After how many updates a checkpoint was made."""
    match = _NAME.fullmatch(checkpoint.name)
    assert match is not None
    return int(match[1])


def remove_checkpoints(phase: Path) -> None:
    """Take away all checkpoints of a phase that has ended."""
    for _, folder in list(_checkpoints(phase)):
        shutil.rmtree(folder)


def _checkpoints(phase: Path) -> Iterator[tuple[int, Path]]:
    for folder in sorted(phase.glob("checkpoint-*")):
        if _NAME.fullmatch(folder.name):
            yield step_of(folder), folder


def _is_whole(folder: Path) -> bool:
    if not (folder / WHOLE).exists():
        return False
    try:
        return bool(read_json(folder / WHOLE)["bytes"] == _sizes(folder))
    except (InvestorBenchError, LookupError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != WHOLE
    }
