"""Recorded episodes with their lines, one at a time, for what makes something else of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.scanning import scan
from investorbench.tasks.record.schema import Content
from investorbench.tasks.tables import TidyRow
from investorbench.tasks.tables.episodes import FINISHED, place_of, row
from investorbench.tasks.tables.reading import WRONG, Say, recorded_jobs
from investorbench_env.accounting.events import AccountState
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts


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
        """When its lines were, wall-clock time."""
        return [line["written_at"] for line in self.lines if line["written_at"]]


def episodes_by_job(
    runs: Sequence[Path], say: Say
) -> Iterator[tuple[RecordedJob, TidyRow, Iterator[RecordedEpisode]]]:
    """Jobs of run folders, what is known of each, and its episodes.

    Args:
        runs: the folders.
        say: takes what is left out or is not finished, a line each.
    """
    for job, known in recorded_jobs(runs, say):
        yield job, known, _episodes(job, known, say)


def _episodes(job: RecordedJob, known: TidyRow, say: Say) -> Iterator[RecordedEpisode]:
    for number in range(job.repeats):
        try:
            found = scan(job, number, "test")
            own = row(job, known, number)
            if own["status"] != FINISHED:
                say(f"{place_of(job, number)}: {own['why']}")
            if found is None:
                continue
            lines = tuple(found.lines)
        except InvestorBenchError as error:
            say(f"left out: {job.seen_anywhere(error)}")
            continue
        except WRONG as error:
            say(f"left out: {place_of(job, number)} cannot be read: {type(error).__name__} {error}")
            continue
        if lines:
            yield RecordedEpisode(
                number=number,
                row=own,
                facts=found.header.facts,
                opening=found.header.opening,
                lines=lines,
            )
