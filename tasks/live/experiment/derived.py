"""Files that are made from a ledger, and are written again only where they are not as it says."""

from pathlib import Path

from investorbench_env.whole_files import write_atomically


def write_where_other(path: Path, text: str) -> None:
    """Write a file unless it holds that text already.

    Raises:
        OSError: it cannot be written; it is as it was.
    """
    if not (path.is_file() and path.read_bytes() == text.encode()):
        write_atomically(path, text)
