"""The errors of this package: each says what is wrong, with the value, and what to do next.

`LayeredMemoryError` is the parent of all; ``MemoryError`` is a name of Python's own.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher


class LayeredMemoryError(Exception):
    """Anything that this package refuses; catch it to catch all of the below."""


SHOWN = 5
"""Names that are shown of those that exist."""


class UnknownSettingError(LayeredMemoryError, ValueError):
    """A layer, profile or embedder that does not exist."""

    def __init__(self, kind: str, name: object, valid: Iterable[str]) -> None:
        """Show the nearest names that there are.

        Args:
            kind: what was named, such as ``"layer"``.
            name: the name that was given.
            valid: the names that exist.
        """
        names = sorted(set(valid), key=lambda known: -_closeness(str(name), known))
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        listed = (", ".join(names[:SHOWN]) or "none") + more
        super().__init__(f"unknown {kind} {name!r}; valid, nearest first: {listed}")


class UnknownMemoryError(LayeredMemoryError, LookupError):
    """An id that no memory ever had."""


class InvalidInputError(LayeredMemoryError, ValueError):
    """A text, time, metadata, number or option that cannot be taken; nothing was changed."""


class EmbeddingError(LayeredMemoryError, RuntimeError):
    """An embedder gave no vectors, or vectors that cannot be compared; nothing was changed."""


class ArchiveMismatchError(LayeredMemoryError, ValueError):
    """An archive of another profile, embedder, dimension, seed or version; it was not touched."""


class ArchiveError(LayeredMemoryError, RuntimeError):
    """An archive that is in use, out of reach, damaged, or does not go back that far."""


class MissingPackageError(LayeredMemoryError, ImportError):
    """An optional package is not installed; the message has the command that installs it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package!r}, which is not installed: "
            f"pip install 'investorbench[{extra}]'"
        )


def _closeness(given: str, known: str) -> float:
    return SequenceMatcher(None, given.lower(), known.lower()).ratio()
