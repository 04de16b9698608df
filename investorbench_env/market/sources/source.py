"""A source of data as one row, what it is asked for, and what comes of it."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from investorbench_env.errors import InvestorBenchError, MissingDependencyError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.sources.contracts import Contract
from investorbench_env.market.sources.http import USER_AGENT, Downloader, Politeness, base_url

Kind = Literal["prices", "funding", "actions", "news", "filings", "fundamentals"]
KINDS: frozenset[Kind] = frozenset(get_args(Kind))
Use = Literal["commercial", "publishing"]
"""What terms of use may forbid."""
USES: Mapping[Use, str] = {"commercial": "commercial use", "publishing": "publishing"}
"""The same in words."""
INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d")
"""Lengths of candles that exchanges of perpetuals have."""
OF_THE_ARENA = ("3m", "4h")
CONTACT = "INVESTORBENCH_CONTACT"
WANTS_A_KEY = "wants a key"
FILED_BEFORE_DAYS = 400
"""Of filings those of so many days before are wanted too: the latest of each form is known."""

Progress = Callable[[int, int, str], None]
"""Called with the number of requests done, of how many, and what they are about."""

FetchStatus = Literal["fetched", "already there", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What to fetch.

    Attributes:
        symbol: one asset.
        asset_class: the name of its class.
        first: first day; of filings, see ``first_of``.
        last: last day.
        into: the folder.
        contact: name and e-mail for the SEC, or empty.
        kinds: what is wanted.
        intervals: of perpetuals, the lengths of bars that are wanted.
        uses: what the data is for, where a source's terms may forbid it.
        again: fetch also what is there already.
        politeness: pace and patience, or None for each source's own.
    """

    symbol: str
    asset_class: str
    first: date
    last: date
    into: Path
    contact: str = ""
    kinds: frozenset[Kind] = KINDS
    intervals: tuple[str, ...] = OF_THE_ARENA
    uses: frozenset[Use] = frozenset()
    again: bool = False
    politeness: Politeness | None = None

    def first_of(self, kind: Kind) -> date:
        """The first day from which something of a kind is wanted."""
        if kind not in ("filings", "fundamentals"):
            return self.first
        return date.fromordinal(max(1, self.first.toordinal() - FILED_BEFORE_DAYS))


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOutcome:
    """What one source gave for one symbol: files, and the rows in all of them.

    After one that ``is_last`` no other source was asked: it would have met the same fault.
    """

    symbol: str
    source: str
    status: FetchStatus
    paths: tuple[Path, ...] = ()
    rows: int = 0
    note: str = ""
    is_last: bool = False


class KeyProblemError(InvestorBenchError):
    """A key that a source wants is not set, or cannot be one."""


