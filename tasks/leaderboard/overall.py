"""Agents over all tasks of a protocol."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from statistics import fmean
from typing import Literal

import numpy as np

from investorbench.tasks.days import period_name
from investorbench.tasks.leaderboard.benchmarks import Benchmark
from investorbench.tasks.leaderboard.entries import Setting
from investorbench.tasks.leaderboard.notes import knowing
from investorbench.tasks.leaderboard.ranks import Difference, places
from investorbench.tasks.leaderboard.rows import Leaderboard
from investorbench.tasks.leaderboard.sentences import verdict
from investorbench.tasks.statistics import (
    FEWEST_DAYS,
    Means,
    Path,
    adjusted_p_values,
    draws_for,
    over_tasks,
)
from investorbench.tasks.statistics.estimate import DRAWS, Estimate
from investorbench.tasks.statistics.resampling import median_run
from investorbench.tasks.wording import count, listed, number
from investorbench_env.registration import NAMESPACE

FEWEST_TASKS = 2
MOST_NAMED = 4
"""Tasks with the same finding; more are counted."""
Two = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OverallRow:
    """An agent over all tasks that every agent of the table was scored on.

    Attributes:
        agent: its name.
        sr: mean Sharpe ratio a year over the tasks, with its interval.
        cr: mean cumulative return over the tasks, with its interval.
        against: its mean Sharpe ratio less that of the benchmark, with interval and p-value.
        adjusted_p: that p-value after control of the false-discovery rate.
        rank: as in :class:`~investorbench.tasks.leaderboard.rows.Row`.
    """

    agent: str
    sr: Estimate
    cr: Estimate
    against: Estimate | None
    adjusted_p: float | None
    rank: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overall:
    """All agents over several tasks of one protocol, all real or all simulated.

    Attributes:
        protocol: its name.
        simulated: whether the markets are simulated.
        options: of the environments, in words; empty for none.
        settings: the tasks that are counted.
        benchmark: the agent that others are compared with, by its name in the table; None where it
            is missing.
        compared_with: the same, in words for readers.
        rows: by mean Sharpe ratio, best first.
        sentence: what a reader may quote.
        notes: which agents or tasks are left out and why, a line each.
        findings: what is wrong or missing in the data, a line each, with the tasks that it is of.
    """

    protocol: str
    simulated: bool
    options: str
    settings: tuple[Setting, ...]
    benchmark: str | None
    compared_with: Benchmark | None
    rows: tuple[OverallRow, ...]
    sentence: str
    notes: tuple[str, ...]
    findings: tuple[str, ...] = ()


def overall(boards: Sequence[Leaderboard], *, draws: int = DRAWS) -> list[Overall]:
    """Agents over all tasks: one table a protocol, options and benchmark, real and simulated apart.

    A table needs two tasks that all its agents were scored on.

    Args:
        boards: those of single settings.
        draws: of the bootstrap; more where one pair of many takes more to be distinguishable.
    """
    alike: dict[tuple[object, ...], list[Leaderboard]] = defaultdict(list)
    for board in boards:
        setting, benchmark = board.setting, board.facts.benchmark
        # Where markets are drawn, the same seed means the same markets.
        rules = (setting.protocol, setting.options, benchmark, setting.markets, setting.seed)
        alike[(setting.simulated, *rules)].append(board)
    tables = [_overall(group, draws) for group in alike.values()]
    return [table for table in tables if table is not None]


def _overall(boards: Sequence[Leaderboard], draws: int) -> Overall | None:
    kept, short = _long_enough(boards)
    names, kept, left_out = shared_by_all(kept)
    if len(kept) < FEWEST_TASKS:
        return None
    block = max(1, round(fmean(board.comparison.bootstrap.block.days for board in kept)))
    benchmark = kept[0].benchmark
    others = [name for name in names if name != benchmark]
    draws = draws_for(comb(len(others), 2), draws)
    means = _means(names, kept, block, draws)
    held = [(name, benchmark) for name in others if benchmark in names and benchmark is not None]
    against = {two: _difference(means, names, two) for two in held}
    differences = _adjusted(against, "BH")
    pairs = {two: _difference(means, names, two) for two in combinations(others, 2)}
    rank = places(names, [*differences, *_adjusted(pairs, "BY")])
    adjusted = {each.first: each.adjusted_p for each in differences}
    rows = [
        OverallRow(
            agent=name,
            sr=means.sharpe(at),
            cr=means.growth(at),
            against=against.get((name, benchmark or "")),
            adjusted_p=adjusted.get(name),
            rank=rank[name],
        )
        for at, name in enumerate(names)
    ]
    rows.sort(key=lambda row: (-float(means.sr[names.index(row.agent)]), row.agent))
    first = kept[0].setting
    drawn = f"dates drawn {number(draws)} times, mean block length {count(block, _period(kept))}"
    return Overall(
        protocol=first.protocol,
        simulated=first.simulated,
        options=first.options,
        settings=tuple(board.setting for board in kept),
        benchmark=benchmark,
        compared_with=kept[0].compared_with,
        rows=tuple(rows),
        sentence=_sentence(kept, rows, differences),
        notes=(
            *([f"markets: {first.markets}"] if first.markets else []),
            f"95 % intervals and tests: {drawn}; the same dates for all agents and tasks",
            *knowing(row for board in kept for row in board.rows if row.agent in names),
            *_without_growth(rows),
            *short,
            *left_out,
        ),
        findings=tuple(_findings(kept)),
    )


def _findings(boards: Sequence[Leaderboard]) -> Iterator[str]:
    """Those of all tasks, each once, with the tasks whose data it is of."""
    tasks: dict[str, list[str]] = defaultdict(list)
    for board in boards:
        for finding in board.findings:
            tasks[finding].append(board.setting.name.removeprefix(f"{NAMESPACE}/"))
    for finding, names in tasks.items():
        few = len(names) <= MOST_NAMED
        yield f"{listed(names) if few else f'{len(names)} of {len(boards)} tasks'}: {finding}"


def _period(boards: Sequence[Leaderboard]) -> str:
    """What their returns are of, in a word."""
    names = {period_name(board.facts.interval) for board in boards}
    return names.pop() if len(names) == 1 else "period"


def _without_growth(rows: Sequence[OverallRow]) -> Iterator[str]:
    """Why agents have no mean cumulative return, those with the same reason together."""
    names = defaultdict(list)
    for row in rows:
        if row.cr.reason is not None:
            names[row.cr.reason].append(row.agent)
    for reason, alike in names.items():
        yield f"no mean CR of {', '.join(alike)}: {reason}"


def shared_by_all(
    boards: Sequence[Leaderboard],
) -> tuple[list[str], list[Leaderboard], list[str]]:
    """Agents and tasks without a gap between them, and what had to be left out for that.

    As long as an agent lacks a task, the agent or task with the largest share of gaps goes; of
    equal ones the agent, but never the benchmark.
    """
    kept = list(boards)
    names = sorted({row.agent for board in kept for row in board.rows})
    scored = {id(board): {row.agent for row in board.rows} for board in kept}
    held = {board.benchmark for board in kept}
    notes: list[str] = []
    while kept and any(name not in scored[id(board)] for board in kept for name in names):
        lacks = {name: fmean(name not in scored[id(board)] for board in kept) for name in names}
        gaps = [fmean(name not in scored[id(board)] for name in names) for board in kept]
        agent = max((name for name in names if name not in held), key=lacks.__getitem__, default="")
        if agent and lacks[agent] >= max(gaps):
            done = round((1.0 - lacks[agent]) * len(kept))
            notes.append(f"left out: {agent}, scored on {done} of {len(kept)} tasks")
            names.remove(agent)
        else:
            task = kept.pop(gaps.index(max(gaps)))
            missing = [name for name in names if name not in scored[id(task)]]
            notes.append(f"left out: {task.setting.name}, without {', '.join(missing)}")
    return names, kept, notes


def _long_enough(boards: Sequence[Leaderboard]) -> tuple[list[Leaderboard], list[str]]:
    short = [board for board in boards if board.comparison.days < FEWEST_DAYS]
    notes = [
        f"left out: {board.setting.name}, {count(board.comparison.days, _period([board]))}, at "
        f"least {FEWEST_DAYS} are needed"
        for board in short
    ]
    return [board for board in boards if board not in short], notes


def _means(names: Sequence[str], boards: Sequence[Leaderboard], block: int, draws: int) -> Means:
    paths = [_path(names, board) for board in boards]
    return over_tasks(paths, boards[0].facts.convention, block_days=block, draws=draws)


def _path(names: Sequence[str], board: Leaderboard) -> Path:
    """The median repeats of a task's agents, on all its days."""
    runs = {row.agent: row.returns for row in board.rows}
    returns = []
    for name in names:
        run = runs[name]
        assert run is not None  # otherwise there are no days to compare, and too few are left out
        returns.append(run[median_run(run)])
    assert board.dates is not None
    return Path(board.dates, np.array(returns), board.facts.periods_a_year)


