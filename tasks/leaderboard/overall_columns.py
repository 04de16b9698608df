"""The columns of a table over several tasks."""

from collections.abc import Callable
from typing import Any

from investorbench.tasks.leaderboard.answer_columns import OF_ALL_TASKS
from investorbench.tasks.leaderboard.benchmarks import Benchmark
from investorbench.tasks.leaderboard.columns import (
    ESTIMATE,
    FILE,
    NOTHING_AGAINST,
    Cell,
    Column,
    Format,
    OverallLine,
)
from investorbench.tasks.leaderboard.knowledge import KNOWLEDGE_OF_ALL
from investorbench.tasks.leaderboard.passes import ATTEMPTS
from investorbench.tasks.leaderboard.score_columns import score_columns
from investorbench.tasks.wording import (
    COUNT,
    PERCENT,
    TEXT,
    TRUTH,
    Table,
    Unit,
)

OverallColumn = Column[OverallLine]


def overall_columns(table: Table, benchmark: Benchmark | None = None) -> list[OverallColumn]:
    """The columns of a table over several tasks."""
    every = (
        *SETTING,
        *score_columns(benchmark),
        *map(_pass_column, ATTEMPTS),
        *OF_ALL_TASKS,
        KNOWLEDGE_OF_ALL,
    )
    return [column for column in every if table in column.formats]


def _in_file(key: str, unit: Unit, value: Callable[[OverallLine], Any]) -> OverallColumn:
    return Column(key=key, unit=unit, value=value, formats=FILE)


SETTING: tuple[OverallColumn, ...] = (
    _in_file("scope", TEXT, lambda line: "overall"),
    _in_file("task", TEXT, lambda line: " ".join(s.name for s in line.table.settings)),
    _in_file("protocol", TEXT, lambda line: line.table.protocol),
    _in_file("simulated", TRUTH, lambda line: line.table.simulated),
    _in_file("findings", TEXT, lambda line: "; ".join(line.table.findings) or None),
    _in_file("options", TEXT, lambda line: line.table.options or None),
    _in_file("benchmark", TEXT, lambda line: line.table.benchmark),
    _in_file("tasks", COUNT, lambda line: len(line.table.settings)),
    _in_file("agent", TEXT, lambda line: line.row.agent),
    _in_file("rank_best", COUNT, lambda line: line.row.rank and line.row.rank[0]),
    _in_file("rank_worst", COUNT, lambda line: line.row.rank and line.row.rank[1]),
)


def _pass_column(attempts: int) -> OverallColumn:
    return Column(
        key=f"pass_{attempts}",
        head=f"pass^{attempts} %",
        doc=f"probability that {attempts} repeats all have a Sharpe ratio above the benchmark's, "
        "mean over tasks",
        unit=PERCENT,
        parts=ESTIMATE,
        value=lambda line: _passes(line, attempts),
        formats={"skill": Format(), **FILE},
    )


def _passes(line: OverallLine, attempts: int) -> Cell:
    passes = line.row.passes
    if not passes:
        return NOTHING_AGAINST
    if attempts not in passes:
        return Cell(reason=f"{attempts} repeats of every task are needed")
    return Cell(passes[attempts])
