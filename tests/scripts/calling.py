"""`investorbench run` as tests call it, and what it leaves behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Output(NamedTuple):
    code: object
    out: str
    err: str


Call = Callable[..., Output]


def manifests(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("manifest.json"))]


def results(output: Output) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.out.splitlines()]
