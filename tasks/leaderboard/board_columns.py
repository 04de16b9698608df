"""The columns of a leaderboard, in the order of all its tables."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import isfinite
from typing import Any

from investorbench.tasks.behaviour import BEHAVIOUR
from investorbench.tasks.described import job_words
from investorbench.tasks.judging import is_of_perpetuals
from investorbench.tasks.leaderboard.answer_columns import ANSWERS
from investorbench.tasks.leaderboard.columns import (
    FILE,
    WORDS_OF_JOBS,
    BoardLine,
    Cell,
    Column,
    Format,
)
from investorbench.tasks.leaderboard.knowledge import KNOWLEDGE
from investorbench.tasks.leaderboard.passes import ATTEMPTS
from investorbench.tasks.leaderboard.rows import Leaderboard, Row
from investorbench.tasks.leaderboard.score_columns import median_columns, score_columns
from investorbench.tasks.leaderboard.skill_columns import CHANCE, SELECTION, VARIANCE
from investorbench.tasks.metrics import Metric, metrics
from investorbench.tasks.spread import SPREAD
from investorbench.tasks.wording import COUNT, PERCENT, TEXT, TRUTH, Table, Unit

BoardColumn = Column[BoardLine]
OF_EVERY_ACCOUNT = ("account_return", "account_drawdown")
"""Figures of behaviour that stand in every leaderboard already."""
CROWDED: tuple[str, ...] = ("time_in_market",)
"""What a terminal has no room for beside the figures of the median repeat."""


def board_columns(table: Table, board: Leaderboard | None = None) -> list[BoardColumn]:
    """The columns of a leaderboard that a table has.

    Args:
        table: which.
        board: whose; None for those that all have, without the name of a benchmark, and without
            what is known of several assets alone.
    """
    benchmark = None if board is None else board.compared_with
    with_median = board is not None and board.publishes_median
    every = (
        *SETTING,
        *score_columns(benchmark),
        *median_columns(with_median),
        *CHANCE,
        *map(_metric, metrics()),
        *map(_metric, _of_several(board)),
        *COSTS,
        *SELECTION,
        *VARIANCE,
        *REPEATS,
        *ANSWERS,
        KNOWLEDGE,
        *BOOTSTRAP,
    )
    without = CROWDED if with_median and table == "terminal" else ()
    if table == "skill" and board is not None:
        most = max(len(row.ratios) for row in board.rows)  # and more cannot all succeed
        without = tuple(f"pass_{k}" for k in ATTEMPTS if k > most)
    shown = [each for each in every if table in each.formats and each.key not in without]
    if board is None or board.apart_for is None or table == "file":
        return shown
    lines = [BoardLine(board, row) for row in board.rows]  # of which some columns say nothing
    return [each for each in shown if any(each.cell(line).value is not None for line in lines)]


def _of_several(board: Leaderboard | None) -> Sequence[Metric[Any]]:
    """The metrics that accounts of several assets have besides."""
    if board is not None and is_of_perpetuals(board.facts):
        rows = (row for group in BEHAVIOUR for row in group.rows)
        return [row for row in rows if row.key not in OF_EVERY_ACCOUNT]
    return SPREAD if board is not None and len(board.facts.symbols) > 1 else ()


# The setting, and the agent's place in it.


def _in_file(key: str, unit: Unit, value: Callable[[BoardLine], Any]) -> BoardColumn:
    return Column(key=key, unit=unit, value=value, formats=FILE)


def _of_settings(name: str, line: BoardLine) -> Any:
    """What the settings of an agent say of its model and memory."""
    return None if line.row.result is None else getattr(job_words(line.row.result.settings), name)


SETTING: tuple[BoardColumn, ...] = (
    _in_file("scope", TEXT, lambda line: "task"),
    _in_file("task", TEXT, lambda line: line.board.setting.task),
    _in_file("symbol", TEXT, lambda line: line.board.setting.symbol),
    _in_file("protocol", TEXT, lambda line: line.board.setting.protocol),
    _in_file("start", TEXT, lambda line: line.board.setting.start),
    _in_file("end", TEXT, lambda line: line.board.setting.end),
    _in_file("data_source", TEXT, lambda line: line.board.setting.data_source),
    _in_file("simulated", TRUTH, lambda line: line.board.setting.simulated),
    _in_file("findings", TEXT, lambda line: "; ".join(line.board.findings) or None),
    _in_file("options", TEXT, lambda line: line.board.setting.options or None),
    _in_file("market_sha256", TEXT, lambda line: line.board.setting.market),
    _in_file("markets", TEXT, lambda line: line.board.setting.markets or None),
    _in_file("seed", TEXT, lambda line: _text(line.board.setting.seed)),
    _in_file("benchmark", TEXT, lambda line: line.board.benchmark),
    _in_file("days", COUNT, lambda line: line.board.comparison.days),
    _in_file("tasks", COUNT, lambda line: 1),
    _in_file("agent", TEXT, lambda line: line.row.agent),
    *(_in_file(name, unit, partial(_of_settings, name)) for name, unit in WORDS_OF_JOBS.items()),
    _in_file(
        "code_sha256", TEXT, lambda line: line.row.result.code or None if line.row.result else None
    ),
    _in_file(
        "knows", TEXT, lambda line: line.row.result.knows or None if line.row.result else None
    ),
    _in_file("run", TEXT, lambda line: (line.row.entry.run or None) if line.row.entry else None),
    _in_file("job", TEXT, lambda line: (line.row.entry.job or None) if line.row.entry else None),
    _in_file("rank_best", COUNT, lambda line: line.row.rank and line.row.rank[0]),
    _in_file("rank_worst", COUNT, lambda line: line.row.rank and line.row.rank[1]),
)


def _metric(metric: Metric[Any]) -> BoardColumn:
    """The column of a metric."""
    is_whole = metric.unit is PERCENT
    return Column(
        key=metric.key,
        head=metric.head,
        doc=metric.doc,
        unit=metric.unit,
        direction=metric.direction,
        value=partial(_metric_cell, metric),
        formats={
            table: (
                Format(0 if is_whole else metric.digits, head=metric.short)
                if table == "terminal"
                else Format(metric.digits)
            )
            for table in metric.tables
        },
    )


def _metric_cell(metric: Metric[Any], line: BoardLine) -> Cell:
    value = line.row.metrics.get(metric.key)
    if value is None or not isfinite(value):
        return Cell(reason="not defined for this account")
    return Cell(value)


COSTS: tuple[BoardColumn, ...] = (
    Column(
        key="cost_share",
        head="Costs %",
        doc="commission and slippage as a share of the starting value",
        unit=PERCENT,
        direction=-1,
        value=lambda line: line.row.metrics["costs"] / line.board.facts.initial_cash,
        formats={"trading": Format(2)},
    ),
)
REPEATS: tuple[BoardColumn, ...] = (
    _in_file(
        "repeats_planned", COUNT, lambda line: line.row.entry.planned if line.row.entry else None
    ),
    _in_file(
        "repeats_finished",
        COUNT,
        lambda line: len(line.row.result.episodes) if line.row.result else None,
    ),
    _in_file("failures", TEXT, lambda line: "; ".join(_failures(line.row)) or None),
)
BOOTSTRAP: tuple[BoardColumn, ...] = (
    _in_file("block_days", COUNT, lambda line: line.board.comparison.bootstrap.block.days),
    _in_file("bootstrap_draws", COUNT, lambda line: line.board.comparison.bootstrap.draws),
)


def _text(number: int | None) -> str | None:
    """A number of any length."""
    return None if number is None else str(number)


def _failures(row: Row) -> Iterator[str]:
    for failure in row.entry.failures if row.entry else ():
        yield f"repeat {failure.repeat}: {failure.kind}: {failure.why}"
