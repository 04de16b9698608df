"""What a thesis may cite: the text of its briefing, and the ids of the pieces."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

from investorbench.agents.thesis.thesis import Bullet, count_words

QUOTE_WORDS = 4
"""A quote of fewer proves nothing: they stand in any text."""


@dataclass(frozen=True, slots=True)
class Citable:
    """What a thesis may cite, made ready once for all theses about one briefing.

    Attributes:
        text: the briefing, case folded, its blanks joined.
        places: where in it each pair of neighbouring tokens begins.
        ids: of its pieces.
    """

    text: str
    places: Mapping[tuple[str, str], Sequence[int]]
    ids: frozenset[str]

    @classmethod
    def of(cls, briefing: str, ids: Iterable[str]) -> Self:
        """Make a briefing and the ids of its pieces ready."""
        tokens = briefing.casefold().split()
        places: dict[tuple[str, str], list[int]] = {}
        place = 0
        for pair in pairwise(tokens):
            places.setdefault(pair, []).append(place)
            place += len(pair[0]) + 1
        return cls(" ".join(tokens), places, frozenset(ids))

    def has(self, quote: str) -> bool:
        """Whether a quote of enough words stands in the briefing."""
        if count_words(quote) < QUOTE_WORDS:
            return False
        tokens = quote.casefold().split()
        folded = " ".join(tokens)
        before = len(tokens[0]) + 1  # it may begin within a token of the briefing
        return any(
            place >= before and self.text.startswith(folded, place - before)
            for place in self.places.get((tokens[1], tokens[2]), ())
        )


class Support(NamedTuple):
    """What of a bullet's claim holds."""

    quoted: bool
    sourced: bool


def support(bullet: Bullet, citable: Citable | None) -> Support:
    """Whether a bullet's quote and source hold, or, without anything to cite, are there."""
    if citable is None:
        return Support(bullet.quote is not None, bullet.source is not None)
    return Support(
        bullet.quote is not None and citable.has(bullet.quote),
        bullet.source is not None and bullet.source.strip() in citable.ids,
    )
