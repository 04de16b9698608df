"""Layered long-term memory: texts that fade, are recalled, and are kept by feedback.

```python
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory

memory = LayeredMemory("layered", Arrays(), HashedNgrams())
memory.add(["The factory burned down."], layer="short", time="2021-03-01")
memory.recall("fire", k=5)["short"][0].text
memory.step()
```
"""

from investorbench.memory.arrays import Arrays
from investorbench.memory.chroma import Chroma
from investorbench.memory.embedders import find_embedder
from investorbench.memory.embedding import Embedder
from investorbench.memory.errors import (
    ArchiveError,
    ArchiveMismatchError,
    EmbeddingError,
    InvalidInputError,
    LayeredMemoryError,
    MissingPackageError,
    UnknownMemoryError,
    UnknownSettingError,
)
from investorbench.memory.hashed import HashedNgrams
from investorbench.memory.layered import LayeredMemory, Recalled, Stepped
from investorbench.memory.layers import Move
from investorbench.memory.profiles import PROFILES, Layer, Profile, find_profile, profile_of
from investorbench.memory.records import Store

__all__ = [
    "PROFILES", "ArchiveError", "ArchiveMismatchError", "Arrays", "Chroma", "Embedder",
    "EmbeddingError", "HashedNgrams", "InvalidInputError", "Layer", "LayeredMemory",
    "LayeredMemoryError", "MissingPackageError", "Move", "Profile", "Recalled", "Stepped", "Store",
    "UnknownMemoryError", "UnknownSettingError", "find_embedder", "find_profile", "profile_of",
]  # fmt: skip
