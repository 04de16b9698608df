"""What an agent observes as plain JSON values, for readers elsewhere."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import numpy as np

from investorbench_env.accounting.events import AccountState
from investorbench_env.rendering.png import png_of

LEFT_OUT = object()
"""Stands for what has no JSON, such as a function."""
PICTURE = 3
"""Dimensions of an array that is one."""


def as_json(value: Any) -> Any:
    """A value as JSON holds it, with what has none left out.

    An array is a list, a picture its PNG file in base64, a time ISO 8601; documents, fills and an
    account are objects by their attributes.
    """
    if isinstance(value, np.ndarray) and value.ndim == PICTURE and value.dtype == np.uint8:
        return {"media_type": "image/png", "data": b64encode(png_of(value)).decode("ascii")}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, AccountState):
        names = ("cash", "equity", "costs", "positions", "marks")
        return _object({name: getattr(value, name) for name in names})
    if hasattr(value, "_asdict"):
        return _object(value._asdict())
    if is_dataclass(value) and not isinstance(value, type):
        return _object({each.name: getattr(value, each.name) for each in fields(value)})
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list | tuple):
        parts = (as_json(part) for part in value)
        return [part for part in parts if part is not LEFT_OUT]
    return LEFT_OUT


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    parts = {str(name): as_json(part) for name, part in value.items()}
    return {name: part for name, part in parts.items() if part is not LEFT_OUT}
