"""The rows of ``answers.sqlite`` that a job rests on: read without a trace, and bound by a hash."""

import contextlib
import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from investorbench.agents.llm.answer_files import INSERT, rows_beside
from investorbench.tasks.record.schema import Content
from investorbench_env.errors import InvestorBenchError
from investorbench_env.regular_files import require_file

ANSWERS = "answers.sqlite"
AT_ONCE = 500
"""Keys that one query names."""
PATIENCE_S = 30.0
"""How long to wait for a process that is writing."""
BESIDE = ("-wal", "-shm")
"""What SQLite puts beside a file that a process was killed over, or is writing."""


class KeptRow(NamedTuple):
    """One reply of a server, as the cache keeps it."""

    model: str
    completion: str

    @property
    def content(self) -> Content:
        """The reply's parts by name; empty where they cannot be read."""
        with contextlib.suppress(ValueError, RecursionError):
            content = json.loads(self.completion)
            if isinstance(content, dict):
                return content
        return {}


def answers_near(job: Path) -> Path | None:
    """The file of answers of the run that a job is in; None where there is none above it."""
    return next((each / ANSWERS for each in job.parents if (each / ANSWERS).is_file()), None)


def kept_rows(db: sqlite3.Connection, keys: Iterable[str]) -> dict[str, KeptRow]:
    """The rows of these keys, as far as they are there."""
    wanted, rows = sorted(set(keys)), dict[str, KeptRow]()
    for first in range(0, len(wanted), AT_ONCE):
        own = wanted[first : first + AT_ONCE]
        marks = ",".join("?" * len(own))
        query = f"SELECT key, model, completion FROM answers WHERE key IN ({marks})"
        rows |= {key: KeptRow(*map(_text, rest)) for key, *rest in db.execute(query, own)}
    return rows


def _text(value: Any) -> str:
    """A cell as text, which no cache writes otherwise."""
    return value if isinstance(value, str) else repr(value)


def rows_bound(rows: dict[str, KeptRow]) -> Content:
    """How many rows there are, and the hash that stands for all of them."""
    text = json.dumps([[key, *rows[key]] for key in sorted(rows)])
    return {"rows": len(rows), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def request_hashes(answers: Iterable[Any]) -> Iterator[str]:
    """The keys under which replies of language models are kept, from their answers in a record."""
    for answer in answers:
        if answer.get("is_language_model") and isinstance(answer.get("request_hash"), str):
            yield answer["request_hash"]


def rows_in_use(path: Path, keys: Iterable[str]) -> dict[str, KeptRow]:
    """The rows of these keys in a file which this process is writing through another connection.

    Raises:
        InvestorBenchError: it cannot be read.
    """
    wanted, rows = set(keys), dict[str, KeptRow]()
    for db in _connected(path, f"{path.resolve().as_uri()}?mode=ro"):
        rows = kept_rows(db, wanted)
    for key, *rest in rows_beside(path, wanted - rows.keys()):
        rows[key] = KeptRow(*rest)
    return rows


@contextlib.contextmanager
def open_at_rest(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that leaves no trace, not even beside a file that a kill left half written.

    Raises:
        InvestorBenchError: it cannot be read.
    """
    for end in ("", *BESIDE):
        _require_file(path.with_name(path.name + end))
    left = next(rows_beside(path), None)
    if left is None and not any(path.with_name(path.name + end).exists() for end in BESIDE):
        yield from _connected(path, f"{path.resolve().as_uri()}?immutable=1")
        return
    with tempfile.TemporaryDirectory(prefix="investorbench-answers-") as room:
        for end in ("", *BESIDE):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(path.with_name(path.name + end), room)
        if left is not None:
            copy = Path(room) / path.name
            with (
                contextlib.suppress(sqlite3.Error),  # what is no cache is said to be none below
                contextlib.closing(sqlite3.connect(copy)) as db,
                db,
            ):
                db.executemany(INSERT, rows_beside(path))
        yield from _connected(path, (Path(room) / path.name).as_uri())


def _require_file(path: Path) -> None:
    """Refuse a pipe or a device in the place of a file; it may be missing."""
    try:
        require_file(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InvestorBenchError(f"{path} cannot be read: {error.strerror}") from None


def _connected(path: Path, uri: str) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE_S)) as db:
            _require_table(db, path)
            yield db
    except sqlite3.Error as error:
        raise InvestorBenchError(f"{path} cannot be read: {error}") from None


def _require_table(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a view, which computes what it seems to hold, and may never come to an end."""
    db.execute("PRAGMA trusted_schema = OFF")
    kinds = db.execute("SELECT type, sql FROM sqlite_master WHERE name = 'answers'").fetchall()
    if any(kind != "table" or "virtual" in str(sql).lower() for kind, sql in kinds):
        raise InvestorBenchError(f"{path} cannot be read: its answers are no table")
