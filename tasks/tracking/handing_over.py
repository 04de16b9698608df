"""From episodes to trackers: through a queue and a thread for each, so that no episode waits."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, Self

from investorbench.tasks.result import Episode
from investorbench.tasks.step import Step
from investorbench.tasks.task import Task
from investorbench.tasks.tracking.figures import Figures, StepFigures, final_figures, seconds_of
from investorbench.tasks.tracking.parameters import EpisodeParameters
from investorbench.tasks.tracking.tracker import Log, Tracker

PATIENCE_S = 60.0
"""How long trackers may take for what is left when the episodes are over."""

Watch = Callable[[Step], None]
Work = Callable[[], object]


class TrackingWarning(UserWarning):
    """A tracker failed and is left out; the run continues."""


class Tracking:
    """Trackers at work, for as long as episodes run; use it as a context manager.

    Args:
        trackers: what to hand figures to.
        say: called once for a tracker that fails, with a sentence; else a ``TrackingWarning`` is
            given, which is raised only at the end where warnings are errors.
        patience_s: how long to wait at the end for trackers that are not done.
    """

    def __init__(
        self,
        trackers: Sequence[Tracker],
        say: Callable[[str], object] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._hands = [_Hand(tracker) for tracker in trackers]
        self._say = say or _warn
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        for hand in self._hands:
            hand.start()
        return self

    def __exit__(self, *error: object) -> None:
        for hand in self._hands:
            hand.stop(self._patience_s)
        self.report()

    def episode(
        self,
        agent: str,
        task: Task,
        *,
        model: str = "",
        configuration: Mapping[str, Any] | None = None,
    ) -> "EpisodeLog":
        """What an episode is written down with; a context manager.

        Args:
            agent: its name.
            task: what it is scored on.
            model: the language model's name, where one is asked.
            configuration: all other settings.
        """
        return EpisodeLog(self, agent, task, model, configuration or {})

    def open(self, parameters: EpisodeParameters) -> list[tuple["_Hand", "_Opened"]]:
        """A log of each tracker that is still at work."""
        opened = [(hand, _Opened(hand.tracker, parameters)) for hand in self._hands]
        for hand, log in opened:
            hand.give(log.open)
        return opened

    @property
    def is_idle(self) -> bool:
        """Whether no tracker is left that would take a figure."""
        return all(hand.failure for hand in self._hands)

    def report(self) -> None:
        """Say once of each tracker that failed that it did."""
        for hand in self._hands:
            if hand.failure and not hand.is_reported:
                self._say(f"{hand.tracker.name} is left out from here on: {hand.failure}")
                hand.is_reported = True


class EpisodeLog:
    """One episode, handed to trackers; left without :meth:`end`, it counts as failed."""

    def __init__(
        self,
        tracking: Tracking,
        agent: str,
        task: Task,
        model: str,
        configuration: Mapping[str, Any],
    ) -> None:
        self._tracking = tracking
        self._agent = agent
        self._task = task
        self._model = model
        self._configuration = configuration
        self._figures = StepFigures()
        self._logs: list[tuple[_Hand, _Opened]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close({}, failed=True)

    def step(self, step: Step) -> None:
        """Hand a step over; the first one opens the logs."""
        with suppress(TrackingWarning):  # raised where warnings are errors; kept for the end
            self._tracking.report()
        if self._tracking.is_idle:
            return
        if self._logs is None:
            self._logs = self._tracking.open(self._parameters(step))
        number, seconds, figures = step.number, seconds_of(step), self._figures.of(step)
        for hand, log in self._logs:
            hand.give(partial(log.step, number, seconds, figures))

    def beside(self, watch: Watch | None) -> Watch:
        """:meth:`step` and another watch, as one."""

        def both(step: Step) -> None:
            self.step(step)
            if watch is not None:
                watch(step)

        return both

    def end(self, episode: Episode) -> None:
        """Hand over its metrics."""
        self._close(final_figures(episode), failed=False)

    def _close(self, figures: Mapping[str, float], *, failed: bool) -> None:
        for hand, log in self._logs or ():
            hand.give(partial(log.end, figures, failed=failed))
        self._logs = []

    def _parameters(self, step: Step) -> EpisodeParameters:
        return EpisodeParameters(
            agent=self._agent,
            task=self._task,
            facts=step.facts if step.split == "test" else self._task.facts("test"),
            model=self._model,
            repeat=step.repeat,
            seed=step.seed,
            configuration=self._configuration,
        )


class _Opened:
    """The log of an episode at one tracker, once its thread has opened it."""

    _log: Log

    def __init__(self, tracker: Tracker, parameters: EpisodeParameters) -> None:
        self._tracker = tracker
        self._parameters = parameters

    def open(self) -> None:
        self._log = self._tracker.begin(self._parameters)

    def step(self, number: int, seconds: float, figures: Figures) -> None:
        self._log.step(number, seconds, figures)

    def end(self, figures: Figures, *, failed: bool) -> None:
        self._log.end(figures, failed=failed)


class _Hand:
    """The thread of one tracker; after a failure it takes nothing.

    Attributes:
        tracker: whose it is.
        failure: what went wrong, in a line; empty as long as nothing did.
        is_reported: whether that was reported.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.failure = ""
        self.is_reported = False
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"tracking: {tracker.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self, work: Work) -> None:
        if not self.failure:
            self._work.put(work)

    def stop(self, patience_s: float) -> None:
        self._work.put(None)
        self._thread.join(patience_s)
        if self._thread.is_alive() and not self.failure:
            self.failure = f"it did not take what it was given within {patience_s:g} seconds"

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if self.failure:
                continue
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a tracker's failure is never a run's
                lines = str(error).strip().splitlines()
                self.failure = f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"


def _warn(sentence: str) -> None:
    warnings.warn(sentence, TrackingWarning, stacklevel=2)
