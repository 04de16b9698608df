"""Agents over all tasks of a protocol."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean

from investorbench.tasks.days import period_name
from investorbench.tasks.leaderboard.benchmarks import Benchmark
from investorbench.tasks.leaderboard.marks import marked_in_all, signs_of_all
from investorbench.tasks.leaderboard.overall_rows import Overall, OverallRow
from investorbench.tasks.leaderboard.passes import ATTEMPTS, successes
from investorbench.tasks.leaderboard.rows import Leaderboard
from investorbench.tasks.leaderboard.sentences import with_interval
from investorbench.tasks.statistics import FEWEST_DAYS, TaskRuns, over_tasks
from investorbench.tasks.statistics.estimate import DRAWS
from investorbench.tasks.statistics.overfitting import all_succeed
from investorbench.tasks.statistics.rank_sets import SIZE
from investorbench.tasks.wording import count, listed, number, p_equals
from investorbench_env.registration import NAMESPACE

FEWEST_TASKS = 2
MOST_NAMED = 4
"""Tasks with the same finding; more are counted."""


def overall(boards: Sequence[Leaderboard], *, draws: int = DRAWS) -> list[Overall]:
    """Agents over all tasks: one table a protocol, options and benchmark, real and simulated apart.

    A table needs two tasks that all its agents were scored on.

    Args:
        boards: those of single settings.
        draws: of the bootstrap.
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
    benchmark = kept[0].benchmark if kept[0].benchmark in names else None
    tasks = [_task(names, board) for board in kept]
    found = over_tasks(tasks, benchmark, kept[0].facts.convention, draws=draws)
    beside = {pair.names[0]: pair for pair in found.pairs if pair.names[1] == benchmark}
    of_agent = {name: [row for board in kept for row in board.rows if row.agent == name]
                for name in names}  # fmt: skip
    rows = [
        OverallRow(
            agent=name,
            sr=found.agents[name].sr,
            cr=found.agents[name].cr,
            beside=beside.get(name),
            passes=_passes(name, kept),
            is_twin=found.agents[name].is_twin,
            rank=found.rank_sets[name],
            signs=signs_of_all(of_agent[name]),
        )
        for name in names
    ]
    rows.sort(key=lambda row: (-(row.sr.value or 0.0), row.agent))
    first = kept[0].setting
    length = count(found.bootstrap.block.days, _period(kept))
    drawn = f"dates drawn {number(draws)} times, blocks of {length}"
    if found.markets:
        drawn = f"{count(found.markets, 'market')} drawn {number(draws)} times"
    every = [row for own in of_agent.values() for row in own]
    return Overall(
        protocol=first.protocol,
        simulated=first.simulated,
        options=first.options,
        settings=tuple(board.setting for board in kept),
        benchmark=benchmark,
        compared_with=kept[0].compared_with,
        rows=tuple(rows),
        sentence=_sentence(kept, rows),
        notes=(
            *([f"markets: {first.markets}"] if first.markets else []),
            f"95 % intervals and tests: {drawn}; the same for all agents and tasks",
            *marked_in_all(every, kept[0].facts),
            *_without_interval(rows),
            *short,
            *left_out,
        ),
        findings=tuple(_findings(kept)),
    )


def _passes(name: str, boards: Sequence[Leaderboard]) -> dict[int, float]:
    """pass^k of an agent, means over tasks, for each k that all of them have repeats for."""
    found = [
        of_task
        for board in boards
        for row in board.rows
        if row.agent == name and (of_task := successes(board, row)) is not None
    ]
    most = min((repeats for _, repeats in found), default=0)
    return {k: fmean(all_succeed(*each, k) for each in found) for k in ATTEMPTS if k <= most}


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


def _without_interval(rows: Sequence[OverallRow]) -> Iterator[str]:
    """Why agents have no interval, those with the same reason together."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        for reason in (row.sr.reason, row.cr.reason):
            if reason is not None:
                names[reason][row.agent] = None
    for reason, alike in names.items():
        yield f"no interval of {', '.join(alike)}: {reason}"


def shared_by_all(
    boards: Sequence[Leaderboard],
) -> tuple[list[str], list[Leaderboard], list[str]]:
    """Agents and tasks without a gap between them, and what had to be left out for that.

    As long as an agent lacks a task, the agent or task with the largest share of gaps goes; of
    equal ones the agent, but never the benchmark.
    """
    kept = list(boards)
    names = sorted({row.agent for board in kept for row in board.rows})
    scored = {id(board): {row.agent for row in board.rows if row.rank} for board in kept}
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


def _task(names: Sequence[str], board: Leaderboard) -> TaskRuns:
    """All runs of a task's agents, on its days or in its markets."""
    runs = {row.agent: row.runs for row in board.rows if row.agent in names}
    assert board.dates is not None  # otherwise there are none to compare, and too few are left out
    return TaskRuns(
        runs={name: runs[name] or () for name in names},
        dates=None if board.markets else board.dates,
        periods_a_year=board.facts.periods_a_year,
        cash_rate=board.facts.cash_rate,
    )


def _sentence(boards: Sequence[Leaderboard], rows: Sequence[OverallRow]) -> str:
    setting = boards[0].setting
    markets = "simulated markets" if setting.simulated else "real data"
    compared = boards[0].compared_with
    agents = [row for row in rows if row.agent != boards[0].benchmark]
    where = f"Over {len(boards)} tasks ({setting.protocol} protocol, {markets})"
    if not agents:
        title = compared.title if compared else rows[0].agent
        return f"{where}, {title} alone was scored on all: there is nothing to compare it with."
    best = agents[0]
    what = "mean Sharpe ratio" if len(agents) == 1 else "highest mean Sharpe ratio"
    parts = [
        f"{where}, {count(len(agents), 'agent')}: {best.agent} has "
        f"{'a' if len(agents) == 1 else 'the'} {what}, "
        f"{with_interval(best.sr, lambda ratio: number(ratio, 2))}."
    ]
    if compared:
        parts.append(_verdict([row for row in agents if row.beside], compared))
    return " ".join(part for part in parts if part)


def _verdict(rows: Sequence[OverallRow], benchmark: Benchmark) -> str:
    """Who differs from the benchmark by more than chance, or why nobody does."""
    if not rows:
        return f"Nothing was compared with {benchmark.title}, which is missing."
    tests = {row.agent: row.beside for row in rows if row.beside}
    tested = {agent: test for agent, test in tests.items() if test.adjusted_p is not None}
    if not tested:
        reasons = "; ".join(dict.fromkeys(test.difference.reason or "" for test in tests.values()))
        return f"No difference to {benchmark.title} could be tested ({reasons})."
    smallest = (
        f"the smallest adjusted {p_equals(min(t.adjusted_p or 0.0 for t in tested.values()))}"
    )
    clear = {agent: test for agent, test in tested.items() if (test.adjusted_p or 0.0) <= SIZE}
    if not clear:
        return f"Nobody differs from {benchmark.title} by more than chance ({smallest})."
    parts = [
        f"{listed(names)} {'is' if len(names) == 1 else 'are'} {how} than {benchmark.title}"
        for how, names in (
            ("better", [a for a, t in clear.items() if (t.difference.value or 0.0) > 0.0]),
            ("worse", [a for a, t in clear.items() if (t.difference.value or 0.0) <= 0.0]),
        )
        if names
    ]
    return f"{' and '.join(parts)} by more than chance ({smallest})."
