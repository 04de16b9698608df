"""``investorbench inspect``: what an agent saw, recalled, was asked, answered and did on a day.

Finds and reads records; how they look is :mod:`investorbench.scripts.inspecting_output`.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from investorbench.scripts import inspecting_output as output
from investorbench.tasks.actions import action_parts, action_word
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import CUT_OFF, read_record
from investorbench.tasks.record.schema import Line, without_nan
from investorbench_env.errors import InvestorBenchError, UnknownNameError

CONTEXT = {"ignore_unknown_options": True}
"""So that the day -1 is no option."""
LISTED_JOBS = 20
NEAREST = 3
"""Days that are named on either side of one that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One decision of a run: a line of its record.

    Attributes:
        index: 0 for the first one of the warm-up, or of the test where there is no warm-up.
        split: ``"warmup"`` or ``"test"``.
        line: what is recorded.
        action: the action in a word.
        orders: what it says of each asset, where there are several.
    """

    index: int
    split: str
    line: Line
    action: str
    orders: tuple[str, ...] = ()

    @property
    def session(self) -> str:
        return output.safe(self.line.session).plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a repeat of a job left.

    Attributes:
        folder: where it lies.
        days: all that can be read, in order.
        problems: what cannot be, in words.
    """

    folder: Path
    days: tuple[Day, ...]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        job = self.folder.resolve().parent
        return f"{job.name} on {task_of(job)} · {self.folder.resolve().name}"


def inspect(
    run: Annotated[Path, typer.Argument(help="The folder of a run, a job or a repeat.")],
    day: Annotated[
        str | None, typer.Argument(help="YYYY-MM-DD, or a row's number: 0 the first, -1 the last.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Which, where the run has several.")] = None,
    task: Annotated[str | None, typer.Option(help="Which, where the run has several.")] = None,
    repeat: Annotated[int, typer.Option(help="Which one of a job.")] = 0,
    split: Annotated[str | None, typer.Option(help="Only warmup, or only test.")] = None,
    prompt: Annotated[bool, typer.Option("--prompt", help="Prompts and answers whole.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a day.")] = False,
) -> None:
    """Show a run day by day, or what was observed, recalled, asked, answered and done on one."""
    if split not in (None, *FILES):
        raise UnknownNameError("split", split, FILES)
    record = read(find_repeat(run, agent, task, repeat))
    days = [each for each in record.days if split in (None, each.split)]
    if day is not None:
        days = find_days(days, day)
    is_one = day is not None and len(days) == 1
    console = output.console()
    if as_json:
        for each in days:
            whole = {"index": each.index, "split": each.split, **each.line.to_json()}
            print(json.dumps(whole if is_one else without_nan(output.summary(each))))
        console = output.console(stderr=True)
    elif not is_one:
        is_long = console.is_terminal and len(days) > console.height
        with console.pager() if is_long else nullcontext():
            output.print_overview(console, record.name, days)
    else:
        output.print_day(console, record.name, days[0], whole=prompt)
    for problem in record.problems:
        output.warn(console, problem)


def find_repeat(run: Path, agent: str | None, task: str | None, repeat: int) -> Path:
    """The folder of one repeat, in or below a folder.

    Raises:
        InvestorBenchError: there is none, or it is not clear which job's is meant.
    """
    if not run.is_dir():
        raise InvestorBenchError(f"there is no folder {run}; `investorbench run` names its own")
    if _is_repeat(run):
        return run
    repeats = [path.resolve() for path in run.rglob("repeat-*") if _is_repeat(path)]
    jobs = sorted({path.parent for path in repeats})
    if not jobs:
        raise InvestorBenchError(
            f"{run} holds no record of a run: give the folder that `investorbench run` named, or "
            "one of an agent or a repeat in it"
        )
    if agent is not None:
        named = {job: job.name for job in jobs}
        folder = agent.replace(" ", "_")
        if folder not in named.values():  # then with any settings, as in finmem_model=offline
            named = {job: re.sub(rf"^{re.escape(folder)}_.+=.*", folder, job.name) for job in jobs}
        jobs = _matching("agent", agent, named, folder)
    if task is not None:
        folder = task.lower().removeprefix("investorbench/").replace("/", "-")
        jobs = _matching("task", task, {job: task_of(job) for job in jobs}, folder)
    if len(jobs) > 1:
        listed = [f"\n  {job.relative_to(run.resolve())}" for job in jobs]
        raise InvestorBenchError(
            f"{run} holds {len(jobs)} jobs; choose one with --agent and --task, or give its "
            "folder:" + "".join(listed[:LISTED_JOBS]) + "\n  …" * (len(jobs) > LISTED_JOBS)
        )
    numbers = {
        path.name.removeprefix("repeat-"): path for path in repeats if path.parent == jobs[0]
    }
    if str(repeat) not in numbers:
        raise UnknownNameError("repeat", repeat, numbers)
    return numbers[str(repeat)]


