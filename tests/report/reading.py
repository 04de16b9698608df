"""A page as a browser takes it apart, without a browser."""

import base64
import gzip
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

PACKED = "application/octet-stream;base64"


@dataclass
class Element:
    """An element of the page, with all text that is in it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """All elements of a page, in order."""

    html: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in ("meta", "input", "img", "br", "link"):
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def by_id(self, name: str) -> Element:
        (element,) = [each for each in self.elements if each.attributes.get("id") == name]
        return element

    def json(self, name: str) -> Any:
        return json.loads(self.by_id(name).text)

    def unpacked(self, name: str) -> str:
        return gzip.decompress(base64.b64decode(self.by_id(name).text)).decode()

    def packed_sizes(self) -> dict[str, int]:
        return {str(each.attributes["id"]): len(each.text) for each in self.all("script")
                if each.attributes.get("type") == PACKED}  # fmt: skip

    def rows(self, caption: str) -> list[list[str]]:
        """The cells of the first table whose caption holds a text, row by row."""
        start = next(i for i, each in enumerate(self.elements)
                     if each.tag == "caption" and caption in each.text)  # fmt: skip
        rows: list[list[str]] = []
        for element in self.elements[start:]:
            if element.tag == "table":
                break
            if element.tag == "tr":
                rows.append([])
            elif element.tag in ("th", "td"):
                rows[-1].append(element.text.strip())
        return rows
