"""``investorbench score``: every metric again, from the recorded decisions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from investorbench_env.errors import InvestorBenchError
from scripts.run import beside_buy_and_hold
from scripts.run_folders import job_in, jobs_in
from scripts.tables import print_results
from tasks.recorded import RecordedJob, read_json, recorded_result
from tasks.records import write_json
from tasks.result import Result
from tasks.runs import CONFIG, JobFolder
from tasks.verification import MANIFEST, METRICS, differences


def score(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of an agent in it.")],
    write: Annotated[
        bool, typer.Option("--write", help="Renew metrics.json and manifest.json.")
    ] = False,
) -> None:
    """Compute every metric again from the recorded decisions, without a model or an agent."""
    results: list[Result] = []
    errors: list[str] = []
    differing: list[str] = []
    for path in jobs_in(run):
        try:
            job = job_in(path)
            result = recorded_result(job)
            wrong = {}
            for file, part in _parts(job, result).items():
                found = list(differences(file, read_json(file), part, "from the decisions follows"))
                if found:
                    wrong[file] = part
                    differing += [f"{file}: {each.what}" for each in found]
            if write and wrong:
                _renew(job, wrong)
        except InvestorBenchError as error:
            errors.append(str(error))
        else:
            results.append(result)
    print_results(_beside(results, errors), Console())
    said = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    for line in differing:
        said.print(line)
    if differing and not write:
        said.print("--write renews what is recorded")
    if errors:
        raise InvestorBenchError("\n".join(errors))


def _beside(results: Sequence[Result], errors: list[str]) -> Sequence[Result]:
    try:
        return beside_buy_and_hold(results)
    except InvestorBenchError as error:  # the table can do without
        Console(stderr=True).print(f"without buy and hold: {error}", markup=False, soft_wrap=True)
        return results


def _parts(job: RecordedJob, result: Result) -> dict[Path, dict[str, Any]]:
    """What follows from the decisions, for each file that says it."""
    parts: dict[Path, dict[str, Any]] = {
        path / METRICS: {"metrics": episode.metrics, "answers": episode.answers}
        for path, episode in zip(job.episodes, result.episodes, strict=True)
    }
    if job.manifest is not None:
        answers = [episode.answers for episode in result.episodes]
        parts[job.path / MANIFEST] = {"metrics": result.metrics, "answers": answers}
    return parts


def _renew(job: RecordedJob, parts: Mapping[Path, dict[str, Any]]) -> None:
    config = (job.path / CONFIG).read_text(encoding="utf-8")
    with JobFolder(job.path, config):  # which nobody else writes meanwhile
        for path, part in parts.items():
            kept = {name: value for name, value in part.items() if value is not None}
            write_json(path, {**read_json(path), **kept})
