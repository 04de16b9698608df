"""The columns of a leaderboard that say what an agent returned, and what of it is its own.

Two families of tests have p-values here. In ``alpha`` an agent's alpha over the benchmark is 0; in
``pairs`` the Sharpe ratios of two are equal. Each p-value and interval names its own.
"""

from math import isfinite
from typing import Any

from investorbench.tasks.leaderboard.benchmarks import Benchmark
from investorbench.tasks.leaderboard.columns import (
    CLEAR,
    ESTIMATE,
    FILE,
    INTERVAL,
    BoardLine,
    Cell,
    Column,
    Format,
    adjusted,
    estimated,
    p_of,
    tested,
)
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import DAYS, P_VALUE, PERCENT, RATIO, Table

ScoreColumns = tuple[Column[Any], ...]


def score_columns(benchmark: Benchmark | None) -> ScoreColumns:
    """Returns, and what they are compared with: of a row on one task, or over several.

    Args:
        benchmark: what heads call what agents are compared with.
    """
    title, short = (
        (benchmark.title, benchmark.short) if benchmark else ("the benchmark", "benchmark")
    )
    return (*_returns(), *_alpha(title), *_beside(title, short))


def median_columns(is_shown: bool) -> tuple[Column[BoardLine], ...]:
    """What a paper's tables have: the repeat with the median Sharpe ratio.

    Args:
        is_shown: whether tables for readers have them; files always do.
    """
    tables: list[Table] = ["terminal", "paper", "page"] if is_shown else []
    returns: dict[Table, Format] = {table: Format(1) for table in tables}
    ratios: dict[Table, Format] = {table: Format(2) for table in tables}
    absent = Cell(reason="published figures are those of the protocol paper")

    def of(line: BoardLine, name: str) -> Cell:
        return Cell(line.row.median[name]) if line.board.publishes_median else absent

    return (
        Column(
            key="CR_median",
            head="CR_m",
            doc="cumulative return of the repeat with the median Sharpe ratio",
            note="of the median repeat, as published",
            unit=PERCENT,
            parts=ESTIMATE,
            value=lambda line: of(line, "CR"),
            formats={**returns, **FILE},
        ),
        Column(
            key="SR_median",
            head="SR_m",
            doc="Sharpe ratio a year of the median repeat",
            unit=RATIO,
            parts=ESTIMATE,
            value=lambda line: of(line, "SR"),
            formats={**ratios, **FILE},
        ),
    )


def _shown(value: float, estimate: Estimate) -> Cell:
    """A figure with an interval where there is one; a few days have no ratio."""
    if not isfinite(value):
        return Cell(reason=estimate.reason)
    return Cell(value, estimate.low, estimate.high, estimate.reason)


def _returns() -> ScoreColumns:
    return (
        Column(
            key="CR",
            head="CR %",
            doc="cumulative return, mean over repeats and tasks",
            unit=PERCENT,
            parts=INTERVAL,
            value=lambda line: _shown(line.row.cr, line.row.statistics.cr),
            formats={"terminal": Format(1), "paper": Format(1), "page": Format(1, 1), **FILE},
        ),
        Column(
            key="SR",
            head="SR",
            doc="Sharpe ratio a year, mean over repeats and tasks",
            unit=RATIO,
            parts=INTERVAL,
            value=lambda line: _shown(line.row.sr, line.row.statistics.sr),
            formats={
                "terminal": Format(2, 1),
                "paper": Format(2, 1),
                "page": Format(2, 2, drawn=True),
                **FILE,
            },
        ),
    )


