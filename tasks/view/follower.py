"""Run folders that are followed: looked at again and again, and only what is new is read.

A look is made when somebody asks, and not sooner than it may: looks take at most a share of the
time, however large the folders are.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock

from investorbench.agents.llm.spending import Budget
from investorbench.tasks.record.run_folder import BESIDE_JOBS, names_of
from investorbench.tasks.record.schema import Content
from investorbench.tasks.record.settings import CONFIG
from investorbench.tasks.report.names import short_names
from investorbench.tasks.view.episodes import FollowedEpisode
from investorbench.tasks.view.jobs import FollowedJob, plain_state
from investorbench.tasks.view.writers import locked
from investorbench_env.errors import InvestorBenchError

SHARE = 0.02
"""Of the time of a processor that may go into looks."""
SHORTEST_S = 1.0
"""Between two looks."""
QUIET_S = 120.0
"""After which nothing is written any more, as far as can be seen from times alone."""
QUIET_UNLOCKED_S = 20.0
"""The same where locks on episodes were seen before, and are gone."""
MOST_PROBLEMS = 12
"""That are listed; every row has its own besides."""
LEDGER = "spending.txt"


class Follower:
    """What run folders hold, as far as they came.

    Args:
        runs: their folders.
        clock: of the wall, in seconds since 1970.

    Raises:
        InvestorBenchError: one is no folder, or holds something, and no record of a run.
    """

    def __init__(self, runs: Sequence[Path], clock: Callable[[], float] = time.time) -> None:
        self.runs = [run.resolve() for run in runs]
        self._names = names_of(self.runs)
        self.jobs: dict[Path, FollowedJob] = {}
        self.lock = RLock()
        """Held while the jobs are changed."""
        self._clock = clock
        self._numbers: dict[Path, int] = {}
        self._versions: dict[int, int] = {}
        self._version = 0
        self._looked, self._wait_s = 0.0, 0.0
        self._had_locks = False
        self._state: Content = {}
        self._short: dict[str, str] = {}
        self._ledgers: dict[Path, Budget] = {}
        for run, named in zip(self.runs, runs, strict=True):
            _require_a_run(run, named)

    def look(self) -> None:
        """Read what is new, unless that was done a moment ago."""
        with self.lock:
            began = self._clock()
            if 0.0 <= began - self._looked < self._wait_s:
                return
            before, began_s = time.thread_time(), time.perf_counter()
            self._look(began)
            used, took = time.thread_time() - before, time.perf_counter() - began_s
            # A file system that is slow is not asked more than half of the time, either.
            self._looked, self._wait_s = began, max(SHORTEST_S, used / SHARE, took)

    def state(self, since: int = 0) -> Content:
        """What a page shows of all jobs, and of those that changed a row, as JSON values.

        Args:
            since: the version that the page has.
        """
        with self.lock:
            since = 0 if since > self._version else since  # of a server before this one
            changed = [n for n, version in self._versions.items() if version > since]
            jobs = {job.number: job for job in self.jobs.values()}
            rows = [jobs[n].row() for n in changed if n in jobs]
            return {
                "version": self._version,
                **self._state,
                "present": sorted(jobs),
                "rows": [{**row, "short": self._short[row["agent"]]} for row in rows],
            }

    def decision(self, number: int, repeat: int) -> Content | None:
        """The last decision of a repeat of a job; None where there is none."""
        with self.lock:
            job = next((each for each in self.jobs.values() if each.number == number), None)
            return None if job is None else job.decision(repeat)

    @property
    def bytes_read(self) -> int:
        """Of files of decisions, to say how far they came."""
        return sum(
            file.bytes_read
            for job in self.jobs.values()
            for episode in job.episodes
            for file in episode.files.values()
        )

    def _look(self, now: float) -> None:
        before = self._state
        changed = self._find(now)
        changed |= {job.number for job in self.jobs.values() if job.look(now)}
        writing = self._writing(now)
        goes_on = bool(writing) or now - self._last_write() < self._patience()
        for job in self.jobs.values():
            if job.judge(writing, goes_on=goes_on):
                changed.add(job.number)
        short = short_names(job.name for job in self.jobs.values())
        if short != self._short:
            self._short, changed = short, {job.number for job in self.jobs.values()}
        self._state = self._summed(goes_on=goes_on)
        if changed or self._state != before:
            self._version += 1
        self._versions |= dict.fromkeys(changed, self._version)

    def _find(self, now: float) -> set[int]:
        """Jobs that are new; those that are gone are forgotten."""
        named = zip(self.runs, self._names, strict=True)
        found = {
            path: (place, name) for run, name in named for path, place in _jobs_below(run, name)
        }
        for gone in self.jobs.keys() - found.keys():
            del self.jobs[gone]
        new = [path for path in found if path not in self.jobs]
        for path in new:
            number = self._numbers.setdefault(path, len(self._numbers) + 1)
            place, run = found[path]
            self.jobs[path] = FollowedJob(path, place, run, number)
            self.jobs[path].look(now)
        return {self._numbers[path] for path in new}

    def _writing(self, now: float) -> list[FollowedEpisode]:
        """Episodes that something writes, by locks and by times."""
        begun = [
            each for job in self.jobs.values() for each in job.episodes
            if each.state != "finished"
        ]  # fmt: skip
        held = locked(each.lock for each in begun)
        self._had_locks = self._had_locks or bool(held)
        patience = self._patience()
        return [
            each for each in begun
            if each.lock in held or (each.state == "begun" and now - each.written_at < patience)
        ]  # fmt: skip

    def _patience(self) -> float:
        return QUIET_UNLOCKED_S if self._had_locks else QUIET_S

    def _last_write(self) -> float:
        written = [each.written_at for job in self.jobs.values() for each in job.episodes]
        return max(written, default=0.0)

    def _summed(self, *, goes_on: bool) -> Content:
        jobs = list(self.jobs.values())
        done = bool(jobs) and all(job.state == "finished" for job in jobs)
        last = self._last_write()
        problems = [
            f"{name}: the folder is not there any more"
            for run, name in zip(self.runs, self._names, strict=True) if not run.is_dir()
        ]  # fmt: skip
        problems += [each for job in jobs for each in job.problems()]
        more = len(problems) - MOST_PROBLEMS
        return {
            "state": "finished" if done else "running" if goes_on else "stopped",
            "written_at": datetime.fromtimestamp(last, UTC).isoformat("T", "seconds")
            if last
            else None,
            **plain_state(jobs),
            "ledger": self._paid(),
            "problems": problems[:MOST_PROBLEMS] + [f"and {more} more"] * (more > 0),
        }

    def _paid(self) -> float | None:
        """What the ledgers of the runs say; None where there is none."""
        paid = []
        for run in self.runs:
            path = run / LEDGER
            if path.is_file() and not path.is_symlink():
                try:
                    ledger = self._ledgers.setdefault(path, Budget(ledger=path))
                    ledger.paid_by("")
                except (OSError, ValueError):
                    continue
                paid.append(ledger.spent_usd)
        return sum(paid) if paid else None


def _jobs_below(run: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Folders of jobs, each with its place from the run's name on; links lead nowhere."""
    for where, folders, names in os.walk(run):
        folder = Path(where)
        repeats = [each for each in folders if each.startswith("repeat-")]
        if repeats or CONFIG in names:
            yield folder, Path(name, folder.relative_to(run)).as_posix()
        folders[:] = sorted(each for each in folders if each not in repeats)


def _require_a_run(run: Path, named: Path) -> None:
    if not run.is_dir():
        raise InvestorBenchError(f"there is no folder {named}; `investorbench run` names its own")
    if next(_jobs_below(run, run.name), None) is None:
        own = [each.name for each in run.iterdir() if not each.name.startswith(BESIDE_JOBS)]
        if own:
            raise InvestorBenchError(
                f"{named} holds no record of a run: give the folder that `investorbench run` "
                "named, or one of an agent in it"
            )
