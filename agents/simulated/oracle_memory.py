"""A memory that knows what will matter: the upper bound of all memories, for an evaluator alone.

It keeps the documents that matter, forgets one when a later document on the same thing arrives, and
brings up all that it keeps. What matters is known by construction, see ``Law.what_matters``; so no
configuration leads here, and no agent that is compared with others can have it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from investorbench.memory import Arrays, Embedder, Layer, LayeredMemory, Profile, Recalled

MATTERS, PASSES = "mid", "short"

ORACLE = Profile(
    name="oracle",
    boost=0.0,
    retrieved=10,  # more than ever matters at a time
    reflections=PASSES,
    layers=(
        # What passes is gone at the end of its step.
        Layer(name=PASSES, stability_steps=0.1, decay=1.0, initial=((50.0, 1.0),)),
        Layer(name=MATTERS, stability_steps=1e9, decay=1.0, initial=((100.0, 1.0),)),
    ),
)


class OracleMemory(LayeredMemory):
    """Shows what matters now, and nothing else.

    Args:
        matters: what each document that matters is about, by its id.
        embedder: as of any memory; it decides nothing here.
    """

    def __init__(self, matters: Mapping[str, str], embedder: Embedder) -> None:
        super().__init__(ORACLE, Arrays(), embedder)
        self._matters = matters
        self._held: dict[str, tuple[str, list[int]]] = {}
        """By what it is about: the latest document, and the memories that it left."""

    def add(
        self,
        texts: str | Sequence[str],
        layer: str,
        time: str,
        metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        **more: Any,
    ) -> list[int]:
        """Keep what matters, in the place of what mattered before on the same thing."""
        together = [texts] if isinstance(texts, str) else list(texts)
        if not isinstance(metadata, Sequence):
            metadata = [metadata or {}] * len(together)
        keys = [self._matters.get(str(about.get("id"))) for about in metadata]
        ids = [-1] * len(together)
        for place, matters in ((PASSES, False), (MATTERS, True)):
            own = [n for n, key in enumerate(keys) if (key is not None) is matters]
            parts = {name: values[own] for name, values in more.items() if values is not None}
            added = super().add(
                [together[n] for n in own], place, time, [metadata[n] for n in own], **parts
            )
            for n, id in zip(own, added, strict=True):
                ids[n] = id
                if (key := keys[n]) is not None:
                    self._hold(key, str(metadata[n]["id"]), id)
        return ids

    def recall(self, query: Any, k: int | None = None) -> dict[str, list[Recalled]]:
        """All that matters."""
        return {**super().recall(query, k), PASSES: []}

    def _hold(self, key: str, document: str, id: int) -> None:
        """Forget what mattered on the same thing, but for other parts of the same document."""
        before, held = self._held.get(key, ("", []))
        if before != document:
            self.forget(held)
            held = []
        self._held[key] = (document, [*held, id])
