"""Where the data of a market comes from, and under which terms: what a manifest says of it."""

from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import NamedTuple

from investorbench.tasks.task import Task
from investorbench_env.market.files.store import read_provenance
from investorbench_env.market.library import WAYS, searched_places
from investorbench_env.market.market import Market

NOT_STATED = "not stated beside the file; those of where it came from hold"
MADE_UP = "made up by InvestorBench, MIT"


class SourceTerms(NamedTuple):
    """A source of a market.

    Attributes:
        name: of a file, or of what makes the market up.
        source: who gave it, where that stands beside the file.
        terms: its licence or terms of use.
    """

    name: str
    source: str
    terms: str


def sources_of(task: Task, market: Market) -> list[dict[str, str]]:
    """The sources of a market, in the order in which the market names them."""
    if task.is_simulated:
        return [SourceTerms(market.source, "InvestorBench", MADE_UP)._asdict()]
    return [_of_file(name, task)._asdict() for name in market.source.split(", ")]


def _of_file(name: str, task: Task) -> SourceTerms:
    for place in _places(task):
        for path in sorted(place.rglob(name)) if place.is_dir() else [place]:
            said = read_provenance(path)
            if said:
                return SourceTerms(
                    name, str(said.get("source", "")), str(said.get("terms") or NOT_STATED)
                )
    return SourceTerms(name, "", NOT_STATED)


def _places(task: Task) -> Iterator[Path]:
    if isinstance(task.data, str | PathLike) and fspath(task.data) not in WAYS:
        yield Path(task.data).expanduser()
    else:
        yield from (place for place in searched_places() if place.exists())