def _difference(means: Means, names: Sequence[str], two: Two) -> Estimate:
    return means.difference(names.index(two[0]), names.index(two[1]))


def _adjusted(pairs: Mapping[Two, Estimate], method: Literal["BH", "BY"]) -> list[Difference]:
    adjusted = adjusted_p_values([each.p_value for each in pairs.values()], method)
    return [
        Difference(*two, each.value, p, each.reason)
        for (two, each), p in zip(pairs.items(), adjusted, strict=True)
    ]


def _sentence(
    boards: Sequence[Leaderboard], rows: Sequence[OverallRow], differences: Sequence[Difference]
) -> str:
    setting = boards[0].setting
    markets = "simulated markets" if setting.simulated else "real data"
    compared = boards[0].compared_with
    agents = [row for row in rows if row.agent != boards[0].benchmark]
    where = f"Over {len(boards)} tasks ({setting.protocol} protocol, {markets})"
    if not agents:
        title = compared.title if compared else rows[0].agent
        return f"{where}, {title} alone was scored on all: there is nothing to compare it with."
    best = agents[0]
    found = (
        f"{where}, {count(len(agents), 'agent')}, by mean Sharpe ratio: "
        f"{verdict(differences, compared)}."
    )
    if best.sr.value is None or best.sr.low is None or best.sr.high is None:
        return found
    low, high = (number(end, 2) for end in (best.sr.low, best.sr.high))
    value = number(best.sr.value, 2)
    return f"{found} The highest, {best.agent}, has {value} (95 % interval {low} to {high})."
