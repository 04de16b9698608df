"""The columns of a leaderboard, in the order of all its tables."""

from collections.abc import Callable, Iterator
from functools import partial
from math import isfinite, sqrt
from typing import Any

from investorbench.tasks.leaderboard.answer_columns import ANSWERS
from investorbench.tasks.leaderboard.benchmarks import Benchmark
from investorbench.tasks.leaderboard.columns import (
    CLEAR,
    ESTIMATE,
    FILE,
    INTERVAL,
    NOTHING_AGAINST,
    BoardLine,
    Cell,
    Column,
    Format,
    Highlight,
    estimated,
    p_of,
)
from investorbench.tasks.leaderboard.ranks import SIZE
from investorbench.tasks.leaderboard.rows import Row
from investorbench.tasks.metrics import Metric, metrics
from investorbench.tasks.statistics import Estimate, Tested
from investorbench.tasks.wording import (
    COUNT,
    DAYS,
    P_VALUE,
    PERCENT,
    PROBABILITY,
    RATIO,
    TEXT,
    TRUTH,
    Table,
    Unit,
)

NOT_BEST = Highlight(lambda p: p < SIZE, "out", "not in the set")
BoardColumn = Column[BoardLine]


def board_columns(table: Table, benchmark: Benchmark | None = None) -> list[BoardColumn]:
    """The columns of a leaderboard that a table has.

    Args:
        table: which.
        benchmark: what heads call what agents are compared with.
    """
    every = (
        *SETTING,
        *_scores(benchmark),
        *map(_metric, metrics()),
        *SELECTION,
        *VARIANCE,
        *REPEATS,
        *ANSWERS,
        *BOOTSTRAP,
    )
    return [column for column in every if table in column.formats]


# The setting, and the agent's place in it.


def _in_file(key: str, unit: Unit, value: Callable[[BoardLine], Any]) -> BoardColumn:
    return Column(key=key, unit=unit, value=value, formats=FILE)


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
    _in_file(
        "knows", TEXT, lambda line: line.row.result.knows or None if line.row.result else None
    ),
    _in_file("run", TEXT, lambda line: (line.row.entry.run or None) if line.row.entry else None),
    _in_file("rank_best", COUNT, lambda line: line.row.rank[0]),
    _in_file("rank_worst", COUNT, lambda line: line.row.rank[1]),
)


# Returns, and what they are compared with.


