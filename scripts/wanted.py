"""What ``investorbench data`` is asked for by name: a task, a suite, a universe, or a symbol."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from investorbench.scripts.choices import Choices
from investorbench.tasks.finding import is_task
from investorbench.tasks.task import Task
from investorbench.tasks.trading_r1.truths import labelling_of
from investorbench_env.envs.markets import LEAD
from investorbench_env.envs.snapshot_options import ALL
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.asset_classes import asset_class_of, find_asset_class
from investorbench_env.market.sessions import session_before
from investorbench_env.market.sources.proxies import PROXIES
from investorbench_env.market.sources.source import last_over
from investorbench_env.universes import (
    PUBLISHED_ON,
    SIMULATED_SYMBOLS,
    UNIVERSES,
    Universe,
    find_universe,
    universe_of,
)

PAPER = "paper"
"""All tasks of the paper of InvestorBench."""
UP_TO_YESTERDAY, AS_ASKED = "up to yesterday", "as asked for"
SYMBOL = r"[A-Z0-9.^=_-]{0,19}[A-Z0-9][A-Z0-9.^=_-]{0,12}"
LABELS_BEFORE, LABELS_AFTER = timedelta(days=120), timedelta(days=30)
"""Enough for what the first label is scaled by, and for what the last looks ahead to."""
SINCE = date(2012, 1, 1)
"""From when on a symbol is fetched that belongs to no task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One asset, and the days of it that are wanted.

    Attributes:
        symbol: the asset.
        asset_class: the name of its class.
        first: first day.
        last: last day.
        why: what these days are, in words.
    """

    symbol: str
    asset_class: str
    first: date
    last: date
    why: str


def wanted(
    name: str, asset_class: str | None = None, first: date | None = None, last: date | None = None
) -> list[Wanted]:
    """The assets that a name stands for, each with the days that it needs.

    Args:
        name: a task such as ``"stock/tsla"``, or several as ``"stock"`` or ``"stock/*"``; a
            universe; ``"paper"``; a file of a task; a symbol, also as ``"stock/nvda"``.
        asset_class: of a symbol; guessed for None.
        first: in place of the first day.
        last: in place of the last day.

    Raises:
        UnknownNameError: there is no such task, class or universe.
        InvestorBenchError: a task needs no data, or does not say of what.
    """
    found = _together(_tasks(name))
    if not found:
        found = [_symbol(name, asset_class)]
    elif asset_class is not None and {each.asset_class for each in found} != {asset_class}:
        raise InvestorBenchError(
            f"{name} is of the class {found[0].asset_class!r}: leave out --asset-class"
        )
    return [_dated(each, first, last) for each in found]


def _together(found: Iterable[Wanted]) -> list[Wanted]:
    """Each asset once, with all days that tasks need of it."""
    by_asset: dict[tuple[str, str], Wanted] = {}
    for each in found:
        known = by_asset.setdefault((each.symbol, each.asset_class), each)
        first, last = min(known.first, each.first), max(known.last, each.last)
        by_asset[each.symbol, each.asset_class] = replace(known, first=first, last=last)
    return list(by_asset.values())


def _dated(each: Wanted, first: date | None, last: date | None) -> Wanted:
    if first is None and last is None:
        return each
    why = each.why.replace(UP_TO_YESTERDAY, AS_ASKED) if UP_TO_YESTERDAY in each.why else AS_ASKED
    return Wanted(
        symbol=each.symbol,
        asset_class=each.asset_class,
        first=first or each.first,
        last=last or each.last,
        why=why,
    )


def _tasks(name: str) -> Iterator[Wanted]:
    """What a name says as a task, or as several; nothing for a symbol."""
    lower = name.lower()
    tasks = [each for each in Choices().names("task") if not _needs_nothing(Task.of(each))]
    by_name = {universe.lower(): universe for universe in UNIVERSES}
    if lower == PAPER:
        published = (each for each in UNIVERSES.values() if each.chosen_on == PUBLISHED_ON)
        of_tasks = (each for each in published if each.one_by_one)
        yield from (each for universe in of_tasks for each in _members(universe))
    elif lower in by_name:
        yield from _members(find_universe(by_name[lower]))
    elif several := [each for each in tasks if fnmatchcase(each, lower) or _within(each, lower)]:
        yield from (found for each in several for found in _task(Task.of(each), each))
    elif is_task(name):
        yield from _task(Task.of(name), name)
    elif "*" in name:
        raise UnknownNameError("task", name, [*tasks, *by_name, PAPER])


def _is_simulated(task: Task) -> bool:
    return task.data == "simulated" or not SIMULATED_SYMBOLS.isdisjoint(task.symbols)


def _takes_all(task: Task) -> bool:
    """Whether it is of whatever a folder has."""
    return task.options.get("symbols") == ALL


def _needs_nothing(task: Task) -> bool:
    return _is_simulated(task) or _takes_all(task)


def _within(task: str, folder: str) -> bool:
    return task.startswith(f"{folder}/")


def _members(universe: Universe) -> Iterator[Wanted]:
    if universe.data == "simulated":
        raise InvestorBenchError(f"{universe.name} is simulated: it needs no data")
    for member in universe.members:
        yield _needed(
            f"{member.asset_class}/{member.symbol.lower()}",
            member.symbol,
            member.asset_class,
            universe,
        )


def _task(task: Task, name: str) -> Iterator[Wanted]:
    """What a task needs."""
    if not task.is_ours:
        raise InvestorBenchError(f"{name} is an environment of others, which knows its data")
    if _is_simulated(task):
        raise InvestorBenchError(f"{name} runs on a simulated market: it needs no data")
    if _takes_all(task):
        raise InvestorBenchError(f"{name} takes all that a folder has: name what that should be")
    universe = task.universe or universe_of(task.asset_class)
    members = () if universe is None else universe.members
    classes = {member.symbol: member.asset_class for member in members}
    for symbol in task.symbols:
        asset_class = classes.get(symbol, task.asset_class)
        wanted = _needed(name, symbol, asset_class, universe, task.start, task.end)
        yield wanted if task.labels is None else _with_labels(wanted, task.labels)


def _needed(
    name: str,
    symbol: str,
    asset_class: str,
    universe: Universe | None,
    start: str | None = None,
    end: str | None = None,
) -> Wanted:
    splits = list(universe.splits.values()) if universe is not None else []
    starts = [split.start for split in splits] + ([start] if start else [])
    ends = [split.end for split in splits] + ([end] if end else [])
    if not starts or not ends:
        raise InvestorBenchError(f"{name} names no dates: give --from and --to, with {symbol}")
    return Wanted(
        symbol=symbol,
        asset_class=asset_class,
        first=date.fromisoformat(session_before(asset_class, min(starts), LEAD)),
        last=date.fromisoformat(max(ends)),
        why=f"warm-up and test, with {LEAD} sessions before",
    )


def _with_labels(wanted: Wanted, labels: Mapping[str, Any]) -> Wanted:
    """The same with the training window of labels, and what the last of them look ahead to."""
    first = date.fromisoformat(str(labelling_of(labels).train[0]))
    return replace(
        wanted,
        first=min(wanted.first, first - LABELS_BEFORE),
        last=wanted.last + LABELS_AFTER,
        why=f"{wanted.why}, and what its labels follow from",
    )


def _meant(symbol: str, asset_class: str) -> str:
    """The task that a symbol without one was perhaps meant for, in words; often empty."""
    tasks = [each for each in Choices().names("task") if _within(each, asset_class)]
    known = [each.rpartition("/")[2].upper() for each in tasks]
    near = [] if symbol in known else get_close_matches(symbol, known, n=1, cutoff=0.75)
    return f"; no task is about it: is {asset_class}/{near[0].lower()} meant?" if near else ""


def _symbol(name: str, asset_class: str | None) -> Wanted:
    """A symbol that belongs to no task, or is asked for by itself."""
    named, _, symbol = name.rpartition("/")
    symbol = symbol.upper()
    if not symbol:
        raise UnknownNameError("task", name, Choices().names("task"))
    if not re.fullmatch(SYMBOL, symbol):
        raise InvestorBenchError(
            f"{name[:40]!r} is no symbol: it has letters of ASCII, digits and . - ^ =, such as "
            "BRK.B; write several with blanks between them"
        )
    chosen = find_asset_class((named or asset_class or asset_class_of(symbol)).lower()).name
    why = UP_TO_YESTERDAY + _meant(symbol, chosen)
    if fund := PROXIES.get(symbol):
        why = f"in the place of the {fund.index} ({symbol}), which it tracks, {why}"
        symbol, chosen = fund.symbol, "etf"
    return Wanted(
        symbol=symbol,
        asset_class=chosen,
        first=SINCE,
        last=last_over(chosen),
        why=why,
    )
