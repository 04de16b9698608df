"""What the entries of a ledger come to: later ones stand in the place of those they correct."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from investorbench.tasks.live.experiment.ledger import LedgerEntry, LedgerError
from investorbench.tasks.live.experiment.quotes import PRICES, Action, ListedAction, Quote
from investorbench.tasks.live.experiment.settings import ExperimentSettings
from investorbench_env.accounting.portfolio import SessionBar
from investorbench_env.errors import InvestorBenchError

NO_ACTIONS: dict[Action, float] = {"dividend": 0.0, "split": 1.0}
"""By action the amount that changes nothing."""


UNUSABLE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip
"""What entries that no step wrote may lead to, though their hashes be right."""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Read what a ledger says in the block.

    Raises:
        LedgerError: it holds what no step writes.
    """
    try:
        yield
    except InvestorBenchError:
        raise
    except UNUSABLE as error:
        raise LedgerError(
            f"{path} holds what no step writes ({error!r}): audit it, and put back a copy of before"
        ) from error


class LedgerView:
    """Entries by what they are about; entries are added as they are written.

    Args:
        entries: of a ledger, from its first.

    Raises:
        LedgerError: the first is not that of an experiment.
    """

    def __init__(self, entries: Iterable[LedgerEntry]) -> None:
        self.entries: list[LedgerEntry] = []
        self.sessions: list[str] = []
        self.missed: set[str] = set()
        self.flagged: dict[str, list[LedgerEntry]] = defaultdict(list)
        self._history: dict[str, dict[str, Quote]] = defaultdict(dict)
        self._prices: dict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
        self._latest_quotes: dict[int, Quote] = {}
        self._actions: dict[str, dict[tuple[str, Action], LedgerEntry]] = defaultdict(dict)
        self._accounts: dict[tuple[str, str], LedgerEntry] = {}
        self._questions: dict[str, LedgerEntry] = {}
        self._decisions: dict[str, list[LedgerEntry]] = defaultdict(list)
        self.failures: dict[tuple[str, str], LedgerEntry] = {}
        for entry in entries:
            self.add(entry)
        if not self.entries or self.entries[0].kind != "experiment":
            raise LedgerError("the ledger does not begin with an experiment")
        self.settings = ExperimentSettings.of(self.entries[0].content)

    def add(self, entry: LedgerEntry) -> None:
        """Take in an entry."""
        self.entries.append(entry)
        match entry.kind:
            case "session" | "missed":
                self.sessions.append(entry.session)
                if entry.kind == "missed":
                    self.missed.add(entry.session)
            case "history":
                self._add_history(entry)
            case "price":
                self._prices[entry.session, entry.subject].append(entry)
                self._latest_quotes[entry.number] = quote_of(entry.content)
            case "revision":
                self._latest_quotes[entry.content["corrects"]] = quote_of(entry.content)
                self.flagged[entry.session].append(entry)
            case "action":
                key = entry.session, entry.content["action"]
                self._actions[entry.subject][key] = entry
            case "account":
                self._accounts[entry.session, entry.subject] = entry
            case "question":
                self._questions[entry.subject] = entry
            case "decision":
                self._decisions[entry.subject].append(entry)
            case "failure":
                self.failures[entry.session, entry.subject] = entry
            case "stale" | "disagreement" | "outage" | "restated" | "impossible":
                self.flagged[entry.session].append(entry)

    def _add_history(self, entry: LedgerEntry) -> None:
        for session, row in entry.content["quotes"].items():
            self._history[entry.subject][session] = _quote(row)
        for session, action, amount in entry.content["actions"]:
            content = {"action": action, "amount": amount}
            self._actions[entry.subject][session, action] = entry._replace(
                session=session, content=content
            )

    @property
    def taken(self) -> str | None:
        """The last session that was taken; None for none."""
        return self.sessions[-1] if self.sessions else None

    @property
    def last_at(self) -> datetime:
        """When the last entry was written."""
        return datetime.fromisoformat(self.entries[-1].written_at)

    @property
    def head(self) -> str:
        """Hash of the last entry, which stands for all of them."""
        return self.entries[-1].hash

    def session_before(self, session: str) -> str | None:
        """The session taken before one; None where it is the first."""
        place = bisect_left(self.sessions, session)
        return self.sessions[place - 1] if place else None

    def prices(self, session: str, symbol: str) -> list[LedgerEntry]:
        """Of each source, the one that is used first."""
        return self._prices.get((session, symbol), [])

    def unpriced(self, symbol: str) -> int:
        """The number of sessions up to the last one in which an asset has had no price."""
        days = enumerate(reversed(self.sessions))
        return next((n for n, day in days if self.prices(day, symbol)), len(self.sessions))

    def latest_quote(self, price: LedgerEntry) -> Quote:
        """What its source said last of a price, revisions included."""
        return self._latest_quotes[price.number]

    def quote(self, session: str, symbol: str) -> Quote | None:
        """The one that is used; None where there was none."""
        found = self.prices(session, symbol)
        if found:
            return quote_of(found[0].content)
        return self._history.get(symbol, {}).get(session)

    def action(self, session: str, symbol: str, action: Action) -> LedgerEntry | None:
        """A dividend or split, as it was last found."""
        return self._actions.get(symbol, {}).get((session, action))

    def actions(self, symbol: str) -> list[ListedAction]:
        """All dividends and splits of an asset that were not withdrawn."""
        return [
            ListedAction(*key, entry.content["amount"])
            for key, entry in self._actions.get(symbol, {}).items()
            if entry.content["amount"] != NO_ACTIONS[key[1]]
        ]

    def bar(self, session: str, symbol: str) -> SessionBar:
        """What an asset did, NaN where it has no price."""
        quote = self.quote(session, symbol)
        dividend, split = (
            default if (entry := self.action(session, symbol, name)) is None
            else float(entry.content["amount"])
            for name, default in NO_ACTIONS.items()
        )  # fmt: skip
        prices = (math.nan,) * 5 if quote is None else quote
        return SessionBar(*prices, dividend=dividend, split=split)

    def past_sessions(self) -> list[str]:
        """Those before the first that was taken, of which prices are known."""
        return sorted({session for quotes in self._history.values() for session in quotes})

    def account(self, session: str, agent: str) -> LedgerEntry | None:
        """At the close of a session, corrections included."""
        return self._accounts.get((session, agent))

    def question(self, agent: str) -> LedgerEntry | None:
        """The last that was put to an agent by a file."""
        return self._questions.get(agent)

    def decisions(self, agent: str) -> list[LedgerEntry]:
        """All of an agent."""
        return self._decisions.get(agent, [])

    def decision_for(self, session: str, agent: str) -> LedgerEntry | None:
        """The orders that meet a session: the last that were given for it."""
        found = [each for each in self.decisions(agent) if each.content["meets"] == session]
        return found[-1] if found else None


def quote_of(content: Mapping[str, Any]) -> Quote:
    """The quote of an entry."""
    return _quote([content[name] for name in (*PRICES, "volume")])


def _quote(row: Iterable[float | None]) -> Quote:
    return Quote(*(math.nan if value is None else float(value) for value in row))


def plain_quote(quote: Quote) -> list[float | None]:
    """A quote as JSON values."""
    return [value if math.isfinite(value) else None for value in quote]
