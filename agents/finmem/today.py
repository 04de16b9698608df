"""What arrived since the last decision, as it stands in the prompt: working memory's news.

Texts that say the same are one item with a count. The most important come first; all of them have
their headline, and as many as there is room for their whole text.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from investorbench.agents.finmem.extracts import ends_in_abbreviation
from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.finmem.perception import Arrival
from investorbench.agents.finmem.stories import stories
from investorbench_env.market.documents import NEWS
from investorbench_env.token_estimate import estimate

TOP = 5
"""Stories whose headline is shown however many tokens it takes."""
CITABLE = 20
"""Items that have a label, by which an answer may cite them."""
HEADLINE = 200
"""Characters of a headline, where a text has no first line or sentence that is shorter."""
SHORTEST_TITLE, SHORTEST_HEADLINE = 7, 40
"""Characters; a shorter first line, such as "10-Q", or a shorter first sentence is no headline."""
NAMED, FIGURE, POSTED = 3.0, 1.5, -1.5
"""What it is worth that a headline names the asset or holds a figure of money or change, and what
it costs that it is a post."""
MATTER, MOST_MATTER = 0.5, 2.0
"""What a word of :data:`MATTERS` in it is worth, and all of them together."""
MATTERS = frozenset(
    """
    acquire acquires acquired acquisition antitrust approval approved approves ban banned bankruptcy
    beat beats bid breach buyback ceo cfo cut cuts deal decline declined declines default deliveries
    delivery demand dividend downgrade downgraded downgrades earnings etf exceed exceeded fell fine
    fined fork forecast fraud growth grew guidance hack hacked halt halted halving higher
    impairment increase investigation lawsuit layoffs loss losses lower margin margins merger miss
    missed misses offering orders outlook probe production profit profits quarter quarterly raise
    raised raises rate rates rating recall recalls record regulator regulators resign resigned
    resigns restructuring results revenue revenues rise rises rose sales sec settlement shortage
    shutdown split strike sue sued suspended target tariff tariffs upgrade upgraded upgrades
    """.split()
)
"""Words of news that move a price."""
LINE_END_TOKENS = 1
CUT = " […]"

_SENTENCE = re.compile(r"(?<=[.!?])[\"”’)]?\s")
_WORDS = re.compile(r"[a-z]+")
_FIGURE = re.compile(r"[$€£¥]\s?\d|\d\s?(?:%|percent|basis|[mbt]illion|bn\b)")
_POST = re.compile(r"(?:^|\s)[$@#][A-Za-z]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """One thing that is new: a story, or a passage of a filing.

    Attributes:
        part: what is remembered of it, the longest of its texts.
        keys: of all documents that say it.
        ratings: how often their sources take it for what.
        importance: by which stories are ranked.
    """

    part: Arrival
    keys: tuple[str, ...]
    ratings: Mapping[str, int]
    importance: float

    @property
    def is_story(self) -> bool:
        """Whether it is news, and no filing."""
        return self.part.metadata["kind"] == NEWS

    def metadata(self) -> dict[str, Any]:
        """What its memory carries: that of its text, and how many texts say it."""
        texts = {"texts": len(self.keys)} if len(self.keys) > 1 else {}
        return {**self.part.metadata, **texts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """All that is new.

    Attributes:
        items: passages of filings in their order, then stories by importance.
        known_since: of an item by its place, when memory holds the same of an earlier day.
        usual: texts a day up to now; 0 where there was no day before.
        top_stories: whose headline is shown however many tokens it takes.
    """

    items: tuple[NewsItem, ...] = ()
    known_since: Mapping[int, str]
    usual: float
    top_stories: int = TOP

    @property
    def top(self) -> int:
        """How many of the items are the most important ones: all of filings, and some stories."""
        return self.top_stories + sum(not item.is_story for item in self.items)

    def summary(self) -> str:
        """How much it is, and what the sources take it for."""
        stories = [item for item in self.items if item.is_story]
        texts = sum(len(item.keys) for item in stories)
        ratings = sum((Counter(item.ratings) for item in stories), Counter[str]())
        listed = [f"{count} {rating}" for rating, count in sorted(ratings.items())]
        unrated = texts - ratings.total()
        if listed and unrated:
            listed.append(f"{unrated} unrated")
        number = "1 story" if len(stories) == 1 else f"{len(stories)} stories"
        words = f"{texts} text{'s' * (texts != 1)} of news in {number}, the most important first"
        words += f" (usually {self.usual:.0f} a day)" if self.usual else ""
        words += f"; as rated by their sources: {', '.join(listed)}" if listed else ""
        filings = len(self.items) - len(stories)
        passages = f"{filings} passage{'s' * (filings != 1)} of filings."
        if not stories:
            return passages
        return f"{words}.{f' Before them, {passages}' * bool(filings)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsSheet:
    """Items as a prompt shows them.

    Attributes:
        places: of the items that are shown.
        lines: one for each of these.
        whole: those of the places whose items stand there with all of their text.
    """

    places: tuple[int, ...] = ()
    lines: tuple[str, ...] = ()
    whole: frozenset[int] = frozenset()

    def without_last(self) -> "NewsSheet":
        """The same without the least important item."""
        return NewsSheet(
            places=self.places[:-1], lines=self.lines[:-1], whole=self.whole - {self.places[-1]}
        )


def items_of(parts: Sequence[Arrival], names: tuple[str, ...]) -> tuple[NewsItem, ...]:
    """What is new: the passages of filings in their order, then stories by importance.

    Args:
        parts: of all documents that arrived, each once.
        names: of the asset.
    """
    filings = [part for part in parts if part.metadata["kind"] != NEWS]
    news = [part for part in parts if part.metadata["kind"] == NEWS]
    same = stories([part.text for part in news])
    found = [_item([news[place] for place in group], names) for group in same]
    found.sort(key=lambda item: -item.importance)
    return (*(_item([part], names) for part in filings), *found)


def sheet_of(news: Arrived, room: int) -> NewsSheet:
    """The items of one asset that a number of tokens has room for, see :func:`sheets_of`."""
    (sheet,) = sheets_of([news], room)
    return sheet


def sheets_of(several: Sequence[Arrived], room: int) -> tuple[NewsSheet, ...]:
    """The items that a number of tokens has room for, headlines before whole texts.

    The first of each asset come before the second of any.

    Args:
        several: what is new of each asset.
        room: tokens that the lines may take together, by the estimate, so that all models are shown
            the same; all filings and the top stories have their headline there whatever that takes.
    """
    order = sorted(
        ((place, asset) for asset, news in enumerate(several) for place in range(len(news.items)))
    )
    wordings = {
        (place, asset): _wording(several[asset].items[place].part.text) for place, asset in order
    }
    lines: list[dict[int, str]] = [{} for _ in several]
    whole: list[set[int]] = [set() for _ in several]
    for place, asset in order:
        news, wording = several[asset], wordings[place, asset]
        about = _about(news.items[place], place, news.known_since)
        takes = wording.short_tokens + estimate(about) + LINE_END_TOKENS
        if place < news.top or takes <= room:
            lines[asset][place], room = about + wording.short, room - takes
    for place, asset in order:
        wording = wordings[place, asset]
        more = wording.whole_tokens - wording.short_tokens
        if place in lines[asset] and more <= max(room, 0):
            about = _about(several[asset].items[place], place, several[asset].known_since)
            lines[asset][place], room = about + wording.whole, room - more
            whole[asset].add(place)
    return tuple(
        NewsSheet(places=tuple(own), lines=tuple(own.values()), whole=frozenset(full))
        for own, full in zip(lines, whole, strict=True)
    )


def label_of(place: int) -> str:
    """What an answer calls an item by."""
    return f"N{place + 1}"


def headline(text: str) -> str:
    """The first line of a text, or its first sentence where that is shorter, on one line."""
    begins = text[: HEADLINE + HEADLINE // 4]
    line = begins.partition("\n")[0]
    first = " ".join((line if len(line) >= SHORTEST_TITLE else begins).split())
    for end in _SENTENCE.finditer(first):
        if end.start() >= SHORTEST_HEADLINE and not ends_in_abbreviation(first[: end.start()]):
            first = first[: end.start()]
            break
    if len(first) > HEADLINE:
        first = first[:HEADLINE].rpartition(" ")[0] or first[:HEADLINE]
    return first if len(first) >= len(text.strip()) else first + CUT


class _Wording(NamedTuple):
    """A text on one line, its beginning and all of it, and the tokens that each takes."""

    short: str
    whole: str
    short_tokens: int
    whole_tokens: int


@lru_cache(maxsize=1 << 13)
def _wording(text: str) -> _Wording:
    """How a text is shown; many episodes read the same."""
    safe = neutral(text)
    short, whole = headline(safe), " ".join(safe.split())
    takes = estimate(short)
    return _Wording(short, whole, takes, takes if short == whole else max(takes, estimate(whole)))


def _about(item: NewsItem, place: int, known_since: Mapping[int, str]) -> str:
    """What a line begins with, whatever its text holds: its label, and what is known of it."""
    about = [] if item.is_story else [f"filed {item.part.time}"]
    if item.ratings:
        about.append(max(item.ratings, key=lambda rating: item.ratings[rating]))
    if len(item.keys) > 1:
        about.append(f"{len(item.keys)} texts")
    if place in known_since:
        about.append(f"known since {known_since[place]}")
    name = label_of(place) if place < CITABLE else "–"
    return f"{name} ({', '.join(about)}): " if about else f"{name}: "


def _item(same: Sequence[Arrival], names: tuple[str, ...]) -> NewsItem:
    part = max(same, key=lambda each: len(each.text))
    return NewsItem(
        part=part,
        keys=tuple(each.key for each in same),
        ratings=Counter(each.metadata["rating"] for each in same if "rating" in each.metadata),
        importance=math.log2(len(same)) + _worth(_wording(part.text).short, names),
    )


@lru_cache(maxsize=1 << 13)
def _worth(line: str, names: tuple[str, ...]) -> float:
    """What a headline is worth by itself; many episodes read the same."""
    matters = len(MATTERS.intersection(_WORDS.findall(line.lower())))
    return (
        NAMED * any(name in line for name in names)
        + FIGURE * bool(_FIGURE.search(line))
        + min(MATTER * matters, MOST_MATTER)
        + POSTED * bool(_POST.search(line))
    )
