"""What goes into leaderboards: agents on tasks, and what those must have in common."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from investorbench.agents.baselines import BuyAndHold
from investorbench.tasks.result import Entry, Episode, Result

BENCHMARK = BuyAndHold.name


class Setting(NamedTuple):
    """What results must have in common to stand in one table.

    ``options`` are those of the environment but for the symbol, in words; ``market`` is the
    SHA-256 of all prices and texts.
    """

    task: str
    symbol: str
    protocol: str
    start: str
    end: str
    data_source: str
    simulated: bool
    options: str
    market: str

    @property
    def name(self) -> str:
        """The task, and the symbol where the task's id leaves it open."""
        return self.task if "-" in self.task else f"{self.task} {self.symbol}"


Group = dict[str, Entry]
"""The entries of one setting by the name that tables give them."""


def setting_of(result: Result) -> Setting:
    """What a result must have in common with others to stand in a table with them."""
    given = sorted(result.task.options.items())
    return Setting(
        task=result.task.id,
        symbol=result.task.symbol,
        protocol=result.protocol,
        start=result.window[0],
        end=result.window[1],
        data_source=result.data_source,
        simulated=result.simulated,
        options=", ".join(f"{name}={value}" for name, value in given if name != "symbol"),
        market=result.market_fingerprint,
    )


def grouped(entries: Iterable[Entry]) -> dict[Setting, tuple[Group, list[str]]]:
    """Entries by setting and name, with a note on each record that was given twice.

    An agent that two runs scored differently in a setting has their names beside its own in every
    setting, so that it is told apart throughout.
    """
    settings: dict[Setting, list[Entry]] = defaultdict(list)
    notes: dict[Setting, list[str]] = defaultdict(list)
    for entry in entries:
        setting = setting_of(entry.result)
        twin = next((each for each in settings[setting] if _is_same(each, entry)), None)
        if twin is None:
            settings[setting].append(entry)
        elif entry.result.agent != BENCHMARK:
            notes[setting].append(_twins(twin, entry))
    shared = {
        agent
        for given in settings.values()
        for agent, count in Counter(entry.result.agent for entry in given).items()
        if count > 1
    }
    return {
        setting: (_named(settings[setting], shared), notes[setting]) for setting in sorted(settings)
    }


def benchmark_in(group: Mapping[str, Entry]) -> str | None:
    """The name of Buy & Hold in a group; None where it is missing."""
    return next((name for name, entry in group.items() if entry.result.agent == BENCHMARK), None)


def _named(entries: Sequence[Entry], shared: set[str]) -> Group:
    group: Group = {}
    for entry in entries:
        name = entry.result.agent
        if name in shared and entry.run:
            name = f"{name} ({entry.run})"
        number = sum(known == name or known.startswith(f"{name} #") for known in group) + 1
        group[name if number == 1 else f"{name} #{number}"] = entry
    return group


def _is_same(one: Entry, other: Entry) -> bool:
    """Whether both are one record; of Buy & Hold, which never varies, one repeat is enough."""
    first, second = one.result, other.result
    if first.agent != second.agent or first.described != second.described:
        return False
    if first.agent == BENCHMARK:
        return _is_equal(first.median, second.median)
    return len(first.episodes) == len(second.episodes) and all(
        map(_is_equal, first.episodes, second.episodes)
    )


def _is_equal(one: Episode, other: Episode) -> bool:
    same_actions = len(one.actions) == len(other.actions) and all(
        np.array_equal(a, b) for a, b in zip(one.actions, other.actions, strict=True)
    )
    return same_actions and np.array_equal(one.equity, other.equity)


def _twins(one: Entry, other: Entry) -> str:
    runs = [entry.run for entry in (one, other) if entry.run]
    where = f" in {' and '.join(dict.fromkeys(runs))}" if runs else ""
    return f"{one.result.agent}{where}: identical records, shown once and counted as one trial"
