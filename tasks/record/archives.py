"""Files of a record in one archive: packed here, and unpacked from elsewhere with suspicion."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

LARGEST, MOST = 8 << 30, 200_000
"""Bytes, and files, of an archive when it is unpacked."""
RATIO, SLACK = 100, 1 << 20
"""What compresses by more is stored as it is, so that no small archive fills a disk."""
CHUNK = 1 << 20
LEVEL, STORED = 3, 0
NOT_WHOLE = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError)
"""What reading an archive raises that is none, not whole, or holds what no record does."""


def pack(parts: Mapping[str, Path], into: Path) -> None:
    """Pack files, as far as they are there, by their paths in the archive."""
    _pack(parts, into, LEVEL)
    with gzip.open(into) as packed:
        unpacked = sum(len(chunk) for chunk in iter(lambda: packed.read(CHUNK), b""))
    if unpacked > _most(into):
        _pack(parts, into, STORED)


def _pack(parts: Mapping[str, Path], into: Path, level: int) -> None:
    with tarfile.open(into, "w:gz", compresslevel=level) as archive:
        for inside, path in parts.items():
            with suppress(FileNotFoundError):
                archive.add(path, inside, recursive=False)


def unpack(packed: Path, into: Path) -> None:
    """Unpack an archive of plain files, to its end: what was changed in it shows only there.

    Raises:
        NOT_WHOLE: it is none, was cut off or changed, unpacks to more than it should, or holds what
            is no file within it.
        OSError: the disk is full, or a name is none here.
    """
    number = 0
    with gzip.open(packed) as stream:
        limited = _Limited(stream, _most(packed))
        with tarfile.open(fileobj=limited, mode="r|") as archive:
            for member in archive:
                number += 1
                if number > MOST:
                    raise ValueError(f"it holds more than {MOST:,} files")
                if not member.isreg():
                    raise ValueError(f"{member.name!r} is no plain file")
                archive.extract(member, into, filter="data")
        while limited.read(CHUNK):
            pass


def _most(packed: Path) -> int:
    return min(LARGEST, SLACK + RATIO * packed.stat().st_size)


class _Limited(io.RawIOBase):
    """A stream that ends with an error where it turns out longer than it should be."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self._stream, self._left, self._most = stream, most, most

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(self._left + 1 if size < 0 else size)
        self._left -= len(content)
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {self._most:,} bytes")
        return content
