"""A stand-in for a collection of Chroma: a dict that can break off between any two rows."""

from investorbench.memory import LayeredMemory
from investorbench.memory.journal import Journal
from investorbench.memory.records import Changes, Snapshot
from tests.memory.small_memories import empty

LARGEST_BATCH = 5_461


class BrokenOffError(Exception):
    """The process was killed, or the server went away."""


class Clock:
    """Counts what is written, and breaks off where the test wants."""

    def __init__(self) -> None:
        self.writes = 0
        self.breaks_off_at: int | None = None

    def instant(self) -> None:
        if self.writes == self.breaks_off_at:
            raise BrokenOffError
        self.writes += 1


class PlainCollection:
    """Rows by id, in the order of their first writing.

    Not even one call is in one piece here: each row that is written or deleted is an instant of
    its own, and before any of them it can break off.
    """

    def __init__(self, clock: Clock) -> None:
        self.rows: dict[str, dict] = {}
        self.clock = clock

    def upsert(self, ids, embeddings, metadatas, documents=None):
        assert len(ids) == len(set(ids)) <= LARGEST_BATCH
        for place, id in enumerate(ids):
            self.clock.instant()
            self.rows[id] = {
                "embeddings": embeddings[place].copy(),
                "documents": documents and documents[place],
                "metadatas": dict(metadatas[place]),
            }

    def update(self, ids, metadatas):
        assert len(ids) <= LARGEST_BATCH
        for id, fields in zip(ids, metadatas, strict=True):
            self.clock.instant()
            self.rows[id]["metadatas"] |= fields

    def delete(self, ids):
        assert len(ids) <= LARGEST_BATCH
        for id in ids:
            self.clock.instant()
            self.rows.pop(id, None)

    def get(self, include, ids=None, limit=None, offset=0):
        assert len(ids or ()) <= LARGEST_BATCH and (ids is not None or limit <= LARGEST_BATCH)
        found = list(self.rows)[offset:][:limit] if ids is None else self.rows.keys() & ids
        found = sorted(found, reverse=True)  # no order is promised
        return {"ids": found, **{name: [self.rows[id][name] for id in found] for name in include}}


class PlainDatabase(Clock):
    """The two collections of an archive."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.entries = PlainCollection(self), PlainCollection(self)


class PlainArchive:
    """A store over such collections, as `memory.chroma.Chroma` is over real ones."""

    is_durable = True

    def __init__(self, database: PlainDatabase, kept: int) -> None:
        self.database = database
        self.kept = kept

    def open(self, identity) -> Snapshot | None:
        self.journal = Journal(
            self.database.rows, self.database.entries, identity["dimension"], self.kept
        )
        return None if self.journal.is_new else self.journal.snapshot()

    def commit(self, changes: Changes) -> None:
        self.journal.commit(changes)

    def rewind(self, step: int) -> Snapshot:
        self.journal.rewind(step)
        return self.journal.snapshot()

    def close(self) -> None:
        pass

    def describe(self) -> str:
        return "a dict"


def archived(database: PlainDatabase, profile="layered", kept=3, seed=0) -> LayeredMemory:
    return empty(profile, PlainArchive(database, kept), seed=seed)