def _unknown_size(request: FetchRequest) -> int | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """One origin of data.

    Attributes:
        name: as in ``--source``.
        address: of the server; ``$INVESTORBENCH_<NAME>_URL`` takes its place.
        address_variable: the variable that takes it instead, where a service has one of its own.
        gives: what is fetched from it, in words.
        kinds: the same as kinds of data.
        classes: the asset classes that it knows.
        symbols: the symbols that it has, or empty where it has nearly all.
        begins: the first day that it has, or None where that differs from symbol to symbol.
        ends: the last day, or None where it goes on.
        keys: the environment variables with the keys that it wants.
        keys_from: where those keys are given out.
        package: a library that it is asked through, where one is, and
        extra: the extra of this package that brings it.
        token: the variable with a token that is sent where it is set, and not needed.
        headers: in which it wants them, where ``{NAME}`` stands for a key.
        terms: of use, in short; they are the source's, look there before publishing anything.
        terms_url: where they stand.
        forbids: what they forbid without a permission of one's own.
        fetch: puts what a request asks for into its folder.
        size: about how many bytes a request downloads; None where it is not known before.
        contract: what it must answer, and how it refuses.
        politeness: pace and patience.
        needs_contact: whether it wants to know who asks.
    """

    name: str
    address: str
    address_variable: str = ""
    gives: str
    kinds: frozenset[Kind]
    classes: frozenset[str]
    symbols: frozenset[str] = frozenset()
    begins: date | None = None
    ends: date | None = None
    keys: tuple[str, ...] = ()
    keys_from: str = ""
    package: str = ""
    extra: str = ""
    token: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    terms: str
    terms_url: str
    forbids: frozenset[Use] = frozenset()
    fetch: Callable[[FetchRequest, Progress], FetchOutcome]
    size: Callable[[FetchRequest], int | None] = _unknown_size
    contract: Contract
    politeness: Politeness = field(default_factory=Politeness)
    needs_contact: bool = False

    def has(self, symbol: str, asset_class: str) -> bool:
        """Whether there may be something of this symbol."""
        return asset_class in self.classes and (not self.symbols or symbol in self.symbols)

    def serves(self, request: FetchRequest) -> frozenset[Kind]:
        """Of the kinds that are wanted, those that it may have something of, and may be used."""
        if not self.has(request.symbol, request.asset_class) or request.uses & self.forbids:
            return frozenset()
        too_late = self.begins is not None and request.last < self.begins
        if too_late or (self.ends is not None and self.ends < request.first):
            return frozenset()
        return self.kinds & request.kinds & kinds_of(request.asset_class)

    @property
    def url(self) -> str:
        """The address that is asked."""
        if self.address_variable:
            return (os.environ.get(self.address_variable) or self.address).rstrip("/")
        return base_url(self.name, self.address)

    @property
    def wants(self) -> tuple[str, ...]:
        """The variables with its keys, or with who asks, and its extra where that is missing."""
        wants = [*self.keys, *([CONTACT] if self.needs_contact else [])]
        if not self.is_installed:
            wants.append(f"pip install 'investorbench[{self.extra}]'")
        return tuple(wants)

    @property
    def is_installed(self) -> bool:
        """Whether the library is there that it is asked through, if it is."""
        return not self.package or find_spec(self.package) is not None

    @property
    def terms_text(self) -> str:
        """What stands beside the files that came from it."""
        about = f"{self.contract.source}: {self.gives}"
        return f"{about}\nTerms of use: {self.terms}\n{self.terms_url}\n"

    def key_values(self) -> dict[str, str]:
        """The keys that it wants, by their names.

        Raises:
            KeyProblemError: one is not set, or cannot be sent.
        """
        values = {name: os.environ.get(name, "") for name in self.keys}
        if self.token and (token := os.environ.get(self.token)):
            values[self.token] = token
        if unset := [name for name, value in values.items() if not value]:
            exported = " ".join(f"{name}=…" for name in unset)
            origin = f", from {self.keys_from}" if self.keys_from else ""
            raise KeyProblemError(f"{WANTS_A_KEY}: export {exported}{origin}")
        for name, value in values.items():
            if value[0] == value[-1] and value[0] in "'\"":
                raise KeyProblemError(f"${name} has quotes around it: set it again, without them")
            if not re.fullmatch(r"[!-~]+", value):
                raise KeyProblemError(
                    f"${name} holds a blank, a line break or a letter that no key has: set it "
                    "again, without"
                )
        return values

    def hindrance(self, contact: str) -> str:
        """Why it cannot be asked: a library, a key or a contact is missing; empty where it can."""
        try:
            if not self.is_installed:
                return str(MissingDependencyError(self.package, self.extra, self.contract.source))
            self.key_values()
            if self.needs_contact:
                self._agent(contact)
        except KeyProblemError as error:
            return str(error)
        return ""

    def downloader(self, request: FetchRequest) -> Downloader:
        """What asks the server for a request.

        Raises:
            KeyProblemError: a key or the contact that it wants is not set, or cannot be sent.
        """
        return self.asking(request.contact, request.politeness or self.politeness)

    def asking(self, contact: str, politeness: Politeness) -> Downloader:
        """What asks the server, at some pace.

        Raises:
            KeyProblemError: a key or the contact that it wants is not set, or cannot be sent.
        """
        agent = USER_AGENT if not self.needs_contact else self._agent(contact)
        keys = self.key_values()
        sent = {"Authorization": f"Bearer {{{self.token}}}"} if self.token in keys else {}
        return Downloader(
            user_agent=agent,
            politeness=politeness,
            contract=self.contract,
            keys=keys,
            headers={**self.headers, **sent},
            home=self.url,
        )

    def _agent(self, contact: str) -> str:
        if not contact:
            raise KeyProblemError(
                f"the SEC asks who you are: --contact 'Name mail@example.org' or ${CONTACT}"
            )
        if not re.fullmatch(r"[ -~]+", contact):
            raise KeyProblemError(
                "the contact holds a line break or a letter outside ASCII: set it again, without"
            )
        return f"investorbench {contact}"

    def outcome(
        self,
        request: FetchRequest,
        status: FetchStatus,
        *,
        paths: tuple[Path, ...] = (),
        rows: int = 0,
        note: str = "",
    ) -> FetchOutcome:
        """What this source gave for a request."""
        return FetchOutcome(
            symbol=request.symbol,
            source=self.name,
            status=status,
            paths=paths,
            rows=rows,
            note=note,
        )


def last_over(asset_class: str) -> date:
    """The last day of which a bar is complete, whatever the clock of this machine shows."""
    zone = ZoneInfo(find_asset_class(asset_class).timezone)
    return datetime.now(zone).date() - timedelta(days=1)


def kinds_of(asset_class: str) -> frozenset[Kind]:
    """What there is at all of a class: a coin files no reports, perpetuals alone have funding."""
    row = find_asset_class(asset_class)
    if row.leveraged:
        return frozenset({"prices", "funding"})
    none: set[Kind] = {"funding"}
    if not row.corporate_actions:
        none.add("actions")
    if not row.filings:
        none |= {"filings", "fundamentals"}
    return KINDS - none