def _scores(benchmark: Benchmark | None) -> tuple[BoardColumn, ...]:
    title = benchmark.title if benchmark else "the benchmark"
    return (
        Column(
            key="CR",
            head="CR %",
            doc="cumulative return",
            unit=PERCENT,
            parts=INTERVAL,
            value=lambda line: _shown(line.row.cr, line.row.statistics.cr),
            formats={
                "terminal": Format(1, 0),
                "paper": Format(1, 0),
                "page": Format(1, 1),
                **FILE,
            },
        ),
        Column(
            key="SR",
            head="SR",
            doc="Sharpe ratio a year",
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
        Column(
            key="SR_less_benchmark",
            doc=f"Sharpe ratio less that of {title}",
            unit=RATIO,
            parts=INTERVAL,
            value=lambda line: _against(line, lambda pair: estimated(pair.difference)),
            formats=FILE,
        ),
        Column(
            key="p_benchmark",
            doc=f"p-value of no difference to {title} (Ledoit and Wolf)",
            unit=P_VALUE,
            value=lambda line: _against(line, lambda pair: p_of(pair.difference)),
            formats=FILE,
        ),
        Column(
            key="p_benchmark_jobson_korkie",
            doc="the same for independent, normal returns",
            unit=P_VALUE,
            value=lambda line: _against(line, lambda pair: p_of(pair.jobson_korkie)),
            formats=FILE,
        ),
        Column(
            key="adjusted_p_benchmark",
            head="p",
            doc=f"that its Sharpe ratio is that of {title}: Ledoit–Wolf, adjusted for all agents",
            note=f"of no difference to {title}, adjusted" if benchmark else "",
            unit=P_VALUE,
            direction=-1,
            mark=CLEAR,
            value=lambda line: _against(
                line, lambda pair: Cell(pair.adjusted_p, reason=pair.difference.reason)
            ),
            formats={"terminal": Format(), "paper": Format(), "page": Format(), **FILE},
        ),
        Column(
            key="days_to_distinguish",
            doc=f"days until a test finds the difference to {title} with a power of 80 %",
            unit=DAYS,
            parts=ESTIMATE,
            value=lambda line: _against(line, lambda pair: estimated(pair.days)),
            formats=FILE,
        ),
        Column(
            key="random_percentile",
            head="Random %",
            doc="share of random policies with a lower Sharpe ratio",
            note="% of random policies below",
            unit=PERCENT,
            parts=ESTIMATE,
            value=lambda line: estimated(line.row.statistics.random_uniform),
            formats={
                "terminal": Format(head="rnd"),
                "paper": Format(head="rnd %"),
                "page": Format(),
                **FILE,
            },
        ),
        Column(
            key="PSR",
            head="PSR",
            doc="probability that the Sharpe ratio is above 0",
            unit=PROBABILITY,
            parts=ESTIMATE,
            value=lambda line: estimated(line.row.statistics.probabilistic),
            formats={"page": Format(), **FILE},
        ),
        Column(
            key="DSR",
            head="DSR",
            doc="the same against the luckiest of all trials without skill",
            note="deflated Sharpe ratio",
            unit=PROBABILITY,
            parts=ESTIMATE,
            value=lambda line: estimated(line.row.statistics.deflated),
            formats={"paper": Format(), "page": Format(), **FILE},
        ),
        Column(
            key="min_track_record_days",
            head="MinTRL",
            doc="days of such returns until a Sharpe ratio above 0 is certain at 5 %",
            unit=DAYS,
            parts=ESTIMATE,
            direction=-1,
            value=lambda line: estimated(line.row.statistics.track_record),
            formats={"page": Format(), **FILE},
        ),
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


# What is known of all agents together, of repeats and of answers.

SELECTION: tuple[BoardColumn, ...] = (
    Column(
        key="cost_share",
        head="Costs %",
        doc="commission and slippage as a share of the starting value",
        unit=PERCENT,
        direction=-1,
        value=lambda line: line.row.metrics["costs"] / line.board.facts.initial_cash,
        formats={"trading": Format(2)},
    ),
    Column(
        key="p_confidence_set",
        head="Best p",
        doc="model confidence set: the p-value that no other agent is better",
        unit=P_VALUE,
        parts=ESTIMATE,
        mark=NOT_BEST,
        value=lambda line: p_of(line.row.statistics.best),
        formats={"page": Format(), **FILE},
    ),
    _in_file("ruined", TRUTH, lambda line: line.row.is_ruined),
    _in_file("trials", COUNT, lambda line: line.board.comparison.luck.trials),
    Column(
        key="p_SPA",
        doc="p-value that no agent is better than the benchmark (Hansen 2005)",
        unit=P_VALUE,
        parts=ESTIMATE,
        value=lambda line: p_of(line.board.comparison.superior),
        formats=FILE,
    ),
)
VARIANCE: tuple[BoardColumn, ...] = (
    Column(
        key="variance_path",
        doc="variance of the Sharpe ratio a step over other days like these",
        unit=RATIO,
        parts=ESTIMATE,
        value=lambda line: Cell(
            line.row.statistics.variance.path, reason=line.row.statistics.variance.reason
        ),
        formats=FILE,
    ),
    Column(
        key="variance_repeat",
        doc="the same over repeats on the same days",
        unit=RATIO,
        parts=ESTIMATE,
        value=lambda line: Cell(
            line.row.statistics.variance.repeat, reason=line.row.statistics.variance.reason
        ),
        formats=FILE,
    ),
    Column(
        key="repeats",
        head="Repeats",
        unit=COUNT,
        value=lambda line: line.row.statistics.variance.repeats,
        formats={"variance": Format()},
    ),
    Column(
        key="deviation_path",
        head="From the path",
        doc="standard deviation of SR a year over other days like these",
        unit=RATIO,
        value=lambda line: _a_year(line, line.row.statistics.variance.path),
        formats={"variance": Format(2)},
    ),
    Column(
        key="deviation_repeat",
        head="From repeats",
        doc="standard deviation of SR a year over repeats on the same days",
        unit=RATIO,
        value=lambda line: _a_year(line, line.row.statistics.variance.repeat),
        formats={"variance": Format(2)},
    ),
    Column(
        key="error_of_mean",
        head="Of the mean",
        doc="standard error of the mean over the repeats",
        unit=RATIO,
        value=lambda line: _a_year(line, _squared(line.row.statistics.variance.error)),
        formats={"variance": Format(2)},
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


def _shown(value: float, estimate: Estimate) -> Cell:
    """A figure that is known in any case, with an interval where there is one."""
    return Cell(value, estimate.low, estimate.high, estimate.reason)


def _against(line: BoardLine, cell: Callable[[Tested], Cell]) -> Cell:
    pair = line.row.against
    return NOTHING_AGAINST if pair is None else cell(pair)


def _a_year(line: BoardLine, variance: float | None) -> Cell:
    """The root of a variance a step, scaled to a year."""
    if variance is None:
        return Cell(reason=line.row.statistics.variance.reason)
    return Cell(sqrt(max(variance, 0.0) * line.board.facts.periods_a_year))


def _squared(error: float | None) -> float | None:
    return None if error is None else error * error


def _text(number: int | None) -> str | None:
    """A number of any length."""
    return None if number is None else str(number)


def _failures(row: Row) -> Iterator[str]:
    for failure in row.entry.failures if row.entry else ():
        yield f"repeat {failure.repeat}: {failure.kind}: {failure.why}"
