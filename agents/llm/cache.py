"""Answers kept in SQLite, by everything that determines them; several processes may share a file.

Where a network lies between them, each adds to one of its own: see ``answer_files``.

It knows no server: a caller that misses asks, and stores the answer.
"""

import asyncio
import contextlib
import json
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from filelock import Timeout

from investorbench.agents.llm.answer import Completion, ToolCall, Usage
from investorbench.agents.llm.answer_files import INSERT, AnswerFiles, rows_beside, settle
from investorbench.agents.llm.canonical import canonical
from investorbench.agents.llm.endpoints import PerLoop
from investorbench.agents.llm.errors import CacheError
from investorbench.agents.llm.file_systems import file_system_of
from investorbench_env.errors import UnknownNameError

T = TypeVar("T")
CacheMode = Literal["off", "read_write", "replay_only"]
MODES: tuple[CacheMode, ...] = ("off", "read_write", "replay_only")
CacheFiles = Literal["one", "each"]
FILES: tuple[CacheFiles, ...] = ("one", "each")
VERSION = 2
OF_OTHER_KEYS = 1
"""The version whose keys leave out a server's settings and the address of what is unpublished."""
HELD = ", perhaps by a process with cache_files=one; give the same to all that share it"
BUSY_S = 30.0
"""How long to wait for another process that is writing."""


class FilesFor(NamedTuple):
    """How a cache is kept, and what is to be said of it; nothing where there is nothing odd."""

    files: CacheFiles
    said: str = ""


def files_for(path: Path, wanted: CacheFiles | None = None) -> FilesFor:
    """How the cache at a path is kept: as wanted, or as its file system calls for."""
    if wanted is not None:
        return FilesFor(wanted)
    found = file_system_of(path)
    if found.is_of_a_network:
        return FilesFor(
            "each",
            f"{path} is on a network file system ({found.kind}), where SQLite cannot share a file: "
            "each process adds answers to one of its own; cache_files=one overrides it",
        )
    if not found.is_known:
        return FilesFor(
            "one",
            f"the file system of {path} is unknown: taken for one of this machine; give "
            "cache_files=each where other machines share it",
        )
    return FilesFor("one")


