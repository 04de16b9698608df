"""What a report is made of; where it is read from is somebody else's business."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from investorbench.tasks.days import is_within_a_day, period_name
from investorbench.tasks.judging import why_no_ratio
from investorbench.tasks.leaderboard import Leaderboard, Overall, leaderboards, overall
from investorbench.tasks.leaderboard.entries import Setting
from investorbench.tasks.leaderboard.label_boards import LabelBoard, label_boards
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard, snapshot_boards
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import header_in
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.run_folder import FoundRuns
from investorbench.tasks.result import Entry, Episode, Failure, Result
from investorbench.tasks.wording import count

SIMULATED = "SIMULATED"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportContent:
    """What a report is made of.

    Attributes:
        boards: a leaderboard for each setting.
        overalls: agents over all tasks.
        records: where the entries are recorded, for decisions and provenance.
        problems: what could not be read, a line each.
        snapshots: tables of snapshots.
        labels: tables of decided classes, of one task or over several.
        unfinished: jobs without a finished repeat, with why each repeat is none.
    """

    boards: tuple[Leaderboard, ...]
    overalls: tuple[Overall, ...]
    records: tuple[tuple[RecordedJob, Entry], ...]
    problems: tuple[str, ...] = ()
    snapshots: tuple[SnapshotBoard, ...] = ()
    labels: tuple[LabelBoard, ...] = ()
    unfinished: tuple[tuple[RecordedJob, tuple[Failure, ...]], ...] = ()


def content_of(found: FoundRuns) -> ReportContent:
    """What a report of runs is made of: all their tables."""
    entries = [entry for _, entry in found.entries]
    boards = leaderboards(entries)
    return ReportContent(
        boards=tuple(boards),
        overalls=tuple(overall(boards)),
        records=tuple(found.entries),
        problems=tuple(found.problems_anywhere),
        snapshots=tuple(snapshot_boards(entries)),
        labels=tuple(label_boards(entries)),
        unfinished=tuple(found.unfinished),
    )


class RecordedRow(NamedTuple):
    """Where a row of a leaderboard is recorded.

    Attributes:
        agent: what the leaderboard calls it.
        job: its folder, and what was to be run.
        entry: how it did.
        episode: the repeat that is drawn.
    """

    agent: str
    job: RecordedJob
    entry: Entry
    episode: Episode | None


def records_of(content: ReportContent, board: Leaderboard) -> list[RecordedRow]:
    """The records of a leaderboard's rows, best first; an agent that was added has none."""
    jobs = {id(entry): job for job, entry in content.records}
    return [
        RecordedRow(row.agent, jobs[id(row.entry)], row.entry, row.episode)
        for row in board.rows
        if row.entry is not None and id(row.entry) in jobs
    ]


def snapshot_records(content: ReportContent, board: SnapshotBoard) -> list[RecordedRow]:
    """The records of a table of snapshots, best first; its first block is the one to be shown."""
    jobs = {id(entry): job for job, entry in content.records}
    return [
        RecordedRow(row.agent, jobs[id(row.entry)], row.entry, row.entry.result.episodes[0])
        for row in board.rows
        if id(row.entry) in jobs
    ]


def unfinished_records(content: ReportContent) -> list[list[RecordedRow]]:
    """The records of jobs without a finished repeat, of one task each, as far as there are any."""
    found: dict[str, list[RecordedRow]] = {}
    names = Counter((job.task.id, job.name) for job, _ in content.unfinished)
    for job, failures in content.unfinished:
        headers = (header_in(path / FILES["test"]) for path in job.episodes)
        facts = next((header.facts for header in headers if header is not None), None)
        if facts is None:
            continue  # nothing is recorded, or no more than a warm-up
        result = Result(
            agent=job.name, task=job.task, facts=facts, episodes=(), settings=job.settings
        )
        entry = Entry(result=result, planned=job.repeats, failures=failures)
        is_alone = names[job.task.id, job.name] == 1
        agent = job.name if is_alone else f"{job.name} in {job.place}"
        found.setdefault(job.task.id, []).append(RecordedRow(agent, job, entry, None))
    return list(found.values())


def settings_of(content: ReportContent) -> list[Setting]:
    """The settings of all its tables, those of snapshots first."""
    found = [board.setting for board in content.snapshots]
    return found + [board.setting for board in content.boards]


def board_name(board: Leaderboard) -> str:
    """Such as ``Stock-MSFT``."""
    return board.setting.name.removeprefix("InvestorBench/")


def span_of(board: Leaderboard) -> str:
    """How long its window is: ``149 steps``, ``5,759 steps of 3m over 12 days``."""
    facts = board.facts
    steps = count(facts.steps, "step")
    if facts.interval == "1d":
        return steps
    days = count(board.comparison.days, period_name(facts.interval))
    over = f" over {days}" if is_within_a_day(facts.interval) else ""
    return f"{steps} of {facts.interval}{over}"


def drawn_repeat(board: Leaderboard) -> str:
    """Which repeat of each agent curves and decisions show first."""
    if board.facts.draws_markets:
        return "in the first market that all of them met"
    has_ratio = why_no_ratio(board.facts, board.comparison.days) is None
    return f"of the repeat with the median {'Sharpe ratio' if has_ratio else 'return'}"


def board_id(number: int) -> str:
    """The anchor of a leaderboard, counted from 0."""
    return f"task-{number + 1}"


def snapshots_id(number: int) -> str:
    """The anchor of a table of snapshots, counted from 0."""
    return f"snapshots-{number + 1}"


def unfinished_id(number: int) -> str:
    """What decisions of a task are listed by of which an agent has no finished repeat, from 0."""
    return f"unfinished-{number + 1}"


def unfinished_name(records: Sequence[RecordedRow]) -> str:
    """What those are listed under."""
    return f"{records[0].job.task.id.removeprefix('InvestorBench/')}, not finished"


def labels_id(number: int) -> str:
    """The anchor of a table of decided classes, counted from 0."""
    return f"labels-{number + 1}"


def labels_title(board: LabelBoard) -> str:
    """Such as ``Decisions, Stock AAPL`` or ``Decisions over 6 tasks``."""
    if len(board.settings) > 1:
        return f"Decisions {board.name}"
    return f"Decisions, {board.name.removeprefix('InvestorBench/')}"


def overall_name(overall: Overall) -> str:
    """What a table over several tasks is called."""
    return f"Overall, {overall.protocol} protocol"


def full_overall_name(overalls: Sequence[Overall], number: int) -> str:
    """The same with its options, where others are called so, too."""
    overall = overalls[number]
    alike = sum(overall_name(each) == overall_name(overall) for each in overalls) > 1
    options = f", {overall.options}" if overall.options and alike else ""
    return f"{overall_name(overall)}{options}"


def full_name(boards: Sequence[Leaderboard], number: int) -> str:
    """The name of a leaderboard, with what others of the same task have otherwise."""
    board = boards[number]
    if sum(board_name(each) == board_name(board) for each in boards) == 1:
        return board_name(board)
    setting = board.setting
    kind = "simulated" if setting.simulated else "real"
    more = [setting.protocol, f"{setting.start} to {setting.end}", kind, setting.options]
    return f"{board_name(board)} ({', '.join(filter(None, more))})"
