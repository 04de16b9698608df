"""``investorbench verify``: what a run folder stands up to, in three levels."""

import json
from collections import Counter
from dataclasses import asdict
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.progress import track
from rich.table import Table
from rich.text import Text

from investorbench.scripts.recorded_jobs import job_again
from investorbench.scripts.terminal import Console
from investorbench.tasks.record.bundling import opened_run
from investorbench.tasks.verdict import AGENT, MARKET, RECORD, Checks, Verdict
from investorbench.tasks.wording import count, number

INDENT, BELOW = (0, 0, 0, 6), (0, 0, 0, 2)
CONSISTENT = {
    RECORD: ("record", "themselves"),
    MARKET: ("market", "this market"),
    AGENT: ("agent", "this market and these answers"),
}
"""The levels by their names, and what repeats are consistent with that pass one."""
ITSELF = "itself"
NO_SEAL = "none: what was left out, or made again from the start, cannot be seen"
LISTED = 3


def verify(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of an agent in it.")],
    agent: Annotated[
        bool,
        typer.Option("--agent", help="Run the agents again, on the answers that were recorded."),
    ] = False,
    seal: Annotated[
        str | None, typer.Option("--seal", help="A seal from elsewhere: a file, line or digest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a finding.")] = False,
) -> None:
    """Find what was changed, is missing or does not follow; asks no model."""
    errors = Console(stderr=True)
    with opened_run(run, errors.print) as folder:
        again = partial(job_again, within=folder) if agent else None
        checks = Checks(folder, again, seal)
        shown = track(
            checks, "verifying", len(checks), console=errors, transient=True,
            disable=not errors.is_terminal,
        )  # fmt: skip
        for check in shown:
            check()
        verdict = checks.verdict()
    if as_json:
        for finding in verdict.findings:
            path = str(run / _inside(finding.path, folder))
            print(json.dumps({**asdict(finding), "path": path}))
    else:
        _print(verdict, run, agent)
    raise typer.Exit(1 if verdict.wrong else 0)


def _print(verdict: Verdict, run: Path, agent: bool) -> None:
    console = Console(highlight=False)
    by_file = groupby(verdict.findings, key=lambda each: (each.path, each.is_wrong))
    for (path, is_wrong), same in by_file:
        word = "[red]wrong[/]" if is_wrong else "[yellow]note[/] "
        where = run if path == verdict.run else _inside(path, verdict.run)
        console.print(f"{word} {escape(str(where))}", soft_wrap=True)
        for finding in same:
            what = Text.assemble(finding.what, (f" [{finding.kind}]", "dim"))
            console.print(Padding(what, INDENT, expand=False))
    wrong, notes = len(verdict.wrong), len(verdict.findings) - len(verdict.wrong)
    words = f"{number(wrong)} wrong" if wrong else "nothing wrong"
    words += f", {number(notes)} to note" if notes else ""
    jobs, repeats = count(len(verdict.jobs), "job"), count(len(verdict.repeats), "finished repeat")
    console.print(f"{jobs}, {repeats} in {escape(str(run))}: {words}", soft_wrap=True)
    levels = Table.grid(padding=(0, 2))
    for level, (name, _) in CONSISTENT.items():
        levels.add_row(name, Text(_at(verdict, level, agent)))
    seals = ", ".join(f"{each.name} {each.verdict}" for each in verdict.seals)
    levels.add_row("seal", Text(seals or NO_SEAL))
    if wrong:
        levels.add_row("counts", Text(_standing(verdict)))
    console.print(Padding(levels, BELOW, expand=False))
    console.print(Text(f"No check can show {verdict.never_shown}."))


def _inside(path: Path, folder: Path) -> Path:
    """A path from a folder on; the answers of a run lie above the folder of an agent."""
    return path.relative_to(folder) if folder in (path, *path.parents) else path.absolute()


def _at(verdict: Verdict, level: int, agent: bool) -> str:
    """What came of a level, in words."""
    if level == AGENT and not agent:
        return "not checked: --agent runs the agents again, on the answers that were recorded"
    outcomes = verdict.at(level)
    checked = [each for each in outcomes if each.not_checked is None]
    passed = sum(each.is_consistent for each in checked)
    unit = "job" if level == RECORD else "repeat"
    parts = []
    if checked:
        of = f"{number(passed)} of {count(len(checked), unit)}"
        whom = ITSELF if level == RECORD and len(checked) == 1 else CONSISTENT[level][1]
        parts.append(f"{of} consistent with {whom}")
    if steps := sum(each.steps for each in checked):
        parts[0] += f": {count(steps, 'step')} came out again"
    reasons = Counter(each.not_checked for each in outcomes if each.not_checked is not None)
    parts += [f"{number(n)} not checked: {why}" for why, n in reasons.most_common(LISTED)]
    return "; ".join(parts) or "not checked: nothing is recorded"


def _standing(verdict: Verdict) -> str:
    standing = verdict.standing
    names = [str(path.relative_to(verdict.run)) for path in standing[:LISTED]]
    names += ["…"] * (len(standing) > LISTED)
    of = f"{number(len(standing))} of {count(len(verdict.repeats), 'repeat')}"
    return f"{of} still{': ' * bool(names)}{', '.join(names)}"
