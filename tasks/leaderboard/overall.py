"""Agents over all tasks of a protocol."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean

from investorbench.tasks.days import period_name
from investorbench.tasks.judging import is_of_perpetuals
from investorbench.tasks.leaderboard.boards import pair_of
from investorbench.tasks.leaderboard.entries import trials_among
from investorbench.tasks.leaderboard.marks import marked_in_all, signs_of_all
from investorbench.tasks.leaderboard.notes import RANKS, drawn_by
from investorbench.tasks.leaderboard.overall_rows import Overall, OverallRow
from investorbench.tasks.leaderboard.passes import ATTEMPTS, successes
from investorbench.tasks.leaderboard.rows import Leaderboard
from investorbench.tasks.leaderboard.sentences import verdicts
from investorbench.tasks.statistics import FEWEST_DAYS, Comparison, TaskRuns, over_tasks
from investorbench.tasks.statistics.estimate import DRAWS
from investorbench.tasks.statistics.overfitting import all_succeed
from investorbench.tasks.wording import count, listed
from investorbench_env.registration import NAMESPACE

FEWEST_TASKS = 2
MOST_NAMED = 4
"""Tasks with the same finding; more are counted."""


def overall(boards: Sequence[Leaderboard], *, draws: int = DRAWS) -> list[Overall]:
    """Agents over all tasks: one table a protocol, options and benchmark, real and simulated apart.

    A table needs two tasks that all its agents were scored on.

    Args:
        boards: those of single settings.
        draws: of the bootstrap; more where one pair of many takes more to be distinguishable.
    """
    alike: dict[tuple[object, ...], list[Leaderboard]] = defaultdict(list)
    for board in boards:
        if is_of_perpetuals(board.facts):
            continue  # of which whole markets are compared, or nothing is
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
    convention = kept[0].facts.convention
    tasks = [_task(names, board) for board in kept]
    entries = {row.agent: row.entry for row in kept[0].rows if row.entry and row.agent in names}
    trials = trials_among(entries)
    comparison = over_tasks(tasks, benchmark, convention, trials=trials, draws=draws)
    rows = [_row(name, kept, comparison, benchmark) for name in names]
    rows.sort(key=lambda row: (-row.sr, row.agent))
    first = kept[0].setting
    every = [row for board in kept for row in board.rows if row.agent in names]
    return Overall(
        protocol=first.protocol,
        simulated=first.simulated,
        options=first.options,
        settings=tuple(board.setting for board in kept),
        benchmark=benchmark,
        compared_with=kept[0].compared_with,
        comparison=comparison,
        rows=tuple(rows),
        sentence=_sentence(kept, rows, comparison, benchmark),
        notes=(
            *([f"markets: {first.markets}"] if first.markets else []),
            f"95 % intervals and tests: {drawn_by(comparison, kept[0].facts)}, the same for all "
            "agents and tasks",
            *([RANKS] if any(pair.adjusted_p is not None for pair in comparison.pairs) else []),
            *marked_in_all(every, kept[0].facts),
            *_without_interval(rows),
            *short,
            *left_out,
        ),
        findings=tuple(_findings(kept)),
    )


def _row(
    name: str, boards: Sequence[Leaderboard], comparison: Comparison, benchmark: str | None
) -> OverallRow:
    of_tasks = [row for board in boards for row in board.rows if row.agent == name]
    return OverallRow(
        agent=name,
        sr=fmean(row.sr for row in of_tasks),
        cr=fmean(row.cr for row in of_tasks),
        statistics=comparison.agents[name],
        against=comparison.against.get(name),
        beside=pair_of(comparison, name, benchmark),
        passes=_passes(name, boards),
        rank=comparison.rank_sets.get(name),
        knows=any(row.knows for row in of_tasks),
        is_baseline=all(row.is_baseline for row in of_tasks),
        signs=signs_of_all(of_tasks),
        entries=tuple(row.entry for row in of_tasks if row.entry is not None),
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
        for reason in (row.statistics.sr.reason, row.statistics.cr.reason):
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
    """What the agents returned on a task."""
    runs = {row.agent: row.runs for row in board.rows}
    return TaskRuns(
        runs={name: own for name in names if (own := runs[name]) is not None},
        dates=None if len(board.markets) > 1 else board.dates,
        periods_a_year=board.facts.periods_a_year,
        cash_rate=board.facts.cash_rate,
    )


def _sentence(
    boards: Sequence[Leaderboard],
    rows: Sequence[OverallRow],
    comparison: Comparison,
    benchmark: str | None,
) -> str:
    setting, compared = boards[0].setting, boards[0].compared_with
    markets = "simulated markets" if setting.simulated else "real data"
    agents = [row for row in rows if row.agent != benchmark]
    where = f"Over {len(boards)} tasks ({setting.protocol} protocol, {markets})"
    if not agents:
        title = compared.title if compared else rows[0].agent
        return f"{where}, {title} alone was scored on all: there is nothing to compare it with."
    parts = [f"{where}, the means of {count(len(agents), 'agent')} were compared."]
    parts += verdicts(agents, comparison, compared, benchmark, boards[0].facts)
    return " ".join(part for part in parts if part)
