"""Where a text may have the heading of an item: every place that looks like one, and how much."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from investorbench_env.market.filings.forms import FilingForm, Item, letters
from investorbench_env.market.filings.pages import FiledPage

_NUMBER = (
    r"\d{1,2}(?:\.\d\d)?"
    r"(?:\.?[A-Ka-k](?![A-Za-z])|\s?\([A-Ka-k]\)|\s[A-Ka-k](?=\s?[.:–—-]\s))?(?![A-Za-z0-9])"
)
_MARK = re.compile(
    rf"(?<![A-Za-z])I\s?T\s?E\s?M\s?S?\s{{0,3}}(?:no\.?\s|\#)?"
    rf"({_NUMBER}(?:\s?\.?\s?(?:,|and|&|through)\s(?:Items?\s)?(?:and\s)?{_NUMBER})*)",
    re.IGNORECASE,
)
_EACH = re.compile(_NUMBER)
_PART = re.compile(r"PART\s{0,2}I{1,3}V?\W{0,4}$", re.IGNORECASE)
_AFTER = re.compile(r"[\s.:;|•–—―-]*(?:\([A-Za-z]\)[\s.:–—-]*)*\[?")
_REFERS = re.compile(
    r"(?:(?<![\w’-])[a-z][\w’'-]*|[,;(“‘]|[\"'](?=\s?$)"
    r"|\b(?:See|Refer|In|Under|And|To|Of|From|With|By|Our|The|This|Also|Within)) ?$"
)
"""What stands before a number that refers to an item elsewhere."""
_GOES_ON = re.compile(r"\W{0,2}(?:[,;”’)\"]|(?:of|in|to|above|below|and|or|for|is|are|was)\b)")
"""What follows the title in a sentence that only mentions it."""
PARAGRAPH = re.compile(r"\n[ \t]*\n\s*$|^\s*$")
TITLE_SPAN = 160
"""Characters after a number in which its title begins; a title alone is no longer."""

# How much a place looks like the heading of an item.
TITLED, NUMBERED, LINKED, NAMED = 4.0, 1.0, 2.5, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A place that may be the heading of an item, or of several in a row.

    Attributes:
        start: of the heading in the text.
        end: of its number, and of the title as far as it was recognised.
        first: place of its item in the form's order.
        last: of its last one.
        weight: how much it looks like one.
    """

    start: int
    end: int
    first: int
    last: int
    weight: float


def headings(page: FiledPage, form: FilingForm) -> list[Heading]:
    """Everything with the number of an item that is no mere reference, in order."""
    numbers: dict[str, list[int]] = {}
    for place, item in enumerate(form.items):
        numbers.setdefault(item.number, []).append(place)
    return [
        heading
        for found in _MARK.finditer(page.text)
        for heading in _of_mark(page.text, found, form, numbers)
    ]


def lettered(text: str, form: FilingForm, heading: Heading, end: int) -> Iterator[Heading]:
    """Headings of the parts of an item that bear a letter alone, as "D. Risk Factors" in Item 3.

    Args:
        text: of the filing.
        form: its form.
        heading: of the item.
        end: where the item ends.
    """
    number = form.items[heading.first].number
    parts = {
        item.number.removeprefix(number): place
        for place, item in enumerate(form.items)
        if item.number[:-1] == number and item.number[-1].isalpha()
    }
    if not parts or heading.first != heading.last:
        return
    mark = re.compile(rf"(?<=\n)[ \t]*(?:{number}\s?\.?\s?)?([A-K])\s?[.):–—-]\s+(?=[A-Z])")
    for found in mark.finditer(text, heading.end, end):
        place = parts.get(found[1])
        title = text[found.end() : found.end() + TITLE_SPAN]
        if place is not None and (after := _title_end(title, form.items[place], 1)) is not None:
            yield Heading(
                start=found.start(), end=found.end() + after, first=place, last=place, weight=TITLED
            )


def _of_mark(
    text: str, found: re.Match[str], form: FilingForm, numbers: dict[str, list[int]]
) -> Iterator[Heading]:
    keys = [_key(each) for each in _EACH.findall(found[1])]
    if any(key not in numbers for key in keys):
        return
    start, is_paragraph = _begins(text, found.start())
    if not is_paragraph and _REFERS.search(text[max(0, start - 40) : start].replace("\n", " ")):
        return
    after = _AFTER.match(text, found.end())
    assert after is not None
    title = text[after.end() : after.end() + TITLE_SPAN]
    places = [(first, _last(first, keys, numbers)) for first in numbers[keys[0]]]
    ends = {first: _title_end(title, form.items[first], len(keys)) for first, _ in places}
    titled = [first for first, end in ends.items() if end is not None]
    if not titled and not (is_paragraph and _is_alone(text, found.end(), title)):
        return
    for first, last in places:
        if last is not None and (not titled or first in titled):
            yield Heading(
                start=start,
                end=found.end() if not titled else after.end() + (ends[first] or 0),
                first=first,
                last=last,
                weight=TITLED + is_paragraph if titled else NUMBERED,
            )


def _key(number: str) -> str:
    whole, *rest = re.split(r"[^0-9A-Za-z]+", number.upper().rstrip(")"))
    return f"{whole}.{rest[0]}" if rest and rest[0].isdigit() else whole + "".join(rest)


def _begins(text: str, start: int) -> tuple[int, bool]:
    """Where the heading begins, the part it names included, and whether a paragraph does so."""
    before = text[max(0, start - 40) : start]
    part = _PART.search(before)
    if part and PARAGRAPH.search(before[: part.start()]):
        return start - len(before) + part.start(), True
    return start, bool(PARAGRAPH.search(before)) or (start <= 40 and not before.strip())


def _last(first: int, keys: list[str], numbers: dict[str, list[int]]) -> int | None:
    """The place of the last of several items, which must come after the first."""
    later = [place for place in numbers[keys[-1]] if place >= first]
    return later[0] if later else None


def _title_end(title: str, item: Item, items: int) -> int | None:
    """Where the longest title of an item that a text begins with ends; None where it has none.

    Of several items the title goes on with those of the others.
    """
    small = letters(title)
    whole = max((len(each) for each in item.titles if small.startswith(each)), default=0)
    opening = max((len(each) for each in item.openings if small.startswith(each)), default=0)
    if not title[:1].isalpha() or not (longest := max(whole, opening)):
        return None
    ends = (at for at, sign in enumerate(title, 1) if sign.isascii() and sign.isalpha())
    end = next(islice(ends, longest - 1, None))
    only_mentions = items == 1 and whole > opening and _GOES_ON.match(title[end:])
    return None if only_mentions else end


def _is_alone(text: str, end: int, title: str) -> bool:
    """Whether nothing but a few words of a title follow in the paragraph."""
    rest = re.split(r"\n[ \t]*\n", text[end : end + TITLE_SPAN + 1], maxsplit=1)[0]
    return len(rest) <= TITLE_SPAN and not title[:1].islower() and not _GOES_ON.match(rest)
