"""What goes into leaderboards: agents on tasks, and what those must have in common."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from investorbench.tasks.result import Entry, Episode, Result
from investorbench.tasks.task import OF_ASSETS


class Setting(NamedTuple):
    """What results must have in common to stand in one table.

    Attributes:
        task: the environment's id.
        symbols: the assets.
        protocol: its name.
        start: first session of the window.
        end: last session of the window.
        data_source: where prices and texts come from, in words.
        simulated: whether they are simulated.
        options: of the environment but for the symbol, in words.
        market: SHA-256 of all that an agent or an account can meet, or of the law that it follows.
        markets: what the markets of episodes are drawn from; empty where there is one alone.
        seed: of the run, where that decides which markets its agents met; else None.
        cash_rate: what idle cash earned a year.
    """

    task: str
    symbols: tuple[str, ...]
    protocol: str
    start: str
    end: str
    data_source: str
    simulated: bool
    options: str
    market: str
    markets: str = ""
    seed: int | None = None
    cash_rate: float = 0.0

    @property
    def symbol(self) -> str:
        """The asset, or all of them joined by commas."""
        return ",".join(self.symbols)

    @property
    def name(self) -> str:
        """The task, and its assets where the task's id leaves them open."""
        is_open = "-" not in self.task.rpartition("/")[2]
        return f"{self.task} {self.symbol}" if is_open else self.task


Group = dict[str, Entry]
"""The entries of one setting by the name that tables give them."""


def setting_of(result: Result) -> Setting:
    """What a result must have in common with others to stand in a table with them."""
    facts = result.facts
    given = sorted(result.task.options.items())
    labels = [] if result.task.labels is None else [("labels", _in_words(result.task.labels))]
    return Setting(
        task=result.task.id,
        symbols=facts.symbols,
        protocol=facts.protocol,
        start=facts.window[0],
        end=facts.window[1],
        data_source=facts.source,
        simulated=facts.simulated,
        options=", ".join(
            f"{name}={value}" for name, value in (*given, *labels) if name not in OF_ASSETS
        ),
        market=facts.fingerprint,
        markets=facts.markets,
        seed=result.seed if facts.draws_markets else None,
        cash_rate=facts.cash_rate,
    )


def _in_words(labels: Mapping[str, Any]) -> str:
    """How a task's days are labelled, such as ``2021-01-04..2022-12-30``."""
    train, rest = labels.get("train", ()), {k: v for k, v in labels.items() if k != "train"}
    return " ".join(["..".join(map(str, train)), *map(str, rest.values())])


def is_benchmark(result: Result) -> bool:
    """Whether an agent is what others of its task are compared with."""
    return result.agent == result.facts.benchmark


def trials_among(group: Group) -> frozenset[str]:
    """The agents of a table whose luck counts, because somebody chose them by how they do.

    No one chose baselines as they come, and an agent that knows what others cannot is no
    candidate. Where nothing else was entered, the reader chooses among the baselines.
    """
    candidates = {
        name: entry.result
        for name, entry in group.items()
        if not (entry.result.handed or is_benchmark(entry.result))
    }
    entered = frozenset(name for name, each in candidates.items() if not each.is_baseline)
    return entered or frozenset(candidates)


def grouped(entries: Iterable[Entry]) -> dict[Setting, tuple[Group, list[str]]]:
    """Entries by setting and name, with a note on each record that was given twice.

    An agent that two runs scored differently in a setting has their names beside its own in every
    setting, so that one name means one thing throughout.
    """
    settings: dict[Setting, list[Entry]] = defaultdict(list)
    notes: dict[Setting, list[str]] = defaultdict(list)
    for entry in entries:
        setting = setting_of(entry.result)
        twin = next((each for each in settings[setting] if _is_same(each, entry)), None)
        if twin is None:
            settings[setting].append(entry)
        elif not is_benchmark(entry.result):
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
    """Whether both are one record; of a benchmark on one market, one repeat is enough."""
    first, second = one.result, other.result
    if first.agent != second.agent or first.described != second.described:
        return False
    if is_benchmark(first) and not first.facts.draws_markets:
        return _is_equal(first.median, second.median)
    return len(first.episodes) == len(second.episodes) and all(
        map(_is_equal, first.episodes, second.episodes)
    )


def _is_equal(one: Episode, other: Episode) -> bool:
    return one.actions == other.actions and np.array_equal(one.equity, other.equity)


def _twins(one: Entry, other: Entry) -> str:
    runs = [entry.run for entry in (one, other) if entry.run]
    where = f" in {' and '.join(dict.fromkeys(runs))}" if runs else ""
    return f"{one.result.agent}{where}: identical records, shown once and counted as one trial"
