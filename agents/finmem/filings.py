"""What a filing leaves in memory: a few passages of each item that a trader reads.

A filing is cut into its items, the characters that may be remembered are shared out among them,
and of each item as much is kept as its share allows. What is kept is for a `Digest` to say: by
rules, as here, or by a language model with one question an item.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from investorbench.agents.finmem.extracts import extract, passages
from investorbench_env.market.filings import CutFiling, Section, cut

Digest = Callable[[Section, int], Sequence[str]]
"""What to keep of a section in at most so many characters, as passages."""

PASSAGE = 700
"""Characters of the longest passage, so that an item of several subjects is several memories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One memory that a filing leaves.

    Attributes:
        text: with a line that says where it stands.
        item: of the filing; empty where it has none.
        period: the last day of what the filing reports, YYYY-MM-DD; may be empty.
        by: ``"items"``, ``"size"``, or ``"whole"`` where the text was short enough.
    """

    text: str
    item: str
    period: str
    by: str

    def metadata(self) -> dict[str, str]:
        """What a memory carries of it beside its text."""
        return {"item": self.item, "period": self.period, "by": self.by}


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """One section, and how many characters of it may be kept."""

    section: Section
    longest: int


cut_once = lru_cache(maxsize=32)(cut)
"""As :func:`cut`; many episodes read the same filing."""


@lru_cache(maxsize=256)
def extractive(section: Section, longest: int) -> tuple[str, ...]:
    """The sentences of a section that say most, as passages."""
    return tuple(passages(extract(section.paragraphs(), longest), PASSAGE))


def passages_of(
    text: str, kind: str, longest: int, digest: Digest = extractive
) -> tuple[Passage, ...]:
    """What a filing leaves.

    Args:
        text: of the filing, as it was filed or as somebody summed it up.
        kind: its form.
        longest: characters to keep.
        digest: what is kept of each section.
    """
    filing = cut_once(text, kind)
    if is_kept_whole(filing, text, longest):
        return (Passage(text=text, item="", period=filing.period, by="whole"),)
    if not any(section.share for section in filing.sections):
        return (_unread(filing),)
    return tuple(
        Passage(
            text=f"{place_of(filing, portion.section)}: {passage}",
            item=portion.section.item,
            period=filing.period,
            by=filing.by,
        )
        for portion in portions(filing, longest)
        for passage in digest(portion.section, portion.longest) or _beginning(portion)
    )


def is_kept_whole(filing: CutFiling, text: str, longest: int) -> bool:
    """Whether a text is what somebody wrote of a filing, and short enough to be kept as it is."""
    return not filing.is_as_filed and len(text) <= longest


def _beginning(portion: Portion) -> list[str]:
    """How a part begins that has no sentences to choose from; of an item, nothing."""
    words = " ".join(portion.section.paragraphs())[: min(portion.longest, PASSAGE)]
    return [f"{words} […]"] if words and not portion.section.item else []


def _unread(filing: CutFiling) -> Passage:
    """The only memory of a filing without any item that a trader reads, as some amendments are."""
    titles = dict.fromkeys(section.title for section in filing.sections)
    titles.pop("Exhibits", None)
    return Passage(
        text=f"{_name(filing)} holds nothing but: {', '.join(titles) or 'exhibits'}.",
        item="",
        period=filing.period,
        by=filing.by,
    )


def portions(filing: CutFiling, longest: int) -> list[Portion]:
    """The sections of a filing that are worth remembering, and how much of each.

    What a short section leaves of its share is the others'.
    """
    worth = {place: each.share for place, each in enumerate(filing.sections) if each.share}
    lengths = {place: len(filing.sections[place].source) for place in worth}
    found: dict[int, Portion] = {}
    left, shares = float(longest), sum(worth.values())
    # The shortest for its share first: what it leaves is for all that follow.
    for place in sorted(worth, key=lambda place: lengths[place] / worth[place]):
        own = min(lengths[place], int(left * worth[place] / shares))
        left, shares = left - own, shares - worth[place]
        found[place] = Portion(section=filing.sections[place], longest=own)
    return [found[place] for place in sorted(found)]


def place_of(filing: CutFiling, section: Section) -> str:
    """Where a passage stands, in words."""
    words = _name(filing)
    if section.item:
        part, _, number = section.item.rpartition(".") if section.item[0] == "I" else ("", "", "")
        name = f"Part {part}, Item {number}" if part else f"Item {section.item}"
        return f"{words}, {name}, {section.title}"
    return f"{words}, {section.title}" if section.title else words


def _name(filing: CutFiling) -> str:
    reports_a_day = filing.kind.startswith(("8-K", "6-K"))
    period = f" {'of' if reports_a_day else 'to'} {filing.period}" if filing.period else ""
    return f"{filing.kind}{period}"
