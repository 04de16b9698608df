"""``until=…`` on a command line: jobs that stop when the answer is known, and what is said then."""

from collections.abc import Collection, Sequence
from math import isfinite
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from investorbench.tasks.running.job import Job
from investorbench.tasks.running.raced import Raced
from investorbench.tasks.running.racing import racing
from investorbench.tasks.seeds import BLOCK
from investorbench.tasks.statistics.sequential import PairedLook
from investorbench.tasks.suites.opening import OF_A_JOB
from investorbench.tasks.wording import NONE, number
from investorbench_env.errors import InvestorBenchError

USUAL: dict[str, Any] = {
    "reference": None, "smallest": None, "alpha": 0.05, "anytime": False, "bound": None, "round": 1,
    "max_decisions": None,
}  # fmt: skip
"""Settings that are of a race alone, as they are where nothing is said of them."""
RULE = ("until", "reference", "smallest", "alpha", "anytime", "bound")
SIZES = ("round", "max_decisions")
OF_A_RACE = (*RULE, *SIZES)
"""Settings of a race; a job that races has them in one, with the names of all its agents."""


def with_races(jobs: list[Job], config: DictConfig, aside: Collection[str]) -> list[Job]:
    """The jobs of a command line; where it says until what, those that race say so.

    Args:
        jobs: all of them.
        config: where the settings of the whole run stand.
        aside: the names of agents that stand in every table of a suite.

    Raises:
        InvestorBenchError: a setting of a race is given without one, or makes none.
    """
    settings: Any = OmegaConf.to_container(config, resolve=True)
    given = {name: settings[name] for name in OF_A_RACE}
    if given["until"] is None:
        if alone := [name for name, usual in USUAL.items() if given[name] != usual]:
            raise InvestorBenchError(
                f"{alone[0]} is for a race: give until=distinguished, best or ranked, too"
            )
        return jobs
    rule = {name: given[name] for name in RULE}
    raced = racing(jobs, rule, given["round"], given["max_decisions"], aside)
    for job, own in zip(jobs, raced, strict=True):
        if OF_A_JOB in job.settings and own.repeats > job.repeats:
            most = job.repeats * int(job.settings.get(BLOCK, 1))
            raise InvestorBenchError(
                f"max_decisions={given['max_decisions']} is more than the {most} of the suite"
            )
    return raced


def print_races(races: Sequence[Raced], console: Console) -> None:
    """What each race has shown, and what was saved."""
    for race in races:
        console.print()
        console.print(_table(race))
        console.print(race.summary, highlight=False, markup=False)


def _table(race: Raced) -> Table:
    """A row an agent, the best first."""
    table = Table(box=SIMPLE_HEAD, title=f"Race on {race.task}", title_justify="left")
    table.add_column("Agent", overflow="fold")
    table.add_column("bps", justify="right")
    table.add_column("beside", overflow="fold")
    table.add_column("difference", justify="right", no_wrap=True)
    table.add_column(f"{race.observation}s", justify="right")
    table.add_column("left", min_width=13)
    for row in race.rows:
        table.add_row(
            Text(row.agent),
            number(row.score, 1),
            Text(row.beside),
            NONE if row.pair is None else _difference(row.pair),
            number(row.played),
            Text(row.left),
        )
    return table


def _difference(pair: PairedLook) -> str:
    """With the interval of the design, where there is one yet."""
    value = number(pair.difference, 1)
    if not isfinite(pair.low):
        return value
    return f"{value}  {number(pair.low, 1)}…{number(pair.high, 1)}"
