"""One step of an experiment: prices, accounts and decisions of a session, in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from investorbench.tasks.live.experiment.accounts import account_after
from investorbench.tasks.live.experiment.deciding import MakeAgent, decide, forget_older_states
from investorbench.tasks.live.experiment.due import Due, NotDueError, due, nothing_due, shown
from investorbench.tasks.live.experiment.exporting import write_exports
from investorbench.tasks.live.experiment.files import (
    AnswerError,
    decision_of,
    prompt_of,
    read_answer,
    write_prompts,
)
from investorbench.tasks.live.experiment.ledger import Ledger, LedgerEntry
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
from investorbench.tasks.live.experiment.view import LedgerView, readable
from investorbench.tasks.running.episode import run_to_end
from investorbench_env.envs.portfolio_findings import LONG_STALE
from investorbench_env.errors import InvalidActionError, InvestorBenchError
from investorbench_env.market.sessions import session_before

LEDGER = "ledger.sqlite"
LONGEST = 1000
"""Characters that are kept of what an agent raises."""
OVERLAP = 10
"""Sessions before that are asked for again, to find what sources say otherwise by now."""


def start(folder: Path, settings: ExperimentSettings, now: datetime) -> None:
    """Begin an experiment in a new folder.

    Raises:
        LedgerError: there is one already, or the folder cannot be written.
    """
    with Ledger.create(folder / LEDGER) as ledger, ledger.writing():
        ledger.begin("experiment", settings.plain(), now)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStep:
    """What a step did.

    Attributes:
        sessions: that were taken, oldest first; all but the last were missed. None where agents
            alone decided that had not yet.
        decided: the agents that did.
        next: the session that opens next.
        problems: what did not go well, a line each.
    """

    sessions: tuple[str, ...]
    decided: tuple[str, ...]
    next: str
    problems: tuple[str, ...] = ()


def step(
    folder: Path,
    now: datetime,
    sources: Sequence[PriceSource],
    agents: Mapping[str, MakeAgent],
    clock: Callable[[], datetime] | None = None,
) -> LiveStep:
    """Take an experiment over the sessions that have closed since the last step.

    After that, until the next open, it takes answers that have come and asks agents again that
    failed; where there is neither, it changes nothing.

    Args:
        folder: of the experiment.
        now: the time, with its zone.
        sources: of prices, in their order.
        agents: by name what makes each; those that answer by files have none.
        clock: the time while the step goes on, by which an answer may be too late; None for a
            step that takes no time.

    Raises:
        NotDueError: there is nothing to do now; nothing was changed.
        NoPricesError: no source answers; nothing was changed.
        AnswerError: an answer cannot be taken, and there is nothing else to do.
        LedgerError: the ledger cannot be written; nothing was changed.
    """
    with Ledger(folder / LEDGER) as ledger, readable(ledger.path):
        with ledger.writing():
            work = _Step(ledger, folder, now, clock or (lambda: now))
            work.take_sessions(sources)
            work.take_answers()
            work.ask(agents)
            is_idle = not work.written
        work.write_files()
        if is_idle:
            raise work.idle()
        return work.outcome()


@dataclass(slots=True)
class _Step:
    """A step in progress, within a transaction."""

    ledger: Ledger
    folder: Path
    now: datetime
    clock: Callable[[], datetime]
    written: int = 0
    decided: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    faults: list[InvestorBenchError] = field(default_factory=list)
    view: LedgerView = field(init=False)
    due: Due = field(init=False)

    def __post_init__(self) -> None:
        self.view = view = LedgerView(self.ledger.entries())
        self.due = due(view.settings, view.taken, view.last_at, self.now)

    # --- prices and accounts ------------------------------------------------------------------

    def take_sessions(self, sources: Sequence[PriceSource]) -> None:
        sessions = [each.date for each in self.due.sessions]
        if not sessions:
            return
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
        self.problems += [
            f"{symbol} has had no price for {count} sessions: was it delisted, or is it called "
            "otherwise now? What is held of it keeps its last price"
            for symbol in self.view.settings.symbols
            if (count := self.view.unpriced(symbol)) > LONG_STALE
        ]

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

    # --- decisions ----------------------------------------------------------------------------

    def take_answers(self) -> None:
        """Take answers in files, then put the question of a new session."""
        for agent in self.view.settings.agents:
            if not agent.is_file:
                continue
            self._take_answer(agent.name)
            asked = self.view.question(agent.name)
            if asked is None or asked.session != self.view.sessions[-1]:
                content = {"prompt": prompt_of(self.view, agent.name)}
                self._write("question", content, self.view.sessions[-1], agent.name)

    def _take_answer(self, name: str) -> None:
        asked = self.view.question(name)
        try:
            answer = read_answer(self.folder, self.view, name)
        except AnswerError as error:
            self._fault(error)
            return
        if answer is not None and asked is not None:
            if self._is_late():
                self._fault(AnswerError(f"{name} answered after the open: the next step takes it"))
                return
            content = decision_of(answer, asked, self.due.next.date)
            self._write("decision", content, asked.session, name)
            self.decided.append(name)

    def ask(self, agents: Mapping[str, MakeAgent]) -> None:
        """Ask those that have not decided after the last session; one that fails may again."""
        session = self.view.sessions[-1]
        for agent in self.view.settings.agents:
            decisions = self.view.decisions(agent.name)
            if agent.is_file or (decisions and decisions[-1].session == session):
                continue
            try:
                content = run_to_end(decide(self.folder, self.view, agent.name, agents[agent.name]))
                if self._is_late():
                    opened = shown(self.due.next.opens)
                    raise InvalidActionError(f"the answer came after the open at {opened}")
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises, others go on
                self._fail(agent.name, error)
                continue
            content["meets"] = self.due.next.date
            self._write("decision", content, session, agent.name)
            self.decided.append(agent.name)

    def _is_late(self) -> bool:
        """Whether the session that orders of now should meet has opened meanwhile."""
        self.now = max(self.now, self.clock())
        return self.now >= self.due.next.opens

    def _fail(self, name: str, error: BaseException) -> None:
        session, said = self.view.sessions[-1], f"{type(error).__name__}: {error}"
        reason = said[:LONGEST].encode(errors="replace").decode()
        self._fault(InvestorBenchError(f"{name} did not decide: {reason}"))
        known = self.view.failures.get((session, name))
        if known is None or known.content["reason"] != reason:
            self._write("failure", {"reason": reason}, session, name)

    def _fault(self, error: InvestorBenchError) -> None:
        self.faults.append(error)
        self.problems.append(str(error))

    # --- files that are made from the ledger --------------------------------------------------

    def write_files(self) -> None:
        """Bring prompts and tables to what the ledger has; where that fails, a later step does."""
        try:
            write_prompts(self.folder, self.view)
            write_exports(self.folder, self.view)
            forget_older_states(self.folder, self.view)
        except OSError as error:
            what = f"{error.filename or self.folder}: {error.strerror}"
            self._fault(
                InvestorBenchError(f"{what}; the ledger is whole, and a later step writes the rest")
            )

    # --- what came of it ----------------------------------------------------------------------

    def idle(self) -> InvestorBenchError:
        """Why nothing was changed."""
        if self.faults:
            return self.faults[0]
        return NotDueError(nothing_due(self.view.settings, self.due))

    def outcome(self) -> LiveStep:
        return LiveStep(
            sessions=tuple(each.date for each in self.due.sessions),
            decided=tuple(self.decided),
            next=self.due.next.date,
            problems=tuple(self.problems),
        )

    def _write(
        self, kind: str, content: Mapping[str, Any], session: str = "", subject: str = ""
    ) -> LedgerEntry:
        entry = self.ledger.append(kind, content, self.now, session, subject)
        self.view.add(entry)
        self.written += 1
        return entry
