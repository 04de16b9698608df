"""``investorbench replay``: the environment again, from the recorded actions."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.replaying import replay as replay_episode
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench_env.errors import InvestorBenchError


def replay(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of an agent in it.")],
) -> None:
    """Take all recorded actions again, and see whether they come to the same, to the bit."""
    console, errors = Console(highlight=False), Console(stderr=True)
    episodes: list[tuple[RecordedJob, int]] = []
    failed = 0
    for path in jobs_in(run):
        try:
            job = job_in(path)
        except InvestorBenchError as error:
            failed += 1
            console.print(f"[red]not replayed:[/] {escape(str(error))}", soft_wrap=True)
        else:
            episodes += [(job, number) for number in range(job.repeats)]
    shown = track(
        episodes, "replaying", console=errors, transient=True, disable=not errors.is_terminal
    )
    for job, number in shown:
        where = escape(str(job.episodes[number].relative_to(run)))
        if not job.episodes[number].is_dir():
            console.print(f"{where}: [yellow]not recorded[/]", soft_wrap=True)
            continue
        try:
            replayed = replay_episode(job, number)
        except InvestorBenchError as error:
            failed += 1
            console.print(f"{where}: [red]not replayed:[/] {escape(str(error))}", soft_wrap=True)
            continue
        if replayed.difference is None:
            outcome = f"[green]to the bit[/], {replayed.steps} steps"
        else:
            failed += 1
            outcome = f"[red]differs[/] at {escape(replayed.difference)}"
        console.print(f"{where}: {outcome}", soft_wrap=True)
    count = f"{len(episodes)} episode{'s' * (len(episodes) != 1)}"
    console.print(f"{count}, {f'{failed} not' if failed else 'all'} to the bit")
    raise typer.Exit(1 if failed else 0)
