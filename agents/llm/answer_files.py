"""Answers in a file a process, beside a file in common: where a network lies between processes.

SQLite's write-ahead log needs memory that all who use a file share, which machines do not. So each
process adds lines to a file of its own, and reads those of the others. Who comes first is settled
under a lock. The last one that is left moves all lines into the file in common.
"""

import contextlib
import json
import os
import platform
import re
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from filelock import BaseFileLock, FileLock, Timeout

from investorbench.agents.llm.canonical import canonical

FOLDER, ENDING, LOCK = ".each", ".jsonl", ".lock"
OF_A_PROCESS = re.compile(r".+-[0-9]+-[0-9a-f]+\.jsonl", re.DOTALL)
"""The name of a file: machine, process, and what no other has."""
INSERT = "INSERT OR IGNORE INTO answers VALUES (?, ?, ?)"
PATIENCE_S = 60.0
"""How long another process may take to add a line, or to move all of them."""
AnswerRow = tuple[str, str, str]
"""Key, model, completion."""
Make = Callable[[sqlite3.Connection], None]
"""Makes the table of the file in common, unless it is there."""


def folder_of(path: Path) -> Path:
    """Where the files of processes lie, beside the file in common."""
    return path.with_name(path.name + FOLDER)


def rows_beside(path: Path, keys: Collection[str] | None = None) -> Iterator[AnswerRow]:
    """What processes have kept that is not in the file in common yet; no key comes twice.

    Args:
        path: of the file in common.
        keys: of the rows that are wanted; None for all.
    """
    seen: set[str] = set()
    for file in _files(path):
        with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:
            for line in lines:
                key = line[2 : line.find(b'"', 2)].decode(errors="replace")  # most are not wanted
                if key in seen or (keys is not None and key not in keys):
                    continue
                if (row := _row(line)) is not None:
                    seen.add(row[0])
                    yield row


def settle(path: Path, make: Make) -> bool:
    """Move what processes left into the file in common, unless one of them goes on.

    Returns:
        Whether none does.
    """
    if not any(_files(path)):
        return True
    with _alone(path):
        if any(_living(path)):
            return False
        _move_together(path, make)
    return True


def _move_together(path: Path, make: Make) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        # A log that another machine left is read without memory in common.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = DELETE")
        make(db)
        db.execute("BEGIN IMMEDIATE")
        db.executemany(INSERT, rows_beside(path))
        db.execute("COMMIT")
    for file in list(_files(path)):
        file.unlink(missing_ok=True)
        _lock_of(file).unlink(missing_ok=True)


class AnswerFiles:
    """A file of this process, and those of the others.

    Args:
        path: of the file in common.
        make: makes its table.
    """

    def __init__(self, path: Path, make: Make) -> None:
        self._path, self._make = path, make
        folder_of(path).mkdir(parents=True, exist_ok=True)
        self._places: dict[str, tuple[Path, int, int]] = {}
        self._read: dict[Path, int] = {}
        name = f"{platform.node() or 'host'}-{os.getpid()}-{secrets.token_hex(4)}{ENDING}"
        self._own = folder_of(path) / name
        self._alive = FileLock(_lock_of(self._own), thread_local=False)
        with _alone(path):
            if not any(_living(path)):
                _move_together(path, make)
            self._alive.acquire(timeout=PATIENCE_S)
            self._own.touch()
        self.db = sqlite3.connect(
            f"{path.resolve().as_uri()}?immutable=1", uri=True, check_same_thread=False
        )

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """The completions of these keys, as far as anybody has kept them."""
        if not all(key in self._places for key in keys):
            self._look()
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, completion FROM answers WHERE key IN ({marks})"
        found = dict(self.db.execute(query, list(keys)).fetchall())
        for key in keys:
            if key in self._places and key not in found:
                found[key] = self._completion_at(*self._places[key])
        return found

    def put(self, key: str, model: str, completion: str) -> str:
        """Keep a completion, and return what is kept: where another came first, its own."""
        with _alone(self._path):
            if known := self.get([key]):
                return known[key]
            line = canonical([key, model, completion]).encode() + b"\n"
            start = _append(self._own, line)
            self._places[key] = (self._own, start, len(line))
            self._read[self._own] = start + len(line)
        return completion

    def __len__(self) -> int:
        self._look()
        (common,) = self.db.execute("SELECT count(*) FROM answers").fetchone()
        return int(common) + len(self._places)

    def close(self) -> None:
        """Leave the file to the others, or move all together where there are none."""
        if not self._alive.is_locked:
            return
        self.db.close()
        with _alone(self._path):
            self._alive.release()
            if not any(_living(self._path)):
                _move_together(self._path, self._make)

    def _look(self) -> None:
        """Read the lines that were added to any file; half a line is none yet."""
        for file in _files(self._path):
            start = self._read.get(file, 0)
            with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:
                self._read[file] = self._note(file, lines, start)

    def _note(self, file: Path, lines: BinaryIO, start: int) -> int:
        """Note where rows are, from a place on; where the next ones will be."""
        lines.seek(start)
        for line in lines:
            if not line.endswith(b"\n"):
                break
            if (row := _row(line)) is not None:
                self._places.setdefault(row[0], (file, start, len(line)))
            start += len(line)
        return start

    def _completion_at(self, file: Path, start: int, length: int) -> str:
        with file.open("rb") as lines:
            lines.seek(start)
            row = _row(lines.read(length))
        assert row is not None  # it was one when it was read first
        return row[2]


def _append(file: Path, line: bytes) -> int:
    """Add a line, or nothing of it, and return where it begins."""
    with file.open("ab", buffering=0) as lines:  # a buffer would be written once more at the end
        start = lines.tell()
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[lines.write(rest) :]
            os.fsync(lines.fileno())
        except OSError:  # the next line must not be joined to half of this one
            lines.truncate(start)
            raise
    return start


def _files(path: Path) -> Iterator[Path]:
    """The files of processes; what somebody else put there is left alone."""
    found = sorted(folder_of(path).glob(f"*{ENDING}"))
    return (each for each in found if OF_A_PROCESS.fullmatch(each.name) and each.is_file())


def _alone(path: Path) -> BaseFileLock:
    return FileLock(folder_of(path) / LOCK, timeout=PATIENCE_S)


def _living(path: Path) -> Iterator[Path]:
    """The files whose processes have not ended."""
    for file in _files(path):
        try:
            with FileLock(_lock_of(file), timeout=0):
                pass
        except Timeout:
            yield file


def _lock_of(file: Path) -> Path:
    return file.with_name(file.name + LOCK)


def _row(line: bytes) -> AnswerRow | None:
    """A line as a row; None where a kill left half of it, or something else."""
    if not line.endswith(b"\n"):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(line)
        if isinstance(found, list) and [type(part) for part in found] == [str] * 3:
            return (found[0], found[1], found[2])
    return None
