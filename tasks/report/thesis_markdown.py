"""The little Markdown that models write in a thesis, as markup: all else of it stays text."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from investorbench.tasks.report.markup import Html, element, join

_SPAN = re.compile(
    r"`(?P<code>[^`\n]*[^`\s][^`\n]*)`"
    r"|\*\*(?P<strong>(?=[^\s*])[^\n]*?[^\s*])\*\*(?!\*)"
    r"|\*(?P<em>(?=[^\s*])[^*\n]*?[^\s*])\*(?!\*)"
)
_LINE = re.compile(r"\s*(?:(?P<ul>[-*+]\s|•)|(?P<ol>\d{1,3})[.)]\s|(?P<head>#{1,6})\s)\s*(?=\S)")
BREAK = Html("<br>")
WITHIN = frozenset({"strong", "em"})
"""Spans in which others may stand; code is as it is written."""


class _Line(NamedTuple):
    """A line without its mark; the kind of a list, ``head``, or empty for plain text."""

    kind: str
    text: str
    number: int


def spans(text: str) -> Html:
    """A line with its bold, italic and code spans as elements; what nothing closes is text."""
    parts: list[object] = []
    begin = 0
    for span in _SPAN.finditer(text):
        tag = str(span.lastgroup)
        inner = span[tag]
        parts += [
            text[begin : span.start()],
            element(tag, spans(inner) if tag in WITHIN else inner),
        ]
        begin = span.end()
    return join(*parts, text[begin:])


def blocks(text: str) -> Iterator[Html]:
    """Paragraphs and lists; a heading is a bold line, for the page has headings of its own.

    Each says its direction by its own letters.
    """
    for kind, group in groupby(map(_read, text.split("\n")), key=lambda line: line.kind):
        lines = list(group)
        if kind in ("ul", "ol"):
            items = (element("li", spans(line.text), dir="auto") for line in lines)
            start = lines[0].number if kind == "ol" and lines[0].number != 1 else None
            yield element(kind, *items, start=start)
        elif kind == "head":
            for line in lines:
                yield element("p", element("strong", spans(line.text)), dir="auto")
        else:
            yield from _paragraphs([line.text for line in lines])


def _read(line: str) -> _Line:
    mark = _LINE.match(line)
    if mark is None:
        return _Line("", line.strip(), 0)
    return _Line(str(mark.lastgroup), line[mark.end() :].rstrip(), int(mark["ol"] or 0))


def _paragraphs(lines: list[str]) -> Iterator[Html]:
    for is_text, group in groupby(lines, key=bool):
        if is_text:
            first, *others = map(spans, group)
            yield element("p", first, *(join(BREAK, each) for each in others), dir="auto")
