"""What a source of prices says of one asset, and what makes two of them agree."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any, Literal, NamedTuple, Protocol

from investorbench_env.market.files.possible_bars import ROUNDING
from investorbench_env.market.market import LEAST_PRICE, MOST_PRICE, MOST_VOLUME

Action = Literal["dividend", "split"]
PRICES = ("open", "high", "low", "close")
MOST_SPLIT = 1e5
"""New shares for an old one, or old ones for a new one."""


class Quote(NamedTuple):
    """What an asset did in a session, as traded.

    Attributes:
        open: price.
        high: likewise.
        low: likewise.
        close: likewise.
        volume: shares; NaN where unknown.
    """

    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def is_possible(self) -> bool:
        """Whether a market can have done that."""
        prices = self[:4]
        return (
            all(LEAST_PRICE <= price <= MOST_PRICE for price in prices)
            and self.low <= self.high
            and max(self.open, self.close) <= self.high * (1 + ROUNDING)
            and min(self.open, self.close) >= self.low * (1 - ROUNDING)
            and not (self.volume < 0.0 or self.volume > MOST_VOLUME)
        )

    def restated(self, ratio: float) -> "Quote":
        """In shares of which so many were one: its prices times the ratio."""
        return Quote._make([*(price * ratio for price in self[:4]), self.volume / ratio])


class ListedAction(NamedTuple):
    """A dividend or a split as a source lists it.

    Attributes:
        session: the ex-date.
        action: which of them.
        amount: cash a share as paid, or new shares for an old one.
    """

    session: str
    action: Action
    amount: float

    @property
    def is_possible(self) -> bool:
        """Whether a company can have done that."""
        most = MOST_PRICE if self.action == "dividend" else MOST_SPLIT
        return 1.0 / most <= self.amount <= most


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """One answer of a source.

    Attributes:
        source: its name.
        asked: the symbol that it was asked for.
        quotes: by session; in shares of the last one.
        actions: corporate actions from the first session to today; None where it lists none.
        answer: address, time and SHA-256 of what it sent.
    """

    source: str
    asked: str
    quotes: Mapping[str, Quote]
    actions: tuple[ListedAction, ...] | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)

    def as_traded(self, splits: Iterable[ListedAction]) -> dict[str, Quote]:
        """The quotes that are possible, with later splits undone."""
        ratios = [each for each in splits if each.action == "split"]
        traded = {
            session: quote.restated(
                math.prod(each.amount for each in ratios if each.session > session)
            )
            for session, quote in self.quotes.items()
        }
        return {session: quote for session, quote in traded.items() if quote.is_possible}


class PriceSource(Protocol):
    """What is asked for prices; in the order of a list of them."""

    @property
    def name(self) -> str:
        """Of the source, as the ledger has it."""
        ...

    def ask(self, symbol: str, first: date, last: date) -> Quoted:
        """Daily quotes of complete sessions.

        Raises:
            InvestorBenchError: there is none, with the reason.
        """
        ...


class Difference(NamedTuple):
    """Two quotes that do not agree.

    Attributes:
        field: in which price most.
        one: of the first.
        other: of the second.
    """

    field: str
    one: float
    other: float

    @property
    def share(self) -> float:
        """By how much, as a share of the first."""
        return abs(self.other / self.one - 1.0)


def difference(one: Quote, other: Quote) -> Difference:
    """Where two quotes of a session differ most."""
    found = [Difference(name, getattr(one, name), getattr(other, name)) for name in PRICES]
    return max(found, key=lambda each: each.share)


def disagreements(quotes: Sequence[Quote], tolerance: float) -> Iterator[tuple[int, Difference]]:
    """Which quotes differ from the first by more than a share; the number of each and where."""
    for number, other in enumerate(quotes[1:], start=1):
        found = difference(quotes[0], other)
        if found.share > tolerance:
            yield number, found


def closes_before(quotes: Mapping[str, Quote]) -> dict[str, float]:
    """For each session the close of the one before it in the same answer."""
    return {session: quotes[before].close for before, session in pairwise(sorted(quotes))}
