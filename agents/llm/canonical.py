"""One text for one value, and its SHA-256: what keys, hashes and schemas are compared by."""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks; any text in it survives, lone surrogates too."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Mappings and sequences of any kind, such as those of a configuration, as JSON's own."""
    return dict(value) if hasattr(value, "keys") else list(value)
