"""What a reader looks for first: what ran, when, by which code, at what cost, and who is best."""

import math
from collections.abc import Iterator, Sequence

from investorbench.tasks.answers import Answers, answers_of
from investorbench.tasks.leaderboard import Leaderboard, Overall, OverallRow, Row
from investorbench.tasks.leaderboard.label_boards import LabelBoard, LabelRow
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard, SnapshotRow
from investorbench.tasks.report.content import ReportContent, settings_of
from investorbench.tasks.report.decisions import EpisodeNote
from investorbench.tasks.report.leaderboard_tables import agents_of
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.names import short_names
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.statistics.rank_sets import SIZE
from investorbench.tasks.wording import count, number, p_equals, percent, usd

HASH = 12
"""Characters of a hash that are shown."""


def overview(content: ReportContent, notes: Sequence[EpisodeNote]) -> Html:
    """What ran, when, by which code and at what cost, as a list of terms."""
    terms = {
        "Ran": _what(content, notes),
        "Window": _window(content),
        "When": _when(notes),
        "Code": _code(notes),
        "Cost": _cost(content) if content.records else "",
    }
    parts = (
        element("div", element("dt", name), element("dd", text))
        for name, text in terms.items() if text
    )  # fmt: skip
    return element("dl", *parts, class_="overview")


def verdict(ranked: Leaderboard | Overall) -> Html | None:
    """Who is best, by how much, and whether by luck, in a line; None where there is no agent."""
    rows: Sequence[Row | OverallRow] = ranked.rows
    agents = [row for row in rows if row.agent != ranked.benchmark and not row.knows]
    if not agents:
        return None
    best, short = agents[0], short_names(agents_of(ranked))
    name = element("strong", element("bdi", short[best.agent], title=best.agent))
    apart_for = ranked.apart_for if isinstance(ranked, Leaderboard) else None
    if apart_for is not None:
        said = [
            name,
            f" has the highest return, {percent(best.cr)} %. Whether that is luck cannot ",
        ]
        return element("p", *said, f"be tested, since {apart_for}.", class_="verdict")
    if not math.isfinite(best.sr):
        return None
    sr = best.statistics.sr
    around = (
        "" if sr.low is None or sr.high is None else f" [{number(sr.low, 2)}, {number(sr.high, 2)}]"
    )
    held = next((row.sr for row in rows if row.agent == ranked.benchmark), math.nan)
    beside = (
        f"; {ranked.compared_with.title} has {number(held, 2)}"
        if ranked.compared_with is not None and math.isfinite(held)
        else ""
    )
    said = [name, f" has the highest Sharpe ratio, {number(best.sr, 2)}{around}{beside}. "]
    test = best.against
    if ranked.compared_with is not None and test is not None and test.adjusted_p is not None:
        side = "above" if (test.difference.value or 0.0) > 0.0 else "below"
        clear = f"{side} 0, distinguishable" if test.adjusted_p <= SIZE else "not distinguishable"
        alpha = f"Its alpha over {ranked.compared_with.title}"
        said.append(f"{alpha} is {clear} from luck ({p_equals(test.adjusted_p)}).")
    else:
        why = best.statistics.alpha.reason or sr.reason or "nothing is compared here"
        said.append(f"Whether that is luck cannot be tested: {why}.")
    return element("p", *said, class_="verdict")


def snapshot_verdict(board: SnapshotBoard) -> Html | None:
    """The same of a table of snapshots; None where no decision was worth anything known."""
    rows = [row for row in board.rows if not row.entry.result.knows]
    if not rows or rows[0].headline.value is None:
        return None
    what = "edge" if board.facts.simulated else "mean return"
    best, last = rows[0], rows[0].places[1]
    said = [
        _leader(board.rows, best, best.headline, f"highest {what}", 1),
        " basis points a decision. ",
    ]
    if len(rows) < 2:
        return element("p", *said, class_="verdict")
    if board.look is None:
        said.append("Whether that is luck cannot be tested: there are too few observations.")
    elif last == 1:
        said.append("It is distinguishable from every other agent.")
    else:
        others = count(last - 1, "other")
        said.append(f"It is not distinguishable from {others}: the lead may be luck.")
    return element("p", *said, class_="verdict")


