"""The columns of a table of decided classes."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, NamedTuple

from investorbench.tasks.leaderboard.columns import (
    FILE,
    INTERVAL,
    Column,
    Format,
    estimated,
)
from investorbench.tasks.leaderboard.label_boards import LabelBoard, LabelRow
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.trading_r1.rewards import STAGES
from investorbench.tasks.trading_r1.scores import DecisionFigures
from investorbench.tasks.wording import COUNT, PERCENT, RATIO, TEXT, TRUTH, Table, Unit


class LabelLine(NamedTuple):
    """A row with the table it stands in."""

    board: LabelBoard
    row: LabelRow


LabelColumn = Column[LabelLine]
_Room = Literal["terminal", "paper", "figure", "page"]
"""The smallest table with its interval; ``figure``: all but pages show the figure alone."""


def label_columns(table: Table, board: LabelBoard | None = None) -> list[LabelColumn]:
    """The columns of a table: for readers those of which some row has a figure."""
    found = [column for column in COLUMNS if table in column.formats]
    if table == "file" or board is None:
        return found
    lines = [LabelLine(board, row) for row in board.rows]
    return [each for each in found if any(each.cell(line).value is not None for line in lines)]


def _figure(
    key: str,
    head: str,
    doc: str,
    figure: Callable[[DecisionFigures], Estimate],
    *,
    unit: Unit = RATIO,
    digits: int = 2,
    room: _Room = "paper",
) -> LabelColumn:
    """A figure, and where there is room for its interval; pages and files have all of them."""
    shown, plain = Format(digits, digits), Format(digits)
    return Column(
        key=key,
        head=head,
        doc=doc,
        unit=unit,
        parts=INTERVAL,
        value=lambda line: estimated(figure(line.row.figures)),
        formats={
            **({} if room == "page" else {"terminal": shown if room == "terminal" else plain}),
            "paper": shown if room in ("terminal", "paper") else plain,
            "page": shown,
            **FILE,
        },
    )


def _stages() -> Iterator[LabelColumn]:
    for stage, weights in STAGES.items():
        words = ", ".join(f"{weight:g}" for weight in weights)
        yield _figure(
            f"stage_{stage}",
            stage,
            f"structure, evidence and decision weighed {words}",
            partial(_stage, stage),
            room="figure" if stage == "III" else "page",
        )


def _stage(stage: str, own: DecisionFigures) -> Estimate:
    return own.stages[stage]


def _counted(
    key: str,
    head: str,
    doc: str,
    of: Callable[[DecisionFigures], int],
    *,
    shown: tuple[Table, ...] = ("terminal", "paper", "page"),
) -> LabelColumn:
    return Column(
        key=key,
        head=head,
        doc=doc,
        unit=COUNT,
        direction=0,
        value=lambda line: of(line.row.figures),
        formats={**dict.fromkeys(shown, Format()), **FILE},
    )


COLUMNS: tuple[LabelColumn, ...] = (
    Column(key="scope", unit=TEXT, value=lambda line: "labels", formats=FILE),
    Column(key="task", unit=TEXT, formats=FILE,
           value=lambda line: " ".join(each.name for each in line.board.settings)),
    Column(key="protocol", unit=TEXT, value=lambda line: line.board.settings[0].protocol,
           formats=FILE),
    Column(key="simulated", unit=TRUTH, value=lambda line: line.board.simulated, formats=FILE),
    Column(key="tasks", unit=COUNT, value=lambda line: len(line.board.settings), formats=FILE),
    Column(key="agent", unit=TEXT, value=lambda line: line.row.agent, formats=FILE),
    Column(key="is_baseline", unit=TRUTH, value=lambda line: line.row.is_baseline, formats=FILE),
    _figure("decision_reward", "reward", "mean decision reward, 1 at best",
            lambda own: own.decision, room="terminal"),
    _figure("reward_less_always_buy", "− buy", "less what always buy earns on the same days",
            lambda own: own.lead, room="terminal"),
    _figure("label_accuracy", "label %", "days on which the class came", lambda own: own.accuracy,
            unit=PERCENT, digits=0),
    _figure("hit_ratio", "hits %", "sides that the next seven sessions agreed with",
            lambda own: own.hits, unit=PERCENT, digits=0),
    _figure("rank_correlation", "rank ρ", "correlation of signed sizes with seven-session returns",
            lambda own: own.ranks),
    _figure("graded_reward", "graded", "sign and size in money, in units of what the stock moves",
            lambda own: own.graded, room="page"),
    _figure("structure_reward", "form", "structure of theses", lambda own: own.structure,
            room="figure"),
    _figure("evidence_reward", "evidence", "quotes and sources of theses",
            lambda own: own.evidence, room="figure"),
    *_stages(),
    _counted("labelled_decisions", "n", "decisions on a day with a label",
             lambda own: own.labelled, shown=("paper", "page")),
    _counted("label_sessions", "", "", lambda own: own.sessions, shown=()),
    _counted("label_blocks", "blocks", "independent ones, of at least 15 sessions",
             lambda own: own.blocks),
)  # fmt: skip
