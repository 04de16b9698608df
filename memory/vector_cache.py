"""A cache of vectors on disk, keyed by the text's content and by what made the vector.

One SQLite file serves any number of runs, threads and processes: a vector is only ever added, and
computing one twice writes the same.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from threading import Lock

import numpy as np

from investorbench.memory.embedding import Embedder, Vectors
from investorbench.memory.errors import ArchiveError, EmbeddingError

_PAGE = 500  # SQLite binds at least 999 values
_PATIENCE_S = 60.0


class CachedEmbedder:
    """An embedder that asks another one only for texts that were not asked for before."""

    def __init__(self, embedder: Embedder, path: str | Path) -> None:
        """Put a cache before an embedder.

        Args:
            embedder: the one that computes; its name and dimension become part of every key.
            path: a file; it and its folder are made where they are missing.

        Raises:
            ArchiveError: the file is not such a cache.
        """
        self._embedder = embedder
        self._path = Path(path)
        self._lock = Lock()
        self.hits = 0
        self.misses = 0
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            # Readers do not wait for a writer, nor a writer for readers.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
                " WITHOUT ROWID"
            )

    @property
    def name(self) -> str:
        """That of the embedder: a cache changes no vector."""
        return self._embedder.name

    @property
    def dimension(self) -> int:
        """D."""
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [N, D], each computed at most once in the life of the file."""
        keys = [self._key(text) for text in texts]
        known = self._read(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        with self._lock:
            self.hits += len(texts) - len(missing)
            self.misses += len(missing)
        if missing:
            vectors = np.asarray(self._embedder.embed(list(missing.values())), np.float32)
            if vectors.shape != (len(missing), self.dimension) or not np.isfinite(vectors).all():
                raise EmbeddingError(
                    f"embedder {self.name} gave vectors of shape {vectors.shape} or with values "
                    f"that are not finite, not {(len(missing), self.dimension)}; none was cached"
                )
            fresh = dict(zip(missing, vectors, strict=True))
            self._write(fresh)
            known |= fresh
        return np.array([known[key] for key in keys], np.float32).reshape(-1, self.dimension)

    def _key(self, text: str) -> bytes:
        made_by = f"{self.name}\n{self.dimension}\n".encode()
        return blake2b(made_by + text.encode(errors="surrogatepass"), digest_size=24).digest()

    def _read(self, keys: list[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        with self._connection() as connection:
            for start in range(0, len(keys), _PAGE):
                page = keys[start : start + _PAGE]
                marks = ",".join("?" * len(page))
                query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"
                found |= {
                    key: np.frombuffer(vector, "<f4") for key, vector in
                    connection.execute(query, page)
                }  # fmt: skip
        return found

    def _write(self, vectors: dict[bytes, Vectors]) -> None:
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._connection() as connection:
            connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection and a transaction; one each time, as threads may not share them."""
        try:
            opened = sqlite3.connect(self._path, timeout=_PATIENCE_S)
            with closing(opened) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise ArchiveError(
                f"the cache of vectors {self._path} cannot be used: {error}. "
                "Name another file, or delete this one"
            ) from error