def _alpha(title: str) -> ScoreColumns:
    return (
        Column(
            key="alpha",
            head="alpha %",
            doc=f"return a year beyond beta times that of {title}; the intervals of all agents "
            "hold together at 95 %",
            note=f"a year, beyond beta × {title}, with joint intervals",
            unit=PERCENT,
            parts=INTERVAL,
            value=lambda line: estimated(line.row.statistics.alpha),
            formats={
                "terminal": Format(0, 0),
                "paper": Format(0, 0),
                "page": Format(1, 1),
                "benchmark": Format(1, 1),
                **FILE,
            },
        ),
        Column(
            key="p_alpha",
            doc="that alpha is 0, as if there were no other agent",
            unit=P_VALUE,
            direction=-1,
            value=lambda line: p_of(line.row.statistics.alpha),
            formats=FILE,
        ),
        Column(
            key="adjusted_p_alpha",
            head="p",
            doc="that alpha is 0, adjusted for all agents (family alpha)",
            note="that alpha is 0, adjusted for all agents (family alpha)",
            unit=P_VALUE,
            direction=-1,
            mark=CLEAR,
            value=lambda line: tested(line, line.row.against, adjusted),
            formats={
                "terminal": Format(),
                "paper": Format(),
                "page": Format(head="p of alpha"),
                "benchmark": Format(head="p of alpha"),
                **FILE,
            },
        ),
        Column(
            key="days_to_distinguish_alpha",
            doc="until this alpha is found with a power of 80 %",
            unit=DAYS,
            parts=INTERVAL,
            direction=-1,
            value=lambda line: tested(line, line.row.against, lambda pair: estimated(pair.days)),
            formats=FILE,
        ),
    )


def _beside(title: str, short: str) -> ScoreColumns:
    return (
        Column(
            key="beta",
            head="beta",
            doc=f"slope on the returns of {title}",
            unit=RATIO,
            parts=INTERVAL,
            direction=0,
            value=lambda line: estimated(line.row.statistics.beta),
            formats={"benchmark": Format(2, 2), **FILE},
        ),
        Column(
            key="appraisal",
            head="Appraisal",
            doc="alpha over the deviation of what beta leaves, a year",
            unit=RATIO,
            parts=INTERVAL,
            value=lambda line: estimated(line.row.statistics.appraisal),
            formats={"benchmark": Format(2, 2), **FILE},
        ),
        Column(
            key="correlation",
            head="Corr.",
            doc=f"correlation with the returns of {title}",
            unit=RATIO,
            parts=INTERVAL,
            direction=0,
            value=lambda line: estimated(line.row.statistics.correlation),
            formats={"benchmark": Format(2, 2), **FILE},
        ),
        Column(
            key="excess",
            head="Excess %",
            doc=f"mean return a year less that of {title}; without a test, since it pays for "
            "holding less in a falling market",
            unit=PERCENT,
            parts=INTERVAL,
            value=lambda line: estimated(line.row.statistics.excess),
            formats={"benchmark": Format(1, 1), **FILE},
        ),
        Column(
            key="information_ratio",
            head="IR",
            doc="information ratio: excess over its own deviation, a year; without a test",
            unit=RATIO,
            parts=INTERVAL,
            value=lambda line: estimated(line.row.statistics.information_ratio),
            formats={"benchmark": Format(2, 2), **FILE},
        ),
        Column(
            key="SR_less_benchmark",
            head=f"SR − {short}",
            doc=f"Sharpe ratio less that of {title}; the intervals of all pairs hold together",
            unit=RATIO,
            parts=INTERVAL,
            value=lambda line: tested(
                line, line.row.beside, lambda pair: estimated(pair.difference)
            ),
            formats={"benchmark": Format(2, 2), **FILE},
        ),
        Column(
            key="p_pairs_benchmark",
            doc=f"that the Sharpe ratio is that of {title}, as if there were no other pair",
            unit=P_VALUE,
            value=lambda line: tested(line, line.row.beside, lambda pair: p_of(pair.difference)),
            formats=FILE,
        ),
        Column(
            key="adjusted_p_pairs_benchmark",
            head="p of SR",
            doc=f"that the Sharpe ratio is that of {title}, adjusted for all pairs (family pairs)",
            unit=P_VALUE,
            direction=-1,
            mark=CLEAR,
            value=lambda line: tested(line, line.row.beside, adjusted),
            formats={"benchmark": Format(), **FILE},
        ),
        Column(
            key="p_jobson_korkie_benchmark",
            doc="p-value of the same for independent, normal returns; of two with one repeat each",
            unit=P_VALUE,
            value=lambda line: tested(line, line.row.beside, lambda pair: p_of(pair.jobson_korkie)),
            formats=FILE,
        ),
        Column(
            key="days_to_distinguish_benchmark",
            doc=f"days until the difference to the Sharpe ratio of {title} is found",
            unit=DAYS,
            parts=INTERVAL,
            value=lambda line: tested(line, line.row.beside, lambda pair: estimated(pair.days)),
            formats=FILE,
        ),
    )
