"""The columns of a leaderboard that say how much of a figure may be chance."""

from math import sqrt

from investorbench.tasks.leaderboard.columns import (
    ESTIMATE,
    FILE,
    BoardLine,
    Cell,
    Column,
    Format,
    Highlight,
    estimated,
    p_of,
)
from investorbench.tasks.leaderboard.passes import ATTEMPTS, successes
from investorbench.tasks.statistics.overfitting import all_succeed
from investorbench.tasks.statistics.rank_sets import SIZE
from investorbench.tasks.wording import (
    COUNT,
    DAYS,
    P_VALUE,
    PERCENT,
    PROBABILITY,
    RATIO,
    TEXT,
    TRUTH,
)

NOT_BEST = Highlight(lambda p: p < SIZE, "out", "not in the set")


def _passes(line: BoardLine, attempts: int) -> Cell:
    found = successes(line.board, line.row)
    if found is None:
        return Cell(reason="it is the benchmark, or is compared with none")
    if found[1] < attempts:
        return Cell(reason=f"{found[1]} repeats, {attempts} are needed")
    return Cell(all_succeed(*found, attempts))


def _pass_column(attempts: int) -> Column[BoardLine]:
    return Column(
        key=f"pass_{attempts}",
        head=f"pass^{attempts} %",
        doc=f"probability that {attempts} repeats all have a Sharpe ratio above the benchmark's"
        if attempts > 1
        else "share of repeats with a Sharpe ratio above the benchmark's",
        unit=PERCENT,
        parts=ESTIMATE,
        value=lambda line: _passes(line, attempts),
        formats={"skill": Format(), **FILE},
    )


CHANCE: tuple[Column[BoardLine], ...] = (
    Column(
        key="random_percentile",
        head="Random %",
        doc="share of random policies of its own exposure and turnover with a lower Sharpe ratio",
        note="% of random policies of its exposure and turnover below",
        unit=PERCENT,
        parts=ESTIMATE,
        value=lambda line: estimated(line.row.statistics.random),
        formats={
            "terminal": Format(head="rnd"),
            "paper": Format(head="rnd %"),
            "page": Format(),
            "skill": Format(),
            **FILE,
        },
    ),
    Column(
        key="random_uniform_percentile",
        head="Uniform %",
        doc="the same of random policies that draw each action uniformly",
        unit=PERCENT,
        parts=ESTIMATE,
        value=lambda line: estimated(line.row.statistics.random_uniform),
        formats={"skill": Format(), **FILE},
    ),
    Column(
        key="PSR",
        head="PSR",
        doc="probability that the Sharpe ratio is above 0",
        unit=PROBABILITY,
        parts=ESTIMATE,
        value=lambda line: estimated(line.row.statistics.probabilistic),
        formats={"skill": Format(), **FILE},
    ),
    Column(
        key="DSR",
        head="DSR",
        doc="probability that alpha is above what the luckiest of all trials without skill reaches",
        note="probability of an alpha above that of the luckiest of all trials without skill",
        unit=PROBABILITY,
        parts=ESTIMATE,
        value=lambda line: estimated(line.row.statistics.deflated),
        formats={"paper": Format(), "page": Format(), "skill": Format(), **FILE},
    ),
    Column(
        key="min_track_record_days",
        head="MinTRL",
        doc="days of such returns until a Sharpe ratio above 0 is certain at 5 %",
        unit=DAYS,
        parts=ESTIMATE,
        direction=-1,
        value=lambda line: estimated(line.row.statistics.track_record),
        formats={"skill": Format(), **FILE},
    ),
)
SELECTION: tuple[Column[BoardLine], ...] = (
    Column(
        key="p_confidence_set",
        head="Best p",
        doc="model confidence set: the p-value that no other agent is better",
        unit=P_VALUE,
        parts=ESTIMATE,
        mark=NOT_BEST,
        value=lambda line: p_of(line.row.statistics.best),
        formats={"skill": Format(), **FILE},
    ),
    *map(_pass_column, ATTEMPTS),
    Column(
        key="twin",
        doc="whether it returned what the benchmark did",
        unit=TRUTH,
        value=lambda line: line.row.statistics.is_twin,
        formats=FILE,
    ),
    Column(
        key="ruined",
        doc="whether an account of it was ruined",
        unit=TRUTH,
        value=lambda line: line.row.is_ruined,
        formats=FILE,
    ),
    Column(
        key="trials",
        doc="agents that luck is counted over, without the benchmark and its twins",
        unit=COUNT,
        value=lambda line: line.board.comparison.luck.trials,
        formats=FILE,
    ),
    Column(
        key="luckiest_t",
        doc="t-statistic of alpha to expect of the luckiest of so many without skill",
        unit=RATIO,
        parts=ESTIMATE,
        value=lambda line: Cell(
            line.board.comparison.luck.expected_t, reason=line.board.comparison.luck.reason
        ),
        formats=FILE,
    ),
    Column(
        key="luckiest_t_95",
        doc="what it exceeds in 5 % of the cases",
        unit=RATIO,
        value=lambda line: line.board.comparison.luck.t_95,
        formats=FILE,
    ),
    Column(
        key="p_SPA",
        doc="p-value that no agent is better than the benchmark (Hansen 2005)",
        unit=P_VALUE,
        parts=ESTIMATE,
        value=lambda line: p_of(line.board.comparison.superior),
        formats=FILE,
    ),
    Column(
        key="smallest_p",
        doc="the smallest p-value that so many draws can give",
        unit=P_VALUE,
        value=lambda line: line.board.comparison.smallest_p,
        formats=FILE,
    ),
)


