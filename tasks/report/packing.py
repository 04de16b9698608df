"""Blocks of a page that are packed: a browser unpacks each when it is wanted, and not before."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from investorbench.tasks.record.schema import without_nan
from investorbench.tasks.report.markup import Html, element

PACKED = "application/octet-stream;base64"


def packed(text: str) -> str:
    """A text as gzip in base64; the same bytes for the same text."""
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0)).decode()


def packed_json(value: Any) -> str:
    """A JSON value as gzip in base64; NaN and the like, which only damaged lines have, are null."""
    try:
        text = _text_of(value)
    except ValueError:
        text = _text_of(without_nan(value))
    return packed(text)


def _text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def block(name: str, content: str) -> Html:
    """The element that holds a packed text."""
    return element("script", Html(content), type=PACKED, id=name)


def json_block(name: str, value: Any) -> Html:
    """The element that holds JSON as it is; no text in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return element("script", Html(text), type="application/json", id=name)


def part_file(blocks: Mapping[str, str]) -> str:
    """A file of packed texts beside a page, which loads it as a program: ``file://`` has no other.

    All of it are names and base64, so nothing that others wrote can run.
    """
    return "".join(
        f"investorbench.put({json.dumps(n)},{json.dumps(t)});\n" for n, t in blocks.items()
    )


class PageBudget:
    """How many bytes of packed text a page may still get."""

    def __init__(self, size: int) -> None:
        self.left = max(size, 0)
        self.blocks: dict[str, str] = {}

    def take(self, name: str, content: str) -> bool:
        """Whether there was room for it, and so it is among the blocks."""
        if len(content) > self.left:
            return False
        self.left -= len(content)
        self.blocks[name] = content
        return True
