"""`LayeredMemory`: texts in layers that fade, are recalled by a query, and are kept by feedback.

Knows text, time as a label, and steps; nothing of what the texts are about.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.embedding import Embedder, embed
from investorbench.memory.errors import InvalidInputError, UnknownMemoryError
from investorbench.memory.files import read_snapshot, write_snapshot
from investorbench.memory.inputs import checked_texts, contents_of
from investorbench.memory.layers import Layers, Move
from investorbench.memory.profiles import Profile, find_profile
from investorbench.memory.records import (
    FORMAT,
    STATE,
    Changes,
    MemoryContent,
    Rows,
    Snapshot,
    State,
    Store,
    no_rows,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """One memory that a query brought up.

    Attributes:
        id: what to reinforce it by.
        text: what was added.
        score: similarity + recency + min(importance, 100)/100.
        similarity: the cosine to the query, the highest where there were several.
        recency: r, in 0..1.
        importance: v, not limited to 100.
        layer: where it is now.
        time: the label it was added with.
        metadata: what it was added with; a copy.
    """

    id: int
    text: str
    score: float
    similarity: float
    recency: float
    importance: float
    layer: str
    time: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """What one step did.

    Attributes:
        step: completed steps, this one included.
        deleted: ids that are gone.
        moves: in the order in which they happened.
    """

    step: int
    deleted: tuple[int, ...]
    moves: tuple[Move, ...]


class LayeredMemory:
    """Layered long-term memory, after FinMem (Yu et al., 2023).

    A memory belongs to one agent; it shares nothing with others but, where they like, an embedder.
    The caller's order in each step is: add documents, recall, add a reflection, reinforce, step.
    """

    def __init__(
        self,
        profile: str | Profile | Mapping[str, Any],
        store: Store,
        embedder: Embedder,
        *,
        seed: int = 0,
    ) -> None:
        """Open what the store holds, as it was when its last step ended, or begin again.

        Args:
            profile: constants, as a file of a profile has them too, or the name of some, see
                :data:`~investorbench.memory.profiles.PROFILES`.
            store: ``Arrays()`` in memory, or a ``Chroma`` archive.
            embedder: what makes vectors of texts.
            seed: of the initial importances that the profile draws.

        Raises:
            ArchiveMismatchError: the store holds a memory made with other constants.
            ArchiveError: the store cannot be opened.
        """
        self.profile = find_profile(profile)
        self.embedder = embedder
        self.seed = seed
        self._store = store
        self._begin(Snapshot(step=0, next_id=0, rows=no_rows(embedder.dimension)))
        if (snapshot := store.open(self.identity)) is not None:
            self._begin(snapshot)

    @property
    def identity(self) -> dict[str, Any]:
        """All that must be the same for a saved memory to go on, as plain JSON values."""
        return {
            "format": FORMAT,
            "profile": self.profile.record(),
            "embedder": self.embedder.name,
            "dimension": self.embedder.dimension,
            "seed": self.seed,
        }

    @property
    def steps(self) -> int:
        """Completed steps."""
        return self._step

    @property
    def is_durable(self) -> bool:
        """Whether the store keeps what each step leaves, so that nothing else need be saved."""
        return self._store.is_durable

    @property
    def is_slow(self) -> bool:
        """Whether a call may wait for a disk, a server or a model, and not for arithmetic alone."""
        return self.is_durable or not getattr(self.embedder, "is_quick", False)

    def __len__(self) -> int:
        return len(self._contents)

    def __contains__(self, memory_id: object) -> bool:
        return memory_id in self._contents

    def __iter__(self) -> Iterator[int]:
        """Ids of all memories, ascending."""
        return iter(sorted(self._contents))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [N, D] of texts, for `add` and `recall` alike: what is asked about is added next.

        Raises:
            InvalidInputError: an empty text.
            EmbeddingError: the embedder failed.
        """
        return embed(self.embedder, checked_texts(texts))

    def add(
        self,
        texts: str | Sequence[str],
        layer: str,
        time: str,
        metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        *,
        vectors: NDArray[np.float32] | None = None,
    ) -> list[int]:
        """Add texts to a layer, as new as can be: δ = 0, r = 1.

        Args:
            texts: one or several.
            layer: one of the profile's.
            time: a label that recalled memories carry, such as the day the text appeared.
            metadata: JSON values that recalled memories carry: for all texts, or for each its own.
            vectors: of the texts, as `embed` gave them [N, D]; None: they are embedded now.

        Returns:
            For each text the id of the memory that holds it: a new one, or, where the layer skips
            what it has already, the one that says the same.

        Raises:
            UnknownSettingError: the profile has no such layer.
            InvalidInputError: an empty text, or a time or metadata that cannot be kept.
            EmbeddingError: the embedder failed. In all cases nothing was added.
        """
        place = self.profile.index(layer)
        texts = checked_texts(texts)
        contents = contents_of(texts, time, metadata)
        if vectors is None:
            vectors = embed(self.embedder, texts)
        else:
            self._require_vectors(vectors, len(texts))
        skip_at = self.profile.layers[place].skip_at
        if skip_at is None:
            return self._insert(place, contents, vectors)
        ids = []
        for row, content in enumerate(contents):
            twin = self._layers.twin(place, vectors[row], skip_at)
            if twin is None:
                (twin,) = self._insert(place, [content], vectors[row : row + 1])
            ids.append(twin)
        return ids

    def recall(
        self, query: str | Sequence[str] | NDArray[np.float32], k: int | None = None
    ) -> dict[str, list[Recalled]]:
        """The k memories of each layer with the highest score, best first.

        Every memory of a layer is ranked, unless the profile says otherwise. Scores that agree to
        12 decimals are ties, and the memory that was added first comes first.

        Args:
            query: a text, or several, of which the nearest counts for each memory; or their
                vectors, as `embed` gave them [M, D].
            k: how many of each layer; the profile's own number by default.

        Raises:
            InvalidInputError: an empty query, or k < 1.
            EmbeddingError: the embedder failed.
        """
        k = self.profile.retrieved if k is None else k
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InvalidInputError(f"k is how many memories of each layer, at least 1, not {k!r}")
        if isinstance(query, np.ndarray):
            self._require_vectors(query, max(1, len(query)))
            queries = query
        else:
            queries = embed(self.embedder, checked_texts(query, at_least=1))
        return {
            layer: self._recalled(place, queries, k)
            for place, layer in enumerate(self.profile.names)
        }

    def reinforce(self, ids: Iterable[int], sign: int) -> list[int]:
        """Make memories more or less important, as the profile's feedback says.

        Args:
            ids: each counts once. Those of memories that are forgotten by now are passed over.
            sign: 1 or −1; 0 is no feedback, and changes nothing.

        Returns:
            The ids of the memories that are still there, ascending.

        Raises:
            UnknownMemoryError: an id that no memory ever had.
            InvalidInputError: another sign, or an id that is no integer. In both cases nothing
                was changed.
        """
        if sign not in (-1, 0, 1):
            raise InvalidInputError(f"feedback is 1, 0 or −1, not {sign!r}")
        try:
            wanted = sorted({index(id) for id in ids})
        except TypeError as error:
            raise InvalidInputError(f"ids are integers, as recall gives them: {error}") from error
        if unknown := [id for id in wanted if not 0 <= id < self._next_id]:
            raise UnknownMemoryError(
                f"no memory ever had the ids {unknown[:10]}; "
                + (f"they go from 0 to {self._next_id - 1}" if self._next_id else "none was added")
            )
        present = [id for id in wanted if id in self._contents]
        if present and sign:
            self._layers.reinforce(np.array(present, np.int64), int(sign), self._step)
            self._touched.update(present)
        return present

    def forget(self, ids: Iterable[int]) -> list[int]:
        """Delete memories that something else has taken the place of.

        Args:
            ids: those of memories that are forgotten already are passed over.

        Returns:
            The ids of the memories that were deleted, ascending.
        """
        present = sorted({id for id in ids if id in self._contents})
        self._layers.drop(np.array(present, np.int64))
        self._drop(present)
        return present

    def step(self) -> Stepped:
        """End a step: decay, delete, move between layers, and hand the changes to the store.

        Raises:
            ArchiveError: the store failed. The step is done, and `flush` tries again.
        """
        self._step += 1
        deleted = self._layers.forget(self._step)
        self._drop(deleted)
        moves = self._layers.move(self._step)
        self._touched.update(move.id for move in moves)
        self.flush()
        return Stepped(step=self._step, deleted=tuple(deleted), moves=tuple(moves))

    def flush(self) -> None:
        """A checkpoint: have the store keep what happened since the last step."""
        if self._store.is_durable:
            self._store.commit(self._changes())
        self._forget_changes()

    def rewind(self, step: int) -> None:
        """Go back to the end of an earlier step, where the store goes back that far.

        Raises:
            ArchiveError: it does not.
        """
        self._begin(self._store.rewind(step))

    def save(self, path: str | Path) -> None:
        """Write everything to one file, which is either the old or the new one at any instant."""
        write_snapshot(Path(path), self._snapshot(), self.identity)

    def load(self, path: str | Path) -> None:
        """Become what was saved, and have the store keep that and nothing else.

        Raises:
            ArchiveMismatchError: the file holds a memory made with other constants.
            ArchiveError: it cannot be read. In both cases nothing was changed.
        """
        snapshot = read_snapshot(Path(path), self.identity)
        self._store.commit(
            Changes(
                step=snapshot.step, next_id=snapshot.next_id, added=snapshot.rows,
                changed=no_rows(0).state, removed=[], replaces_all=True,
            )
        )  # fmt: skip
        self._begin(snapshot)

    def close(self) -> None:
        """Let go of the store; what happened since the last step or checkpoint is not kept."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def describe(self) -> str:
        """What is remembered, layer by layer, for people."""
        lines = [
            f"memory {self.profile.name!r} after {self._step} steps: {len(self)} memories; "
            f"embedder {self.embedder.name}, {self.embedder.dimension} dimensions; "
            f"{self._store.describe()}"
        ]
        for place, columns in enumerate(self._layers.columns):
            line = f"  {columns.layer.name:<12}{columns.size:>7}"
            if columns.size:
                recencies = self._layers.recencies(place, self._step)
                importances = columns.importances(self._step)
                line += (
                    f"   recency {recencies.min():.2f} to {recencies.max():.2f}"
                    f"   importance {importances.min():.1f} to {importances.max():.1f}"
                )
            lines.append(line)
        return "\n".join(lines)

    def _require_vectors(self, vectors: NDArray[np.float32], count: int) -> None:
        expected = (count, self.embedder.dimension)
        if vectors.shape != expected or not np.isfinite(vectors).all():
            raise InvalidInputError(
                f"vectors of shape {vectors.shape} are not {expected} finite numbers: give those "
                "that embed(texts) gave"
            )

    def _begin(self, snapshot: Snapshot) -> None:
        self._step, self._next_id = snapshot.step, snapshot.next_id
        self._layers = Layers(self.profile, self.embedder.dimension)
        self._layers.append(snapshot.rows.state, snapshot.rows.vectors)
        ids = snapshot.rows.state["id"].tolist()
        self._contents = dict(zip(ids, snapshot.rows.contents, strict=True))
        self._forget_changes()

    def _forget_changes(self) -> None:
        """The store has everything as it is now."""
        self._new = set[int]()  # what the store does not have yet,
        self._touched = set[int]()  # what it has as it was,
        self._removed: list[int] = []  # and what it should not have any more

    def _drop(self, ids: Iterable[int]) -> None:
        """Delete the contents of memories that no layer has any more."""
        for id in ids:
            del self._contents[id]
            if id in self._new:
                self._new.remove(id)
            else:
                self._removed.append(id)

    def _insert(
        self, place: int, contents: list[MemoryContent], vectors: NDArray[np.float32]
    ) -> list[int]:
        ids = list(range(self._next_id, self._next_id + len(contents)))
        layer = self.profile.layers[place]
        fields: dict[str, Any] = {
            "id": ids, "layer": place, "value": [layer.draw(self.seed, id) for id in ids],
            "value_step": self._step, "recency_step": self._step,
            "moved_step": -1, "moved_from": -1, "feedback": 0,
        }  # fmt: skip
        state = {name: np.full(len(ids), fields[name], kind) for name, kind in STATE.items()}
        self._layers.columns[place].append(state, vectors)
        self._contents.update(zip(ids, contents, strict=True))
        self._new.update(ids)
        self._next_id += len(ids)
        return ids

    def _recalled(self, place: int, queries: NDArray[np.float32], k: int) -> list[Recalled]:
        columns = self._layers.columns[place]
        rows, *parts = self._layers.best(place, queries, k, self._step)
        ids = columns["id"][rows].tolist()
        recalled = []
        for id, cosine, recency, importance in zip(ids, *(p.tolist() for p in parts), strict=True):
            content = self._contents[id]
            recalled.append(
                Recalled(
                    id=id, text=content.text, score=cosine + recency + min(importance, 100) / 100,
                    similarity=cosine, recency=recency, importance=importance,
                    layer=columns.layer.name, time=content.time, metadata=dict(content.metadata),
                )
            )  # fmt: skip
        return recalled

    def _rows(self, ids: Collection[int]) -> Rows:
        if not ids:
            return no_rows(self.embedder.dimension)
        state, vectors = self._layers.take(np.array(sorted(ids), np.int64))
        contents = [self._contents[id] for id in state["id"].tolist()]
        return Rows(state=state, vectors=vectors, contents=contents)

    def _snapshot(self) -> Snapshot:
        return Snapshot(step=self._step, next_id=self._next_id, rows=self._rows(self._contents))

    def _changes(self) -> Changes:
        changed: State = self._rows((self._touched - self._new) & self._contents.keys()).state
        return Changes(
            step=self._step,
            next_id=self._next_id,
            added=self._rows(self._new),
            changed=changed,
            removed=sorted(self._removed),
        )
