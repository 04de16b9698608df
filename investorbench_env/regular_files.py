"""Files that are read where they are files, and refused where reading them might never end."""

import errno
import io
import stat
from pathlib import Path
from typing import BinaryIO

NO_FILE = "it is a pipe, a socket or a device, and nothing but files is read"


def require_file(path: Path) -> None:
    """Refuse what reading may wait for without an end.

    Raises:
        OSError: nothing is there, or it is a pipe, a socket or a device.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # of a folder the system itself says so
        raise OSError(errno.EINVAL, NO_FILE, str(path))


def open_file(path: Path, at_once: int = io.DEFAULT_BUFFER_SIZE) -> BinaryIO:
    """A file, opened to be read.

    Args:
        path: of the file.
        at_once: bytes that are read from it together.

    Raises:
        OSError: the system does not give it out, or it is a pipe, a socket or a device.
    """
    require_file(path)
    return path.open("rb", buffering=at_once)


def read_text(path: Path) -> str:
    """What a file of UTF-8 holds, with the ends of lines that Python has.

    Raises:
        OSError: as :func:`open_file` does.
        UnicodeDecodeError: it is no UTF-8.
    """
    with io.TextIOWrapper(open_file(path), encoding="utf-8") as file:
        return file.read()
