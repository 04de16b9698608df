"""Which code wrote a record: a hash of ours, and versions of what it rests on."""

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

PACKAGES = (
    "investorbench_env",
    "investorbench.memory",
    "investorbench.agents",
    "investorbench.tasks",
    "investorbench.scripts",
)
DEPENDENCIES = ("investorbench", "gymnasium", "numpy", "pandas", "exchange_calendars")


@cache
def code_of() -> dict[str, Any]:
    """The code of this process: ``sha256``, ``versions``, ``python``."""
    return {
        "sha256": code_hash(),
        "versions": {name: version(name) for name in DEPENDENCIES},
        "python": platform.python_version(),
    }


def code_hash(folders: Mapping[str, Path] | None = None) -> str:
    """SHA-256 over the source files of packages by name; None for our own."""
    digest = hashlib.sha256()
    for package, root in (source_folders() if folders is None else folders).items():
        for path in sorted(root.rglob("*.py")):
            name = f"{package}/{path.relative_to(root).as_posix()}"
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def source_folders() -> dict[str, Path]:
    """Where our packages are, in a checkout or installed."""
    return {package: Path(str(files(package))) for package in PACKAGES}
