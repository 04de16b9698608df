"""How the offline reader writes a thesis: a template over the pieces of a briefing, by their ids.

It quotes what sounds clearest, says how that sounds by its word list or which way its percentages
point, and decides by the mean. A thesis of its own has the form that was asked for and no thought.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from investorbench.agents.llm.answer import Message
from investorbench.agents.llm.contents import text_of

Tone = Callable[[str], float]

CLASSES = 5
CLEAR, STRONG = 0.05, 0.15
"""Scores closer to zero than the first mean hold; from the second on a decision is a strong one."""
FULL_MOVE = 0.1
"""A move, as a share, that counts nearly as much as the plainest text."""
MOST_CLAIMS = 6
CLAIMS_OF_A_PIECE = 4
LEAST_WORDS, MOST_WORDS = 4, 24
"""Of a quote."""

OF_NUMBERS = "Technical"
"""The heading of a section without prose."""

_MARK = re.compile(r"\[\[\[\s*([A-Z][A-Z_]*)\s*\]\]\]")
_HEADING = re.compile(r"(?m)^## +(.+)$")
_PIECE = re.compile(r"(?m)^\[([a-z]+\d+)\] ")
_CLAUSE = re.compile(r"(?<=[.!?;:])\s+|\n")
_MOVE = re.compile(r"([+\-−]\d+(?:\.\d+)?) ?%")
_UNQUOTABLE = re.compile(r"[*`<>\[\]]")
_WORD = re.compile(r"[^\W_]")
_NAME = re.compile(r"\W+")


class QuotedClaim(NamedTuple):
    """Words of a briefing, and how they sound.

    Attributes:
        id: of the piece that they stand in.
        quote: the words, in one line.
        value: from -1 to 1.
        by: ``"words"`` or ``"moves"``.
    """

    id: str
    quote: str
    value: float
    by: str


class ReadSection(NamedTuple):
    """A section of a briefing, or what others have for or against the asset.

    Attributes:
        title: its heading.
        claims: all that can be quoted of it.
    """

    title: str
    claims: tuple[QuotedClaim, ...]

    @property
    def value(self) -> float:
        """How it sounds as a whole: the mean of what sounds like anything."""
        heard = [claim.value for claim in self.claims if claim.value]
        return fmean(heard) if heard else 0.0

    @property
    def shown(self) -> list[QuotedClaim]:
        """The claims that a thesis makes of it, not all of one piece."""
        by_piece: dict[str, list[QuotedClaim]] = {}
        for claim in self.claims:
            by_piece.setdefault(claim.id, []).append(claim)
        few = [claim for own in by_piece.values() for claim in _clearest(own, CLAIMS_OF_A_PIECE)]
        return _clearest(few, MOST_CLAIMS)


def decisions_asked(messages: Iterable[Message]) -> tuple[str, ...]:
    """The decisions that a thesis is asked to end in, best first; empty where none is asked for."""
    system = "\n".join(text_of(each["content"]) for each in messages if each["role"] == "system")
    marks = tuple(dict.fromkeys(_MARK.findall(system)))
    return marks if len(marks) == CLASSES else ()


def offline_thesis(briefing: str, decisions: Sequence[str], tone: Tone) -> str:
    """A thesis about a briefing; the same one always gets the same.

    Args:
        briefing: with headings of its sections, and the id of each piece before it.
        decisions: five, the most bullish first.
        tone: how good or bad a text sounds, from -1 to 1.
    """
    read = [section for section in _sections(briefing, tone) if section.claims]
    every = [claim for section in read for claim in section.claims]
    score = fmean(section.value for section in read) if read else 0.0
    sides = [
        ReadSection(title, tuple(claim for claim in every if _sign(claim.value) == sign))
        for title, sign in (("Opportunities", 1), ("Risks", -1))
    ]
    parts = [_written(section) for section in (*read, *sides) if section.claims]
    return "\n\n".join([*parts, _conclusion(read, score), f"[[[{_decided(score, decisions)}]]]"])


def _sections(briefing: str, tone: Tone) -> Iterator[ReadSection]:
    _, *parts = _HEADING.split(briefing)
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        _, *pieces = _PIECE.split(body)
        claims = [
            claim
            for id, text in zip(pieces[::2], pieces[1::2], strict=True)
            for claim in _claims(id, text, _deaf if title.strip() == OF_NUMBERS else tone)
        ]
        yield ReadSection(title.strip(), tuple(claims))


def _deaf(text: str) -> float:
    """The tone of what has none: the names of indicators and columns."""
    return 0.0


def _clearest(claims: Iterable[QuotedClaim], most: int) -> list[QuotedClaim]:
    """Those that say most, in the order in which they stand."""
    known = list(enumerate(claims))
    ranked = sorted(known, key=lambda each: (-abs(each[1].value), each[0]))[:most]
    return [claim for _, claim in sorted(ranked)]


def _claims(id: str, text: str, tone: Tone) -> Iterator[QuotedClaim]:
    for clause in _CLAUSE.split(text):
        words = clause.split()[:MOST_WORDS]
        quote = " ".join(words)
        if sum(_WORD.search(word) is not None for word in words) < LEAST_WORDS:
            continue
        if _UNQUOTABLE.search(quote) or quote.endswith(":"):  # which introduces what follows
            continue
        moves = [float(found.replace("−", "-")) / 100 for found in _MOVE.findall(quote)]
        heard = tone(quote)
        if moves and not heard:
            value = fmean(math.tanh(move / FULL_MOVE) for move in moves)
            yield QuotedClaim(id, quote, value, "moves")
        else:
            yield QuotedClaim(id, quote, heard, "words")


def _written(section: ReadSection) -> str:
    name = _NAME.sub("-", section.title.lower()).strip("-")
    lines = [
        f"<{name}>",
        f"## {section.title}",
        f"**On balance this section sounds {_sound(section.value)}, {section.value:+.2f}.**",
        "",
        "| piece | sounds |",
        "|---|---|",
        *(f"| {claim.id} | {claim.value:+.2f} |" for claim in section.shown),
        "",
        *(f"- {_opinion(claim)} *{claim.quote}* `{claim.id}`" for claim in section.shown),
        f"</{name}>",
    ]
    return "\n".join(lines)


def _opinion(claim: QuotedClaim) -> str:
    where = {1: "a higher price", 0: "a price that stays where it is", -1: "a lower price"}
    side = where[_sign(claim.value)]
    if claim.by == "moves":
        return (
            f"The percentages here come to {claim.value:+.2f} on a scale of one, which a reader by "
            f"rules takes for a case for {side} over the sessions to come"
        )
    return (
        f"By a list of words with a tone this sounds {_sound(claim.value)}, {claim.value:+.2f} on "
        f"a scale of one, which by itself is a case for {side} over the sessions to come"
    )


def _conclusion(read: Sequence[ReadSection], score: float) -> str:
    lines = [
        "<conclusion>",
        "## Conclusion",
        "This thesis was written by rules and not by a language model: it follows a list of words "
        "and the signs of percentages, knows nothing of what they mean, and gives each section of "
        f"the briefing the same weight. **Together they sound {_sound(score)}, {score:+.2f}.**",
        "",
        "| section | sounds |",
        "|---|---|",
        *(f"| {section.title} | {section.value:+.2f} |" for section in read),
        "",
        *(
            f"- {section.title}: {_sound(section.value)}, by {len(section.claims)} claims"
            for section in read
        ),
        "</conclusion>",
    ]
    return "\n".join(lines)


def _decided(score: float, decisions: Sequence[str]) -> str:
    size = (abs(score) > CLEAR) + (abs(score) > STRONG)
    return decisions[CLASSES // 2 - _sign(score) * size]


def _sound(value: float) -> str:
    return {1: "good", 0: "neither good nor bad", -1: "bad"}[_sign(value)]


def _sign(value: float) -> int:
    return (value > 0.0) - (value < 0.0) if abs(value) > CLEAR else 0
