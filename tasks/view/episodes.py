"""An episode that is followed: what its folder says of it, looked at with a few calls."""

import os
import stat
from pathlib import Path
from typing import Literal, NamedTuple

from investorbench.tasks.record.episode_folder import FAILURE, FILES, METRICS
from investorbench.tasks.record.files import read_json
from investorbench.tasks.record.lines import header_in, read_record
from investorbench.tasks.record.schema import Content, Header
from investorbench.tasks.view.grown import (
    UNREADABLE,
    GrownFile,
    Spending,
    last_line,
    spending_in,
)
from investorbench_env.errors import InvestorBenchError

EpisodeState = Literal["waiting", "begun", "finished", "failed"]
A_LINK = "is a link, or no file: it is left out, for it may lead out of the run"


class EpisodeCounts(NamedTuple):
    """What the figures of a finished episode say.

    Attributes:
        decisions: of the test split.
        taken: of both splits.
        spending: for them.
    """

    decisions: int
    taken: int
    spending: Spending


class FollowedEpisode:
    """A repeat of a job; nothing is read of its files but what is new.

    Args:
        path: its folder, there or not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        """Begin with nothing."""
        self.files = {split: GrownFile(self.path / name) for split, name in FILES.items()}
        self.state: EpisodeState = "waiting"
        self.written_at = 0.0
        """When something was last written, in seconds since 1970: never later than it was seen."""
        self._stamps: dict[str, tuple[float, float]] = {}
        self.problem = ""
        self._figures: Content = {}
        self._finished: os.stat_result | None = None
        self._counted: EpisodeCounts | None = None

    @property
    def decisions(self) -> int:
        """Of the test split."""
        if self._counted is not None:
            return self._counted.decisions
        return self.files["test"].sums.decisions

    @property
    def taken(self) -> int:
        """Of both splits."""
        if self._counted is not None:
            return self._counted.taken
        return sum(file.sums.decisions for file in self.files.values())

    @property
    def spending(self) -> Spending:
        """For both splits."""
        if self._counted is not None:
            return self._counted.spending
        total = Spending()
        for file in self.files.values():
            total.add(file.sums.spending)
        return total

    @property
    def split(self) -> str:
        """The one that its last decision is of."""
        return "test" if self.state == "finished" or self.decisions else "warmup"

    @property
    def finished_as(self) -> tuple[int, int] | None:
        """What changes when it is finished otherwise; None before it is finished."""
        found = self._finished
        return None if found is None else (found.st_size, found.st_mtime_ns)

    @property
    def lock(self) -> Path:
        """The file that is locked while it is written."""
        return self.path.parent / f".{self.path.name}.lock"

    def header(self) -> Header | None:
        """Of the split of the last decision; None where none can be read."""
        file = self.files[self.split]
        if file.sums.header is not None:
            return file.sums.header
        return header_in(file.path) if self._is_own(file.path) else None

    def last(self) -> Content | None:
        """The line of its last decision; None where there is none."""
        file = self.files[self.split]
        if not self._is_own(file.path):
            return None
        place = file.sums.place if file.sums.decisions else None
        return last_line(file.path, place)

    def _is_own(self, path: Path) -> bool:
        """Whether a file is there, and lies where its name says."""
        try:
            return _found(self.path, of_folder=True) is not None and _found(path) is not None
        except InvestorBenchError:
            return False

    def look(self, now: float) -> bool:
        """Read what is new; whether anything was.

        Args:
            now: seconds since 1970.
        """
        try:
            return self._look(now)
        except (OSError, InvestorBenchError) as error:
            why = getattr(error, "strerror", None) or str(error)
            changed, self.problem = self.problem != why, str(why)
            return changed

    def _look(self, now: float) -> bool:
        if _found(self.path, of_folder=True) is None:
            was_there = self.state != "waiting"
            if was_there:
                self._forget()
            return was_there
        files = [(file, _found(file.path)) for file in self.files.values()]
        metrics = _found(self.path / METRICS)
        if metrics is not None:
            for file, found in files:
                if found is not None and file.sums.header is not None:
                    file.look(found)  # what came after the last look
            return self._finish(metrics, now)
        before = self.state, self.problem
        self._finished = self._counted = None
        changed = False
        for file, found in files:
            if found is None:
                changed = file.forget() or changed  # the episode began again
            else:
                changed = file.look(found) or changed
                self._note_time(file.path.name, found.st_mtime, now)
        failure = _found(self.path / FAILURE)
        began = any(file.sums.decisions or file.sums.header for file in self.files.values())
        self.state = "failed" if failure else "begun" if began else "waiting"
        damaged = (f"{each.path.name}: {each.sums.problem}" for each, _ in files
                   if each.sums.problem)  # fmt: skip
        why = str(read_json(self.path / FAILURE).get("why", "")) if failure else ""
        self.problem = why or next(damaged, "")
        return changed or before != (self.state, self.problem)

    def _note_time(self, name: str, stamp: float, now: float) -> None:
        """Say when a file was written: where its own time is still to come, when that was seen."""
        if name not in self._stamps or self._stamps[name][0] != stamp:
            self._stamps[name] = stamp, min(stamp, now)
        self.written_at = max(self.written_at, self._stamps[name][1])

    def _finish(self, metrics: os.stat_result, now: float) -> bool:
        known, self._finished = self.finished_as, metrics
        if known == self.finished_as:
            return False
        self.written_at = 0.0
        self._note_time(METRICS, metrics.st_mtime, now)
        self._counted = None
        try:
            self._counted = self._counts()
        except (InvestorBenchError, *UNREADABLE) as error:
            # What is in its lines can be said all the same.
            for file in self.files.values():
                if (found := _found(file.path)) is not None:
                    file.look(found)
            why = f"{METRICS} cannot be read: {type(error).__name__} {error}"
            self.state = "failed"
            self.problem = str(error) if isinstance(error, InvestorBenchError) else why
        else:
            self.state, self.problem = "finished", ""
        return True

    def _counts(self) -> EpisodeCounts:
        """What its figures say."""
        figures = read_json(self.path / METRICS)
        lines = {name: int(own["lines"]) for name, own in (figures.get("records") or {}).items()}
        if "test" not in lines:  # of version 1
            lines = {name: len(read_record(file.path).lines) for name, file in self.files.items()}
        return EpisodeCounts(lines["test"], sum(lines.values()), spending_in(figures))


def _found(path: Path, *, of_folder: bool = False) -> os.stat_result | None:
    """What the system says of a file that is none of others; None where nothing is.

    Raises:
        InvestorBenchError: it is a link.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not (stat.S_ISDIR if of_folder else stat.S_ISREG)(found.st_mode):
        raise InvestorBenchError(f"{path.name} {A_LINK}")
    return found
