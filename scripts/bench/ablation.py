"""Does memory help? FinMem with none, with one layer and with all, on the same simulated markets.

The offline reader answers. It is no language model: what it does with its memories is to average
their tone, so this shows how the memory and such a reader work together, and no more.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, combinations
from multiprocessing import get_context
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from investorbench.agents.finmem import FinMem
from investorbench.agents.llm import connect, load_model
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.scripts.bench.simulated_order import FloatArray, MeanOverSeeds, mean_over_seeds
from investorbench.tasks import Task, evaluate
from investorbench_env.market.simulated import simulate

TASK = Task.of("stock/sim")
ARMS = ("layered", "single", "off")
"""Profiles of the memory."""
REFERENCES = ("momentum", "buy_and_hold", "random")
"""The first is all that the reader does besides reading: what reading is worth shows beside it."""
MEASURES = {"CR %": 1, "SR": 2, "trades": 0}
"""What is measured of an episode, and the digits it is shown with."""

MeansByAgent = dict[str, dict[str, MeanOverSeeds]]
"""By name and measure."""


def finmem(profile: str) -> FinMem:
    """The agent with a memory of this profile."""
    return FinMem(
        connect(load_model("offline")),
        lambda seed: LayeredMemory(profile, Arrays(), HashedNgrams(), seed=seed),
    )


def episode(seed: int) -> FloatArray:
    """What arms and references, in this order, made of one market: [A, M] by measure."""
    market = simulate(seed=seed)
    agents: list[Any] = [*map(finmem, ARMS), *REFERENCES]
    results = [evaluate(agent, TASK, data=market, seed=seed) for agent in agents]
    rows = [
        (100 * result.metrics["CR"], result.metrics["SR"], (result.median.notional > 0.0).sum())
        for result in results
    ]
    return np.array(rows, np.float64)


def episodes(seeds: Sequence[int], processes: int) -> Iterator[FloatArray]:
    """`episode` of each seed."""
    if processes <= 1:
        yield from map(episode, seeds)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(episode, seeds)


def agents_and_pairs(figures: FloatArray) -> tuple[MeansByAgent, MeansByAgent]:
    """MeansByAgent of the agents, and of differences between them, paired by market.

    Args:
        figures: of the episodes [S, A, M].
    """
    by_agent = dict(zip((*ARMS, *REFERENCES), np.moveaxis(figures, 1, 0), strict=True))
    pairs = {
        f"{one} − {other}": by_agent[one] - by_agent[other]
        for one, other in combinations((*ARMS, REFERENCES[0]), 2)
    }
    return _means(by_agent), _means(pairs)


def _means(values: dict[str, FloatArray]) -> MeansByAgent:
    """MeansByAgent over seeds, from values [S, M] of each name."""
    return {
        name: {measure: mean_over_seeds(own[:, place]) for place, measure in enumerate(MEASURES)}
        for name, own in values.items()
    }


def report(seeds: int, first: int, processes: int) -> None:
    """Run everything and print the table."""
    chosen = range(first, first + seeds)
    console = Console()
    found = track(
        episodes(chosen, processes), "simulating", total=seeds, console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip
    agents, pairs = agents_and_pairs(np.array(list(found)))
    opening, ending = TASK.facts("test").window
    console.print(
        f"[bold yellow]SIMULATED[/] [bold]{TASK.id}[/] · {TASK.protocol} · "
        f"{opening} to {ending}",
        f"{seeds} markets, seeds {chosen[0]} to {chosen[-1]}; FinMem with each memory, answered by "
        "the offline reader, which is no language model",
        sep="\n", highlight=False,
    )  # fmt: skip
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("agent", *chain.from_iterable((measure, "95 %") for measure in MEASURES)):
        table.add_column(column, justify="left" if column == "agent" else "right", no_wrap=True)
    for estimates in (agents, pairs):
        for name, by_measure in estimates.items():
            cells = (_cells(by_measure[measure], digits) for measure, digits in MEASURES.items())
            table.add_row(name, *chain.from_iterable(cells))
        table.add_section()
    console.print(table)
    console.print(
        "means, with normal 95 % intervals over markets; differences paired by market",
        style="dim", highlight=False,
    )  # fmt: skip


def _cells(value: MeanOverSeeds, digits: int) -> tuple[str, str]:
    mean, low, high = (
        # Adding 0.0 takes the sign from a zero.
        f"{round(number, digits) + 0.0:.{digits}f}".replace("-", "−")
        for number in (value.mean, value.low, value.high)
    )
    return mean, f"{low}…{high}"
