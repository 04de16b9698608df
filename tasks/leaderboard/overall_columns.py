"""The columns of a table over several tasks."""

from collections.abc import Callable
from typing import Any

from investorbench.tasks.leaderboard.benchmarks import Benchmark
from investorbench.tasks.leaderboard.columns import (
    CLEAR,
    FILE,
    INTERVAL,
    NOTHING_AGAINST,
    Cell,
    Column,
    Format,
    OverallLine,
    estimated,
    p_of,
)
from investorbench.tasks.wording import COUNT, P_VALUE, PERCENT, RATIO, TEXT, TRUTH, Table, Unit

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
            value=lambda line: estimated(line.row.against) if line.row.against else NOTHING_AGAINST,
            formats={"terminal": Format(2, 2), "paper": Format(2, 2), "page": Format(2, 2), **FILE},
        ),
        Column(
            key="p_benchmark",
            doc=f"p-value of no difference to {title}",
            unit=P_VALUE,
            value=lambda line: p_of(line.row.against) if line.row.against else NOTHING_AGAINST,
            formats=FILE,
        ),
        Column(
            key="adjusted_p_benchmark",
            head="p",
            doc=f"that there is no difference to {title}, adjusted for all agents",
            note=f"of no difference to {title}, adjusted" if benchmark else "",
            unit=P_VALUE,
            direction=-1,
            mark=CLEAR,
            value=lambda line: (
                Cell(line.row.adjusted_p, reason=line.row.against.reason)
                if line.row.against
                else NOTHING_AGAINST
            ),
            formats={"terminal": Format(), "paper": Format(), "page": Format(), **FILE},
        ),
    )
