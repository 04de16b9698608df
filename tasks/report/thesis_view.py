"""One thesis of an agent, with what of each claim holds: true, unfounded or uncited."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from investorbench.agents.thesis.thesis import Bullet, Thesis, parse, without_thinking
from investorbench.tasks.labelled import MarkedDay
from investorbench.tasks.leaderboard.label_boards import LabelBoard, LabelRow
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.schema import steps_of
from investorbench.tasks.report.content import ReportContent
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.thesis_markdown import blocks, spans
from investorbench.tasks.trading_r1.citable import Citable, support
from investorbench.tasks.trading_r1.decisions import words_of
from investorbench.tasks.trading_r1.recorded import RecordedThesis, theses_of
from investorbench.tasks.trading_r1.rewards import Rewards, staged
from investorbench.tasks.wording import count, listed, number

TRUE, UNFOUNDED, UNCITED = "true", "unfounded", "uncited"
SIGNS = {TRUE: "✓", UNFOUNDED: "✗", UNCITED: "?"}
MEANINGS = {
    TRUE: "its quote stands in the briefing, and its source is one of the pieces",
    UNFOUNDED: "its quote does not stand in the briefing, or its source is none of the pieces",
    UNCITED: "it lacks a quote or a source",
}
LONGEST = 600
"""Characters of a claim or a conclusion that are shown."""
MOST_CLAIMS, MOST_SECTIONS = 12, 12
"""Of a section, and of a thesis, that are shown."""


class ShownThesis(NamedTuple):
    """A thesis with where it stands, and what it earned."""

    row: LabelRow
    day: MarkedDay
    written: RecordedThesis


def shown_thesis(content: ReportContent, board: LabelBoard) -> Html | None:
    """The middle one of the best agent that writes theses; None where none is recorded."""
    for row in board.agents:
        if row.figures.structure.value is None or row.entry is None:
            continue
        job = next((job for job, entry in content.records if entry is row.entry), None)
        found = None if job is None else middle_thesis(row, job)
        if found is not None:
            return _view(found)
    return None


def middle_thesis(row: LabelRow, job: RecordedJob) -> ShownThesis | None:
    """The thesis with the median reward of its first repeat, neither the best nor the worst."""
    if row.entry is None:
        return None
    repeat, episode = row.entry.repeats[0], row.entry.result.episodes[0]
    days = () if episode.labelled is None else episode.labelled.days
    paid = sorted(
        (_reward(day), number)
        for number, day in enumerate(days)
        if day.structure is not None and (day.decision is not None or not row.figures.labelled)
    )
    if not paid:
        return None
    _, place = paid[(len(paid) - 1) // 2]
    record = read_record(job.episodes[repeat] / FILES["test"])
    if record.header is None or place >= len(record.lines):
        return None
    written = theses_of(steps_of(record.header, record.lines[place : place + 1]))
    return ShownThesis(row, days[place], written[0]) if written else None


def mark_of_claim(bullet: Bullet, citable: Citable) -> str:
    """Whether a claim is true, unfounded or uncited, by its quote and its source."""
    holds = support(bullet, citable)
    if holds.quoted and holds.sourced:
        return TRUE
    is_false = (bullet.quote is not None and not holds.quoted) or (
        bullet.source is not None and not holds.sourced
    )
    return UNFOUNDED if is_false else UNCITED


def _reward(day: MarkedDay) -> float:
    rewards = Rewards(day.structure or 0.0, day.evidence or 0.0, day.decision or 0.0)
    return staged(rewards, "II" if day.decision is None else "III")


def _view(shown: ShownThesis) -> Html:
    thesis, citable = parse(shown.written.text), shown.written.citable
    marks = Counter(mark_of_claim(each, citable) for own in thesis.sections for each in own.bullets)
    meanings = (
        join(element("dt", _badge(mark)), element("dd", meaning))
        for mark, meaning in MEANINGS.items()
    )
    return element(
        "div",
        element("p", element("strong", element("bdi", shown.row.agent)),
                f" on {shown.day.session}. ", _earned(shown)),
        element("p", f"Of its claims: {_counted(marks)}."),
        *_sections(thesis, citable),
        *_conclusion(shown, thesis),
        element("dl", *meanings, class_="meanings"),
        class_="thesis",
    )  # fmt: skip


def _earned(shown: ShownThesis) -> str:
    day = shown.day
    decided = "It decided nothing" if day.decided is None else f"Decided: {words_of(day.decided)}"
    came = f"; {words_of(day.label)} came" if day.label else f"; no label: {day.why}"
    earned = [f"form {number(day.structure, 2)}", f"evidence {number(day.evidence, 2)}"]
    if day.decision is not None:
        earned.append(f"decision {number(day.decision, 2)}")
    return (
        f"{decided}{came}. It earned {', '.join(earned)}: the median of the theses of this repeat."
    )


def _sections(thesis: Thesis, citable: Citable) -> Iterator[Html]:
    """Each with its claims, all but the first folded."""
    for place, section in enumerate(thesis.sections[:MOST_SECTIONS]):
        marks = [mark_of_claim(each, citable) for each in section.bullets]
        shown = list(zip(section.bullets, marks, strict=True))[:MOST_CLAIMS]
        claims = (element("li", _badge(mark), " ", _claim(each)) for each, mark in shown)
        more = len(marks) - len(shown)
        yield element(
            "details",
            element("summary", element("bdi", section.name), f": {_counted(Counter(marks))}"),
            element("ul", *claims, class_="claims") if shown else None,
            element("p", f"and {count(more, 'claim')} more", class_="setting") if more else None,
            open=place == 0,
        )
    if (more := len(thesis.sections) - MOST_SECTIONS) > 0:
        yield element("p", f"and {count(more, 'section')} more", class_="setting")


def _claim(bullet: Bullet) -> Html:
    """An opinion, and what it rests on; what follows both is left out."""
    parts: list[object] = [spans(_cut(bullet.opinion.strip()))]
    if bullet.quote is not None:
        parts += [" ", element("em", _cut(bullet.quote))]
    if bullet.source is not None:
        parts += [" ", element("code", _cut(bullet.source))]
    return element("bdi", *parts)


def _counted(marks: Counter[str]) -> str:
    """Such as ``3 true and 1 unfounded``."""
    return listed(
        [f"{number(marks[mark])} {mark}" for mark in SIGNS if marks[mark]] or ["no claim"]
    )


def _conclusion(shown: ShownThesis, thesis: Thesis) -> Iterator[Html]:
    text = without_thinking(shown.written.text)
    if not thesis.sections:
        yield element("pre", _cut(text.strip()) or "–", tabindex="0")
        return
    lowered = text.lower()
    begin, end = lowered.rfind("<conclusion>"), lowered.rfind("</conclusion>")
    if thesis.conclusion is not None and 0 <= begin < end:
        said = text[begin + len("<conclusion>") : end].strip()
        yield element("h4", "conclusion")
        yield element("div", *blocks(_cut(said)), class_="said")


def _badge(mark: str) -> Html:
    sign = element("span", SIGNS[mark], aria_hidden="true")
    return element("span", sign, f" {mark}", class_=f"claim {mark}")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
