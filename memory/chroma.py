"""Chroma as a durable archive: in a folder of this process, or at the address of a server.

The only module that knows chromadb. What is written when, so that a kill costs nothing but the step
in progress, is in `memory.journal`. Chroma never ranks: recency and importance outweigh similarity,
so its similarity-first candidates miss most of the true best.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from investorbench.memory.errors import (
    ArchiveError,
    ArchiveMismatchError,
    InvalidInputError,
    MissingPackageError,
)
from investorbench.memory.folders import ArchiveFolder
from investorbench.memory.journal import Journal
from investorbench.memory.records import Changes, Snapshot, refuse_another


class Chroma:
    """A store that survives its process. One memory has it at a time."""

    is_durable = True

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        url: str | None = None,
        collection: str = "memory",
        kept_steps: int = 8,
    ) -> None:
        """Say where; nothing is opened yet.

        Args:
            folder: of this memory alone; made where it is missing.
            url: of a Chroma server, such as ``http://localhost:8000``, instead of a folder. What a
                kill of the server itself costs is the server's matter.
            collection: its name, 3 to 500 characters. Memories on one server need one each; only
                one process may write to it at a time, and a server does not check that.
            kept_steps: steps that `rewind` can go back by, at least.

        Raises:
            InvalidInputError: neither or both of folder and url, or an address that is none.
        """
        if (folder is None) == (url is None):
            raise InvalidInputError("a Chroma archive has a folder or the url of a server")
        if kept_steps < 1:
            raise InvalidInputError(f"kept_steps is at least 1, not {kept_steps}")
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not _host(url)):
            raise InvalidInputError(f"{url!r} is no address such as http://localhost:8000")
        self._folder = None if folder is None else ArchiveFolder(Path(folder))
        self._url = url
        self._name = collection
        self._kept = kept_steps
        self._where = f"the Chroma folder {folder}" if url is None else f"{collection!r} at {url}"
        self._client: Any = None
        self._journal: Journal | None = None

    def open(self, identity: Mapping[str, Any]) -> Snapshot | None:
        """What was there when the last step ended; remains of a later one are deleted.

        Raises:
            ArchiveMismatchError: it is another memory's, or not a memory's; it is not touched.
            ArchiveError: it is in use, out of reach or damaged.
            MissingPackageError: chromadb is not installed.
        """
        if self._journal is not None:
            raise ArchiveError(f"{self._where} is in use by another memory: give each its own")
        installed = _installed()
        try:
            with self._explained():
                was_killed = self._folder is not None and self._folder.claim(identity, installed)
                self._client = self._connect()
                rows, entries = self._collections(identity)
                journal = Journal(rows, entries, identity["dimension"], self._kept)
                snapshot = journal.snapshot()
                if was_killed:
                    journal.index_anew(snapshot.rows.vectors)
                self._journal = journal
                return None if journal.is_new else snapshot
        except BaseException:
            self.close()
            raise

    def commit(self, changes: Changes) -> None:
        """Write a step's changes in batches; after a kill all of them are there, or none.

        Raises:
            ArchiveError: Chroma failed; the same changes, or more, can be committed again.
        """
        with self._explained():
            self._opened().commit(changes)

    def rewind(self, step: int) -> Snapshot:
        """Go back to the end of one of the last steps.

        Raises:
            ArchiveError: it is too long ago, or has not been.
        """
        with self._explained():
            journal = self._opened()
            journal.rewind(step)
            return journal.snapshot()

    def close(self) -> None:
        """Let go of the folder or the connection."""
        is_whole, self._journal = self._journal is not None, None
        if self._client is not None:
            if self._url is not None:
                _hang_up(self._client)
            self._client.close()
            self._client = None
        if self._folder is not None:
            if is_whole:
                self._folder.unmark()
            self._folder.release()

    def describe(self) -> str:
        """In a few words."""
        return f"archived in {self._where}"

    def _connect(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        quiet = Settings(anonymized_telemetry=False)
        if self._url is None:
            assert self._folder is not None
            return chromadb.PersistentClient(path=str(self._folder.path), settings=quiet)
        parts = urlsplit(self._url)
        secure = parts.scheme == "https"
        return chromadb.HttpClient(
            host=_host(self._url), port=parts.port or (443 if secure else 80), ssl=secure,
            settings=quiet,
        )  # fmt: skip

    def _collections(self, identity: Mapping[str, Any]) -> tuple[Any, Any]:
        """Those of the rows and of the journal; made where they are missing."""
        from chromadb.errors import NotFoundError

        try:
            rows = self._client.get_collection(self._name, embedding_function=None)
        except NotFoundError:
            rows = self._client.create_collection(
                self._name, metadata={"identity": json.dumps(identity)}, embedding_function=None
            )
        if (found := (rows.metadata or {}).get("identity")) is None:
            raise ArchiveMismatchError(
                f"{self._where} is not a memory's collection; it was not touched. Name another one"
            )
        refuse_another(json.loads(found), identity, self._where)
        entries = self._client.get_or_create_collection(
            f"{self._name}-steps", embedding_function=None
        )
        return rows, entries

    def _opened(self) -> Journal:
        if self._journal is None:
            raise ArchiveError(f"{self._where} is not open")
        return self._journal

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Chroma's errors, as ours."""
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield
        except (ArchiveError, ArchiveMismatchError):
            raise
        except (ChromaError, httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
            raise ArchiveError(
                f"{self._where} cannot be used: {type(error).__name__}: {error}"
            ) from error


def _installed() -> str:
    try:
        return version("chromadb")
    except PackageNotFoundError as error:
        raise MissingPackageError("chromadb", "chroma", "a Chroma archive") from error


def _hang_up(client: Any) -> None:
    """Close the connections that Chroma's own ``close`` leaves open, in names that are its own."""
    with suppress(AttributeError):
        for part in (client, client._admin_client):
            part._server._session.close()


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
