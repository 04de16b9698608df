"""A source of data as one row, what it is asked for, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from investorbench_env.market.sources.http import Downloader, Politeness, base_url

Progress = Callable[[int, int, str], None]
"""Called with the number of requests done, of how many, and what they are about."""

FetchStatus = Literal["fetched", "already there", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What to fetch.

    Attributes:
        symbol: one asset.
        asset_class: the name of its class.
        first: first day.
        last: last day.
        into: the folder.
        contact: name and e-mail for the SEC, or empty.
        again: fetch also what is there already.
        politeness: pace and patience, or None for each source's own.
    """

    symbol: str
    asset_class: str
    first: date
    last: date
    into: Path
    contact: str = ""
    again: bool = False
    politeness: Politeness | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOutcome:
    """What one source gave for one symbol."""

    symbol: str
    source: str
    status: FetchStatus
    path: Path | None = None
    rows: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One origin of data.

    Attributes:
        name: as in ``--source``.
        address: of the server; ``$INVESTORBENCH_<NAME>_URL`` takes its place.
        gives: what is fetched from it.
        classes: the asset classes that it knows.
        symbols: the symbols that it has, or empty where it has nearly all.
        terms: of use, in short; they are the source's, look there before publishing anything.
        fetch: puts what a request asks for into its folder.
        politeness: pace and patience.
        needs_contact: whether it wants to know who asks.
        instead_of: the source that it stands in for: unless it is named, it is asked only where
            that one fails.
    """

    name: str
    address: str
    gives: str
    classes: frozenset[str]
    symbols: frozenset[str] = frozenset()
    terms: str
    fetch: Callable[[FetchRequest, Progress], FetchOutcome]
    politeness: Politeness = field(default_factory=Politeness)
    needs_contact: bool = False
    instead_of: str = ""

    def has(self, symbol: str, asset_class: str) -> bool:
        """Whether there may be something of this symbol."""
        return asset_class in self.classes and (not self.symbols or symbol in self.symbols)

    @property
    def url(self) -> str:
        """The address that is asked."""
        return base_url(self.name, self.address)

    def downloader(self, request: FetchRequest) -> Downloader:
        """What asks the server for a request."""
        politeness = request.politeness or self.politeness
        if self.needs_contact:
            return Downloader(user_agent=f"investorbench {request.contact}", politeness=politeness)
        return Downloader(politeness=politeness)

    def outcome(
        self,
        request: FetchRequest,
        status: FetchStatus,
        *,
        path: Path | None = None,
        rows: int = 0,
        note: str = "",
    ) -> FetchOutcome:
        """What this source gave for a request."""
        return FetchOutcome(
            symbol=request.symbol,
            source=self.name,
            status=status,
            path=path,
            rows=rows,
            note=note,
        )
