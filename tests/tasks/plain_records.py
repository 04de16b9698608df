"""Files of decisions as plain JSON, by rules that are written down here again."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Content = dict[str, Any]


def header_of(path: Path) -> Content:
    """The first line of a file of decisions."""
    return contents_of(path)[0]


def lines_of(path: Path) -> list[Content]:
    """Its other lines."""
    return contents_of(path)[1:]


def contents_of(path: Path) -> list[Content]:
    """All of its lines."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def timeless(path: Path) -> list[Content]:
    """All of its lines, but for when they were written and what follows from that."""
    passing = ("written_at", "before")
    return [
        {name: part for name, part in content.items() if name not in passing}
        for content in contents_of(path)
    ]


def is_whole(path: Path) -> bool:
    """Whether every line follows from the one before it."""
    before = "0" * 64
    for number, line in enumerate(path.read_bytes().splitlines()):
        content = json.loads(line)
        if content["before"] != before or content.get("number", -1) != number - 1:
            return False
        before = hashlib.sha256(line).hexdigest()
    return True


def rechained(contents: Sequence[Content]) -> str:
    """Contents as a file in which every line follows from the one before it."""
    before, text = "0" * 64, ""
    for content in contents:
        line = json.dumps({**content, "before": before}, ensure_ascii=False)
        before = hashlib.sha256(line.encode("utf-8")).hexdigest()
        text += line + "\n"
    return text
