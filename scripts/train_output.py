"""What ``investorbench train`` prints: a line an update, and what the models do on unseen days."""

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from investorbench.scripts.terminal import Console
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.trading_r1.decisions import words_of
from investorbench.tasks.training.figures import UpdateFigures
from investorbench.tasks.training.phases import MODEL
from investorbench.tasks.training.unseen import UnseenFigures
from investorbench.tasks.wording import count


def print_update(console: Console, figures: UpdateFigures) -> None:
    """Print the figures of an update."""
    console.print(figures.line, soft_wrap=True)


def print_unseen(console: Console, found: Sequence[UnseenFigures], into: Path) -> None:
    """Print what each model does on unseen briefings, beside constant answers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    briefings = count(sum(found[0].decisions.values()), "unseen briefing")
    table.add_column(f"on {briefings}", no_wrap=True)
    for head in ("decision", "shuffled", "accuracy", "structure", "evidence"):
        table.add_column(head, justify="right", no_wrap=True)
    for each in found:
        table.add_row(
            each.model,
            _shown(each.reward),
            *(f"{v:.2f}" for v in (each.shuffled, each.accuracy, each.structure, each.evidence)),
        )
    for name, value in found[0].constants.items():
        table.add_row(name, f"{value:.2f}", *[""] * 4)
    console.print(table)
    for each in found:
        console.print(_sentence(each), soft_wrap=True)
    if len(found) > 1:
        console.print(f"the model: {into / found[-1].model / MODEL}", soft_wrap=True)


def _shown(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _sentence(figures: UnseenFigures) -> str:
    """Whether the answers have to do with the briefings."""
    most, times = max(figures.decisions.items(), key=lambda each: each[1])
    share = times / sum(figures.decisions.values())
    usual = f"{'no decision' if most == 'none' else words_of(most)} in {share:.0%} of cases"
    if figures.reads:
        return f"{figures.model}: its decisions depend on the briefings ({usual})"
    return (
        f"{figures.model}: nothing shows that its decisions depend on the briefings ({usual}): "
        f"dealt to other briefings they earn as much, {figures.shuffled:.2f} "
        f"(p = {figures.p_value:.2f})"
    )
