"""News and filings, as a text observation quotes them."""

from collections.abc import Collection, Iterator, Sequence
from datetime import time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from investorbench_env.facts import Facts
from investorbench_env.market.documents import NEWS, SENTIMENTS, Document
from investorbench_env.wrappers.wording import lines_of, one_line

MIDNIGHT = time(0)


class QuotationLimits(NamedTuple):
    """How much is quoted; see ``TextObservation``."""

    news: int = 30
    news_characters: int = 1_000
    filing_characters: int = 6_000


def document_lines(
    facts: Facts, shown: Collection[str], info: dict[str, Any], limits: QuotationLimits
) -> Iterator[str]:
    """News and filings, oldest first, cut to their limits."""
    documents: tuple[Document, ...] = info["documents"]
    stamps = _Stamps(ZoneInfo(facts.timezone), frozenset(shown))
    if "news" in shown:
        news = [row for row in documents if row.kind == NEWS]
        counts = f" ({_sentiments(news)})" if news and "sentiment" in shown else ""
        yield ""
        yield f"# {_news_heading(facts)}: {len(news) or 'none'}{counts}"
        if older := max(len(news) - limits.news, 0):
            yield f"[{older:,} older left out]"
        yield from _quoted(news[-limits.news :], stamps, limits.news_characters)
    if "filings" in shown:
        filings = [row for row in documents if row.is_filing]
        yield ""
        heading = "Filings not seen before" if facts.horizon is None else "Recent filings"
        yield f"# {heading}: {len(filings) or 'none'}"
        yield from _quoted(filings, stamps, limits.filing_characters)


def sentiment_lines(facts: Facts, observation: dict[str, Any]) -> Iterator[str]:
    """How many news there were of each sentiment, for an environment that shows no texts."""
    counts = zip(SENTIMENTS, observation["sentiment"].tolist(), strict=True)
    yield ""
    yield f"# {_news_heading(facts)}"
    yield ", ".join(f"{count:.0f} {name}" for name, count in counts)


def _news_heading(facts: Facts) -> str:
    return "News since the last decision" if facts.horizon is None else "Recent news"


def _sentiments(news: Sequence[Document]) -> str:
    labels = [row.sentiment for row in news]
    counts = [f"{labels.count(name)} {name}" for name in SENTIMENTS]
    if unlabelled := labels.count(None):
        counts.append(f"{unlabelled} unlabelled")
    return ", ".join(counts)


class _Stamps(NamedTuple):
    """What stands above the text of a document."""

    zone: ZoneInfo
    shown: frozenset[str]

    def of(self, row: Document) -> str:
        parts = (
            row.kind if row.is_filing else "",
            self._moment(row) if "time" in self.shown else "",
            row.sentiment if row.sentiment and "sentiment" in self.shown else "",
            one_line(row.source),
        )
        return ", ".join(filter(None, parts))

    def _moment(self, row: Document) -> str:
        local = row.available_at.astimezone(self.zone)
        if local.time() == MIDNIGHT:
            return f"{local.date() - timedelta(days=1)}"
        return f"{local:%Y-%m-%d %H:%M}"


def _quoted(documents: Sequence[Document], stamps: _Stamps, characters: int) -> Iterator[str]:
    for number, row in enumerate(documents, 1):
        yield f"[{number}] {stamps.of(row)}".rstrip()
        text = str(row)
        yield from ("  " + line for line in lines_of(text[:characters]))
        if left_out := max(len(text) - characters, 0):
            yield f"  [{left_out:,} of {len(text):,} characters left out]"
