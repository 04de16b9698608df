"""The order of writes that lets an archive be killed at any instant: rows, journals, folds.

Speaks to two collections of Chroma's kind, without importing it, and never asks them to rank.

A *row* holds what never changes about a memory (text, vector, labels) and its state as it was
written. An *entry* of the journal is one commit: the states that changed, and the rows that are
gone. It is written in one piece after the rows it depends on, so a commit has happened exactly if
its entry is there. Both carry a revision, one more each commit.

- Reading: rows of a revision after the last entry's are remains of a kill, and are deleted. The
  others get the states of the entries, in order.
- Folding: once entries have piled up, the older ones are written into the rows. The entry that is
  folded up to is marked first and deleted last, and every part can be done twice, so a kill in
  between costs nothing but a repetition.
- Going back: entries after the chosen one are deleted, newest first; then reading cleans up.

A vector is kept twice: as the row's embedding, for those who look at the collection with tools of
Chroma's kind, and among its labels, from where it is read. An index of embeddings is not written in
one piece, so nothing that counts may depend on it; after a kill it is made again from the labels.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.errors import ArchiveError
from investorbench.memory.records import (
    Changes,
    MemoryContent,
    Rows,
    Snapshot,
    state_as_list,
    state_of_lists,
)

PAGE = 5_000
"""Rows a call; Chroma takes 5,461 at once, and fails on unpaged reads of tens of thousands."""

_PILE = 3  # times as many entries as are kept are a pile, and folded

_Values = list[float | int]
_NO_VECTOR = np.zeros((1, 1), np.float32)  # Chroma wants one with every row


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One commit.

    Attributes:
        revision: which commit it is, from 1.
        step: completed steps, and
        next_id: the id of the next memory, after it, and
        count: how many memories there are.
        changed: states by the key of a row.
        removed: keys of rows that are gone.
    """

    revision: int
    step: int
    next_id: int
    count: int
    changed: dict[str, _Values]
    removed: list[str]

    @property
    def key(self) -> str:
        return f"step-{self.revision:09d}"


_BEGINNING = JournalEntry(revision=0, step=0, next_id=0, count=0, changed={}, removed=[])


