"""The progress of a run: one bar for all steps of all episodes, in a terminal or a notebook."""

import contextlib
import html
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

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

Shows = Literal["bar", "bar_alone", "messages", "nothing"]
"""What a run prints: a bar, where there is a terminal or a notebook to show it, and messages above
it; one of the two, or neither."""

GETTING_READY = "getting ready"


class Bar(Protocol):
    """Where progress is shown."""

    def show(self, what: str, done: int, total: int) -> None:
        """Show how many steps are done, and what is at work."""


class Steps:
    """The bar, and what is said above it.

    Args:
        bar: where progress is shown; None where it is not.
        console: where messages go; None where there are none.
    """

    def __init__(self, bar: Bar | None, console: Console | None) -> None:
        self._bar, self._console = bar, console
        self._expected: dict[Job, int] = {}
        self._reached: dict[tuple[Job, int], int] = {}
        self._done = 0

    @property
    def speaks(self) -> bool:
        """Whether messages are shown."""
        return self._console is not None

    def say(self, text: str) -> None:
        """Tell the user."""
        if self._console is not None:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def expect(self, job: Job, repeats: Sequence[int]) -> None:
        """Count the steps of these episodes of a job in."""
        steps = job.block or job.task.facts("test").steps
        self._expected[job] = len(repeats) * (_warmup(job) + steps)
        self._show(GETTING_READY)

    def watch(self, job: Job, repeat: int) -> Watch:
        """What to call after each step of an episode."""
        warmup = _warmup(job)
        which = f" {repeat + 1}" * (job.repeats > 1)

        def watch(step: Step) -> None:
            before = self._reached.get((job, repeat), 0)
            reached = max(before, step.number + 1 + warmup * (step.split == "test"))
            self._reached[job, repeat] = reached
            self._done += reached - before
            self._show(f"{job.name} on {step.facts.symbol} · {step.split}{which}")

        return watch

    def _show(self, what: str) -> None:
        if self._bar is not None:
            self._bar.show(what, self._done, sum(self._expected.values()))


class TerminalBar:
    """A bar below what is printed."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def show(self, what: str, done: int, total: int) -> None:
        """Draw it, as often as the eye can follow."""
        self._progress.update(self._task, description=what, completed=done, total=total)


class NotebookBar:
    """A bar in the output of a cell, gone at the end."""

    def __init__(self) -> None:
        from IPython.display import display

        self._percent = -1
        self._handle = display(_html(GETTING_READY, 0, 0), display_id=True)

    def show(self, what: str, done: int, total: int) -> None:
        """Draw it, once a percent."""
        percent = 100 * done // max(total, 1)
        if percent != self._percent:
            self._percent = percent
            self._handle.update(_html(what, done, total))

    def close(self) -> None:
        """Leave nothing of it."""
        from IPython.display import HTML

        self._handle.update(HTML(""))


def _html(what: str, done: int, total: int) -> Any:
    from IPython.display import HTML

    of = f' value="{done}" max="{total}"' if total else ""
    count = f" {done}/{total}" if total else ""
    return HTML(f"<progress{of}></progress> {html.escape(what)}{count}")


@contextlib.contextmanager
def steps_shown(shows: Shows) -> Iterator[Steps]:
    """A bar while the block runs, or what else is to be shown, on standard error."""
    console = Console(stderr=True)
    says = console if shows in ("bar", "messages") else None
    has_bar = shows in ("bar", "bar_alone")
    if has_bar and console.is_jupyter:
        bar = NotebookBar()
        try:
            yield Steps(bar, says)
        finally:
            bar.close()
    elif has_bar and console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
            yield Steps(TerminalBar(progress, progress.add_task(GETTING_READY, total=None)), says)
    else:
        yield Steps(None, says)


def _warmup(job: Job) -> int:
    return job.task.facts("warmup").steps if job.warmup else 0
