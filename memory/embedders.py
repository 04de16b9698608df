"""Embedders by their kind, as configuration names them; what one needs is imported with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from investorbench.memory.embedding import Embedder
from investorbench.memory.errors import InvalidInputError, UnknownSettingError
from investorbench.memory.hashed import HashedNgrams


def find_embedder(kind: str, *, cache: str | Path | None = None, **options: Any) -> Embedder:
    """An embedder by its kind, as configuration names it.

    Args:
        kind: ``hashed_ngrams``, ``sentence_transformers`` or ``openai``.
        cache: a file that keeps vectors by content, shared by runs; None: no cache.
        options: arguments of that embedder.

    Raises:
        UnknownSettingError: there is no such kind.
        InvalidInputError: it takes no such option.
    """
    if kind not in _KINDS:
        raise UnknownSettingError("embedder", kind, _KINDS)
    try:
        embedder = _KINDS[kind](**options)
    except TypeError as error:
        raise InvalidInputError(f"embedder {kind!r} with {options}: {error}") from error
    if cache is None:
        return embedder
    from investorbench.memory.vector_cache import CachedEmbedder

    return CachedEmbedder(embedder, cache)


def _sentence_transformers(**options: Any) -> Embedder:
    from investorbench.memory.models import SentenceTransformers

    return SentenceTransformers(**options)


def _openai(**options: Any) -> Embedder:
    from investorbench.memory.models import OpenAIEmbeddings

    return OpenAIEmbeddings(**options)


_KINDS: dict[str, Callable[..., Embedder]] = {
    "hashed_ngrams": HashedNgrams,
    "sentence_transformers": _sentence_transformers,
    "openai": _openai,
}
