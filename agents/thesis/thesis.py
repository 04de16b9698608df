"""Reads a thesis: its sections, their bullets with quotes and sources, and its decision.

It knows neither the briefing nor any reward. Any text is a thesis, be it an empty one, and reading
takes time linear in its length.
"""

import re
from collections.abc import Iterator
from itertools import filterfalse, pairwise
from string import punctuation
from typing import NamedTuple

CLASSES = ("STRONG_BUY", "BUY", "HOLD", "SELL", "STRONG_SELL")
"""The five decisions, from the most bullish to the most bearish."""
CONCLUSION = "conclusion"
DECISION_LINES = 3
"""Non-blank lines at the end of a thesis, in which its decision stands."""

_THINK = re.compile(r"<(/?)think>", re.IGNORECASE)
_OPENING = re.compile(r"<([^\W\d_][\w-]*)>")
_CLOSING = re.compile(r"</([^\W\d_][\w-]*)>")
_BREAK = re.compile(r"\n\s+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_HEADER = re.compile(r"#{1,6}\s+\S")
_BOLD = re.compile(r"\*\*(?![*\s])[^*\n]*(?<!\s)\*\*")
_BULLET = re.compile(r"(?:[-*+]\s+|•\s*|\d++[.)]\s+)(?=\S)")
_ITALIC = re.compile(r"\*(?<!\*\*)(?![*\s])([^*]*)(?<!\s)\*(?!\*)")
_SOURCE = re.compile(r"`([^`]+)`")
_BRACKETS = re.compile(r"\[{4,}")
_DECISION = re.compile(r"\[\[\[\s*((?:STRONG[ _]+)?(?:BUY|SELL)|HOLD)\s*\]\]\]", re.IGNORECASE)


class Bullet(NamedTuple):
    """One claim of a section.

    Attributes:
        text: without its mark.
        opinion: what stands before the first italic or backticked span, or all of it.
        quote: the first italic span; None where there is none.
        source: the first backticked span; None where there is none.
    """

    text: str
    opinion: str
    quote: str | None
    source: str | None


class ThesisSection(NamedTuple):
    """One section of a thesis: what it says, and what Markdown it has."""

    name: str
    content: str
    words: int
    has_header: bool
    has_bold: bool
    has_table: bool
    bullets: tuple[Bullet, ...]


class Thesis(NamedTuple):
    """What a model wrote, without its thinking.

    Attributes:
        sections: in their order, without the conclusion; of a repeated name, the first.
        conclusion: None where there is none.
        decision: one of ``CLASSES``; None where the last lines hold none, or different ones.
    """

    sections: tuple[ThesisSection, ...]
    conclusion: ThesisSection | None
    decision: str | None


def parse(text: str) -> Thesis:
    """Read a completion of a model.

    Sections are ``<name>…</name>``; tags within one are part of it, and a tag that nothing closes
    is plain text. A line is a bullet where it begins with ``-``, ``*``, ``+``, ``•`` or a number
    (``1.``, ``1)``). The decision is ``[[[BUY]]]`` and the like, in any case, with a blank or an
    underscore after ``STRONG``. See docs/theses.md.
    """
    text = _BREAK.sub("\n", without_thinking(text).replace("\r", "\n")).strip()
    found: dict[str, str] = {}
    for name, content in _contents(text):
        found.setdefault(name, content)
    conclusion = found.pop(CONCLUSION, None)
    return Thesis(
        sections=tuple(_section(name, content) for name, content in found.items()),
        conclusion=None if conclusion is None else _section(CONCLUSION, conclusion),
        decision=_decision("\n".join(text.rsplit("\n", DECISION_LINES)[-DECISION_LINES:])),
    )


def without_thinking(text: str) -> str:
    """Drop ``<think>`` and all in it, to the end where nothing closes it.

    Some chat templates open the thinking themselves, so a closing mark alone drops all before it.
    """
    if text.isascii() and "think>" not in text.lower():
        return text
    kept: list[str] = []
    begin, thinks = 0, False
    for mark in _THINK.finditer(text):
        if not mark[1] and not thinks:
            kept.append(text[begin : mark.start()])
        elif mark[1] and not thinks:
            kept.clear()
        thinks = not mark[1]
        begin = mark.end()
    return "".join(kept if thinks else [*kept, text[begin:]])


def with_decision(text: str, decision: str) -> str:
    """A thesis with a decision below it, which counts whatever others it ends in.

    Args:
        text: of a thesis, without its thinking.
        decision: one of ``CLASSES``.
    """
    mark = f"[[[{decision}]]]"
    below = f"{text}\n{mark}"
    return below if parse(below).decision == decision else f"{_DECISION.sub('', text)}\n{mark}"


def count_words(text: str) -> int:
    """Blank-separated tokens with a letter or a digit."""
    tokens = text.split()
    odd = (token for token in filterfalse(str.isalnum, tokens) if not token[0].isalnum())
    rests = (token.strip(punctuation) for token in odd)
    return len(tokens) - sum(not rest or _LETTER_OR_DIGIT.search(rest) is None for rest in rests)


def _contents(text: str) -> Iterator[tuple[str, str]]:
    """Names and contents of the outermost sections, which end at the next closing tag."""
    first = _OPENING.search(text)
    if first is None:
        return
    closings: dict[str, list[int]] = {}
    for tag in _CLOSING.finditer(text, first.end()):
        closings.setdefault(tag[1].lower(), []).append(tag.start())
    for places in closings.values():
        places.reverse()
    begin = first.start()
    while closings and (opening := _OPENING.search(text, begin)):
        name, begin = opening[1].lower(), opening.end()
        ahead = closings.get(name, [])
        while ahead and ahead[-1] < begin:
            ahead.pop()
        if ahead:
            yield name, text[begin : ahead[-1]]
            begin = text.index(">", ahead[-1]) + 1
        else:
            closings.pop(name, None)


def _section(name: str, content: str) -> ThesisSection:
    content = content.strip()
    lines = content.split("\n")
    return ThesisSection(
        name=name,
        content=content,
        words=count_words(content),
        has_header="#" in content and any(map(_HEADER.match, lines)),
        has_bold="**" in content and _BOLD.search(content) is not None,
        has_table="|" in content and _has_table(lines),
        bullets=tuple(_bullets(lines)),
    )


def _has_table(lines: list[str]) -> bool:
    """Whether a row with a bar is followed by one of dashes."""
    return any(
        "|" in row and "|" in line and "-" in line and not line.strip("|-: \t")
        for row, line in pairwise(lines)
        if line[:1] in "|:-"
    )


def _bullets(lines: list[str]) -> Iterator[Bullet]:
    known: dict[str, Bullet] = {}  # a text may repeat one line a hundred thousand times
    for line in lines:
        if line in known:
            yield known[line]
        elif mark := _BULLET.match(line):
            known[line] = _bullet(line[mark.end() :])
            yield known[line]


def _bullet(text: str) -> Bullet:
    quote = _ITALIC.search(text) if "*" in text else None
    source = _SOURCE.search(text) if "`" in text else None
    ends = [span.start() for span in (quote, source) if span]
    return Bullet(
        text=text,
        opinion=text[: min(ends, default=len(text))],
        quote=quote and quote[1],
        source=source and source[1],
    )


def _decision(end: str) -> str | None:
    if "[[[" not in end or "]]]" not in end:
        return None
    # Of more than three brackets the last three count, and nothing does after the last mark.
    marks = _BRACKETS.sub("[[[", end[: end.rindex("]]]") + 3])
    found = {"_".join(word.upper().replace("_", " ").split()) for word in _DECISION.findall(marks)}
    return found.pop() if len(found) == 1 else None
