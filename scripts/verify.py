"""``investorbench verify``: whether a run folder is whole and untouched."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from investorbench.tasks.record.code import code_of
from investorbench.tasks.record.run_folder import foreign_files, job_in, jobs_in
from investorbench.tasks.record.schema import Content
from investorbench.tasks.record.settings import CONFIG
from investorbench.tasks.record.verifying import Finding, mixtures, verify_job
from investorbench_env.errors import InvestorBenchError


def verify(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of an agent in it.")],
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a finding.")] = False,
) -> None:
    """Find whatever was changed, is missing or does not belong together; runs no agent."""
    jobs = jobs_in(run)
    findings = list(_findings(run, jobs))
    wrong = sum(finding.is_wrong for finding in findings)
    if as_json:
        for finding in findings:
            print(json.dumps({**asdict(finding), "path": str(finding.path)}))
    else:
        _print(run, findings, len(jobs), wrong)
    raise typer.Exit(1 if wrong else 0)


def _findings(run: Path, jobs: list[Path]) -> Iterator[Finding]:
    manifests: dict[Path, Content] = {}
    for path in jobs:
        try:
            job = job_in(path)
        except InvestorBenchError as error:
            what = str(error).removeprefix(f"{path / CONFIG} ")
            yield Finding(path=path / CONFIG, what=f"{what}; nothing else of the job was checked")
            continue
        yield from verify_job(job)
        try:
            manifest = job.manifest
        except InvestorBenchError:
            continue  # a finding says so already
        if manifest is not None:
            manifests[path] = manifest
    if manifests:
        yield from mixtures(manifests)
        if all(each.get("code_sha256") != code_of()["sha256"] for each in manifests.values()):
            what = "was run with another version of the code than the one that checks it"
            yield Finding(path=run, what=what, is_wrong=False)
    for path in foreign_files(run, jobs):
        yield Finding(path=path, what="is no part of a record", is_wrong=False)


def _print(run: Path, findings: list[Finding], jobs: int, wrong: int) -> None:
    console = Console(highlight=False)
    for (path, is_wrong), same in groupby(findings, key=lambda each: (each.path, each.is_wrong)):
        word = "[red]wrong[/]" if is_wrong else "[yellow]note[/] "
        where = run if path == run else path.relative_to(run)
        console.print(f"{word} {escape(str(where))}", soft_wrap=True)
        for finding in same:
            console.print(Padding(Text(finding.what), (0, 0, 0, 6)))
    notes = len(findings) - wrong
    verdict = f"{wrong} wrong" if wrong else "nothing wrong" if notes else "whole and untouched"
    verdict += f", {notes} to note" if notes else ""
    console.print(f"{jobs} job{'s' * (jobs > 1)} in {escape(str(run))}: {verdict}", soft_wrap=True)
