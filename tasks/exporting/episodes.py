"""Recorded episodes with their lines, one at a time, for what makes something else of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import TypeVar

from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.scanning import scan
from investorbench.tasks.record.schema import Content
from investorbench.tasks.tables import TidyRow
from investorbench.tasks.tables.episodes import FINISHED, place_of, row
from investorbench.tasks.tables.reading import WRONG, Say, Watch, recorded_jobs
from investorbench_env.accounting.events import AccountState
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEpisode:
    """The test split of a repeat, as far as it is recorded.

    Attributes:
        number: of the repeat.
        row: what the table of episodes says of it.
        facts: of its environment.
        opening: the account at the first decision.
        lines: its decisions.
    """

    number: int
    row: TidyRow
    facts: Facts
    opening: AccountState
    lines: tuple[Content, ...]

    @property
    def is_finished(self) -> bool:
        """Whether it came to its end."""
        return bool(self.row["status"] == FINISHED)

    @property
    def written(self) -> list[str]:
        """When its lines were, wall-clock time, as far as they say it."""
        return [line["written_at"] for line in self.lines if _is_time(line["written_at"])]


def _is_time(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


class Names:
    """Names that are given once each, whatever the case of their letters."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def new(self, name: str) -> str:
        """A name, or where it is given already, the same with a number."""
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        found = next(each for each in names if each.casefold() not in self._given)
        self._given.add(found.casefold())
        return found


def of_sound(
    job: RecordedJob,
    episodes: Iterable[RecordedEpisode],
    make: Callable[[RecordedEpisode], T],
    say: Say,
) -> Iterator[tuple[RecordedEpisode, T]]:
    """What is made of each episode, without those that hold what no run writes.

    Args:
        job: of the episodes.
        episodes: to be made something of.
        make: makes it.
        say: takes what is left out, a line each.
    """
    for each in episodes:
        try:
            yield each, make(each)
        except WRONG as error:
            say(_unreadable(job, each.number, error))


def _unreadable(job: RecordedJob, number: int, error: Exception) -> str:
    why = " ".join(str(error).split())
    return f"left out: {place_of(job, number)} cannot be read: {type(error).__name__} {why}"


def episodes_by_job(
    runs: Sequence[Path], say: Say, watch: Watch
) -> Iterator[tuple[RecordedJob, TidyRow, Iterator[RecordedEpisode]]]:
    """Jobs of run folders, what is known of each, and its episodes.

    Args:
        runs: the folders.
        say: takes what is left out or is not finished, a line each.
        watch: is called after each repeat that was read.
    """
    for job, known in recorded_jobs(runs, say):
        yield job, known, _episodes(job, known, say, watch)


def _episodes(
    job: RecordedJob, known: TidyRow, say: Say, watch: Watch
) -> Iterator[RecordedEpisode]:
    for number in range(job.repeats):
        found = _episode(job, known, number, say)
        watch()
        if found is not None:
            yield found


def _episode(job: RecordedJob, known: TidyRow, number: int, say: Say) -> RecordedEpisode | None:
    """A repeat as far as it came; None where nothing of it can be read."""
    try:
        found = scan(job, number, "test")
        own = row(job, known, number)
        if own["status"] != FINISHED:
            say(f"{place_of(job, number)}: {' '.join(own['why'].split())}")
        lines = () if found is None else tuple(found.lines)
    except InvestorBenchError as error:
        say(f"left out: {job.seen_anywhere(error)}")
        return None
    except WRONG as error:
        say(_unreadable(job, number, error))
        return None
    if found is None or not lines:
        return None
    return RecordedEpisode(
        number=number,
        row=own,
        facts=found.header.facts,
        opening=found.header.opening,
        lines=lines,
    )
