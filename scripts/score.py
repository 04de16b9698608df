"""``investorbench score``: every metric again, from the recorded decisions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from investorbench.scripts.expected_output import print_expected
from investorbench.scripts.racing import print_races
from investorbench.scripts.tables import print_results
from investorbench.scripts.terminal import Console, counting
from investorbench.tasks.labels_again import rewards_again, wrong_labels
from investorbench.tasks.record.digests import MANIFEST, bind_again
from investorbench.tasks.record.episode_folder import LABELS, METRICS
from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.record.job_folder import alone_in, summed_up
from investorbench.tasks.record.reading import RecordedJob, left_out, recorded_entry
from investorbench.tasks.record.references import read_references
from investorbench.tasks.record.run_folder import job_in, jobs_in, recorded_episodes
from investorbench.tasks.record.verifying import differences
from investorbench.tasks.result import Entry
from investorbench.tasks.running.raced import raced
from investorbench.tasks.tables import LEADERBOARD, NAMES, WRITERS, write_table
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError


def score(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of an agent in it.")],
    write: Annotated[
        bool, typer.Option("--write", help="Renew metrics.json and manifest.json.")
    ] = False,
    expected: Annotated[
        bool,
        typer.Option("--expected", help="On simulated markets: what was to be expected, too."),
    ] = False,
    table: Annotated[
        str | None, typer.Option("--table", help=f"Write this table instead: {', '.join(NAMES)}.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help=f"Its file, by whose ending: {' '.join(WRITERS)}; or .csv here.",
        ),
    ] = None,
) -> None:
    """Compute every metric again from the recorded decisions, without a model or an agent."""
    if table is not None or output is not None:
        _write_table(run, table, output)
        return
    entries: list[Entry] = []
    errors: list[str] = []
    differing: list[str] = []
    messages = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    with counting("scoring", recorded_episodes([run]), messages) as advance:
        for path in jobs_in(run):
            try:
                job = job_in(path)
                entry = recorded_entry(job, run.resolve().name, lambda *_: advance())
                entries.append(entry)
                errors += [left_out(job, each) for each in entry.failures]
                wrong = {}
                for file, part in _parts(job, entry):
                    found = list(
                        differences(file, read_json(file), part, "from the decisions follows")
                    )
                    if found:
                        wrong[file] = part
                        if file.name != LABELS:  # of which the day is named below
                            differing += [f"{file}: {each.what}" for each in found]
                differing += [f"{each.path}: {each.what}" for each in wrong_labels(job)]
                if write and wrong:
                    _renew(job, wrong)
                read_references(path)  # the table is made without them where they are damaged
            except InvestorBenchError as error:
                errors.append(str(error))
    print_results(entries, Console())
    print_races(raced(entries), Console())
    if expected:
        print_expected([entry.result for entry in entries], Console())
    for line in differing:
        messages.print(line)
    if differing and not write:
        messages.print("--write renews what is recorded")
    if errors:
        raise InvestorBenchError("\n".join(errors))


def _write_table(run: Path, table: str | None, output: Path | None) -> None:
    """Write a tidy table of a run; what is not in it is said."""
    messages = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    name = LEADERBOARD if table is None else table
    file = output or Path(f"{name}.csv")
    with counting(f"writing {file}", recorded_episodes([run]), messages) as advance:
        rows = write_table(name, [run], file, messages.print, advance)
    print(f"wrote {file}: {count(rows, 'row')}")


def _parts(job: RecordedJob, entry: Entry) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What follows from the decisions, for each file that says it."""
    failed = {failure.repeat for failure in entry.failures}
    paths = [path for number, path in enumerate(job.episodes) if number not in failed]
    for path, episode in zip(paths, entry.result.episodes, strict=True):
        yield path / METRICS, {"metrics": episode.metrics, "answers": episode.answers}
        if (rewards := rewards_again(path)) is not None:
            yield path / LABELS, rewards
    if job.manifest is not None and not failed:
        answers = [episode.answers for episode in entry.result.episodes]
        repeats = [episode.metrics for episode in entry.result.episodes]
        metrics = summed_up(repeats, job.manifest)
        yield job.path / MANIFEST, {"metrics": dict(metrics), "answers": answers}


def _renew(job: RecordedJob, parts: Mapping[Path, dict[str, Any]]) -> None:
    with alone_in(job.path):
        for path, part in parts.items():
            kept = {name: value for name, value in part.items() if value is not None}
            write_json(path, {**read_json(path), **kept})
        if job.manifest is not None:
            bind_again(job.path)
