"""What an agent was shown before a decision, as one hash: a line holds it, a second run repeats it.

It covers the observation, the new documents with their texts, the label of a warm-up, and ranks
where they are shown; what the account holds stands in the lines. A part that is no plain value
counts by its type alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import numpy as np

OF_AN_INFO = ("documents", "label")
"""What an agent is shown beside the observation, and finds nowhere else."""
RANKS = "ranks"
"""The same where there are any; a hash without them is that of records that knew none."""
PLAIN = (str, int, float, bool, type(None), datetime)


def observed_hash(observation: Any, info: Mapping[str, Any]) -> str:
    """SHA-256 of what an agent was shown.

    Args:
        observation: of the environment.
        info: what came with it.
    """
    parts: list[bytes] = []
    _add(observation, parts)
    for name in OF_AN_INFO:
        _add(info.get(name, ()), parts)
    if info.get(RANKS) is not None:
        _add(info[RANKS], parts)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _add(value: Any, parts: list[bytes]) -> None:
    """Append a value as bytes; each part says what it is, so none reads as another."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        array = np.ascontiguousarray(value)
        parts.append(f"{array.dtype.str}{array.shape}".encode())
        parts.append(array.tobytes())
    elif isinstance(value, PLAIN):
        parts.append(f"{type(value).__name__} {value}".encode("utf-8", "surrogatepass"))
    elif isinstance(value, Mapping):
        parts.append(b"mapping %d" % len(value))
        for name in sorted(value, key=str):
            parts.append(str(name).encode("utf-8", "surrogatepass"))
            _add(value[name], parts)
    elif isinstance(value, list | tuple):
        parts.append(b"sequence %d" % len(value))
        for item in value:
            _add(item, parts)
    elif is_dataclass(value) and not isinstance(value, type):
        parts.append(type(value).__name__.encode())
        for each in fields(value):
            _add(getattr(value, each.name), parts)
    else:
        parts.append(type(value).__qualname__.encode())
