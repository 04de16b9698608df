"""A section for each table of snapshots: skill, calibration, and what the table distinguishes."""

from collections.abc import Iterator

from investorbench.tasks.foretold import forecast_scores_of
from investorbench.tasks.leaderboard.snapshot_columns import SnapshotLine, snapshot_columns
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard, SnapshotRow
from investorbench.tasks.leaderboard.snapshot_sentences import (
    is_marked,
    snapshot_notes,
    snapshot_sentence,
)
from investorbench.tasks.report.calibration_plots import calibration_plots
from investorbench.tasks.report.content import snapshots_id
from investorbench.tasks.report.cost_points import snapshot_costs
from investorbench.tasks.report.leaderboard_tables import AGENT, RANK, agent_name, stamp
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.overview import snapshot_verdict
from investorbench.tasks.report.race_tables import race_tables
from investorbench.tasks.report.sections import drawn_costs, notes, quotation, titled
from investorbench.tasks.report.skill_bars import SkillScale
from investorbench.tasks.report.tables import (
    Head,
    cell_of,
    empty,
    figure,
    head_of,
    row_head,
    table,
    words,
)
from investorbench.tasks.snapshots.distinguishing import (
    SeenDifference,
    pair_needs,
    seen_difference,
)
from investorbench.tasks.snapshots.references import SnapshotReference
from investorbench.tasks.snapshots.results import reference_for
from investorbench.tasks.snapshots.scores import BPS
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.statistics.sequential import PairedLook
from investorbench.tasks.wording import count, number, rank, roughly
from investorbench_env.errors import InvestorBenchError

SKILL_HEAD = Head("Skill, drawn", "from the best constant weight, 0, to the filter, 1, and above")


def snapshot_section(board: SnapshotBoard, number: int) -> Html:
    """Everything of one table of snapshots."""
    name, setting = snapshots_id(number), board.setting
    about = (
        f"{f'Suite {board.suite}. ' if board.suite else ''}Protocol {setting.protocol}, decisions "
        f"from {setting.start} to {setting.end}, one a market or day, held for "
        f"{board.facts.horizon} sessions. Data: {setting.data_source}."
    )
    skills, plots = skill_table(board), calibration_of(board)
    races, costs = list(race_tables(board)), snapshot_costs(board)
    return element(
        "section",
        element("h2", section_title(board), " ", stamp() if setting.simulated else None,
                id=f"{name}-title"),
        element("p", about, class_="setting"),
        snapshot_verdict(board),
        snapshot_table(board),
        quotation(snapshot_sentence(board), setting.simulated),
        notes(list(snapshot_notes(board))),
        *(titled(name, "cost", "Cost and what decisions were worth", drawn_costs(costs, name))
          if costs else ()),
        *(titled(name, "skill", "Skill", skills) if skills else ()),
        *(titled(name, "calibration", "Calibration", plots) if plots else ()),
        *titled(name, "distinguish", "What this table can distinguish", *distinguished(board)),
        *(titled(name, "race", "Race", *races) if races else ()),
        id=name, class_="board", aria_labelledby=f"{name}-title",
    )  # fmt: skip


def section_title(board: SnapshotBoard) -> str:
    """Such as ``sim-core`` or ``Snapshot-SIM``."""
    own = board.setting.name.removeprefix("InvestorBench/")
    return f"{own}, suite {board.suite}" if board.suite else own


def snapshot_table(board: SnapshotBoard) -> Html:
    """All agents, best first."""
    columns = snapshot_columns("page", board)
    heads = [RANK, AGENT, *(head_of(column, "page") for column in columns)]
    rows = [
        [
            words(rank(row.places), f"{row.places[0] * 1000 + row.places[1]}"),
            _name(row),
            *(cell_of(each, each.cell(SnapshotLine(board, row)), "page") for each in columns),
        ]
        for row in board.rows
    ]
    caption = join(
        stamp() if board.setting.simulated else None,
        f"{section_title(board)}: basis points a decision; 95 % intervals in brackets",
    )
    return table(caption, heads, rows)


def skill_table(board: SnapshotBoard) -> Html | None:
    """Bars of skill on one scale; None where it is known of no agent."""
    skills = [row.figures.skill for row in board.rows]
    if all(each.value is None for each in skills):
        return None
    ceiling = _ceiling(board)
    scale = SkillScale(skills, ceiling)
    rows = [
        [
            _name(row),
            scale.draw(row.figures.skill),
            _with_interval(row.figures.skill),
        ]
        for row in board.rows
    ]
    above = "" if ceiling is None else f", and dotted the oracle's, {number(ceiling, 2)}"
    caption = (
        "Skill: 0 is the best constant weight and 1 the filter (dashed), which knows the law and "
        f"sees what agents see{above}; whiskers are 95 % intervals"
    )
    return table(caption, [AGENT, SKILL_HEAD, Head("Skill")], rows)


