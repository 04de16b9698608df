"""Files of figures: JSON that is written whole, and read or refused."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from investorbench.tasks.record.schema import Content, without_nan
from investorbench_env.errors import InvestorBenchError
from investorbench_env.regular_files import open_file
from investorbench_env.whole_files import write_atomically

OF_A_SYSTEM = re.compile(
    r"\.DS_Store|\.localized|Thumbs\.db|desktop\.ini|\.nfs[0-9a-f]{16,}", re.IGNORECASE
)
BESIDE = "._"
"""What the name of a file begins with in which macOS keeps what it knows of another one."""


def is_of_a_system(path: Path) -> bool:
    """Whether a file manager or a file system left it in a folder that was looked at, or copied."""
    name = path.name
    is_beside = name.startswith(BESIDE) and path.with_name(name.removeprefix(BESIDE)).exists()
    return is_beside or OF_A_SYSTEM.fullmatch(name) is not None


LONGEST_NAME = 255
"""Bytes of a name that file systems hold."""


def folder_name(name: str) -> str:
    """A name as that of a folder, which never leads out of the one that it is in.

    What no file system holds is cut, and ends with a hash of the whole.
    """
    kept = re.sub(r"[^\w.,=+-]+", "_", name)
    if len(kept.encode()) > LONGEST_NAME:
        end = f"_{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
        return cut_to(LONGEST_NAME - len(end), kept) + end
    return kept if kept.strip(".") else "_" * max(len(kept), 1)


def cut_to(most: int, name: str) -> str:
    """A name without the characters that are beyond so many bytes."""
    return name.encode()[:most].decode(errors="ignore")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically; figures that are no number become null."""
    text = json.dumps(without_nan(content), ensure_ascii=False, indent=2, allow_nan=False)
    write_atomically(path, text + "\n")


def bytes_of(path: Path) -> bytes:
    """What a file holds.

    Raises:
        InvestorBenchError: the system does not give it out.
    """
    try:
        with open_file(path) as file:
            return file.read()
    except OSError as error:
        raise InvestorBenchError(f"{path} cannot be read: {error.strerror}") from None


def read_json(path: Path) -> Content:
    """A file of figures.

    Raises:
        InvestorBenchError: it cannot be read as one.
    """
    try:
        content = json.loads(bytes_of(path))
    except (ValueError, RecursionError) as error:
        raise InvestorBenchError(f"{path} is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvestorBenchError(f"{path} is no JSON object")
    return content
