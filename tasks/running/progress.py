"""The progress of a run: one bar for all steps of all episodes."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from investorbench.tasks.running.episode import Watch
from investorbench.tasks.running.job import Job
from investorbench.tasks.step import Step


class Steps:
    """The bar, and what is said above it."""

    def __init__(self, progress: Progress, bar: TaskID) -> None:
        self._progress, self._bar = progress, bar
        self._expected: dict[Job, int] = {}
        self._reached: dict[tuple[Job, int], int] = {}

    def say(self, text: str) -> None:
        """Tell the user."""
        self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def expect(self, job: Job, repeats: Sequence[int]) -> None:
        """Count the steps of these episodes of a job in."""
        self._expected[job] = len(repeats) * (_warmup(job) + job.task.facts("test").steps)
        self._progress.update(self._bar, total=sum(self._expected.values()))

    def watch(self, job: Job, repeat: int) -> Watch:
        """What to call after each step of an episode."""
        warmup = _warmup(job)
        which = f" {repeat + 1}" * (job.repeats > 1)

        def watch(step: Step) -> None:
            before = self._reached.get((job, repeat), 0)
            reached = max(before, step.number + 1 + warmup * (step.split == "test"))
            self._reached[job, repeat] = reached
            what = f"{job.name} on {step.facts.symbol} · {step.split}{which}"
            self._progress.update(self._bar, description=what, advance=reached - before)

        return watch


Shows = Literal["bar", "messages", "nothing"]
"""What a run prints on standard error; a bar, and messages above it, only on a terminal."""


@contextlib.contextmanager
def steps_shown(shows: Shows) -> Iterator[Steps]:
    """A bar while the block runs, or what else is to be shown."""
    console = Console(stderr=True, quiet=shows == "nothing")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True,
        disable=not (shows == "bar" and console.is_terminal),
    ) as progress:  # fmt: skip
        yield Steps(progress, progress.add_task("getting ready", total=None))


def _warmup(job: Job) -> int:
    return job.task.facts("warmup").steps if job.warmup else 0