def _with_interval(skill: Estimate) -> Html:
    if skill.value is None:
        return empty(skill.reason or "not computed")
    ends = f"[{number(skill.low, 2)}, {number(skill.high, 2)}]" if skill.low is not None else ""
    value = element("span", number(skill.value, 2), class_="value")
    return figure(skill.value, join(value, " ", element("span", ends, class_="interval")))


def calibration_of(board: SnapshotBoard) -> Html | None:
    """Plots of the agents that gave forecasts; None where none did."""
    found = {
        row.agent: forecast_scores_of(row.entry.result).calibration
        for row in board.rows
        if any(any(each.forecasts or ()) for each in row.entry.result.episodes)
    }
    if not found:
        return None
    text = (
        "Across: the probability that was stated. Up: how often the return was above 0, with a 95 "
        "% interval; rings are the true probabilities of the same markets. On the diagonal what "
        "was stated came as often."
    )
    return join(element("p", text, class_="setting"), calibration_plots(found))


def distinguished(board: SnapshotBoard) -> Iterator[Html]:
    """What the table shows in words, and each pair of its agents."""
    seen = seen_difference(board.scores) if len(board.rows) > 1 else None
    if seen is None or board.look is None:
        yield element("p", "Not known: there are too few agents or decisions to compare.")
        return
    yield element(
        "p",
        f"With {count(board.observations, 'observation')} two agents are distinguished with 80 % "
        f"power where they differ by {_range(seen.least, seen.most)} basis points a decision"
        f"{_in_skill(board, seen)}; with all {count(len(board.look.pairs), 'pair')} tested at "
        f"once, by {_range(seen.least_of_all, seen.most_of_all)}. What differs by less needs more "
        "decisions, which ",
        element("code", "investorbench plan"),
        " counts beforehand.",
    )
    yield pairs_table(board)


def pairs_table(board: SnapshotBoard) -> Html:
    """Decisions that each difference takes; those that are distinguished are marked."""
    looks = {frozenset(each.names): each for each in board.look.pairs} if board.look else {}
    agents = [row.agent for row in board.rows]
    heads = [AGENT, *(Head(str(n + 1), agent) for n, agent in enumerate(agents))]
    rows = [
        [
            row_head(join(f"{n + 1} ", agent_name(agent)), agent),
            *(_pair(board, agent, other, looks.get(frozenset((agent, other)))) for other in agents),
        ]
        for n, agent in enumerate(agents)
    ]
    caption = (
        "Observations until a difference of this size is found with 80 % power, by a test of the "
        "two alone; hover for the difference and its interval, which holds for all pairs at once"
    )
    return table(caption, heads, rows, sortable=False)


def _pair(board: SnapshotBoard, agent: str, other: str, look: PairedLook | None) -> Html:
    if agent == other or look is None:
        return empty("the same agent" if agent == other else "not compared")
    needs = pair_needs(board.scores[agent], board.scores[other])
    if needs.spread == 0.0:
        return empty(f"{agent} and {other} decided alike")
    sign = 1.0 if look.names[0] == agent else -1.0
    low, high = sorted((sign * look.low, sign * look.high))
    title = (
        f"{agent} less {other}: {number(needs.difference, 1)} basis points a decision "
        f"[{number(low, 1)}, {number(high, 1)}]"
    )
    shown: object = roughly(needs.observations)
    if look.worse is not None:
        note = element("span", "distinguished", class_="unseen")
        shown = join(element("strong", shown, class_="clear"), " ", note)
    return figure(needs.observations, element("span", shown, title=title))


def _in_skill(board: SnapshotBoard, seen: SeenDifference) -> str:
    reference = _reference(board)
    if reference is None:
        return ""
    unit = (reference.filter - reference.floor) * BPS
    ends = [f"{each / unit:.2f}".removeprefix("0") for each in (seen.least, seen.most)]
    return f" ({' to '.join(dict.fromkeys(ends))} of skill)"


def _ceiling(board: SnapshotBoard) -> float | None:
    reference = _reference(board)
    if reference is None:
        return None
    return (reference.ceiling - reference.floor) / (reference.filter - reference.floor)


def _reference(board: SnapshotBoard) -> SnapshotReference | None:
    """The frozen reference of the task; None where there is none."""
    try:
        return reference_for(board.rows[0].entry.result.task)
    except InvestorBenchError:
        return None


def _range(least: float, most: float) -> str:
    return " to ".join(dict.fromkeys(map(roughly, (least, most))))


def _name(row: SnapshotRow) -> Html:
    done, planned = len(row.entry.result.episodes), row.entry.planned
    missing = element("span", f"{done} of {planned} blocks", class_="missing")
    mark = " ‡" if is_marked(row) else None
    return row_head(join(agent_name(row.agent), mark, missing if done < planned else None),
                    row.agent)  # fmt: skip
