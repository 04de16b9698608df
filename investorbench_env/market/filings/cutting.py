"""A filing cut into its items, whatever it was filed as; into parts of a size where it has none."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from investorbench_env.market.filings.covers import (
    body_of,
    is_of_cover,
    period_of,
    signatures_begin,
)
from investorbench_env.market.filings.forms import FilingForm, Item, form_of
from investorbench_env.market.filings.headings import TITLE_SPAN, Heading
from investorbench_env.market.filings.outline import outline
from investorbench_env.market.filings.pages import read_page
from investorbench_env.market.filings.tidying import paragraphs, running_heads, trimmed

PARTS = 6
"""Into how many parts a filing without items is cut, at most."""
PART = 3_000
"""Characters of a part, at least."""
LONGEST_PHRASE = 400
"""Characters of the longest paragraph that may be of a cover."""
FEWEST_ITEMS = 2
"""Items of a form in order that show that a text is divided by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One item of a filing, or several that were filed as one; or a part of a size.

    Attributes:
        item: such as ``"7A"``, ``"I.2"``, ``"1-2"``; empty where there are no items.
        title: of the item in few words, or which part it is.
        share: of what is worth remembering of the filing, before the shares add up to one.
        source: its text as it was filed, tables included.
        heads: paragraphs of its pages that belong to none of its text.
    """

    item: str
    title: str
    share: float
    source: str = field(repr=False)
    heads: frozenset[str] = field(default=frozenset(), repr=False)

    def paragraphs(self) -> Iterator[str]:
        """Its prose, without tables and what stands on every page."""
        return paragraphs(self.source, self.heads)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutFiling:
    """A filing in sections.

    Attributes:
        kind: its form, such as ``"10-K/A"``.
        period: the last day of what it reports, YYYY-MM-DD; empty where its cover does not say.
        by: what it was cut by: its items, or size, because it has none.
        is_as_filed: whether it has items, a cover or markup; else it is what somebody wrote of a
            filing, such as a summary.
        sections: in the order of the text; what precedes the first item is in none of them.
    """

    kind: str
    period: str
    by: Literal["items", "size"]
    is_as_filed: bool
    sections: tuple[Section, ...]


def cut(text: str, kind: str) -> CutFiling:
    """Cut a filing into its items.

    Args:
        text: plain, or the HTML that was filed.
        kind: its form; the items of 10-K, 10-Q, 20-F and 8-K are known, amendments included.
    """
    page = read_page(text)
    form = form_of(kind)
    found = outline(page, form) if form else []
    if form and len(found) >= (FEWEST_ITEMS if form.is_ordered else 1):
        sections = tuple(_items(page.text, form, found))
        by: Literal["items", "size"] = "items"
    else:
        sections, by = tuple(_parts(page.text)), "size"
    return CutFiling(
        kind=kind,
        period=period_of(page.text, kind),
        by=by,
        is_as_filed=by == "items" or page.is_markup or body_of(page.text) != page.text,
        sections=sections,
    )


def _items(text: str, form: FilingForm, found: list[Heading]) -> Iterator[Section]:
    heads = running_heads(text)
    end = signatures_begin(text, found[-1].end)
    own = {place for heading in found for place in range(heading.first, heading.last + 1)}
    for heading, following in pairwise([*found, None]):
        assert heading is not None
        first, last = form.items[heading.first], form.items[heading.last]
        stop = following.start if following else end
        places = range(heading.first, heading.last + 1)
        yield Section(
            item=first.key if first == last else f"{first.key}-{last.key}",
            title=first.title if first == last else f"{first.title} to {last.title}",
            share=sum(form.items[place].share for place in {*places, *_parts_in(form, last, own)}),
            source=trimmed(text[_after_title(text, heading, stop) : stop]),
            heads=heads,
        )


def _parts_in(form: FilingForm, item: Item, own: Collection[int]) -> Iterator[int]:
    """The places of those lettered parts of an item that have no heading, and so are in it."""
    for place, part in enumerate(form.items):
        if part.number[:-1] == item.number and part.number[-1].isalpha() and place not in own:
            yield place


def _after_title(text: str, heading: Heading, stop: int) -> int:
    """Where the text of an item begins: after the rest of its title."""
    end = text.find("\n", heading.end, min(heading.end + TITLE_SPAN, stop))
    return heading.end if end < 0 else end


def _parts(text: str) -> Iterator[Section]:
    """The prose of a text without items, in parts of about one size, its cover apart."""
    prose = list(_without_cover(paragraphs(body_of(text), running_heads(text))))
    length = sum(map(len, prose))
    count = max(1, min(PARTS, length // PART))
    parts: list[list[str]] = [[] for _ in range(count)]
    before = 0
    for words in prose:
        parts[min(count - 1, before * count // max(1, length))].append(words)
        before += len(words)
    for number, part in enumerate(filter(None, parts), 1):
        yield Section(
            item="",
            title=f"part {number} of {count}, no items found" if count > 1 else "",
            share=1.0,
            source="\n\n".join(part),
        )


def _without_cover(prose: Iterable[str]) -> Iterator[str]:
    """Paragraphs that are of no cover and no signature; a long one is neither."""
    for words in prose:
        if len(words) > LONGEST_PHRASE or not is_of_cover(words):
            yield words
