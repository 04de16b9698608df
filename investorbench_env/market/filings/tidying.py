"""What is prose in a text: its paragraphs without tables, page numbers and running heads."""

import re
from collections import Counter
from collections.abc import Collection, Iterator

_BETWEEN = re.compile(r"\n[ \t]*\n")
_SPACES = re.compile(r"\s+")
_DIGITS = re.compile(r"\d+")
_GAP = re.compile(r"\S {2,}\S|\t")
_WORD = re.compile(r"[^\W\d_]{2,}")
_FIGURE = re.compile(r"\d[\d,.]*")
_PAGE = re.compile(
    r"\W*(?:(?:page\s*)?[A-Z]{0,2}-?\d{1,3}|[ivxlc]{1,6}|table of contents|index|page"
    r"|part\s[ivx\d]+(?:\W{1,3}(?:financial|other) information)?|items?\s[\d\sA-K,.and]+"
    r"|section\s\d.*|\(?continued\)?)\W*",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?:;。！？…]\W*$")
_RULE = re.compile(r"[─━═_=*-]{4,}")
# Where a text has no lines, the marks of its pages stand in the middle of its sentences.
_PAGE_INSIDE = re.compile(
    r"(?:[A-Z][\w&’'-]*,?\s){0,4}[A-Z][\w&’'-]*\.?\s?\|\s?[^.|\n]{1,40}\|\s?\d{1,3}(?=\s)"
    r"|\b\d{1,3}\s+Table of Contents\b"
    r"|\bTable of Contents\b"
)
_ROW_INSIDE = re.compile(r"(?:(?:[$€£¥]\s?)?\(?\d(?:[\d,.]*\d)?\s?\)?\s?%?\s+|—\s+){2,}")
_PASSAGE = re.compile(r".{500,2000}?(?:(?<![A-Z])[.!?](?=\s)|[。！？]|\Z)|.{1,2000}", re.DOTALL)
_SPACED = re.compile(
    r"(?<=[“‘(])\s|\s(?=[”’),;%])|(?<=[A-Z]\.)\s(?=[A-Z]\.)|(?<=[$€£]) (?=\d)"
    r"|(?<=\w\.)\s(?=(?:com|org|net)\b)"
)
"""Spaces that a conversion has put in where none belong."""
LONGEST_LINE = 5_000
"""Characters in a row from which on a text has no paragraphs of its own."""
OFTEN = 4
"""Times that a short paragraph comes, its figures apart, until it is the head of a page."""
SHORT = 110
"""Characters of the longest head of a page."""


def running_heads(text: str) -> frozenset[str]:
    """Short paragraphs that come again and again, without their figures."""
    counts = Counter(
        _masked(paragraph)
        for paragraph in _BETWEEN.split(text)
        if len(paragraph) < SHORT and not _SENTENCE.search(paragraph)
    )
    return frozenset(head for head, count in counts.items() if count >= OFTEN)


def paragraphs(text: str, heads: Collection[str] = frozenset()) -> Iterator[str]:
    """The prose of a text, a paragraph at a time; one that a page breaks in two is one.

    Args:
        text: with empty lines between paragraphs, or without any lines.
        heads: short paragraphs to leave out, without their figures.
    """
    pending = ""
    for words in _prose(text, heads):
        if pending and words[0].islower() and not _SENTENCE.search(pending):
            pending = f"{pending} {words}"
            continue
        if pending:
            yield pending
        pending = words
    if pending:
        yield pending


def _prose(text: str, heads: Collection[str]) -> Iterator[str]:
    for paragraph in _BETWEEN.split(text):
        if len(paragraph) > LONGEST_LINE and "\n" not in paragraph:
            yield from _of_one_line(paragraph)
            continue
        if len(paragraph) < SHORT and heads and _masked(paragraph) in heads:
            continue
        words = _mended(" ".join(_prose_lines(paragraph)))
        if words and not _PAGE.fullmatch(words):
            yield words


def trimmed(text: str) -> str:
    """A text without the marks of pages, and the rules, at its ends."""
    parts = _BETWEEN.split(text.strip())
    while parts and _is_mark(parts[-1]):
        parts.pop()
    while parts and _is_mark(parts[0]):
        parts.pop(0)
    return "\n\n".join(parts)


def _is_mark(paragraph: str) -> bool:
    words = paragraph.strip()
    return not words or bool(_PAGE.fullmatch(words) or _RULE.fullmatch(words))


def _of_one_line(text: str) -> Iterator[str]:
    """What is prose in a text without lines: between the figures of its tables."""
    if "|" in text or "Table of Contents" in text:
        text = _PAGE_INSIDE.sub(" ", text)
    for piece in _ROW_INSIDE.split(text):
        for passage in _PASSAGE.findall(piece):
            if words := _mended(passage):
                yield words


def _prose_lines(paragraph: str) -> Iterator[str]:
    lines = [line for line in paragraph.split("\n") if not _RULE.search(line)]
    rows = sum(bool(_GAP.search(line.strip())) for line in lines)
    if rows * 2 < len(lines) or not rows:
        yield from (line.strip() for line in lines if not _is_figures(line))
        return
    # Rows of a table; a cell of prose, as a bulleted list has it, is kept.
    for line in lines:
        for cell in re.split(r" {2,}|\t", line.strip()):
            if len(_WORD.findall(cell)) >= 8 and not _is_figures(cell):
                yield cell


def _is_figures(line: str) -> bool:
    return len(_FIGURE.findall(line)) > len(_WORD.findall(line)) // 2 + 1


def _mended(words: str) -> str:
    return _SPACED.sub("", _SPACES.sub(" ", words)).strip()


def _masked(paragraph: str) -> str:
    return _DIGITS.sub("#", _SPACES.sub(" ", paragraph)).strip().lower()
