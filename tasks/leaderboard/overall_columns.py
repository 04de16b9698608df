"""The columns of a table over several tasks."""

from collections.abc import Callable
from typing import Any

from investorbench.tasks.leaderboard.benchmarks import Benchmark
from investorbench.tasks.leaderboard.columns import (
    CLEAR,
    ESTIMATE,
    FILE,
    INTERVAL,
    NOTHING_AGAINST,
    TWIN,
    Cell,
    Column,
    Format,
    OverallLine,
    adjusted,
    estimated,
    p_of,
)
from investorbench.tasks.leaderboard.passes import ATTEMPTS
from investorbench.tasks.statistics import Tested
from investorbench.tasks.wording import (
    COUNT,
    P_VALUE,
    PERCENT,
    PROBABILITY,
    RATIO,
    TEXT,
    TRUTH,
    Table,
    Unit,
)

OverallColumn = Column[OverallLine]


def overall_columns(table: Table, benchmark: Benchmark | None = None) -> list[OverallColumn]:
    """The columns of a table over several tasks."""
    every = (*SETTING, *_scores(benchmark))
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
    _in_file("rank_best", COUNT, lambda line: line.row.rank[0]),
    _in_file("rank_worst", COUNT, lambda line: line.row.rank[1]),
)


def _scores(benchmark: Benchmark | None) -> tuple[OverallColumn, ...]:
    title, short = (
        (benchmark.title, benchmark.short) if benchmark else ("the benchmark", "benchmark")
    )
    return (
        Column(
            key="CR",
            head="CR %",
            doc="mean of the cumulative returns",
            unit=PERCENT,
            parts=INTERVAL,
            value=lambda line: estimated(line.row.cr),
            formats={
                "terminal": Format(1, 0),
                "paper": Format(1, 0),
                "page": Format(1, 1, head="Mean CR %"),
                **FILE,
            },
        ),
        Column(
            key="SR",
            head="SR",
            doc="mean of the Sharpe ratios a year",
            unit=RATIO,
            parts=INTERVAL,
            value=lambda line: estimated(line.row.sr),
            formats={
                "terminal": Format(2, 2),
                "paper": Format(2, 2),
                "page": Format(2, 2, head="Mean SR", drawn=True),
                **FILE,
            },
        ),
        Column(
            key="SR_less_benchmark",
            head=f"SR − {short}",
            doc=f"mean Sharpe ratio less that of {title}",
            unit=RATIO,
            parts=INTERVAL,
            value=lambda line: _beside(line, lambda pair: estimated(pair.difference)),
            formats={"terminal": Format(2, 2), "paper": Format(2, 2), "page": Format(2, 2), **FILE},
        ),
        Column(
            key="p_pairs_benchmark",
            doc=f"that the mean Sharpe ratio is that of {title}, as if there were no other pair",
            unit=P_VALUE,
            value=lambda line: _beside(line, lambda pair: p_of(pair.difference)),
            formats=FILE,
        ),
        Column(
            key="adjusted_p_pairs_benchmark",
            head="p",
            doc=f"that it is that of {title}, adjusted for all pairs (family pairs)",
            note=f"of no difference to {title}, adjusted for all pairs" if benchmark else "",
            unit=P_VALUE,
            direction=-1,
            mark=CLEAR,
            value=lambda line: _beside(line, adjusted),
            formats={"terminal": Format(), "paper": Format(), "page": Format(), **FILE},
        ),
        *map(_pass_column, ATTEMPTS),
    )


def _beside(line: OverallLine, cell: Callable[[Tested], Cell]) -> Cell:
    if line.row.beside is None:
        return TWIN if line.row.is_twin else NOTHING_AGAINST
    return cell(line.row.beside)


def _pass_column(attempts: int) -> OverallColumn:
    return Column(
        key=f"pass_{attempts}",
        head=f"pass^{attempts}",
        doc=f"probability that {attempts} repeats all have a Sharpe ratio above the benchmark's, "
        "mean over tasks",
        unit=PROBABILITY,
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
