"""How an experiment stands: each account after its last session, and what waits."""

from dataclasses import dataclass
from pathlib import Path

from investorbench.tasks.live.experiment.accounts import held_in
from investorbench.tasks.live.experiment.ledger import Ledger
from investorbench.tasks.live.experiment.settings import ExperimentSettings, LiveAgent
from investorbench.tasks.live.experiment.stepping import LEDGER
from investorbench.tasks.live.experiment.view import LedgerView, readable


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStanding:
    """One account.

    Attributes:
        agent: whose.
        cash: money.
        equity: with all holdings at their marks.
        holdings: how many assets are held.
        waiting: orders until cancelled.
        ordered: orders that meet the next session; None where no decision was taken.
        fills: in all sessions.
        rejections: likewise.
    """

    agent: LiveAgent
    cash: float
    equity: float
    holdings: int
    waiting: int
    ordered: int | None
    fills: int
    rejections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentStatus:
    """An experiment.

    Attributes:
        settings: of it.
        sessions: that were taken, missed ones among them.
        missed: those without a decision.
        flagged: sessions with a price that is missing, disputed or revised.
        standings: of each agent; none before the first session.
        entries: of the ledger.
        head: hash of its last entry.
    """

    settings: ExperimentSettings
    sessions: tuple[str, ...]
    missed: int
    flagged: int
    standings: tuple[AgentStanding, ...]
    entries: int
    head: str


def status(folder: Path) -> ExperimentStatus:
    """How an experiment stands.

    Raises:
        LedgerError: there is none, or its ledger cannot be read.
    """
    with Ledger(folder / LEDGER) as ledger, readable(ledger.path):
        return _status(LedgerView(ledger.entries()))


def _status(view: LedgerView) -> ExperimentStatus:
    standings = (_standing(view, agent) for agent in view.settings.agents)
    return ExperimentStatus(
        settings=view.settings,
        sessions=tuple(view.sessions),
        missed=len(view.missed),
        flagged=sum(bool(found) for found in view.flagged.values()),
        standings=tuple(standings) if view.sessions else (),
        entries=len(view.entries),
        head=view.head,
    )


def _standing(view: LedgerView, agent: LiveAgent) -> AgentStanding:
    entries = [view.account(session, agent.name) for session in view.sessions]
    accounts = [entry.content for entry in entries if entry is not None]
    portfolio = held_in(accounts[-1])
    decisions = [each.content for each in view.decisions(agent.name)[-1:]]
    orders = [each["orders"] for each in decisions if each["meets"] > view.sessions[-1]]
    return AgentStanding(
        agent=agent,
        cash=portfolio.cash,
        equity=portfolio.equity,
        holdings=len(portfolio.holdings),
        waiting=len(portfolio.waiting),
        ordered=len(orders[0]) if orders else None,
        fills=sum(len(account["fills"]) for account in accounts),
        rejections=sum(len(account["rejections"]) for account in accounts),
    )
