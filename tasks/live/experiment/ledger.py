"""A ledger that is only ever added to: one SQLite file, each entry with the hash of the one before.

It knows nothing of what its entries are about.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from investorbench_env.errors import InvestorBenchError

FIRST = "0" * 64
"""What stands in the first entry for the hash of one before."""
PATIENCE_MS = 10_000
"""How long a commit waits for those who read; another writer is not waited for."""
SCHEMA = (
    """CREATE TABLE entries (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        session TEXT NOT NULL,
        subject TEXT NOT NULL,
        written_at TEXT NOT NULL,
        content TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE
    )""",
    "CREATE TRIGGER no_change BEFORE UPDATE ON entries "
    "BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END",
    "CREATE TRIGGER no_removal BEFORE DELETE ON entries "
    "BEGIN SELECT RAISE(ABORT, 'an entry is never removed'); END",
)
GUARDS = frozenset({"no_change", "no_removal"})
COLUMNS = "number, kind, session, subject, written_at, content, previous, hash"


class LedgerError(InvestorBenchError):
    """A ledger that cannot be read or written; it is as it was."""


class LedgerBusyError(LedgerError):
    """Another process is writing."""


class LedgerEntry(NamedTuple):
    """One entry.

    Attributes:
        number: from 1.
        kind: what it records, such as ``"price"``.
        session: the date that it belongs to; empty for none.
        subject: of what or of whom: a symbol, an agent; empty for none.
        written_at: when, ISO 8601 in UTC, by the clock of the step.
        content: plain JSON values.
        previous: hash of the entry before.
        hash: of all of the above.
    """

    number: int
    kind: str
    session: str
    subject: str
    written_at: str
    content: Mapping[str, Any]
    previous: str
    hash: str


def hash_of(
    number: int, kind: str, session: str, subject: str, written_at: str, content: str, previous: str
) -> str:
    """SHA-256 over an entry as it is stored."""
    parts = [number, kind, session, subject, written_at, content, previous]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def first_break(rows: Sequence[tuple[Any, ...]]) -> tuple[int, str] | None:
    """Where the chain of stored entries breaks, and how; None where it does not."""
    before = FIRST
    for number, row in enumerate(rows, start=1):
        if row[0] != number:
            return number, "it is not here: it was removed, or numbered otherwise"
        if not all(isinstance(cell, str) for cell in row[1:]):
            return number, "it was changed: a part of it is no text"
        if row[-1] != hash_of(*row[:-1]):
            return number, "it was changed: its hash is not that of its content"
        if row[-2] != before:
            return number, "it does not carry the hash of the entry before"
        before = row[-1]
    return None


class Ledger:
    """The entries of a file; close it, or use it in a ``with``.

    Args:
        path: of the file.

    Raises:
        LedgerError: there is none, or it is another kind of file.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise LedgerError(f"there is no ledger {path}; investorbench live init makes one")
        self.path = path
        self._file = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_MS / 1000)
        try:
            self._file.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            self._file.close()
            raise _mended(path, error) from error

    @classmethod
    def create(cls, path: Path) -> "Ledger":
        """A file that becomes a ledger by :meth:`begin`; one that is there stays as it is.

        Raises:
            LedgerError: it cannot be made, or is another kind of file.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise _mended(path, error) from error
        return cls(path)

    def begin(self, kind: str, content: Mapping[str, Any], at: datetime) -> None:
        """Make it a ledger of one entry, within :meth:`writing`; for arguments see :meth:`append`.

        Raises:
            LedgerError: it is one already.
        """
        if self._file.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise LedgerError(f"there is a ledger {self.path} already; name another folder")
        for statement in SCHEMA:
            self._file.execute(statement)
        self.append(kind, content, at)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: what is appended in the block is there whole, or not at all.

        Raises:
            LedgerBusyError: another process is writing.
            LedgerError: the disk is full, or the file cannot be written.
        """
        try:
            self._file.execute("PRAGMA busy_timeout = 0")
            self._file.execute("BEGIN IMMEDIATE")
            self._file.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        except sqlite3.Error as error:
            raise _mended(self.path, error) from error
        try:
            yield
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise _mended(self.path, error) from error
        except BaseException:
            self._roll_back()
            raise

    def append(
        self, kind: str, content: Mapping[str, Any], at: datetime, session: str = "",
        subject: str = "",
    ) -> LedgerEntry:  # fmt: skip
        """Add an entry, within :meth:`writing`; a half of a character becomes a question mark.

        Args:
            kind: what it records.
            content: plain JSON values.
            at: by the clock of the step, with its zone.
            session: the date that it belongs to.
            subject: of what or of whom.
        """
        last = self._file.execute(
            "SELECT number, hash FROM entries ORDER BY number DESC LIMIT 1"
        ).fetchone()
        number, previous = (last[0] + 1, last[1]) if last else (1, FIRST)
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, allow_nan=False)
        text = text.encode(errors="replace").decode()
        row = (number, kind, session, subject, at.astimezone(UTC).isoformat(), text, previous)
        entry = (*row, hash_of(*row))
        self._file.execute(f"INSERT INTO entries ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", entry)
        return _entry(entry)

    def entries(self) -> list[LedgerEntry]:
        """All of them, in order.

        Raises:
            LedgerError: the file is no ledger, or one of them was changed.
        """
        rows = self.rows()
        if (broken := first_break(rows)) is not None:
            raise LedgerError(
                f"{self.path} cannot be gone on with: entry {broken[0]}: {broken[1]}; put back a "
                "copy of before"
            )
        return [_entry(row) for row in rows]

    def rows(self) -> list[tuple[Any, ...]]:
        """The entries as they are stored, with their content as text."""
        try:
            return self._file.execute(f"SELECT {COLUMNS} FROM entries ORDER BY number").fetchall()
        except sqlite3.Error as error:
            raise _mended(self.path, error) from error

    def guards(self) -> bool:
        """Whether the file still forbids that entries are changed or removed."""
        found = self._file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in found} >= GUARDS

    def _roll_back(self) -> None:
        if self._file.in_transaction:
            self._file.execute("ROLLBACK")


def _entry(row: tuple[Any, ...]) -> LedgerEntry:
    *first, content, previous, digest = row
    return LedgerEntry._make([*first, json.loads(content), previous, digest])


def _mended(path: Path, error: Exception) -> LedgerError:
    """An error of SQLite in our words."""
    said = str(error)
    if "locked" in said:
        return LedgerBusyError(f"another step is at work on {path}: nothing was changed")
    if "full" in said or "disk I/O" in said:
        return LedgerError(
            f"{path} cannot be written ({said}): nothing was changed; make room and step again"
        )
    if "readonly" in said or "unable to open" in said or isinstance(error, OSError):
        return LedgerError(
            f"{path} cannot be written ({said}): nothing was changed; make the folder writable"
        )
    return LedgerError(f"{path} is no ledger, or damaged: {said}")
