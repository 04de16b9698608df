"""What callers hand over by hand, checked before anything runs."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from investorbench_env.errors import InvestorBenchError


def require_truth(name: str, value: Any) -> None:
    """Refuse what is not True or False, such as the text "false", which Python takes for true.

    Raises:
        InvestorBenchError: it is something else.
    """
    if not isinstance(value, bool):
        raise InvestorBenchError(f"{name}={value!r} must be True or False")


def require_callable(name: str, value: Any, what: str) -> None:
    """Refuse what is there and cannot be called.

    Raises:
        InvestorBenchError: as said; it says what the argument should be.
    """
    if value is not None and not callable(value):
        raise InvestorBenchError(f"{name}={value!r} must be {what}, or None")


def require_trackers(trackers: Any) -> None:
    """Refuse what is no list of trackers.

    Raises:
        InvestorBenchError: as said.
    """
    several = list(trackers) if isinstance(trackers, Iterable) else [None]
    if isinstance(trackers, str) or not all(callable(getattr(t, "begin", None)) for t in several):
        raise InvestorBenchError(
            f'trackers={trackers!r} must list trackers, such as [TensorBoard("tb")]'
        )


def folder_of(given: Any, name: str = "folder") -> Path | None:
    """The folder that a user names for files; None where none is named.

    Raises:
        InvestorBenchError: it is no path.
    """
    if given is None:
        return None
    if not isinstance(given, str | Path) or not str(given) or "\0" in str(given):
        raise InvestorBenchError(f'{name}={given!r} must be a path, such as "runs/mine"')
    return Path(given)


def require_writable(folder: Path) -> None:
    """See that files can be written in a folder, or where it would be made; nothing is left there.

    Raises:
        InvestorBenchError: they cannot.
    """
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise InvestorBenchError(
            f"folder={str(folder)!r} cannot be written to ({error.strerror}): name another"
        ) from None