def task_of(job: Path) -> str:
    """The task's folder; settings such as ``protocol=paper`` may lie between it and the agent's."""
    return next((above.name for above in job.parents if "=" not in above.name), "")


def read(folder: Path) -> Record:
    """What a repeat's folder holds, the warm-up first; broken lines are left out and named."""
    days: list[Day] = []
    problems: list[str] = []
    for split, name in FILES.items():
        record = read_record(folder / name)
        facts = None if record.header is None else record.header.facts
        days += [
            Day(
                index=i,
                split=split,
                line=line,
                action=action_word(line.action, "trade" if facts is None else facts.action),
                orders=() if facts is None else tuple(action_parts(line.action, facts)),
            )
            for i, line in enumerate(record.lines, len(days))
        ]
        found = [*record.problems, *([CUT_OFF] if record.is_cut else [])]
        problems += [f"{name}: {each}" for each in found]
    return Record(folder=folder, days=tuple(days), problems=tuple(problems))


def find_days(days: Sequence[Day], wanted: str) -> list[Day]:
    """The decisions of a date or a time, or the one of a place in the overview.

    Raises:
        InvestorBenchError: there is none; the nearest are named.
    """
    if not days:
        raise InvestorBenchError("nothing was decided yet: the record is empty")
    if re.fullmatch(r"-?\d{1,6}", wanted):
        by_index = {day.index: day for day in days} | {i - len(days): d for i, d in enumerate(days)}
        if int(wanted) in by_index:
            return [by_index[int(wanted)]]
        raise InvestorBenchError(
            f"there is no row {wanted}: they go from {days[0].index} to {days[-1].index}, and "
            "from the last one, -1, backwards"
        )
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        raise InvestorBenchError(
            f"{wanted!r} is no day: give YYYY-MM-DD, with THH:MM where a day has several "
            "decisions, or a row's number in the overview"
        ) from None
    if "T" in wanted or " " in wanted:
        found = [day for day in days if _is_at(day, moment)]
        named = {output.safe(day.line.time).plain for day in days}
        wanted = moment.isoformat()
    else:
        wanted = moment.date().isoformat()
        found = [day for day in days if day.session == wanted]
        named = {day.session for day in days}
    if not found:
        known = sorted(named)
        place = bisect_left(known, wanted)
        nearest = known[max(0, place - NEAREST) : place + NEAREST]
        raise InvestorBenchError(
            f"nothing was decided on {wanted}; the nearest days are {', '.join(nearest)}"
        )
    return found


def _is_at(day: Day, moment: datetime) -> bool:
    """Whether a decision was taken at a time, in UTC where that names no zone."""
    taken = datetime.fromisoformat(day.line.time)
    return taken == (moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _is_repeat(path: Path) -> bool:
    return path.resolve().name.startswith("repeat-") and any(
        (path / name).is_file() for name in FILES.values()
    )


def _matching(kind: str, name: str, jobs: Mapping[Path, str], folder: str) -> list[Path]:
    if folder not in jobs.values():
        raise UnknownNameError(kind, name, jobs.values())
    return [job for job, own in jobs.items() if own == folder]
