"""Settings as plain JSON values, which can be recorded and compared."""

import hashlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

CLASS = "_class_"
"""Stands for an object that JSON does not know: the name of its class or function."""


def plain(value: Any) -> Any:
    """A value as JSON holds it; of an object that JSON does not know, what it is."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {CLASS: "numpy.ndarray", "shape": list(value.shape), "sha256": digest}
    return {CLASS: path_of(value if hasattr(value, "__qualname__") else type(value))}


def path_of(named: Any) -> str:
    """Where a class or a function is defined, such as ``my_module.MyAgent``."""
    return f"{named.__module__}.{named.__qualname__}"


def is_plain(value: Any) -> bool:
    """Whether a value that was made plain is still all that it was."""
    if isinstance(value, Mapping):
        return CLASS not in value and all(map(is_plain, value.values()))
    return all(map(is_plain, value)) if isinstance(value, list) else True
