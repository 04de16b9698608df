"""The folder of an archive: whose it is, who has it now, and what a kill may have torn in it.

Knows how Chroma lays its files out, but opens none of them.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from investorbench.memory.errors import ArchiveError, ArchiveMismatchError
from investorbench.memory.records import refuse_another
from investorbench.memory.whole_files import written_whole

if TYPE_CHECKING:
    from filelock import FileLock

LABEL = "memory.json"
"""Beside Chroma's own files: whose folder it is, to be read without opening Chroma."""

MARK = "memory.open"
"""There while a memory has the folder, and after it was killed."""

_INDEX = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ArchiveFolder:
    """A folder that one memory has at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: FileLock | None = None

    def claim(self, identity: Mapping[str, Any], chromadb_version: str) -> bool:
        """Make sure of the folder before Chroma opens it, which may write.

        Args:
            identity: of the memory that wants it.
            chromadb_version: the one that is installed.

        Returns:
            Whether the process that had it last was killed. Chroma keeps rows in SQLite, which a
            kill cannot tear, and its index of embeddings in files that are not written in one
            piece: read half written, they end the process. They are removed then; Chroma begins a
            new index, and all else is there.

        Raises:
            ArchiveMismatchError: it is another memory's, or none's; it was not touched.
            ArchiveError: another memory has it now, or its label is damaged.
        """
        label = self.path / LABEL
        is_new = not label.exists()
        if not is_new:
            self._check(label, identity, chromadb_version)
        elif (self.path / "chroma.sqlite3").exists():
            raise ArchiveMismatchError(
                f"the Chroma folder {self.path} has no {LABEL}, so it is not a memory's; it was "
                "not touched. Name another folder"
            )
        self._take()
        if is_new:
            # In place before Chroma's first file, and never half written.
            written = {"identity": identity, "chromadb": chromadb_version}
            with written_whole(label) as file:
                file.write(json.dumps(written, indent=1).encode())
        mark = self.path / MARK
        was_killed = mark.exists()
        if was_killed:
            for index in self.path.iterdir():
                if index.is_dir() and _INDEX.fullmatch(index.name):
                    shutil.rmtree(index)
        mark.touch()
        return was_killed

    def unmark(self) -> None:
        """Chroma closed it, so all of it is whole."""
        (self.path / MARK).unlink(missing_ok=True)

    def release(self) -> None:
        """Let others have it."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _take(self) -> None:
        from filelock import FileLock, Timeout

        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / "memory.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ArchiveError(
                f"the Chroma folder {self.path} is in use by another memory: give each its own"
            ) from error
        self._lock = lock

    def _check(self, label: Path, identity: Mapping[str, Any], chromadb_version: str) -> None:
        try:
            found = json.loads(label.read_text())
            writer, owner = str(found["chromadb"]), found["identity"]
            is_newer = _release(writer) > _release(chromadb_version)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArchiveError(f"{label} is damaged: {error}") from error
        refuse_another(owner, identity, f"the Chroma folder {self.path}")
        if is_newer:
            raise ArchiveMismatchError(
                f"the Chroma folder {self.path} was written by chromadb {writer}, and "
                f"{chromadb_version} is installed; it was not touched. Install that version, or "
                "name another folder"
            )


def _release(version: str) -> tuple[int, ...]:
    """Major and minor."""
    return tuple(int(part) for part in version.split(".")[:2])
