"""Memories as arrays: the columns of each layer, and the store that keeps nothing else.

Columns grow by doubling, and a removed row is filled by the last one: order within a layer has no
meaning, as ids decide ties.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.errors import ArchiveError
from investorbench.memory.profiles import Layer
from investorbench.memory.records import STATE, Changes, Snapshot, State
from investorbench.memory.scoring import Floats, importance, recency


class LayerColumns:
    """One layer's memories.

    The closed forms of elapsed steps are tabulated: a look-up costs a tenth of a power, and two
    memories of one age get the same bits.
    """

    def __init__(self, layer: Layer, dimension: int) -> None:
        self.layer = layer
        self.size = 0
        self._state: State = {name: np.empty(16, kind) for name, kind in STATE.items()}
        self._vectors = np.empty((16, dimension), np.float32)
        self._tabulate(64)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """[N, D], a view."""
        return self._vectors[: self.size]

    def __getitem__(self, column: str) -> NDArray[Any]:
        """[N], a view of one of the columns of `STATE`."""
        return self._state[column][: self.size]

    def append(self, state: State, vectors: NDArray[np.float32]) -> None:
        """Add rows at the end."""
        end = self.size + len(vectors)
        if end > len(self._vectors):
            self._grow(max(end, 2 * len(self._vectors)))
        for name, column in self._state.items():
            column[self.size : end] = state[name]
        self._vectors[self.size : end] = vectors
        self.size = end

    def take(self, rows: NDArray[np.intp]) -> tuple[State, NDArray[np.float32]]:
        """Copies of these rows' state and vectors."""
        return {name: self[name][rows] for name in STATE}, self.vectors[rows]

    def drop(self, rows: NDArray[np.intp]) -> None:
        """Remove rows; the last ones fill the gaps."""
        kept = self.size - len(rows)
        gaps = rows[rows < kept]
        fillers = np.setdiff1d(np.arange(kept, self.size), rows)
        for column in (*self._state.values(), self._vectors):
            column[gaps] = column[fillers]
        self.size = kept

    def find(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Rows of those of these ids that are in this layer."""
        own = self["id"]
        if len(ids) <= 32:  # a few comparisons are quicker than sorting
            return np.flatnonzero((own[:, None] == ids).any(axis=1))
        return np.flatnonzero(np.isin(own, ids))

    def importances(self, step: int) -> Floats:
        """The importance v of each memory at this step, [N]."""
        elapsed = self._elapsed(step, "value_step")
        left: Floats = self._left[elapsed]
        return self["value"] * left

    def recencies(self, step: int) -> Floats:
        """The recency r at this step, [N], as if every memory had always been in this layer."""
        elapsed = self._elapsed(step, "recency_step")
        fresh: Floats = self._fresh[elapsed]
        return fresh

    def _elapsed(self, step: int, since: str) -> NDArray[np.int64]:
        """Steps since then, after making sure that the tables go back that far."""
        elapsed: NDArray[np.int64] = step - self[since]
        if self.size and (oldest := int(elapsed.max())) >= len(self._left):
            self._tabulate(2 * oldest)
        return elapsed

    def _tabulate(self, steps: int) -> None:
        elapsed = np.arange(steps)
        self._left = importance(1.0, elapsed, self.layer.decay)
        self._fresh = recency(elapsed, self.layer.stability_steps)

    def _grow(self, capacity: int) -> None:
        for name, column in self._state.items():
            self._state[name] = np.empty(capacity, column.dtype)
            self._state[name][: self.size] = column[: self.size]
        vectors = self._vectors
        self._vectors = np.empty((capacity, vectors.shape[1]), np.float32)
        self._vectors[: self.size] = vectors[: self.size]


class Arrays:
    """A store in memory alone: nothing survives the process but what `LayeredMemory.save` wrote."""

    is_durable = False

    def open(self, identity: Mapping[str, Any]) -> Snapshot | None:
        """Nothing."""
        return None

    def commit(self, changes: Changes) -> None:
        """Nothing is kept."""

    def rewind(self, step: int) -> Snapshot:
        """Impossible.

        Raises:
            ArchiveError: always.
        """
        raise ArchiveError(
            f"a memory without an archive keeps no past, so it cannot go back to step {step}: "
            "load a saved file, or use memory.chroma.Chroma"
        )

    def close(self) -> None:
        """There is nothing to let go of."""

    def describe(self) -> str:
        """In a few words."""
        return "arrays in memory"
