"""What passes between a memory and its store: rows, snapshots and the changes of a step.

Knows what has to be kept of a memory, but neither how it changes nor where it is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.errors import ArchiveMismatchError

FORMAT = 1
"""The version of saved files and archives; one of another version is refused."""

STATE: dict[str, type[np.generic]] = {
    "id": np.int64,
    "layer": np.int64,  # its place in the profile
    "value": np.float64,  # importance at `value_step`
    "value_step": np.int64,
    "recency_step": np.int64,  # the step at which δ was 0
    "moved_step": np.int64,  # the step of the last move, −1: none,
    "moved_from": np.int64,  # and the layer whose recency it keeps until the next one
    "feedback": np.int64,  # c, where feedback is counted
}
"""The columns of a memory's state, all of them reference values that time does not change."""

State = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryContent:
    """What never changes about a memory."""

    text: str
    time: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Memories as parallel columns.

    Attributes:
        state: the columns of `STATE`, each [N].
        vectors: unit length [N, D].
        contents: N of them.
    """

    state: State
    vectors: NDArray[np.float32]
    contents: list[MemoryContent]

    def __len__(self) -> int:
        return len(self.contents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A whole memory at one moment.

    Attributes:
        step: completed steps.
        next_id: the id of the next memory that is added; ids are never used twice.
        rows: all memories, by id.
    """

    step: int
    next_id: int
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happened to a memory since it was last handed to its store.

    Attributes:
        step: completed steps.
        next_id: as in `Snapshot`.
        added: memories that are new.
        changed: the state of memories that the store has, and that is no longer what it has.
        removed: ids of memories that the store has, and that are gone.
        replaces_all: forget everything before; `added` is all there is.
    """

    step: int
    next_id: int
    added: Rows
    changed: State
    removed: list[int]
    replaces_all: bool = False


class Store(Protocol):
    """Where a memory is kept beyond the life of its process.

    Attributes:
        is_durable: whether it keeps anything at all; where not, nothing is committed.
    """

    is_durable: bool

    def open(self, identity: Mapping[str, Any]) -> Snapshot | None:
        """What was last committed; None where nothing was.

        Raises:
            ArchiveMismatchError: what is there is another memory's; it is not touched.
            ArchiveError: it is in use, out of reach or damaged.
        """

    def commit(self, changes: Changes) -> None:
        """Keep this durably: after a kill at any instant, either all of it is there or none."""

    def rewind(self, step: int) -> Snapshot:
        """Go back to what was committed as this step ended, and forget what came after.

        Raises:
            ArchiveError: the store does not go back that far.
        """

    def close(self) -> None:
        """Let go of files and connections."""

    def describe(self) -> str:
        """In a few words."""


def no_rows(dimension: int) -> Rows:
    """No memories."""
    state = {name: np.empty(0, kind) for name, kind in STATE.items()}
    return Rows(state=state, vectors=np.empty((0, dimension), np.float32), contents=[])


def concatenate(parts: Iterable[State]) -> State:
    """States, one after another."""
    collected = list(parts)
    return {
        name: np.concatenate([part[name] for part in collected] or [np.empty(0, kind)])
        for name, kind in STATE.items()
    }


def state_as_list(state: State, row: int) -> list[float | int]:
    """One memory's state in the order of `STATE`, for JSON, which keeps every bit of it."""
    return [state[name][row].item() for name in STATE]


def state_of_lists(lists: list[list[float | int]]) -> State:
    """The inverse of `state_as_list`, for many memories."""
    return {
        name: np.array([values[place] for values in lists], kind)
        for place, (name, kind) in enumerate(STATE.items())
    }


def refuse_another(found: Mapping[str, Any], expected: Mapping[str, Any], where: str) -> None:
    """Compare what an archive says it is with what is asked for.

    Raises:
        ArchiveMismatchError: they differ; the message names each difference.
    """
    differences = list(_differences(found, expected, ""))
    if differences:
        raise ArchiveMismatchError(
            f"{where} holds another memory and was not touched: {'; '.join(differences[:5])}. "
            "Open it with what it was made with, or name another place"
        )


def _differences(found: Any, expected: Any, name: str) -> Iterable[str]:
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        # Where the profiles have other names, their constants are no news.
        if name == "profile" and found.get("name") != expected.get("name"):
            yield f"its profile is {found.get('name')!r}, not {expected.get('name')!r}"
            return
        for key in dict.fromkeys([*found, *expected]):
            inner = f"{name}.{key}" if name else str(key)
            yield from _differences(found.get(key), expected.get(key), inner)
    elif found != expected:
        yield f"its {name} is {found!r}, not {expected!r}"
