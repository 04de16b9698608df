"""``investorbench replay``: the environment again, from the recorded actions."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import track

from investorbench.scripts.terminal import Console
from investorbench.tasks.briefings_again import briefing_differs
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.replaying import replay as replay_episode
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.wording import count, number
from investorbench_env.errors import InvestorBenchError

SAME, DIFFERS = "to the bit", "differs"
NOT_REPLAYED, NOT_RECORDED = "not replayed", "not recorded"
COLORS = {SAME: "green", DIFFERS: "red", NOT_REPLAYED: "red", NOT_RECORDED: "yellow"}
"""What may become of an episode, in the order in which it is summed up."""


def replay(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of an agent in it.")],
) -> None:
    """Take all recorded actions again, and see whether they come to the same, to the bit."""
    console, errors = Console(highlight=False), Console(stderr=True)
    outcomes: Counter[str] = Counter()
    unreadable = 0
    episodes: list[tuple[RecordedJob, int]] = []
    for path in jobs_in(run):
        try:
            job = job_in(path)
        except InvestorBenchError as error:
            unreadable += 1
            console.print(f"[red]not replayed:[/] {escape(str(error))}", soft_wrap=True)
        else:
            episodes += [(job, number) for number in range(job.repeats)]
    shown = track(
        episodes, "replaying", console=errors, transient=True, disable=not errors.is_terminal
    )
    for job, repeat in shown:
        outcome, words = _replayed(job, repeat)
        outcomes[outcome] += 1
        where = escape(str(job.episodes[repeat].relative_to(run)))
        console.print(f"{where}: [{COLORS[outcome]}]{outcome}[/]{words}", soft_wrap=True)
    console.print(_sum(outcomes, unreadable))
    raise typer.Exit(1 if unreadable or outcomes[DIFFERS] or outcomes[NOT_REPLAYED] else 0)


def _sum(outcomes: Counter[str], unreadable: int) -> str:
    """How all of it went: ``2 episodes, all to the bit``, or so many of each kind."""
    parts = [f"{number(outcomes[each])} {each}" for each in COLORS if outcomes[each]]
    parts += [f"{count(unreadable, 'folder')} {NOT_REPLAYED}"] if unreadable else []
    episodes = count(outcomes.total(), "episode")
    if len(parts) == 1 and outcomes[SAME]:
        return f"{episodes}, all {SAME}"
    return f"{episodes}: {', '.join(parts)}"


def _replayed(job: RecordedJob, repeat: int) -> tuple[str, str]:
    """How it went, and what else there is to say."""
    if not job.episodes[repeat].is_dir():
        return NOT_RECORDED, ""
    try:
        replayed = replay_episode(job, repeat, briefing_differs)
    except InvestorBenchError as error:
        return NOT_REPLAYED, f": {escape(str(error))}"
    if replayed.difference is None and not replayed.steps:
        return NOT_RECORDED, ""
    if replayed.difference is None:
        return SAME, f", {count(replayed.steps, 'step')}"
    return DIFFERS, f" at {escape(replayed.difference)}"
