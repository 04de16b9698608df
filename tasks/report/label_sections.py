"""A section for each table of decided classes: rewards, classes that came, and one thesis."""

from collections.abc import Iterator, Sequence

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks.leaderboard.label_boards import LabelBoard, LabelRow
from investorbench.tasks.leaderboard.label_columns import LabelColumn, LabelLine, label_columns
from investorbench.tasks.report.content import ReportContent, labels_id, labels_title
from investorbench.tasks.report.cost_points import label_costs
from investorbench.tasks.report.leaderboard_tables import AGENT, agent_name, stamp
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.names import shared_words, short_names
from investorbench.tasks.report.overview import label_verdict
from investorbench.tasks.report.reward_curves import reward_curves
from investorbench.tasks.report.sections import drawn_costs, notes, quotation, titled
from investorbench.tasks.report.stage_bars import StageScale
from investorbench.tasks.report.tables import Head, cell_of, head_of, row_head, table
from investorbench.tasks.report.thesis_view import shown_thesis
from investorbench.tasks.trading_r1.decisions import words_of
from investorbench.tasks.trading_r1.rewards import STAGES
from investorbench.tasks.wording import count, number

OF_THESES = ("structure_reward", "evidence_reward", *(f"stage_{stage}" for stage in STAGES))
"""Columns, by their keys, that only who writes theses has figures in."""


def label_section(content: ReportContent, board: LabelBoard, number: int) -> Html:
    """Everything of one table of decided classes."""
    name, first = labels_id(number), board.settings[0]
    names = ", ".join(each.name.removeprefix("InvestorBench/") for each in board.settings)
    about = (
        f"{names}. Protocol {first.protocol}, {first.start} to {first.end}. Data: "
        f"{first.data_source}." + (f" Options: {first.options}." if first.options else "")
    )
    shared = shared_words(short_names(row.agent for row in board.rows))
    staged, curves = stage_table(board), reward_curves(board)
    thesis, costs = shown_thesis(content, board), label_costs(board)
    return element(
        "section",
        element("h2", labels_title(board), " ", stamp() if board.simulated else None,
                id=f"{name}-title"),
        element("p", about, class_="setting"),
        label_verdict(board),
        decisions_table(board),
        quotation(board.sentence, board.simulated) if board.sentence else None,
        notes([*([shared] if shared else []), *board.notes]),
        *(titled(name, "cost", "Cost and reward", drawn_costs(costs, name))
          if costs else ()),
        *(titled(name, "stages", "Reward by stage", staged) if staged else ()),
        *(
            (
                *titled(name, "curves", "Reward beside constant answers", curves),
                *titled(name, "classes", "Classes decided, and classes that came",
                        *confusions(board)),
            )
            if board.has_labels
            else ()
        ),
        *(titled(name, "thesis", "One thesis", thesis) if thesis else ()),
        id=name, class_="board", aria_labelledby=f"{name}-title",
    )  # fmt: skip


def decisions_table(board: LabelBoard) -> Html:
    """All agents and what decides without reading, best first."""
    shown = [each for each in label_columns("page", board) if each.key not in OF_THESES]
    caption = join(
        stamp() if board.simulated else None,
        "Decisions, agents and constant answers; 95 % intervals in brackets",
    )
    return _of_columns(caption, shown, board, board.rows)


def stage_table(board: LabelBoard) -> Html | None:
    """What theses earned, and what each stage of training makes of it; None without theses."""
    rows = [row for row in board.agents if row.figures.structure.value is not None]
    if not rows:
        return None
    shown = [each for each in label_columns("page", board) if each.key in OF_THESES]
    stages = [stage for stage in STAGES if any(each.key == f"stage_{stage}" for each in shown)]
    scale = StageScale([row.figures.stages[stage] for row in rows for stage in stages])
    heads = [AGENT, *(head_of(each, "page") for each in shown)]
    heads += [Head(f"{stage}, drawn", "from 0, with its interval") for stage in stages]
    body = [
        [
            row_head(_name(row, board), row.agent),
            *(cell_of(each, each.cell(LabelLine(board, row)), "page") for each in shown),
            *(scale.draw(row.figures.stages[stage]) for stage in stages),
        ]
        for row in rows
    ]
    weights = "; ".join(
        f"{stage}: {', '.join(f'{weight:g}' for weight in weights)}"
        for stage, weights in STAGES.items()
    )
    caption = f"Rewards of theses, and by stage (weights of form, evidence and decision: {weights})"
    return table(caption, heads, body)


def confusions(board: LabelBoard) -> Iterator[Html]:
    """For each agent how often what it decided met what came; all but the first folded away."""
    for place, row in enumerate(board.agents):
        counted = confusion_table(row)
        if place:
            summary = element("summary", _name(row, board))
            counted = element("details", summary, counted)
        yield counted


def confusion_table(row: LabelRow) -> Html:
    """Decisions by what was decided and by what came; on the diagonal they are the same."""
    most = max(max(own.values()) for own in row.figures.confusion.values()) or 1
    heads = [Head("Decided", text=True, names=True)]
    heads += [Head(words_of(each), f"{words_of(each)} came") for each in CLASSES]
    heads.append(Head("All"))
    body = []
    for decided, came in row.figures.confusion.items():
        name = "none" if decided is None else words_of(decided)
        total = sum(came.values())
        if decided is None and not total:
            continue
        cells = [_share(came[label], most, right=label == decided) for label in CLASSES]
        body.append([row_head(name, name), *cells, element("td", number(total))])
    sums = [sum(own[label] for own in row.figures.confusion.values()) for label in CLASSES]
    whole = [*sums, row.figures.labelled]
    body.append([row_head("all", "all"), *(element("td", number(each)) for each in whole)])
    caption = (
        f"{row.agent}: {count(row.figures.labelled, 'decision')} by what was decided, down, and by "
        "what came, across; those that met it are bold"
    )
    return element("div", table(caption, heads, body, sortable=False), class_="confusion")


def _share(decisions: int, most: int, *, right: bool) -> Html:
    """A count, on a ground that grows with it."""
    strength = f"--strength: {(decisions / most) ** 0.5 * 70:.0f}%"
    kind = "gain" if right else "loss"
    shown = element("strong", number(decisions)) if right else number(decisions)
    return element("td", shown, class_=kind, style=strength)


def _of_columns(
    caption: Html, columns: Sequence[LabelColumn], board: LabelBoard, rows: Sequence[LabelRow]
) -> Html:
    heads = [AGENT, *(head_of(each, "page") for each in columns)]
    body = [
        [
            row_head(_name(row, board), row.agent),
            *(cell_of(each, each.cell(LabelLine(board, row)), "page") for each in columns),
        ]
        for row in rows
    ]
    return table(caption, heads, body)


def _name(row: LabelRow, board: LabelBoard) -> Html:
    """The name of an agent; answers that take no reading stand back."""
    if row.is_baseline:
        return element("span", row.agent, class_="out")
    return agent_name(row.agent, [each.agent for each in board.rows])
