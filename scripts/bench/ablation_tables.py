"""The tables of ``investorbench bench ablation``: what each memory made of the same markets."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from investorbench.scripts.bench.ablation import (
    ARMS,
    EXPECTED,
    LOWER,
    MEASURES,
    READERS,
    REFERENCES,
    TASK,
    UPPER,
    AblationColumn,
    episodes,
    share_of_gap,
)
from investorbench.scripts.bench.simulated_order import FloatArray, MeanOverSeeds, mean_over_seeds

HEADINGS: Mapping[str, str] = {
    "reader": "a reader that understands each text and knows the law",
    "offline": "the offline reader, which averages the tone of words",
}
"""What each reader is, in words."""
DEFAULT = "layered"
"""The memory that others are compared with."""
PAIRED = 3
"""Of how many measures differences are shown."""
WIDTH = 104
"""Columns of the widest table: in fewer its figures would be cut short."""


def report(seeds: int, first: int, processes: int, readers: Sequence[str] = READERS) -> None:
    """Run everything and print the tables."""
    chosen = range(first, first + seeds)
    console = Console(width=max(Console().width, WIDTH))
    opening, ending = TASK.facts("test").window
    console.print(
        f"[bold yellow]SIMULATED[/] [bold]{TASK.id}[/] · {TASK.protocol} · "
        f"{opening} to {ending}",
        f"{seeds} markets, seeds {chosen[0]} to {chosen[-1]}; FinMem with each memory, answered by "
        "readers of which none is a language model",
        sep="\n", highlight=False,
    )  # fmt: skip
    for reader in readers:
        found = track(
            episodes(reader, chosen, processes), f"simulating, {reader}", total=seeds,
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        print_tables(console, reader, np.array(list(found)))
    console.print(
        "share of the gap from off to oracle by what positions could expect to earn, % a year "
        "after costs; SR of what they did earn; guidance, facts: how often the reader knew them. "
        "Means with 95 % intervals over markets; differences paired by market",
        style="dim", highlight=False,
    )  # fmt: skip


def print_tables(console: Console, reader: str, figures: FloatArray) -> None:
    """One reader's table, then that of differences.

    Args:
        console: where to.
        reader: one of `READERS`.
        figures: of the episodes [S, A, M].
    """
    by_agent = dict(zip((*ARMS, *REFERENCES), np.moveaxis(figures, 1, 0), strict=True))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    console.print(f"\n[bold]{HEADINGS[reader]}[/]", highlight=False)
    headings = ["agent", "share", "95 %"]
    for measure in MEASURES:
        headings += [measure.name, "95 %"] if measure.has_interval else [measure.name]
    for column in headings:
        table.add_column(column, justify="left" if column == "agent" else "right", no_wrap=True)
    lower, upper = by_agent[LOWER][:, EXPECTED], by_agent[UPPER][:, EXPECTED]
    for name, values in by_agent.items():
        if name == REFERENCES[0]:
            table.add_section()
        share = share_of_gap(values[:, EXPECTED], lower, upper)
        table.add_row(name, *_cells(share, 2), *_row(values, MEASURES))
    table.add_section()
    table.add_row(f"{DEFAULT}, less")
    for name, values in differences(by_agent).items():
        share = share_of_gap(values[:, EXPECTED], 0 * lower, upper - lower)
        table.add_row(name, *_cells(share, 2), *_row(values, MEASURES[:PAIRED]))
    console.print(table)


def differences(by_agent: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Of the default from each other memory, paired by market."""
    return {
        f"  {other}": by_agent[DEFAULT] - by_agent[other]
        for other in ARMS if other not in (DEFAULT, UPPER)
    }  # fmt: skip


def _row(values: FloatArray, measures: Sequence[AblationColumn]) -> list[str]:
    cells: list[str] = []
    for place, measure in enumerate(measures):
        mean = mean_over_seeds(values[:, place])
        cells += _cells(mean, measure.digits)[: 1 + measure.has_interval]
    return cells


def _cells(value: MeanOverSeeds, digits: int) -> tuple[str, str]:
    if np.isnan(value.mean):
        return "", ""
    mean, low, high = (
        # Adding 0.0 takes the sign from a zero.
        f"{round(number, digits) + 0.0:.{digits}f}".replace("-", "−")
        for number in (value.mean, value.low, value.high)
    )
    return mean, f"{low}…{high}"
