"""One step of an experiment: prices, accounts and decisions of a session, in one transaction."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from investorbench.agents.agent import as_agent
from investorbench.tasks.live.experiment.accounts import account_after
from investorbench.tasks.live.experiment.due import Due, NotDueError, due, nothing_due
from investorbench.tasks.live.experiment.ledger import Ledger, LedgerEntry
from investorbench.tasks.live.experiment.observing import facts_of, observed
from investorbench.tasks.live.experiment.pricing import (
    Gathered,
    gather,
    write_actions,
    write_history,
    write_outages,
    write_prices,
    write_revisions,
)
from investorbench.tasks.live.experiment.quotes import PriceSource
from investorbench.tasks.live.experiment.settings import ExperimentSettings
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench_env.market.sessions import session_before

LEDGER = "ledger.sqlite"
OVERLAP = 10
"""Sessions before that are asked for again, to find what sources say otherwise by now."""
MakeAgent = Callable[[], Any]


def start(folder: Path, settings: ExperimentSettings, now: datetime) -> None:
    """Begin an experiment in a new folder.

    Raises:
        LedgerError: there is one already, or the folder cannot be written.
    """
    with Ledger.create(folder / LEDGER) as ledger, ledger.writing():
        ledger.append("experiment", settings.plain(), now)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStep:
    """What a step did.

    Attributes:
        sessions: that were taken, oldest first; all but the last were missed.
        next: the session that opens next.
        problems: what did not go well, a line each.
    """

    sessions: tuple[str, ...]
    next: str
    problems: tuple[str, ...] = ()


def step(
    folder: Path,
    now: datetime,
    sources: Sequence[PriceSource],
    agents: Mapping[str, MakeAgent],
) -> LiveStep:
    """Take an experiment over the sessions that have closed since the last step.

    Args:
        folder: of the experiment.
        now: the time, with its zone.
        sources: of prices, in their order.
        agents: by name what makes each; those that answer by files have none.

    Raises:
        NotDueError: there is nothing to do now; nothing was changed.
        NoPricesError: no source answers; nothing was changed.
        LedgerError: the ledger cannot be written; nothing was changed.
    """
    with Ledger(folder / LEDGER) as ledger, ledger.writing():
        work = _Step(ledger, now)
        if not work.due.sessions:
            raise NotDueError(nothing_due(work.view.settings, work.due))
        return work.take(sources, agents)


@dataclass(slots=True)
class _Step:
    """A step in progress, within a transaction."""

    ledger: Ledger
    now: datetime
    view: LedgerView = field(init=False)
    due: Due = field(init=False)

    def __post_init__(self) -> None:
        self.view = view = LedgerView(self.ledger.entries())
        self.due = due(view.settings, view.taken, view.last_at, self.now)

    def take(self, sources: Sequence[PriceSource], agents: Mapping[str, MakeAgent]) -> LiveStep:
        sessions = [each.date for each in self.due.sessions]
        gathered = self._gather(sources, sessions)
        if self.view.taken is None:
            write_history(self.view.settings, gathered, sessions[0], self._write)
        write_revisions(self.view, gathered, sessions[0], self._write)
        late = write_actions(self.view, gathered, sessions, self._write)
        if late is not None:
            self._restate(late)
        for session in sessions:
            missed = session != sessions[-1]
            self._write("missed" if missed else "session", {}, session)
            write_prices(self.view, gathered, session, self._write)
            for agent in self.view.settings.agents:
                content = account_after(self.view, session, agent.name)
                self._write("account", content, session, agent.name)
        write_outages(gathered, sessions[-1], self._write)
        for agent in self.view.settings.agents:
            if not agent.is_file:
                self._ask(agent.name, agents[agent.name])
        return LiveStep(sessions=tuple(sessions), next=self.due.next.date)

    def _gather(self, sources: Sequence[PriceSource], sessions: Sequence[str]) -> Gathered:
        settings, known = self.view.settings, self.view.sessions
        if known:
            first = known[-min(OVERLAP, len(known))]
        else:
            first = session_before(settings.asset_class, sessions[0], settings.window)
        return gather(settings, sources, first, sessions[-1])

    def _restate(self, first: str) -> None:
        """Take accounts again over sessions of which a dividend or split was found late."""
        for session in self.view.sessions:
            for agent in self.view.settings.agents:
                before = self.view.account(session, agent.name)
                if session < first or before is None:
                    continue
                content = account_after(self.view, session, agent.name)
                if content != {name: before.content[name] for name in content}:
                    content["corrects"] = before.number
                    self._write("account", content, session, agent.name)

    def _ask(self, name: str, make: MakeAgent) -> None:
        content = asyncio.run(_decided(self.view, name, make))
        content |= {"meets": self.due.next.date}
        self._write("decision", content, self.view.sessions[-1], name)

    def _write(
        self, kind: str, content: Mapping[str, Any], session: str = "", subject: str = ""
    ) -> LedgerEntry:
        entry = self.ledger.append(kind, content, self.now, session, subject)
        self.view.add(entry)
        return entry


async def _decided(view: LedgerView, name: str, make: MakeAgent) -> dict[str, Any]:
    runner = as_agent(make())
    observation, info = observed(view, name)
    await runner.begin(facts_of(view), "test", view.settings.seed)
    orders = await runner.act(observation, info)
    record = await runner.record()
    await runner.close()
    return {"orders": list(orders), "record": record}