def _split(line: BoardLine, figure: float | None) -> Cell:
    return Cell(figure, reason=line.row.statistics.variance.reason)


def _deviation(line: BoardLine, variance: float | None) -> Cell:
    return _split(line, None if variance is None else sqrt(variance))


VARIANCE: tuple[Column[BoardLine], ...] = (
    Column(
        key="variance_path",
        doc="variance of the Sharpe ratio a year over other days like these",
        unit=RATIO,
        parts=ESTIMATE,
        value=lambda line: _split(line, line.row.statistics.variance.path),
        formats=FILE,
    ),
    Column(
        key="variance_repeat",
        doc="the same over repeats on the same days",
        unit=RATIO,
        parts=ESTIMATE,
        value=lambda line: _split(line, line.row.statistics.variance.repeat),
        formats=FILE,
    ),
    Column(
        key="repeats",
        head="Repeats",
        doc="or markets, that figures are means of",
        unit=COUNT,
        value=lambda line: line.row.statistics.repeats,
        formats={"variance": Format(), **FILE},
    ),
    Column(
        key="idle_repeats",
        head="Idle",
        doc="repeats that never invested, which count as a Sharpe ratio of 0",
        unit=COUNT,
        direction=-1,
        value=lambda line: line.row.statistics.idle_repeats,
        formats={"variance": Format(), **FILE},
    ),
    Column(
        key="speaks_of",
        doc="whether intervals and tests are about the agent, or about this run of it",
        unit=TEXT,
        value=lambda line: line.row.statistics.scope,
        formats=FILE,
    ),
    Column(
        key="deviation_path",
        head="From the path",
        doc="standard deviation of SR a year over other days like these",
        unit=RATIO,
        value=lambda line: _deviation(line, line.row.statistics.variance.path),
        formats={"variance": Format(2)},
    ),
    Column(
        key="deviation_repeat",
        head="From repeats",
        doc="standard deviation of SR a year over repeats on the same days",
        unit=RATIO,
        value=lambda line: _deviation(line, line.row.statistics.variance.repeat),
        formats={"variance": Format(2)},
    ),
    Column(
        key="error_of_mean",
        head="Of the mean",
        doc="standard error of the mean over the repeats",
        unit=RATIO,
        value=lambda line: _split(line, line.row.statistics.variance.error),
        formats={"variance": Format(2)},
    ),
)
