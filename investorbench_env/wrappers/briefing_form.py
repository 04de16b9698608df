"""What a briefing holds and how much of it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields

from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.token_estimate import estimate

SECTIONS = ("technical", "news", "filings", "fundamentals", "macro", "insider", "analyst")
"""All sections of a briefing, in the order in which they stand where nothing is shuffled."""
NEWS_DAYS = (3, 10, 30)
"""How many days back each bucket of news reaches; the day of the decision is 0."""

MOST = 1_000_000_000
"""Of whatever is counted; more than a briefing has of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefingForm:
    """How a briefing is made; two of the same form, past and seed are equal to the byte.

    Attributes:
        sections: those that it may have, of ``SECTIONS``.
        sessions: rows of its table of prices.
        news: how many news it has at most, known 0 to 3, 4 to 10 and 11 to 30 days back.
        news_characters: characters a news is cut to.
        filings: how many filings, the latest of each form.
        filing_characters: characters a filing is cut to.
        statements: how many statements of fundamentals, the latest.
        insider: how many insider transactions of the last 90 days, the latest.
        analyst: how many analysts' notes of the last 90 days, the latest.
        tokens: what all of it may take; None for no limit.
        count_tokens: what counts them: by default an estimate on the safe side.
        drop: with which chance each section is left out; one always stays.
        shuffle: whether sections stand in an order that is drawn.

    Raises:
        InvestorBenchError: a number that makes no sense.
        UnknownNameError: there is no such section.
    """

    sections: Collection[str] = SECTIONS
    sessions: int = 15
    news: tuple[int, int, int] = (10, 20, 20)
    news_characters: int = 400
    filings: int = 3
    filing_characters: int = 1_500
    statements: int = 4
    insider: int = 10
    analyst: int = 10
    tokens: int | None = 8_000
    count_tokens: Callable[[str], int] = estimate
    drop: float = 0.2
    shuffle: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.sections, str) or not self.sections:
            raise InvestorBenchError(
                f"sections={self.sections!r} must list some of {', '.join(SECTIONS)}"
            )
        for name in self.sections:
            if name not in SECTIONS:
                raise UnknownNameError("section of a briefing", name, SECTIONS)
        wanted = frozenset(self.sections)
        object.__setattr__(self, "sections", tuple(name for name in SECTIONS if name in wanted))
        if isinstance(self.news, str) or len(self.news) != len(NEWS_DAYS):
            raise InvestorBenchError(
                f"news={self.news!r} must be {len(NEWS_DAYS)} numbers: of the buckets up to "
                f"{', '.join(map(str, NEWS_DAYS))} days back"
            )
        object.__setattr__(self, "news", tuple(self.news))
        for number in self.news:
            _require_count("news", number, 0)
        for name in ("sessions", "news_characters", "filing_characters"):
            _require_count(name, getattr(self, name), 1)
        for name in ("filings", "statements", "insider", "analyst"):
            _require_count(name, getattr(self, name), 0)
        if self.tokens is not None:
            _require_count("tokens", self.tokens, 1)
        if type(self.shuffle) is not bool:
            raise InvestorBenchError(f"shuffle={self.shuffle!r} must be True or False")
        if isinstance(self.drop, bool) or not isinstance(self.drop, int | float):
            raise InvestorBenchError(f"drop={self.drop!r} must be a chance from 0 to 1")
        if not 0.0 <= self.drop <= 1.0:
            raise InvestorBenchError(f"drop={self.drop!r} must be a chance from 0 to 1")


SETTINGS = tuple(each.name for each in fields(BriefingForm) if each.name != "count_tokens")
"""The attributes of a form that are plain values, which a configuration or a record can hold."""


def _require_count(name: str, value: object, least: int) -> None:
    if type(value) is not int or not least <= value <= MOST:
        raise InvestorBenchError(
            f"{name}={value!r} must be a whole number of at least {least}, and of at most {MOST:,}"
        )
