"""The columns of a table of snapshots."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from investorbench.tasks.described import job_words
from investorbench.tasks.leaderboard.answer_columns import UNCOUNTED
from investorbench.tasks.leaderboard.columns import (
    ESTIMATE,
    FILE,
    INTERVAL,
    WORDS_OF_JOBS,
    Cell,
    Column,
    Format,
    estimated,
)
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard, SnapshotRow
from investorbench.tasks.snapshots.figures import SnapshotFigures
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import COUNT, RATIO, TEXT, TRUTH, USD, Table, Unit


class SnapshotLine(NamedTuple):
    """A row with the table it stands in."""

    board: SnapshotBoard
    row: SnapshotRow


SnapshotColumn = Column[SnapshotLine]
LINEAR, REALISED = "linear", "realised"
OF_SETTINGS: dict[str, Unit] = {
    "protocol": TEXT, "start": TEXT, "end": TEXT, "data_source": TEXT, "simulated": TRUTH,
}  # fmt: skip
"""What files say of all rows of a table alike."""


def snapshot_columns(table: Table, board: SnapshotBoard) -> list[SnapshotColumn]:
    """The columns of a table: for readers those of which some agent has a figure."""
    found = [column for column in COLUMNS if table in column.formats]
    if table == "file":
        return found
    if not board.facts.simulated:  # where nothing stands beside it
        found = [_with_interval(each) if each.key == REALISED else each for each in found]
    by_weight = board.facts.action == "weight"
    lines = [SnapshotLine(board, row) for row in board.rows]
    return [
        column
        for column in found
        if any(column.cell(line).value is not None for line in lines)
        and (by_weight or column.key != LINEAR)  # which is the edge where there is no risk to pay
    ]


def _with_interval(column: SnapshotColumn) -> SnapshotColumn:
    """The same with its interval everywhere."""
    return replace(column, formats={**column.formats, "terminal": column.formats["paper"]})


def _figure(
    key: str,
    head: str,
    doc: str,
    figure: Callable[[SnapshotFigures], Estimate],
    *,
    digits: int = 1,
    ends: int | None = None,
    room: bool = True,
) -> SnapshotColumn:
    """A figure; without room in a terminal it has its interval elsewhere alone."""
    shown = Format(digits, ends)
    return Column(
        key=key,
        head=head,
        doc=doc,
        unit=RATIO,
        parts=INTERVAL,
        value=lambda line: estimated(figure(line.row.figures)),
        formats={
            "terminal": shown if room else Format(digits),
            "paper": shown,
            "page": shown,
            **FILE,
        },
    )


def _estimate(
    key: str, head: str, doc: str, digits: int, of: Callable[[SnapshotRow], Estimate]
) -> SnapshotColumn:
    shown = Format(digits)
    return Column(
        key=key,
        head=head,
        doc=doc,
        unit=RATIO,
        parts=ESTIMATE,
        direction=-1,
        value=lambda line: estimated(of(line.row)),
        formats={"terminal": shown, "paper": shown, "page": shown, **FILE},
    )


def _of_forecasts() -> Iterator[SnapshotColumn]:
    """What else is known of forecasts; docs/forecasts.md has the scores."""
    yield Column(
        key="forecasts", unit=COUNT, value=lambda line: line.row.forecasts.given, formats=FILE
    )
    for score in ("brier", "log", "crps", "information"):
        for kind in ("realised", "expected", "excess"):
            if (score, kind) != ("information", "excess"):
                yield Column(
                    key=f"{score}_{kind}",
                    unit=RATIO,
                    parts=INTERVAL,
                    direction=1 if score == "information" else -1,
                    value=partial(_score, score, kind),
                    formats=FILE,
                )


def _score(score: str, kind: str, line: SnapshotLine) -> Cell:
    return estimated(getattr(getattr(line.row.forecasts, score), kind))


def _of_setting(name: str, line: SnapshotLine) -> object:
    """What the rows of a table have in common."""
    return getattr(line.board.setting, name)


def _of_settings(name: str, line: SnapshotLine) -> object:
    """What the settings of an agent say of its model and memory."""
    return getattr(job_words(line.row.entry.result.settings), name)


def _seed(seed: int | None) -> str | None:
    return None if seed is None else str(seed)


COLUMNS: tuple[SnapshotColumn, ...] = (
    Column(key="scope", unit=TEXT, value=lambda line: "task", formats=FILE),
    Column(
        key="suite", unit=TEXT, value=lambda line: line.board.suite or None, formats=FILE
    ),
    Column(key="task", unit=TEXT, value=lambda line: line.board.setting.name, formats=FILE),
    *(
        Column(key=name, unit=unit, value=partial(_of_setting, name), formats=FILE)
        for name, unit in OF_SETTINGS.items()
    ),
    Column(key="agent", unit=TEXT, value=lambda line: line.row.agent, formats=FILE),
    *(
        Column(key=name, unit=unit, value=partial(_of_settings, name), formats=FILE)
        for name, unit in WORDS_OF_JOBS.items()
    ),
    Column(
        key="code_sha256",
        unit=TEXT,
        value=lambda line: line.row.entry.result.code or None,
        formats=FILE,
    ),
    Column(
        key="market_sha256", unit=TEXT, value=lambda line: line.board.facts.fingerprint,
        formats=FILE,
    ),
    Column(
        key="seed", unit=TEXT, value=lambda line: _seed(line.row.entry.result.seed), formats=FILE
    ),
    Column(key="run", unit=TEXT, value=lambda line: line.row.entry.run or None, formats=FILE),
    Column(key="job", unit=TEXT, value=lambda line: line.row.entry.job or None, formats=FILE),
    Column(key="decisions", unit=COUNT, value=lambda line: line.row.decisions, formats=FILE),
    Column(key="rank_best", unit=COUNT, value=lambda line: line.row.places[0], formats=FILE),
    Column(key="rank_worst", unit=COUNT, value=lambda line: line.row.places[1], formats=FILE),
    _figure("edge", "edge bps", "what was to be expected a decision", lambda own: own.edge, ends=1),
    _figure("skill", "skill", "0 the best constant weight, 1 the filter", lambda own: own.skill,
            digits=2),
    _figure(LINEAR, "linear", "the same, risk left aside", lambda own: own.linear),
    _figure(REALISED, "realised", "what came of a decision", lambda own: own.realised, ends=1,
            room=False),
    _estimate("brier", "Brier", "of forecasts", 3, lambda row: row.brier),
    *_of_forecasts(),
    _estimate("wordings", "wordings", "largest edge by a wording less the smallest", 1,
              lambda row: row.spread),
    Column(
        key="tokens",
        head="tokens",
        doc="read and written a decision",
        unit=COUNT,
        direction=-1,
        value=lambda line: Cell(
            line.row.tokens,
            reason=UNCOUNTED if line.row.answers and line.row.answers.uncounted else None,
        ),
        formats={"terminal": Format(), "paper": Format(), "page": Format(), **FILE},
    ),
    Column(
        key="cost_usd",
        head="USD",
        doc="of all calls",
        unit=USD,
        direction=-1,
        value=lambda line: Cell(line.row.answers and line.row.answers.cost_usd),
        formats={"terminal": Format(2), "paper": Format(2), "page": Format(2), **FILE},
    ),
)  # fmt: skip
