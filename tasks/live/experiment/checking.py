"""An audit of a ledger: its chain, its times, and every account taken again from what it holds."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from investorbench.tasks.live.experiment.accounts import account_after
from investorbench.tasks.live.experiment.due import AROUND
from investorbench.tasks.live.experiment.exporting import EXPORTS, exports_of
from investorbench.tasks.live.experiment.files import AGENTS, PROMPT
from investorbench.tasks.live.experiment.ledger import (
    Ledger,
    LedgerEntry,
    first_break,
)
from investorbench.tasks.live.experiment.quotes import disagreements
from investorbench.tasks.live.experiment.stepping import LEDGER
from investorbench.tasks.live.experiment.view import UNUSABLE, LedgerView, quote_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.sessions import SessionHours, session_hours


@dataclass(frozen=True, slots=True, order=True)
class LedgerFinding:
    """A fault of a ledger or of a file that was made from it.

    Attributes:
        entry: its number; 0 for the ledger as a whole.
        problem: in words.
    """

    entry: int
    problem: str

    def __str__(self) -> str:
        return f"entry {self.entry}: {self.problem}" if self.entry else self.problem


def check(folder: Path, head: str | None = None) -> tuple[LedgerFinding, ...]:
    """What is wrong with the ledger of an experiment, in the order of its entries.

    Args:
        folder: of the experiment.
        head: a hash that was written down or published earlier, of an entry that must be there.

    Raises:
        LedgerError: there is no ledger, or it cannot be read at all.
    """
    with Ledger(folder / LEDGER) as ledger:
        rows, guards = ledger.rows(), ledger.guards()
    found = [] if (broken := first_break(rows)) is None else [LedgerFinding(*broken)]
    if not guards:
        found.append(LedgerFinding(0, "the ledger does not forbid changes any more"))
    if head is not None and head.lower() not in [row[-1] for row in rows]:
        found.append(LedgerFinding(0, f"no entry has the hash {head}: the ledger is another"))
    if not any(each.entry for each in found):  # of a broken chain nothing else means anything
        try:
            found += _replayed(rows, folder)
        except UNUSABLE as error:
            found.append(LedgerFinding(0, f"the ledger cannot be replayed: {error!r}"))
    return tuple(sorted(found))


def _replayed(rows: Sequence[tuple[Any, ...]], folder: Path) -> Iterator[LedgerFinding]:
    entries = [LedgerEntry._make([*row[:5], json.loads(row[5]), *row[6:]]) for row in rows]
    view = LedgerView(entries[:1])
    replay = _Replay(view, _hours(view, entries))
    for before, entry in pairwise(entries):
        if entry.written_at < before.written_at:
            yield LedgerFinding(entry.number, "it is dated before the entry above it")
        try:
            yield from replay.take(entry)
        except (InvestorBenchError, *UNUSABLE) as error:
            yield LedgerFinding(entry.number, f"it cannot be replayed: {error!r}")
            return
    yield from replay.lacking()
    yield from _files(view, folder)


def _hours(view: LedgerView, entries: Sequence[LedgerEntry]) -> list[SessionHours]:
    first, last = (datetime.fromisoformat(entries[place].written_at).date() for place in (0, -1))
    calendar = find_asset_class(view.settings.asset_class).calendar
    return list(session_hours(calendar, str(first - 2 * AROUND), str(last + AROUND)))


class _Replay:
    """Entries taken in one by one, each held to those before it."""

    def __init__(self, view: LedgerView, hours: Sequence[SessionHours]) -> None:
        self.view, self.hours = view, hours
        self.dates = [each.date for each in hours]
        self.last_number = 1

    def take(self, entry: LedgerEntry) -> Iterator[LedgerFinding]:
        """What is wrong with an entry."""
        problems = {
            "session": self._session, "missed": self._session, "account": self._account,
            "decision": self._decision, "revision": self._correction, "action": self._action,
        }.get(entry.kind)  # fmt: skip
        if entry.kind in ("session", "missed"):
            yield from self.lacking()
        if problems is not None:
            for problem in problems(entry):
                yield LedgerFinding(entry.number, problem)
        self.view.add(entry)
        self.last_number = entry.number

    def lacking(self) -> Iterator[LedgerFinding]:
        """What a session that was taken should have."""
        if self.view.taken is None:
            return
        session, settings = self.view.taken, self.view.settings
        odd = {(each.kind, each.subject) for each in self.view.flagged[session]}
        for symbol in (*settings.symbols, *settings.indices):
            prices = self.view.prices(session, symbol)
            if not prices and ("stale", symbol) not in odd:
                yield LedgerFinding(self.last_number, f"{session} has no price of {symbol}")
            quotes = [quote_of(each.content) for each in prices]
            if any(disagreements(quotes, settings.tolerance)) and (
                "disagreement", symbol
            ) not in odd:  # fmt: skip
                problem = f"sources differ on {symbol}, and {session} is not flagged"
                yield LedgerFinding(prices[0].number, problem)
        for agent in settings.agents:
            if self.view.account(session, agent.name) is None:
                yield LedgerFinding(self.last_number, f"{session} has no account of {agent.name}")

    def _session(self, entry: LedgerEntry) -> Iterator[str]:
        if entry.session not in self.dates:
            yield f"the exchange was closed on {entry.session}"
            return
        place = self.dates.index(entry.session)
        taken = self.view.taken
        if taken is not None and self.dates[place - 1] != taken:
            yield f"it follows the session of {taken}, and there are others between"
        written = datetime.fromisoformat(entry.written_at)
        closes = self.hours[place].closes + timedelta(minutes=self.view.settings.delay_min)
        in_time = closes <= written < self.hours[place + 1].opens
        if in_time is not (entry.kind == "session"):
            yield f"it was written at {entry.written_at}, so the session was " + (
                "not missed" if in_time else "missed"
            )

    def _account(self, entry: LedgerEntry) -> Iterator[str]:
        expected = account_after(self.view, entry.session, entry.subject)
        for name, value in json.loads(json.dumps(expected)).items():
            if entry.content.get(name) != value:
                yield f"{name} of {entry.subject} on {entry.session} is not what follows"
        before = self.view.account(entry.session, entry.subject)
        corrects = None if before is None else before.number
        if entry.content.get("corrects") != corrects:
            yield "it does not name the entry that it corrects"

    def _decision(self, entry: LedgerEntry) -> Iterator[str]:
        written = datetime.fromisoformat(entry.written_at)
        following = next(each for each in self.hours if each.opens > written)
        if entry.content["meets"] != following.date:
            yield (
                f"orders written at {entry.written_at} meet {following.date}, not "
                f"{entry.content['meets']}"
            )

    def _correction(self, entry: LedgerEntry) -> Iterator[str]:
        number = entry.content["corrects"]
        corrected = self.view.entries[number - 1]
        if (corrected.kind, corrected.session, corrected.subject) != (
            "price", entry.session, entry.subject
        ):  # fmt: skip
            yield f"it corrects entry {number}, which is no price of {entry.subject}"

    def _action(self, entry: LedgerEntry) -> Iterator[str]:
        known = self.view.action(entry.session, entry.subject, entry.content["action"])
        number = None if known is None else known.number
        if entry.content.get("corrects") != number:
            yield "it does not name the entry that it corrects"


def _files(view: LedgerView, folder: Path) -> Iterator[LedgerFinding]:
    """Files that were made from the ledger and say something else."""
    expected: dict[Path, str] = {}
    for agent in view.settings.agents:
        for name, text in exports_of(view, agent.name).items():
            expected[Path(EXPORTS, agent.name, name)] = text
        if (asked := view.question(agent.name)) is not None:
            expected[Path(AGENTS, agent.name, PROMPT)] = asked.content["prompt"]
    for path, text in expected.items():
        with_bytes = folder / path
        if with_bytes.is_file() and with_bytes.read_bytes() != text.encode():
            yield LedgerFinding(0, f"{path} is not what the ledger says; a step writes it again")
