"""The layers of one memory, and what happens in them: decay, deletion, movement, feedback.

The rules are FinMem's (Yu et al., 2023), and stand in docs/memory.md. Knows vectors and step
numbers; neither texts, nor embedders, nor stores.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.arrays import LayerColumns
from investorbench.memory.profiles import Profile
from investorbench.memory.ranking import RANKINGS, Indices
from investorbench.memory.records import State, concatenate
from investorbench.memory.scoring import Floats, standing


class Move(NamedTuple):
    """One memory that went from one layer to another."""

    id: int
    origin: str
    destination: str


class Layers:
    """All layers of one memory; the step is always an argument."""

    def __init__(self, profile: Profile, dimension: int) -> None:
        self.profile = profile
        self.columns = [LayerColumns(layer, dimension) for layer in profile.layers]

    def append(self, state: State, vectors: NDArray[np.float32]) -> None:
        """Add memories, each to the layer that its state names."""
        for place, columns in enumerate(self.columns):
            if (rows := np.flatnonzero(state["layer"] == place)).size:
                columns.append({name: state[name][rows] for name in state}, vectors[rows])

    def ids(self) -> NDArray[np.int64]:
        """All ids, ascending."""
        return np.sort(np.concatenate([columns["id"] for columns in self.columns]))

    def take(self, ids: NDArray[np.int64]) -> tuple[State, NDArray[np.float32]]:
        """Copies of these memories' state and vectors, by id."""
        taken = [columns.take(columns.find(ids)) for columns in self.columns]
        state = concatenate(part for part, _ in taken)
        ascending = np.argsort(state["id"])
        vectors = np.concatenate([part for _, part in taken])[ascending]
        return {name: column[ascending] for name, column in state.items()}, vectors

    def recencies(self, place: int, step: int) -> Floats:
        """The recency r of each memory of a layer, [N].

        A memory that moved down keeps its recency until the next step, so until then the layer
        that it came from counts.
        """
        columns = self.columns[place]
        recencies = columns.recencies(step)
        just_moved = np.flatnonzero(columns["moved_step"] == step)
        for row in just_moved:
            origin = self.columns[columns["moved_from"][row]].layer
            elapsed = step - columns["recency_step"][row]
            recencies[row] = np.exp(-elapsed / origin.stability_steps)
        return recencies

    def best(
        self, place: int, queries: NDArray[np.float32], k: int, step: int
    ) -> tuple[Indices, Floats, Floats, Floats]:
        """The k best of a layer: their rows, cosines, recencies and importances, best first."""
        columns = self.columns[place]
        recencies, importances = self.recencies(place, step), columns.importances(step)
        rows, similarity = RANKINGS[self.profile.candidates](
            columns.vectors, columns["id"], standing(recencies, importances), queries, k
        )
        return rows, similarity, recencies[rows], importances[rows]

    def twin(self, place: int, vector: NDArray[np.float32], least_cosine: float) -> int | None:
        """The memory of a layer that is nearest to a vector, if its cosine is at least this."""
        columns = self.columns[place]
        if not columns.size:
            return None
        rows, similarity = RANKINGS["all"](
            columns.vectors, columns["id"], np.zeros(columns.size), vector[None], 1
        )
        return int(columns["id"][rows[0]]) if similarity[0] >= least_cosine else None

    def reinforce(self, ids: NDArray[np.int64], sign: int, step: int) -> None:
        """Feedback: v += f·boost, or c += f and v += c·boost where feedback is counted."""
        for columns in self.columns:
            if not (rows := columns.find(ids)).size:
                continue
            columns["feedback"][rows] += sign
            times = columns["feedback"][rows] if self.profile.counts_feedback else sign
            columns["value"][rows] = columns.importances(step)[rows] + times * self.profile.boost
            columns["value_step"][rows] = step

    def drop(self, ids: NDArray[np.int64]) -> None:
        """Delete these memories, in whichever layer they are."""
        for columns in self.columns:
            if (rows := columns.find(ids)).size:
                columns.drop(rows)

    def forget(self, step: int) -> list[int]:
        """Delete what has become too old or too unimportant; return its ids."""
        forgotten: list[int] = []
        for place, columns in enumerate(self.columns):
            gone = np.flatnonzero(
                (self.recencies(place, step) < self.profile.forget_recency)
                | (columns.importances(step) < self.profile.forget_importance)
            )
            forgotten += columns["id"][gone].tolist()
            if gone.size:
                columns.drop(gone)
        return sorted(forgotten)

    def move(self, step: int) -> list[Move]:
        """Move memories between layers: in each pass every layer in turn, first down, then up."""
        moves: list[Move] = []
        for _ in range(self.profile.passes):
            before = len(moves)
            for place, columns in enumerate(self.columns):
                layer = columns.layer
                if layer.down_below is not None:
                    low = np.flatnonzero(columns.importances(step) < layer.down_below)
                    moves += self._shift(place, place - 1, low, step)
                if layer.up_at is not None:
                    high = np.flatnonzero(columns.importances(step) >= layer.up_at)
                    moves += self._shift(place, place + 1, high, step)
            if len(moves) == before:
                break
        return moves

    def _shift(self, origin: int, destination: int, rows: Indices, step: int) -> list[Move]:
        if not rows.size:
            return []
        source, target = self.columns[origin], self.columns[destination]
        state, vectors = source.take(rows)
        state["value"] = source.importances(step)[rows]  # from here on it decays at another rate
        state["value_step"][:] = step
        if destination > origin:
            state["recency_step"][:] = step
        # A second move within one step leaves r as it was before the first.
        first = state["moved_step"] != step
        state["moved_from"][first] = origin
        state["moved_step"][:] = step
        state["layer"][:] = destination
        source.drop(rows)
        target.append(state, vectors)
        names = source.layer.name, target.layer.name
        return [Move(id, *names) for id in sorted(state["id"].tolist())]
