"""How ``investorbench score --expected`` looks: a line an agent, and what it comes to."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from investorbench.scripts.terminal import Console
from investorbench.tasks.expected import ExpectedResult, KnownMarket, expected_of
from investorbench.tasks.result import Result
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.wording import number

COLUMNS = ("agent", "expected [95 %]", "realised [95 %]", "by chance [95 %]")
EXPLAINED = (
    "what positions were expected to return given the hidden state, and what they returned, in "
    "basis points a decision, costs paid; by chance is the rest"
)


def print_expected(results: Sequence[Result], console: Console) -> None:
    """One table a task: its agents by what their positions were expected to return.

    Raises:
        InvestorBenchError: a market is a real one, or holds another kind of account.
    """
    for name in dict.fromkeys(result.task.short_name for result in results):
        own = [each for each in results if each.task.short_name == name]
        known: dict[int, KnownMarket] = {}
        found = sorted((expected_of(each, known) for each in own), key=_edge, reverse=True)
        console.print(f"\n[bold yellow]SIMULATED[/] [bold]{escape(name)}[/], what was expected")
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for place, head in enumerate(COLUMNS):
            table.add_column(head, justify="left" if place == 0 else "right", no_wrap=True)
        for each in found:
            cells = map(_text, (each.edge, each.realised, each.surprise))
            table.add_row(escape(each.agent), *map(escape, cells))
        console.print(table)
        reasons = dict.fromkeys(each.edge.reason for each in found if each.edge.reason)
        for line in (EXPLAINED, *(f"no interval: {reason}" for reason in reasons)):
            console.print(f"[dim]{escape(line)}[/]", soft_wrap=True)


def _edge(found: ExpectedResult) -> float:
    return float(found.edges.mean())


def _text(estimate: Estimate) -> str:
    """A figure and its interval."""
    value, low, high = (number(each, 1) for each in (estimate.value, estimate.low, estimate.high))
    return value if estimate.low is None else f"{value} [{low}, {high}]"