class Journal:
    """Rows in one collection, the journal in another."""

    def __init__(self, rows: Any, entries: Any, dimension: int, kept: int) -> None:
        """Read what is there, and clean up after a kill.

        Args:
            rows: a collection of Chroma for the memories; this object alone writes to it.
            entries: another, for the journal.
            dimension: D of the vectors.
            kept: commits that can be gone back by, at least.
        """
        self._rows = rows
        self._journal = entries
        self._dimension = dimension
        self._kept = kept
        self._in_doubt = False
        self._read()

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever committed."""
        return self._last is _BEGINNING

    def commit(self, changes: Changes) -> None:
        """Write rows, then the entry that makes them count."""
        if self._in_doubt:  # an earlier call failed, and how much of it arrived is unknown
            self._go_back_to(self._last)
        self._in_doubt = True
        if len(self._entries) >= _PILE * self._kept:
            self._fold()
        revision = self._last.revision + 1
        added = {id: f"memory-{id:07d}.{revision}" for id in changes.added.state["id"].tolist()}
        gone = list(self._keys) if changes.replaces_all else changes.removed
        state = changes.changed
        entry = JournalEntry(
            revision=revision,
            step=changes.step,
            next_id=changes.next_id,
            count=len(self._keys) - len(gone) + len(added),
            changed={
                self._keys[id]: state_as_list(state, row)
                for row, id in enumerate(state["id"].tolist())
            },
            removed=[self._keys[id] for id in gone],
        )
        self._write_rows(list(added.values()), changes.added, revision)
        self._write_entry(entry)
        self._in_doubt = False
        for id in gone:
            del self._keys[id]
        self._keys |= added
        self._entries.append(entry)

    def rewind(self, step: int) -> None:
        """Go back to the last commit of a step.

        Raises:
            ArchiveError: it is not kept any more, or never was.
        """
        reachable = [entry for entry in self._entries if entry.revision >= self._base]
        if not self._base:
            reachable.insert(0, _BEGINNING)
        chosen = [entry for entry in reachable if entry.step == step]
        if not chosen:
            steps = sorted({entry.step for entry in reachable})
            raise ArchiveError(f"the archive cannot go back to step {step}; it can to {steps}")
        self._go_back_to(chosen[-1])

    def snapshot(self) -> Snapshot:
        """All memories as of the last commit, read in pages."""
        ids = sorted(self._keys)
        vectors = np.empty((len(ids), self._dimension), np.float32)
        contents: list[MemoryContent] = []
        for start in range(0, len(ids), PAGE):
            page = [self._keys[id] for id in ids[start : start + PAGE]]
            got = self._rows.get(ids=page, include=["documents", "metadatas"])
            place = {key: row for row, key in enumerate(got["ids"])}
            for row in (place[key] for key in page):
                labels = json.loads(got["metadatas"][row]["labels"])
                vectors[len(contents)] = np.frombuffer(b64decode(labels.pop("vector")), "<f4")
                contents.append(MemoryContent(text=got["documents"][row], **labels))
        state = state_of_lists([self._states[self._keys[id]] for id in ids])
        return Snapshot(
            step=self._last.step,
            next_id=self._last.next_id,
            rows=Rows(state=state, vectors=vectors, contents=contents),
        )

    def index_anew(self, vectors: NDArray[np.float32]) -> None:
        """Give Chroma the embeddings of all rows again.

        Args:
            vectors: those of `snapshot`, [N, D].
        """
        keys = [self._keys[id] for id in sorted(self._keys)]
        for start in range(0, len(keys), PAGE):
            page = slice(start, start + PAGE)
            self._rows.upsert(ids=keys[page], embeddings=vectors[page])

    @property
    def _last(self) -> JournalEntry:
        return self._entries[-1] if self._entries else _BEGINNING

    def _read(self) -> None:
        written: dict[str, int] = {}  # by key: the revision of a row,
        folded: dict[str, int] = {}  # that of its state,
        self._states: dict[str, _Values] = {}  # and the state
        self._entries: list[JournalEntry] = []
        self._base = 0
        for _, fields in _metadata(self._journal):
            self._entries.append(
                JournalEntry(
                    revision=fields["revision"], step=fields["step"],
                    **json.loads(fields["journal"]),
                )
            )  # fmt: skip
            if fields["folded"]:
                self._base = max(self._base, fields["revision"])
        for key, fields in _metadata(self._rows):
            written[key] = fields["revision"]
            folded[key], self._states[key] = json.loads(fields["state"])
        self._entries.sort(key=lambda entry: entry.revision)
        remains = [key for key, revision in written.items() if revision > self._last.revision]
        _delete(self._rows, remains)
        for key in remains:
            del self._states[key]
        for entry in self._entries:
            for key, values in entry.changed.items():
                if key in self._states and entry.revision > folded[key]:
                    self._states[key] = values
            for key in entry.removed:
                self._states.pop(key, None)
        # The id is the first column of a state.
        self._keys = {int(values[0]): key for key, values in self._states.items()}
        if len(self._keys) != self._last.count:
            raise ArchiveError(
                f"the archive has lost memories: it holds {len(self._keys)}, its last step left "
                f"{self._last.count}"
            )

    def _write_rows(self, keys: list[str], rows: Rows, revision: int) -> None:
        # Few fields, as each is a row in a table of Chroma's.
        metadatas = [
            {
                "revision": revision,
                "labels": json.dumps(
                    {
                        "time": content.time,
                        "metadata": content.metadata,
                        "vector": b64encode(rows.vectors[row].astype("<f4").tobytes()).decode(),
                    }
                ),
                **_state_field(state_as_list(rows.state, row), revision),
            }
            for row, content in enumerate(rows.contents)
        ]
        for start in range(0, len(keys), PAGE):
            page = slice(start, start + PAGE)
            self._rows.upsert(
                ids=keys[page],
                embeddings=rows.vectors[page],
                documents=[content.text for content in rows.contents[page]],
                metadatas=metadatas[page],
            )

    def _write_entry(self, entry: JournalEntry) -> None:
        journal = {
            "next_id": entry.next_id, "count": entry.count,
            "changed": entry.changed, "removed": entry.removed,
        }  # fmt: skip
        self._journal.upsert(
            ids=[entry.key],
            embeddings=_NO_VECTOR,
            metadatas=[
                {
                    "revision": entry.revision, "step": entry.step, "folded": False,
                    "journal": json.dumps(journal),
                }
            ],
        )  # fmt: skip

    def _fold(self) -> None:
        """Write all entries but the newest into the rows."""
        count = len(self._entries) - self._kept
        old, base = self._entries[:count], self._entries[count - 1]
        removed = list(dict.fromkeys(key for entry in old for key in entry.removed))
        states = {key: values for entry in old for key, values in entry.changed.items()}
        for key in removed:
            states.pop(key, None)
        self._journal.update(ids=[base.key], metadatas=[{"folded": True}])
        self._base = base.revision
        keys = list(states)
        for start in range(0, len(keys), PAGE):
            page = keys[start : start + PAGE]
            fields = [_state_field(states[key], base.revision) for key in page]
            self._rows.update(ids=page, metadatas=fields)
        _delete(self._rows, removed)
        _delete(self._journal, [entry.key for entry in old[:-1]])
        self._entries = self._entries[count - 1 :]

    def _go_back_to(self, last: JournalEntry) -> None:
        # One at a time and newest first: a kill between two leaves a state that once was the last.
        # The one after the newest known is there if a failed call arrived after all.
        newest = self._last.revision + 1
        for revision in range(newest, last.revision, -1):
            _delete(self._journal, [f"step-{revision:09d}"])
        self._read()
        self._in_doubt = False


def _metadata(collection: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Keys and labels of everything in a collection."""
    start = 0
    while True:
        got = collection.get(include=["metadatas"], limit=PAGE, offset=start)
        yield from zip(got["ids"], got["metadatas"], strict=True)
        if len(got["ids"]) < PAGE:
            return
        start += PAGE


def _delete(collection: Any, keys: Sequence[str]) -> None:
    for start in range(0, len(keys), PAGE):
        collection.delete(ids=list(keys[start : start + PAGE]))


def _state_field(values: _Values, revision: int) -> dict[str, str]:
    return {"state": json.dumps([revision, values])}