def label_verdict(board: LabelBoard) -> Html | None:
    """The same of decided classes; None where no day has a label."""
    rows = [row for row in board.agents if not row.knows and row.figures.decision.value is not None]
    if not rows:
        return None
    best = rows[0]
    lead = best.figures.lead
    said = [
        _leader(
            board.agents, best, best.figures.decision, "highest decision reward of all agents", 2
        ),
        ". ",
    ]
    if lead.value is None or lead.low is None or lead.high is None:
        said.append(f"Whether that is luck cannot be tested: {lead.reason or 'no interval'}.")
    else:
        around = f"{number(lead.value, 2)} [{number(lead.low, 2)}, {number(lead.high, 2)}]"
        if lead.low > 0.0 or lead.high < 0.0:
            side = "more" if lead.low > 0.0 else "less"
            said.append(f"It earned {side} than always buy: {around}, distinguishable from luck.")
        else:
            said.append(
                f"Its difference from always buy, {around}, is not distinguishable from luck."
            )
    return element("p", *said, class_="verdict")


def _leader(
    rows: Sequence[SnapshotRow] | Sequence[LabelRow],
    best: SnapshotRow | LabelRow,
    figure: Estimate,
    what: str,
    digits: int,
) -> Html:
    """Whose figure is the highest, with its interval."""
    short = short_names([row.agent for row in rows])
    name = element("strong", element("bdi", short[best.agent], title=best.agent))
    around = (
        f" [{number(figure.low, digits)}, {number(figure.high, digits)}]"
        if figure.low is not None and figure.high is not None
        else ""
    )
    return join(name, f" has the {what}, {number(figure.value, digits)}{around}")


def _what(content: ReportContent, notes: Sequence[EpisodeNote]) -> str:
    entries = [entry for _, entry in content.records]
    planned = sum(entry.planned for entry in entries)
    planned += sum(job.repeats for job, _ in content.unfinished)
    finished = sum(len(entry.result.episodes) for entry in entries)
    tasks = {job.task.id for job, _ in content.unfinished}
    tasks -= {setting.task for setting in settings_of(content)}
    agents = {row.agent for board in content.snapshots for row in board.rows}
    agents |= {job.name for job, _ in content.unfinished}
    agents |= {row.agent for board in content.boards for row in board.rows if row.entry is not None}
    episodes = (
        count(planned, "episode")
        if finished == planned
        else f"{number(finished)} of {count(planned, 'episode')} finished"
    )
    decisions = count(sum(note.days for note in notes), "decision")
    on = count(len(settings_of(content)) + len(tasks), "task")
    return f"{count(len(agents), 'agent')} on {on}: {episodes}, {decisions}"


def _window(content: ReportContent) -> str:
    settings = settings_of(content)
    if not settings:
        return ""
    first, last = min(each.start for each in settings), max(each.end for each in settings)
    protocols = ", ".join(sorted({each.protocol for each in settings}))
    return f"{first} to {last}, {protocols} protocol"


def _when(notes: Sequence[EpisodeNote]) -> str:
    begun = [note.begun for note in notes if note.begun]
    ended = [note.ended for note in notes if note.ended]
    if not begun:
        return ""
    first, last = (_minute(each) for each in (min(begun), max(ended)))
    return f"{first} to {last if last[:10] != first[:10] else last[11:]} UTC"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _code(notes: Sequence[EpisodeNote]) -> Html | None:
    """The code of all episodes; of several, how many."""
    found = list(dict.fromkeys(note.code for note in notes if note.code))
    if not found:
        return None
    several = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return join(element("code", found[0][:HASH], title=", ".join(found)), several)


def _cost(content: ReportContent) -> str:
    asked = list(_answers(content))
    if not asked:
        return "no model was asked"
    known = [each.cost_usd for _, each in asked if each.cost_usd is not None]
    unpriced = {agent for agent, each in asked if each.cost_usd is None}
    paid = usd(sum(known)) if known else "prices not known"
    rest = f" and {count(len(unpriced), 'agent')} without a price" if known and unpriced else ""
    tokens = _tokens([each for _, each in asked])
    unusable = sum(each.invalid for _, each in asked) / sum(each.decisions for _, each in asked)
    return f"{paid}{rest}; {tokens}; {percent(unusable)} % of answers unusable"


def _tokens(asked: Sequence[Answers]) -> str:
    """How many there were, as far as servers counted them."""
    total = sum(each.read + each.written for each in asked)
    if all(each.tokens is not None for each in asked):
        return f"{number(total)} tokens"
    return f"at least {number(total)} tokens" if total else "tokens not counted"


def _answers(content: ReportContent) -> Iterator[tuple[str, Answers]]:
    """Each agent of each task that asks a model, with how its answers add up."""
    for _, entry in content.records:
        found = answers_of(entry.result)
        if found is not None and found.decisions:
            yield entry.result.agent, found
