"""What tables for readers have in common: columns, what each cell says, and what stands below.

Text is plain here; ``latex`` and ``markdown`` escape it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from investorbench.tasks.leaderboard import Leaderboard, Overall, OverallRow, Row
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import NONE, count, listed, number, p_value, rank


class Sheet(NamedTuple):
    """A table to be written down.

    Attributes:
        title: what it is of.
        caption: protocol, market, window, data source and how intervals are made.
        columns: their heads; the first two are rank and agent.
        rows: cells of each agent.
        best: which row is told apart from all others by being better, if any.
        sentence: what a reader may quote.
        notes: what else there is to say, a line each.
    """

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: int | None
    sentence: str
    notes: tuple[str, ...]


COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("CR %", lambda row: number(row.cr * 100.0, 1)),
    ("95 %", lambda row: _interval(row.statistics.cr, 0, 100.0)),
    ("SR", lambda row: number(row.sr, 2)),
    ("95 %", lambda row: _interval(row.statistics.sr, 1)),
    ("p", lambda row: p_value(row.against.adjusted_p if row.against else None)),
    ("DSR", lambda row: _figure(row.statistics.deflated, 2)),
    ("rnd %", lambda row: _figure(row.statistics.random, 0, 100.0)),
    ("MDD %", lambda row: number(row.entry.result.metrics["MDD"] * 100.0, 1)),
)
OVERALL_COLUMNS: tuple[tuple[str, Callable[[OverallRow], str]], ...] = (
    ("CR %", lambda row: _figure(row.cr, 1, 100.0)),
    ("95 %", lambda row: _interval(row.cr, 0, 100.0)),
    ("SR", lambda row: _figure(row.sr, 2)),
    ("95 %", lambda row: _interval(row.sr, 2)),
    ("SR − B&H", lambda row: _figure(row.against or Estimate(), 2)),
    ("95 %", lambda row: _interval(row.against or Estimate(), 2)),
    ("p", lambda row: p_value(row.adjusted_p)),
)
HEADS = "p: of no difference to Buy & Hold, after control of the false-discovery rate"


def sheets(boards: Sequence[Leaderboard], overalls: Sequence[Overall]) -> Iterator[Sheet]:
    """Those over all tasks first."""
    yield from map(_of_overall, overalls)
    yield from map(_of_board, boards)


def _of_board(board: Leaderboard) -> Sheet:
    setting = board.setting
    market = "SIMULATED MARKET" if setting.simulated else "real data"
    options = f" Options: {setting.options}." if setting.options else ""
    span = count(board.comparison.days, "day")
    caption = (
        f"{setting.name}, {setting.protocol} protocol, {market}, {span} "
        f"from {setting.start} to {setting.end}.{options} Data: {setting.data_source}. "
        f"{_intervals(board)}{HEADS}; rnd: random policies below; DSR: deflated Sharpe ratio, "
        f"trials counted: {board.comparison.trials}."
    )
    return Sheet(
        title=f"{'SIMULATED: ' if setting.simulated else ''}{setting.name}, {setting.protocol}",
        caption=caption,
        columns=("rank", "agent", *(name for name, _ in COLUMNS)),
        rows=tuple(
            (rank(row.rank), row.agent + " †" * row.is_ruined, *(text(row) for _, text in COLUMNS))
            for row in board.rows
        ),
        best=_best([row.rank for row in board.rows]),
        sentence=board.sentence,
        notes=(*board.notes, *_reasons(board)),
    )


def _intervals(board: Leaderboard) -> str:
    if all(row.statistics.sr.low is None for row in board.rows):
        return ""
    bootstrap = board.comparison.bootstrap
    return (
        f"Intervals of 95 % by a stationary bootstrap, {number(bootstrap.draws)} draws, mean block "
        f"length {count(bootstrap.block.days, 'day')}. "
    )


def _of_overall(found: Overall) -> Sheet:
    names = ", ".join(setting.name for setting in found.settings)
    market = "SIMULATED MARKETS" if found.simulated else "real data"
    options = f" Options: {found.options}." if found.options else ""
    return Sheet(
        title=f"{'SIMULATED: ' if found.simulated else ''}mean over {len(found.settings)} tasks, "
        f"{found.protocol}",
        caption=f"Means over {names}; {found.protocol} protocol, {market}.{options} {HEADS}.",
        columns=("rank", "agent", *(name for name, _ in OVERALL_COLUMNS)),
        rows=tuple(
            (rank(row.rank), row.agent, *(text(row) for _, text in OVERALL_COLUMNS))
            for row in found.rows
        ),
        best=_best([row.rank for row in found.rows]),
        sentence=found.sentence,
        notes=found.notes,
    )


def _best(ranks: Sequence[tuple[int, int]]) -> int | None:
    return ranks.index((1, 1)) if (1, 1) in ranks and len(ranks) > 1 else None


def _reasons(board: Leaderboard) -> Iterator[str]:
    """Why cells are empty, agents with the same reason together."""
    agents: dict[str, dict[str, None]] = defaultdict(dict)
    for row in board.rows:
        told = row.statistics
        against = [row.against.ledoit_wolf] if row.against else []
        for cell in (told.cr, told.sr, told.deflated, told.random, *against):
            if cell.reason is not None:
                agents[cell.reason][row.agent] = None
    for reason, names in agents.items():
        yield f"{NONE} of {listed(list(names))}: {reason}"


def _interval(cell: Estimate, digits: int, factor: float = 1.0) -> str:
    if cell.low is None or cell.high is None:
        return NONE
    return f"{number(cell.low * factor, digits)} to {number(cell.high * factor, digits)}"


def _figure(cell: Estimate, digits: int, factor: float = 1.0) -> str:
    return NONE if cell.value is None else number(cell.value * factor, digits)
