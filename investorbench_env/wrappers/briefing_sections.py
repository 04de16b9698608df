"""What each section of a briefing says: a text a piece, the most important one first."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from random import Random
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from investorbench_env.facts import Facts
from investorbench_env.market.documents import NEWS, Document
from investorbench_env.market.filings.cutting import cut
from investorbench_env.market.past import Past
from investorbench_env.wrappers.briefing_form import NEWS_DAYS, BriefingForm
from investorbench_env.wrappers.technical import technical
from investorbench_env.wrappers.wording import BarWords, one_line

MIDNIGHT = time(0)
FILING_DAYS, STATEMENT_DAYS = 400, 460
"""How old a filing or a statement may be: an annual one stands until the next."""
MACRO_DAYS, NOTE_DAYS = 100, 90


class BriefedDecision(NamedTuple):
    """The decision that a briefing is for.

    Attributes:
        past: all that is known.
        zone: in which a day begins.
        today: the day that just ended, or that is under way.
        words: what a bar is called.
        form: of the briefing.
        rng: for what is drawn.
    """

    past: Past
    zone: ZoneInfo
    today: date
    words: BarWords
    form: BriefingForm
    rng: Random

    @classmethod
    def of(cls, past: Past, facts: Facts, form: BriefingForm, rng: Random) -> Self:
        """That of a past."""
        zone = ZoneInfo(facts.timezone)
        moment = datetime.fromisoformat(past.time).astimezone(zone)
        today = (moment - timedelta(microseconds=1)).date()
        return cls(past, zone, today, BarWords.of(facts.interval), form, rng)

    def begin_of(self, days_back: int) -> datetime:
        """The beginning of a day so many before today, in UTC."""
        day = self.today - timedelta(days=days_back)
        return datetime.combine(day, MIDNIGHT, self.zone).astimezone(UTC)

    def of_kind(self, kind: str, days_back: int) -> Iterator[Document]:
        """Documents of a kind that became known so many days back or later, the latest first."""
        begin = None
        for document in self.past.newest(kind):
            # What became known at the beginning of a day is of the day before, at its end.
            begin = begin or self.begin_of(days_back)
            if document.available_at <= begin:
                return
            yield document

    def moment(self, document: Document) -> str:
        """When a document became known, as it is written; a date alone ends with its day."""
        local = document.available_at.astimezone(self.zone)
        if local.time() == MIDNIGHT:
            return str(local.date() - timedelta(days=1))
        return local.isoformat(" ", "minutes")[: len("2023-03-10 16:15")]


class BriefingSection(NamedTuple):
    """A section of a briefing.

    Attributes:
        title: its heading.
        prefix: with which the ids of its pieces begin.
        write: gives the texts of its pieces.
    """

    title: str
    prefix: str
    write: Callable[[BriefedDecision], Iterable[str]]


def _technical(decision: BriefedDecision) -> Iterable[str]:
    return technical(decision.past, decision.words, decision.form.sessions)


def _news(decision: BriefedDecision) -> Iterator[str]:
    """News of each bucket, drawn where there are more than it may have, the latest first."""
    form = decision.form
    for bucket, most in zip(_buckets(decision), form.news, strict=True):
        # Where nothing is left out nothing is drawn, and a draw is the same in every Python.
        chances = [decision.rng.random() for _ in bucket] if len(bucket) > most else []
        drawn = sorted(range(len(chances)), key=chances.__getitem__)[:most]
        for document in [bucket[place] for place in sorted(drawn)] if chances else bucket:
            about = f"{decision.moment(document)}{_aside(document.sentiment)}"
            source = _aside(_source(document.source))
            yield f"{about}{source}: {_cut(str(document), form.news_characters)}"


def _buckets(decision: BriefedDecision) -> tuple[list[Document], ...]:
    buckets: tuple[list[Document], ...] = tuple([] for _ in NEWS_DAYS)
    begins = [decision.begin_of(days) for days in NEWS_DAYS]
    place = 0
    for document in decision.of_kind(NEWS, NEWS_DAYS[-1]):
        while document.available_at <= begins[place]:
            place += 1
        buckets[place].append(document)
    return buckets


def _filings(decision: BriefedDecision) -> Iterator[str]:
    """The latest filing of each form, by the day on which it was filed."""
    latest = (next(decision.of_kind(form, FILING_DAYS), None) for form in decision.past.forms)
    found = sorted(filter(None, latest), key=lambda each: each.available_at, reverse=True)
    for document in found[: decision.form.filings]:
        text = _excerpt(
            document.text or document.title, document.kind, decision.form.filing_characters
        )
        name = one_line(document.title or document.kind)
        yield f"{name}, filed {decision.moment(document)}: {text}"


def _fundamentals(decision: BriefedDecision) -> Iterator[str]:
    return _documents(decision, "fundamentals", STATEMENT_DAYS, decision.form.statements)


def _macro(decision: BriefedDecision) -> Iterator[str]:
    """The latest of each series, by name."""
    latest: dict[str, Document] = {}
    for document in decision.of_kind("macro", MACRO_DAYS):
        latest.setdefault(document.title, document)
    for title in sorted(latest):
        yield _whole(decision, latest[title])


def _insider(decision: BriefedDecision) -> Iterator[str]:
    return _documents(decision, "insider", NOTE_DAYS, decision.form.insider)


def _analyst(decision: BriefedDecision) -> Iterator[str]:
    return _documents(decision, "analyst", NOTE_DAYS, decision.form.analyst)


def _documents(decision: BriefedDecision, kind: str, days: int, most: int) -> Iterator[str]:
    for document in islice(decision.of_kind(kind, days), most):
        yield _whole(decision, document)


def _whole(decision: BriefedDecision, document: Document) -> str:
    text = _cut(str(document), decision.form.filing_characters)
    return f"known {decision.moment(document)}: {text}"


@lru_cache(maxsize=1024)
def _source(name: str) -> str:
    """A source in one line; there are few of them."""
    return one_line(name)


@lru_cache(maxsize=64)
def _excerpt(text: str, kind: str, characters: int) -> str:
    """What there is room for of a filing: of its items, the one that most is remembered of."""
    if len(text) > characters:
        found = cut(text, kind)
        if found.by == "items":
            section = max(found.sections, key=lambda each: each.share)
            words, length = [], 0
            for paragraph in section.paragraphs():
                words.append(paragraph)
                length += len(paragraph) + 1
                if length > characters:
                    break
            if words:
                return f"{one_line(section.title)}: {_cut(' '.join(words), characters)}"
    return _cut(text, characters)


def _aside(text: str | None) -> str:
    return f", {text}" if text else ""


def _cut(text: str, characters: int) -> str:
    """A text in one line, so that nothing in it can pass for a piece or a heading of ours."""
    if len(text) <= characters:
        return one_line(text)
    return f"{one_line(text[:characters])} […]"


WRITTEN: Mapping[str, BriefingSection] = {
    "technical": BriefingSection("Technical", "t", _technical),
    "news": BriefingSection("News", "n", _news),
    "filings": BriefingSection("Filings", "d", _filings),
    "fundamentals": BriefingSection("Fundamentals", "f", _fundamentals),
    "macro": BriefingSection("Macro", "m", _macro),
    "insider": BriefingSection("Insider transactions", "i", _insider),
    "analyst": BriefingSection("Analysts", "a", _analyst),
}
"""Sections by name."""
