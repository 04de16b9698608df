"""Which texts say most of what a query asks: BM25 (Robertson and Zaragoza, 2009)."""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from investorbench_env.market.documents import Document

SATURATION, LENGTH = 1.2, 0.75
"""k₁ and b, as they are usually set."""

_WORDS = re.compile(r"\w+")


class SearchHit(NamedTuple):
    """A document that was found, and how well it answers the query."""

    document: Document
    score: float


class Counted(NamedTuple):
    """How often each word stands in a text, and how many there are."""

    words: Mapping[str, int]
    length: int


def words_in(text: str) -> list[str]:
    """The words of a text in small letters, in order."""
    return _WORDS.findall(text.lower())


def counted(text: str) -> Counted:
    """A text by its words."""
    # One string for all texts that have the word.
    counts = {sys.intern(word): count for word, count in Counter(words_in(text)).items()}
    return Counted(counts, sum(counts.values()))


def ranked(query: str, texts: Sequence[Counted]) -> Iterator[tuple[int, float]]:
    """Places and scores of the texts that have a word of a query, best first; ties in order."""
    scores: dict[int, float] = {}
    mean = sum(text.length for text in texts) / len(texts) if texts else 0.0
    for word, asked in Counter(words_in(query)).items():
        having = [(place, n) for place, text in enumerate(texts) if (n := text.words.get(word))]
        rarity = math.log1p((len(texts) - len(having) + 0.5) / (len(having) + 0.5))
        for place, count in having:
            norm = SATURATION * (1 - LENGTH + LENGTH * texts[place].length / mean)
            gain = asked * rarity * count * (SATURATION + 1) / (count + norm)
            scores[place] = scores.get(place, 0.0) + gain
    return iter(sorted(scores.items(), key=lambda each: (-each[1], each[0])))