class Cache:
    """A file of answers.

    Args:
        path: of the file; made, with its folder, unless the mode is ``replay_only``.
        mode: ``read_write`` looks up and keeps; ``replay_only`` looks up, and a miss is an error.
        files: ``one`` for all processes, or ``each`` adds to one of its own; None for what the file
            system calls for.

    Raises:
        CacheError: there is no such file to replay, or it is no cache of this version.
    """

    def __init__(
        self,
        path: Path | str,
        mode: CacheMode = "read_write",
        files: CacheFiles | None = None,
    ) -> None:
        if mode not in MODES or mode == "off":
            raise UnknownNameError("cache mode", mode, MODES[1:])
        self.path, self.mode = Path(path), mode
        if mode == "replay_only" and not self.path.is_file():
            raise CacheError(f"there is no cache {self.path} to replay: record one with read_write")
        self._lock = threading.Lock()
        self._flights: PerLoop[dict[str, asyncio.Future[bool]]] = PerLoop(dict)
        self._each: AnswerFiles | None = None
        self._left: dict[str, str] = {}
        self._db = self._open_for(files) if mode == "read_write" else self._open_to_read()
        self._waits_s = BUSY_S

    def _open_to_read(self) -> sqlite3.Connection:
        """Also where nothing can be written, such as on a disk that is mounted so."""
        failed = ""
        for how in ("mode=rw", "immutable=1"):  # the first leaves no files behind
            db = None
            try:
                db = sqlite3.connect(
                    f"{self.path.resolve().as_uri()}?{how}",
                    uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False,
                )  # fmt: skip
                self._require_version(int(db.execute("PRAGMA user_version").fetchone()[0]))
                self._left = {key: completion for key, _, completion in rows_beside(self.path)}
                return db
            except (sqlite3.DatabaseError, CacheError) as error:
                if db is not None:
                    db.close()
                if isinstance(error, CacheError):
                    raise
                failed = str(error)
        raise CacheError(f"{self.path} cannot be used as a cache: {failed}")

    def _require_version(self, found: int) -> None:
        if found == OF_OTHER_KEYS:
            raise CacheError(
                f"{self.path} was written by an older InvestorBench, whose keys do not say by "
                "which server settings, and where, an answer was given: finish its run with "
                "that one, or give another file, cache_path=… (it was left as it is)"
            )
        if found != VERSION:
            raise CacheError(
                f"{self.path} is no cache of version {VERSION}; give another file (it was "
                "left as it is)"
            )

    def _make(self, db: sqlite3.Connection) -> None:
        # In one transaction, or another process's new file looks like one of no version.
        db.execute("BEGIN IMMEDIATE")
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if found or tables:
            self._require_version(found)
        db.execute(
            "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, model TEXT NOT NULL, "
            "completion TEXT NOT NULL) WITHOUT ROWID"
        )
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")

    def _open_for(self, files: CacheFiles | None) -> sqlite3.Connection:
        try:
            if files_for(self.path, files).files == "one" and settle(self.path, self._make):
                return self._open()
            self._each = AnswerFiles(self.path, self._make)
            return self._each.db
        except (Timeout, sqlite3.DatabaseError) as error:
            is_held = "locked" in str(error)
            why = f"{error}{HELD}" if is_held else error
            raise CacheError(f"{self.path} cannot be used as a cache: {why}") from None

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(
            self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            self._make(db)
            # Readers do not wait for a writer, and a kill at any instant leaves whole answers.
            with _unless_busy():  # where another process is at it, its change holds for all
                db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
        except (sqlite3.DatabaseError, CacheError):
            db.close()
            raise
        return db

    async def get(self, keys: Iterable[str]) -> tuple[str, Completion] | None:
        """The first of these keys that there is an answer for, with the answer."""
        return await self._done(self._get, list(keys))

    async def put(self, key: str, model: str, completion: Completion) -> Completion:
        """Keep an answer, and return what is kept: where another process came first, its answer."""
        return await self._done(self._put, key, model, completion)

    async def alone(self, question: str, ask: Callable[[], Awaitable[None]]) -> None:
        """Run ``ask`` unless the same question is being asked; then wait until that is over.

        Who waited finds the answer in the cache; if there is none, it asks in its turn.
        """
        flights = self._flights.get()
        if question in flights:
            await asyncio.wait([flights[question]])
            return
        flights[question] = asyncio.get_running_loop().create_future()
        try:
            await ask()
        finally:
            flights.pop(question).set_result(True)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._each is not None:
                self._each.close()
            self._db.close()

    def __enter__(self) -> "Cache":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, sqlite3.Error):
            self._db.close()

    def __len__(self) -> int:
        with self._lock:
            if self._each is not None:
                return len(self._each)
            return int(self._db.execute("SELECT count(*) FROM answers").fetchone()[0])

    async def _done(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do it here and now where nothing else is at it, and else in a thread, with patience.

        A thread would cost a busy event loop a hundred times what SQLite takes.
        """
        if self._each is None and self._lock.acquire(blocking=False):
            try:
                with _unless_busy():
                    self._wait_for(0.0)
                    return work(*arguments)
            finally:
                self._lock.release()
        return await asyncio.to_thread(self._wait_and_do, work, *arguments)

    def _wait_and_do(self, work: Callable[..., T], *arguments: Any) -> T:
        with self._lock:
            self._wait_for(BUSY_S)
            return work(*arguments)

    def _wait_for(self, seconds: float) -> None:
        """How long to wait for another process; said to SQLite where it is another time."""
        if seconds != self._waits_s:
            self._db.execute(f"PRAGMA busy_timeout = {int(1000 * seconds)}")
            self._waits_s = seconds

    def _get(self, keys: list[str]) -> tuple[str, Completion] | None:
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, completion FROM answers WHERE key IN ({marks})"
        if self._each is not None:
            rows = self._each.get(keys)
        else:
            rows = self._left | dict(self._db.execute(query, keys).fetchall())
        return next(((key, _completion(rows[key])) for key in keys if key in rows), None)

    def _put(self, key: str, model: str, completion: Completion) -> Completion:
        text = canonical(asdict(completion))
        if self._each is not None:
            known = self._each.put(key, model, text)
            return completion if known == text else _completion(known)
        kept = self._db.execute(INSERT, (key, model, text))
        if kept.rowcount:
            return completion
        found = self._get([key])
        return found[1] if found else completion


def _completion(text: str) -> Completion:
    values = json.loads(text)
    calls = tuple(ToolCall(**call) for call in values.get("tool_calls", ()))
    return Completion(**{**values, "usage": Usage(**values["usage"]), "tool_calls": calls})


@contextlib.contextmanager
def _unless_busy() -> Iterator[None]:
    """Go on without, where another process holds the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
