"""How a live experiment is shown in a terminal."""

from collections.abc import Iterator

from rich.table import Table

from investorbench.scripts.terminal import Console
from investorbench.tasks.live.experiment.status import AgentStanding, ExperimentStatus
from investorbench.tasks.wording import NONE, count, number, percent

HEADS = ("Agent", "Equity", "Return, %", "Cash", "Assets", "Orders", "Waiting", "Fills", "Rejected")


def print_status(status: ExperimentStatus, console: Console) -> None:
    """A table of the accounts over what the ledger is."""
    for line in _about(status):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if status.standings:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column(HEADS[0])
        for head in HEADS[1:]:
            table.add_column(head, justify="right")
        for standing in status.standings:
            table.add_row(*_cells(standing, status.settings.initial_cash))
        console.print(table)
    last = f"entry {number(status.entries)}, {status.head}"
    console.print(last, highlight=False, markup=False, soft_wrap=True)


def _about(status: ExperimentStatus) -> Iterator[str]:
    settings = status.settings
    agents, assets = count(len(settings.agents), "agent"), count(len(settings.symbols), "asset")
    yield f"{agents} on {assets}: {', '.join(settings.symbols)}"
    if not status.sessions:
        yield "no session was taken yet"
        return
    span = f"{status.sessions[0]} to {status.sessions[-1]}"
    odd = f"{number(status.missed)} missed, {number(status.flagged)} flagged"
    yield f"{count(len(status.sessions), 'session')}, {span}; {odd}"


def _cells(standing: AgentStanding, initial: float) -> Iterator[str]:
    yield standing.agent.name
    yield number(standing.equity, 2)
    yield percent(standing.equity / initial - 1.0, 2)
    yield number(standing.cash, 2)
    yield number(standing.holdings)
    yield NONE if standing.ordered is None else number(standing.ordered)
    yield number(standing.waiting)
    yield number(standing.fills)
    yield number(standing.rejections)
