"""What arrived since the last decision, as it stands in the prompt: working memory's news.

Texts that say the same are one item with a count. The most important come first; all of them have
their headline, and as many as there is room for their whole text.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from investorbench.agents.finmem.extracts import weight_of_cues
from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.finmem.perception import Arrival
from investorbench.agents.finmem.stories import stories
from investorbench.agents.llm import tokens
from investorbench_env.market.documents import NEWS

TOP = 5
"""Stories whose headline is shown however many tokens it takes."""
CITABLE = 20
"""Items that have a label, by which an answer may cite them."""
HEADLINE = 200
"""Characters of a headline, where a text has no first line or sentence that is shorter."""
SHORTEST_HEADLINE = 40
"""Characters; a shorter first sentence, such as "Mr.", is none."""
NAMED, POSTED = 3.0, -1.5
"""What it is worth that a headline names the asset, and what it costs that it is a post."""
CUT = " […]"

_SENTENCE = re.compile(r"(?<=[.!?])[\"”’)]?\s")
_POST = re.compile(r"(?:^|\s)[$@#][A-Za-z]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """One thing that is new: a story, or a passage of a filing.

    Attributes:
        part: what is remembered of it, the longest of its texts.
        keys: of all documents that say it.
        labels: how often their sources take it for what.
        importance: by which stories are ranked.
    """

    part: Arrival
    keys: tuple[str, ...]
    labels: Mapping[str, int]
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
    """

    items: tuple[NewsItem, ...] = ()
    known_since: Mapping[int, str]
    usual: float

    def summary(self) -> str:
        """How much it is, and what the sources take it for."""
        told = [item for item in self.items if item.is_story]
        texts = sum(len(item.keys) for item in told)
        labels = sum((Counter(item.labels) for item in told), Counter[str]())
        listed = [f"{count} {label}" for label, count in sorted(labels.items())]
        unrated = texts - labels.total()
        if listed and unrated:
            listed.append(f"{unrated} unrated")
        words = f"{texts} texts of news in {len(told)} stories, the most important first"
        words += f" (usually {self.usual:.0f} texts a day)" if self.usual else ""
        words += f"; as rated by their sources: {', '.join(listed)}" if listed else ""
        filings = len(self.items) - len(told)
        return f"{words}.{f' Before them, {filings} passages of filings.' if filings else ''}"


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


def sheet_of(news: Arrived, room: int, counter: tokens.Counter = tokens.estimate) -> NewsSheet:
    """The items that a number of tokens has room for, headlines before whole texts.

    Args:
        news: what is new.
        room: tokens that the lines may take together; all filings and the first :data:`TOP`
            stories have their headline there whatever that takes.
        counter: of tokens. By default it is not the model's, so that all models are shown the same.
    """
    items, lines = news.items, {}
    whole: set[int] = set()
    always = TOP + sum(not item.is_story for item in items)
    for place, item in enumerate(items):
        line = _line(item, place, news.known_since.get(place), headline(item.part.text))
        takes = counter(line) + 1
        if place < always or takes <= room:
            lines[place], room = line, room - takes
    for place, short in lines.items():
        text = " ".join(items[place].part.text.split())
        line = _line(items[place], place, news.known_since.get(place), text)
        more = 0 if line == short else counter(line) - counter(short)
        if more <= max(room, 0):
            lines[place], room = line, room - more
            whole.add(place)
    return NewsSheet(places=tuple(lines), lines=tuple(lines.values()), whole=frozenset(whole))


def label_of(place: int) -> str:
    """What an answer calls an item by."""
    return f"N{place + 1}"


@lru_cache(maxsize=1 << 13)
def headline(text: str) -> str:
    """The first line of a text, or its first sentence where that is shorter, on one line."""
    first = " ".join(text[: 4 * HEADLINE].partition("\n")[0].split())
    for end in _SENTENCE.finditer(first):
        if end.start() >= SHORTEST_HEADLINE:
            first = first[: end.start()]
            break
    if len(first) > HEADLINE:
        first = first[:HEADLINE].rpartition(" ")[0] or first[:HEADLINE]
    return first if len(first) >= len(text.strip()) else first + CUT


def _line(item: NewsItem, place: int, known_since: str | None, text: str) -> str:
    """One line, whatever a text holds: its label, what is known of it, and the text."""
    about = [max(item.labels, key=lambda label: item.labels[label])] if item.labels else []
    if len(item.keys) > 1:
        about.append(f"{len(item.keys)} texts")
    if known_since is not None:
        about.append(f"known since {known_since}")
    known = f" ({', '.join(about)})" if about else ""
    name = label_of(place) if place < CITABLE else "–"
    return f"{name}{known}: {neutral(text)}"


def _item(same: Sequence[Arrival], names: tuple[str, ...]) -> NewsItem:
    part = max(same, key=lambda each: len(each.text))
    return NewsItem(
        part=part,
        keys=tuple(each.key for each in same),
        labels=Counter(each.metadata["label"] for each in same if "label" in each.metadata),
        importance=math.log2(len(same)) + _worth(headline(part.text), names),
    )


@lru_cache(maxsize=1 << 13)
def _worth(line: str, names: Collection[str]) -> float:
    """What a headline is worth by itself; many episodes read the same."""
    named = any(name in line for name in names)
    return weight_of_cues(line) + NAMED * named + POSTED * bool(_POST.search(line))
