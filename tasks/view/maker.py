"""The report of followed runs, made in the background; an episode that is finished is read once.

It is made when a reader asks for the page and something more is finished, never by itself.
"""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from investorbench.tasks.record.episode_folder import FAILURE, FILES
from investorbench.tasks.record.lines import RecordFile, header_in, read_record
from investorbench.tasks.record.reading import (
    RecordedJob,
    Seen,
    recorded_entry,
    recorded_episode,
    recorded_failure,
)
from investorbench.tasks.record.references import read_references
from investorbench.tasks.record.run_folder import FoundRuns
from investorbench.tasks.report.content import content_of
from investorbench.tasks.report.decisions import EpisodeNote, note_of
from investorbench.tasks.report.folder import (
    WrittenEpisode,
    blocks_of,
    episode_place,
    listed_page,
    packed_episode,
)
from investorbench.tasks.report.packing import part_file
from investorbench.tasks.report.shown import outcome_names
from investorbench.tasks.result import Episode, Failure
from investorbench.tasks.view.episodes import A_LINK, FollowedEpisode
from investorbench.tasks.view.follower import Follower
from investorbench.tasks.view.strip import strip
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

Finished = frozenset[tuple[str, tuple[int, int] | None]]
"""Which episodes are finished, and as what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeReport:
    """A page, and what it loads.

    Attributes:
        number: counted from 1; 0 of the page before the first report.
        page: HTML.
        parts: what it loads by name, but for episodes.
        finished: the episodes that it has.
    """

    number: int = 0
    page: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    finished: Finished = frozenset()


class KeptEpisode(NamedTuple):
    """A finished episode as it was read, or why it could not be."""

    finished_as: tuple[int, int] | None
    found: tuple[Facts | None, Episode] | None
    problem: str
    note: EpisodeNote | None


class PlacedEpisode(NamedTuple):
    """Where an episode is that a page may ask for."""

    job: RecordedJob
    repeat: int


class ReportMaker:
    """Makes the report of what a follower found.

    Args:
        follower: of the runs.
    """

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._kept: dict[str, KeptEpisode] = {}
        self._numbers: dict[str, int] = {}
        self._placed: dict[int, PlacedEpisode] = {}
        page, parts = waiting_page()
        self.made = MadeReport(page=page, parts=parts)
        self.read, self.of = 0, 0
        self.episodes_read = 0
        self.problem = ""
        self._tried: Finished = frozenset()

    @property
    def is_at_work(self) -> bool:
        """Whether a report is being made."""
        return self._thread is not None and self._thread.is_alive()

    def finished(self) -> Finished:
        """What is finished now."""
        with self._follower.lock:
            return frozenset(
                (f"{job.place}/{each.path.name}", each.finished_as)
                for job in self._follower.jobs.values()
                for each in job.episodes
                if each.state == "finished"
            )

    def renew(self, wait_s: float = 0.0) -> None:
        """Begin to make a report, if another one is due, and wait for it a while."""
        with self._lock:
            finished = self.finished()
            if not self.is_at_work and not self._stopped and finished != self._tried:
                self._tried = finished
                self.read, self.of = 0, len(finished)
                self._thread = threading.Thread(
                    target=self._make, args=(finished,), name="investorbench-report", daemon=True
                )
                self._thread.start()
            thread = self._thread
        if thread is not None:
            thread.join(wait_s)

    def stop(self, wait_s: float = 30.0) -> None:
        """End what is at work."""
        self._stopped = True
        if self._thread is not None:
            self._thread.join(wait_s)

    def part(self, name: str) -> str | None:
        """A file beside the page; None where there is none of that name."""
        kind, _, number = name.partition("-")
        if kind == "episode" and number.isascii() and number.isdigit() and len(number) < 10:
            return self._episode(int(number))
        text = self.made.parts.get(name)
        return None if text is None else part_file({name: text})

    def _episode(self, number: int) -> str | None:
        placed = self._placed.get(number)
        if placed is None:
            return None
        path = placed.job.episodes[placed.repeat] / FILES["test"]
        if path.is_symlink() or path.parent.is_symlink():
            return None
        record = read_record(path)
        header = record.header or header_in(path)
        facts = header.facts if header else self._facts_of(placed)
        if facts is None or not record.lines:
            return None
        _, named = packed_episode(placed.job, placed.repeat, record, facts, number)
        return part_file(named)

    def _facts_of(self, placed: PlacedEpisode) -> Facts | None:
        """What is known of the environment of a record without a header, of version 1."""
        try:
            return placed.job.task.facts("test")
        except InvestorBenchError:
            return None

    def _make(self, finished: Finished) -> None:
        try:
            number = self.made.number + 1
            page, parts = self._page(number)
            if not self._stopped:
                self.made = MadeReport(number=number, page=page, parts=parts, finished=finished)
                self.problem = ""
        except StoppedError:
            pass
        except Exception as error:  # noqa: BLE001  # whatever it is, the reader is to see it
            known = isinstance(error, InvestorBenchError)
            self.problem = str(error) if known else f"{type(error).__name__}: {error}"

    def _page(self, number: int) -> tuple[str, dict[str, str]]:
        found = FoundRuns([], [], [])
        written: dict[str, WrittenEpisode] = {}
        with self._follower.lock:
            jobs = [
                (each, each.recorded, [*each.episodes]) for each in self._follower.jobs.values()
            ]
        for followed, job, episodes in jobs:
            if job is None:
                found.problems_anywhere.append(f"{followed.place}: {followed.problem}")
                continue
            if not any(each.state == "finished" for each in episodes):
                continue  # it is in the strip
            reader = JobReader(self, episodes)
            try:
                require_no_links(job)
                entry = recorded_entry(
                    job,
                    followed.run,
                    read_episode=reader.episode,
                    read_failure=reader.failure,
                )
                _ = job.manifest, read_references(job.path)
            except InvestorBenchError as error:
                found.problems_anywhere.append(job.seen_anywhere(error))
                continue
            found.entries.append((job, entry))
            for repeat, each in enumerate(episodes):
                place = episode_place(job, repeat)
                own = self._numbers.setdefault(place, len(self._numbers) + 1)
                self._placed[own] = PlacedEpisode(job, repeat)
                note = self._note(job, repeat, each, entry.result.facts)
                written[place] = WrittenEpisode(note, blocks_of(note, own))
        return listed_page(content_of(found), written, strip(number))

    def _note(
        self, job: RecordedJob, repeat: int, followed: FollowedEpisode, facts: Facts
    ) -> EpisodeNote:
        place = episode_place(job, repeat)
        kept = self._kept.get(place)
        if kept is not None and kept.note is not None and followed.state == "finished":
            return kept.note
        sums = followed.files["test"].sums
        if not sums.decisions:
            return EpisodeNote(place=place, days=0, thinks=False)
        known = sums.header
        return EpisodeNote(
            place=place,
            days=sums.decisions,
            thinks=sums.thinks,
            outcome=outcome_names(known.facts if known else facts),
            begun=sums.begun,
            ended=sums.ended,
            opening=known.opening.equity if known else None,
            code=str(known.code.get("sha256") or "") if known else "",
        )

    def keep(self, job: RecordedJob, repeat: int, followed: FollowedEpisode) -> KeptEpisode:
        """A finished episode, read once for as long as it stays as it is."""
        if self._stopped:
            raise StoppedError
        place = episode_place(job, repeat)
        kept = self._kept.get(place)
        if kept is None or kept.finished_as != followed.finished_as:
            notes: list[EpisodeNote] = []

            def see(job: RecordedJob, repeat: int, record: RecordFile) -> None:
                facts = record.header.facts if record.header else None
                if facts is not None:
                    notes.append(note_of(job, repeat, record, facts))

            found, problem, as_now = None, "", followed.finished_as
            try:
                found = recorded_episode(job, repeat, see)
            except InvestorBenchError as error:
                problem = str(error)
            self.episodes_read += 1
            if found is not None and not notes:  # of version 1
                record = read_record(job.episodes[repeat] / FILES["test"])
                notes.append(note_of(job, repeat, record, job.task.facts("test")))
            kept = KeptEpisode(as_now, found, problem, notes[0] if notes else None)
            self._kept[place] = kept
        self.read += 1
        return kept


class StoppedError(Exception):
    """The server ends, and the report is not waited for any more."""


class JobReader:
    """Reads the episodes of a job for its entry.

    Args:
        maker: which keeps what was read.
        episodes: of the job.
    """

    def __init__(self, maker: ReportMaker, episodes: list[FollowedEpisode]) -> None:
        self._maker, self._episodes = maker, episodes

    def episode(
        self, job: RecordedJob, number: int, seen: Seen | None = None
    ) -> tuple[Facts | None, Episode]:
        """As :func:`~investorbench.tasks.record.reading.recorded_episode` does."""
        kept = self._maker.keep(job, number, self._episodes[number])
        if kept.found is None:
            raise InvestorBenchError(kept.problem)
        return kept.found

    def failure(self, job: RecordedJob, number: int) -> Failure:
        """As :func:`~investorbench.tasks.record.reading.recorded_failure` does."""
        path, followed = job.episodes[number], self._episodes[number]
        if (path / FAILURE).exists():
            return recorded_failure(path, number)
        steps = sum(file.sums.decisions for file in followed.files.values())
        why = f"not finished, {steps} steps are recorded" if steps else "not begun"
        return Failure(number, "unfinished", why)


def require_no_links(job: RecordedJob) -> None:
    """Refuse a job with links in it: what they lead to may lie outside of the run.

    Raises:
        InvestorBenchError: there is one, and where.
    """
    for path in (job.path, *job.episodes):
        for each in _links_in(path):
            raise InvestorBenchError(f"{each} {A_LINK}")


def _links_in(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        yield folder
    elif folder.is_dir():
        with os.scandir(folder) as found:
            for each in found:
                if each.is_symlink():
                    yield Path(each.path)


def waiting_page() -> tuple[str, dict[str, str]]:
    """The page before anything is finished, and what it loads: what follows the run, alone."""
    return listed_page(content_of(FoundRuns([], [], [])), {}, strip(0))
