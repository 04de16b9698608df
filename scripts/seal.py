"""``investorbench seal``: a digest of a plan before it is run, and of the whole record after."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from investorbench.scripts.run import planning
from investorbench.scripts.terminal import Console
from investorbench.tasks.record.bundling import opened_run
from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.run_folder import jobs_in
from investorbench.tasks.record.sealing import (
    CheckedSeal,
    Seal,
    check_seals,
    seal_findings,
    seal_record,
)
from investorbench.tasks.record.sealing.seals import KINDS, line_file, seal_file
from investorbench.tasks.record.sealing.signatures import sign
from investorbench.tasks.running.planning import sealed_plan
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
COLORS = {"fits": "green", "fits so far": "green", "differs": "red", "not checked": "yellow"}


def seal(
    arguments: Annotated[
        list[str], typer.Argument(help="The folder of a run; with --plan, what `run` would take.")
    ],
    plan: Annotated[bool, typer.Option("--plan", help="Seal what is to be run.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare a run with its seals.")] = False,
    given: Annotated[
        str | None, typer.Option("--seal", help="Of --check: a file, a line or a digest besides.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Sign with this SSH key.")] = None,
    signers: Annotated[
        Path | None, typer.Option(help="Of --check: who may sign, as Git's allowedSignersFile.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Of --check: a line of JSON a seal.")
    ] = False,
) -> None:
    """Print one line to publish: the seal of a finished run, or with --plan of one before it."""
    if plan and check:
        raise InvestorBenchError("--plan seals and --check compares: give one of them")
    if not check and (given is not None or signers is not None or as_json):
        raise InvestorBenchError("--seal, --signers and --json are of --check: give that, too")
    if plan:
        seal_plan_of(arguments, key)
        return
    if len(arguments) != 1:
        raise InvestorBenchError("give the folder of one run, or --plan with what is to be run")
    run = Path(arguments[0])
    if check:
        with opened_run(run, _say) as folder:
            checked = check_seals(folder, given, signers)
            if not checked:
                raise InvestorBenchError(f"{run} has no seal: give one with --seal, or make one")
            (_print_json if as_json else _print)(folder, checked)
        if given is None:
            _say("a seal can be made again: compare the line that was published, with --seal LINE")
        raise typer.Exit(1 if any(each.verdict == "differs" for each in checked) else 0)
    made = seal_record(run)
    _finish(run, made, key)
    for finding in seal_findings(run):
        _say(f"note: {finding.path}: {finding.what}")
    for path in jobs_in(run):
        if not (path / MANIFEST).exists():
            _say(f"note: {path} is not finished; what is still to come is not sealed")


def seal_plan_of(overrides: Sequence[str], key: Path | None = None) -> None:
    """Seal what ``investorbench run`` would be given, and print the line to publish."""
    with planning(list(overrides)) as asked:
        if asked is None:
            return
        jobs, made = sealed_plan(asked.jobs, asked.folder)
        episodes = count(sum(job.repeats for job in jobs), "episode")
        given = [*overrides, *([] if _names_folder(overrides) else [f"folder={asked.folder}"])]
        _finish(asked.folder, made, key)
        _say(f"{count(len(jobs), 'job')}, {episodes}; next: investorbench run {shlex.join(given)}")


def _names_folder(overrides: Sequence[str]) -> bool:
    return any(each.startswith("folder=") for each in overrides)


def _finish(run: Path, made: Seal, key: Path | None) -> None:
    """Sign a seal where that is asked for, and print the line to publish."""
    if key is not None:
        for kind in KINDS:
            if line_file(run, kind).exists():
                sign(line_file(run, kind), key)
    print(made.line)
    _say(f"the {made.kind} is sealed in {seal_file(run, made.kind)}; publish the line above")


def _print(run: Path, checked: Sequence[CheckedSeal]) -> None:
    console = Console(highlight=False)
    for each in checked:
        color = COLORS[each.verdict]
        console.print(f"[{color}]{each.verdict}[/] {escape(each.name)}", soft_wrap=True)
        if each.digest not in each.name or not each.digest:
            console.print(Padding(Text(f"{each.kind} {each.digest}"), (0, 0, 0, 6)))
        for finding in each.findings:
            inner = finding.path.relative_to(run) if run in finding.path.parents else finding.path
            console.print(Padding(Text(f"{inner}: {finding.what}"), (0, 0, 0, 6)))
        for note in each.notes:
            console.print(Padding(Text(note), (0, 0, 0, 6)))


def _print_json(run: Path, checked: Sequence[CheckedSeal]) -> None:
    for each in checked:
        print(json.dumps({"verdict": each.verdict, **asdict(each)}, default=str))


def _say(message: str) -> None:
    Console(stderr=True).print(message, highlight=False, markup=False, soft_wrap=True)
