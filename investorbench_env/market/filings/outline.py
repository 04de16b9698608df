"""Which of the places that look like headings are those of the items, and which list them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from investorbench_env.market.filings.forms import FilingForm, letters
from investorbench_env.market.filings.headings import (
    LINKED,
    NAMED,
    NUMBERED,
    TITLE_SPAN,
    TITLED,
    Heading,
    headings,
    lettered,
)
from investorbench_env.market.filings.pages import FiledPage

FEWEST = 4
"""Entries of which most are enough to know a table of contents by."""
ENTRY = 1500
"""Characters of the longest entry, with the statements that it lists."""
MOST = 0.6
"""Share of a table's entries that end in the number of a page, or have no sentence in them."""
_PAGE_NUMBER = re.compile(
    r"(?:(?<![\d.,])\d{1,3}|\b[ivx]{1,5}|n/a|[—–-])[\s_|)-]*"
    r"(?:PART\s+[IV\d]+\b[^\d]{0,60}?(?:\d{1,3})?[\s_|)-]*)?$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?:[\w’'-]+,?\s+){8,}[\w’'-]+[.;](?:\s|$)")
_PARAGRAPHS = re.compile(r"\S(?:[^\n]|\n(?![ \t]*\n))*")


def outline(page: FiledPage, form: FilingForm) -> list[Heading]:
    """The headings of the items that a filing has, in the order of the text."""
    found = headings(page, form)
    listed = contents(page.text, found)
    entries = [heading for number, heading in enumerate(found) if number in listed]
    body = _without_page_heads(
        [heading for number, heading in enumerate(found) if number not in listed], form
    )
    body += _linked(page, entries, body) + _named(page.text, form, entries, body)
    body.sort(key=lambda heading: heading.start)
    if not form.is_ordered:
        return _first_of_each(body)
    chosen = _chain(body)
    parts = [
        part
        for heading, following in pairwise([*chosen, None])
        if heading
        for part in lettered(
            page.text, form, heading, following.start if following else len(page.text)
        )
    ]
    own = {place for heading in chosen for place in range(heading.first, heading.last + 1)}
    parts = [part for part in parts if part.first not in own]
    return _chain(sorted((*chosen, *parts), key=lambda heading: heading.start))


def contents(text: str, found: Sequence[Heading]) -> set[int]:
    """The numbers of those that are entries of a table of contents, or of another list of items.

    It is a run of items in order with little between them: most end in the number of a page, or
    come again, at a heading of their own, after the run. A run of a few is one where all come again
    and there is not a sentence between them.
    """
    listed: set[int] = set()
    for run in _runs(found):
        gaps = [text[found[number].end : found[number + 1].start].strip() for number in run[:-1]]
        pages = sum(bool(_PAGE_NUMBER.search(gap)) for gap in gaps)
        bare = sum(not _SENTENCE.search(gap) for gap in gaps)
        later = {heading.first for heading in found[run[-1] + 1 :]}
        again = sum(found[number].first in later for number in run)
        if len(run) >= FEWEST:
            is_list = max(pages, bare if 2 * again > len(run) else 0) >= MOST * len(gaps)
        else:
            is_list = len(run) > 1 and again == len(run) and bare == len(gaps)
        if is_list:
            listed.update(run)
    return listed


def _runs(found: Sequence[Heading]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number, heading in enumerate(found):
        before = found[number - 1] if number else None
        if (
            before
            and heading.start - before.end < ENTRY
            and (heading.first > before.last or heading.start == before.start)
        ):
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _without_page_heads(body: Sequence[Heading], form: FilingForm) -> list[Heading]:
    """Headings without those that repeat the number of the item in which they stand."""
    kept: list[Heading] = []
    number = ""
    for heading in body:
        own = form.items[heading.last].number
        if heading.weight > NUMBERED or own != number:
            kept.append(heading)
        if heading.weight > NUMBERED:
            number = own
    return kept


def _linked(page: FiledPage, entries: Sequence[Heading], body: Sequence[Heading]) -> list[Heading]:
    """Where the entries of a table of contents lead, for items without a heading of their own."""
    own = {heading.first for heading in body if heading.weight > NUMBERED}
    found = []
    for entry, following in pairwise([*entries, None]):
        assert entry is not None
        end = following.start if following else entry.start + TITLE_SPAN
        starts = [
            page.places[target]
            for place, target in page.links
            if entry.start <= place < end and target in page.places
        ]
        if starts and entry.first not in own and not _has_heading(entry, starts[0], body):
            start = starts[0]
            found.append(replace(entry, start=start, end=start, weight=LINKED))
    return found


def _has_heading(entry: Heading, start: int, body: Sequence[Heading]) -> bool:
    """Whether the item of an entry has a heading of its own at the place to which it leads."""
    return any(
        heading.first <= entry.first <= heading.last and 0 <= heading.start - start < TITLE_SPAN
        for heading in body
    )


def _named(
    text: str, form: FilingForm, entries: Sequence[Heading], body: Sequence[Heading]
) -> list[Heading]:
    """Paragraphs that are the title of an item and nothing else, where it has no other heading."""
    own = {place for heading in body for place in range(heading.first, heading.last + 1)}
    wanted = {heading.first for heading in entries} - own
    titles = {title: place for place in wanted for title in form.items[place].titles}
    if not titles:
        return []
    return [
        Heading(start=found.start(), end=found.end(), first=place, last=place, weight=NAMED)
        for found in _PARAGRAPHS.finditer(text)
        if len(found[0]) < TITLE_SPAN
        and found.start() > entries[-1].end
        and (place := titles.get(letters(found[0]))) is not None
    ]


def _chain(found: Sequence[Heading]) -> list[Heading]:
    """The headings in the form's order that together look most like headings.

    Of several for one item the first one counts: those after it head its further pages.
    """
    best: list[tuple[float, int | None]] = []
    for number, heading in enumerate(found):
        chains = (
            (best[before][0], before)
            for before in range(number)
            if found[before].last < heading.first and found[before].start < heading.start
        )
        value, before = max(chains, key=lambda chain: chain[0], default=(0.0, None))
        best.append((value + heading.weight, before))
    chosen: list[Heading] = []
    at = max(range(len(best)), key=lambda number: best[number][0], default=None)
    while at is not None:
        chosen.append(found[at])
        at = best[at][1]
    return chosen[::-1]


def _first_of_each(found: Sequence[Heading]) -> list[Heading]:
    """The first heading of each item that has a title, else the first one."""
    chosen: dict[int, Heading] = {}
    for heading in sorted(found, key=lambda heading: (heading.weight < TITLED, heading.start)):
        chosen.setdefault(heading.first, heading)
    return sorted(chosen.values(), key=lambda heading: heading.start)
