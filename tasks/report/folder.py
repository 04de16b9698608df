"""A report as a folder: a page, and a file for each episode that is loaded when it is wanted.

Nothing is held of an episode but what the page lists of it, so a run of any size is read once, in
the memory that its largest episode takes.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import RecordFile, read_record
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.report.content import ReportContent
from investorbench.tasks.report.decisions import (
    EpisodeDecisions,
    EpisodeNote,
    PackedDecisions,
    decisions_of,
    listed_episode,
)
from investorbench.tasks.report.markup import Html
from investorbench.tasks.report.packing import part_file
from investorbench.tasks.report.page import in_parts, recorded_rows
from investorbench.tasks.report.shared_lines import Lines
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.whole_files import write_atomically

INDEX, PARTS = "index.html", "parts"
"""The page, and the folder of what it loads."""


class WrittenEpisode(NamedTuple):
    """An episode whose decisions are in a file of their own.

    Attributes:
        note: what the page lists of it.
        blocks: the names of its packed parts; None where it has none.
    """

    note: EpisodeNote
    blocks: dict[str, str | None]


class ReportFolder:
    """A report that is written while its runs are read.

    Give :meth:`see` to :func:`~investorbench.tasks.record.run_folder.found_in`, then call
    :meth:`finish` with what follows from what was found.

    Args:
        folder: where; it is made, and an older report in it is replaced.
        watch: is called after each episode.
    """

    def __init__(self, folder: Path, watch: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self._watch = watch
        self._written: dict[str, WrittenEpisode] = {}
        (folder / PARTS).mkdir(parents=True)

    def see(self, job: RecordedJob, repeat: int, record: RecordFile) -> None:
        """Write the decisions of an episode whose file says what environment it was in."""
        if record.header is not None:
            self._write(job, repeat, record, record.header.facts)
        self._watch()

    def finish(self, content: ReportContent) -> None:
        """Write the page, and the decisions that were not written yet."""
        for _, record in recorded_rows(content):
            for repeat, path in enumerate(record.job.episodes):
                if episode_place(record.job, repeat) not in self._written:
                    read = read_record(path / FILES["test"])
                    self._write(record.job, repeat, read, record.entry.result.facts)
        page, parts = listed_page(content, self._written)
        for name, text in parts.items():
            write_atomically(self.folder / PARTS / f"{name}.js", part_file({name: text}))
        write_atomically(self.folder / INDEX, page.encode("utf-8", "replace"))

    def _write(self, job: RecordedJob, repeat: int, record: RecordFile, facts: Facts) -> None:
        """Its decisions as one file of the folder, named by its place in the order of reading."""
        number = len(self._written) + 1
        note, named = packed_episode(job, repeat, record, facts, number)
        if named:
            write_atomically(self.folder / PARTS / f"episode-{number}.js", part_file(named))
        self._written[episode_place(job, repeat)] = WrittenEpisode(note, blocks_of(note, number))


def listed_page(
    content: ReportContent, written: Mapping[str, WrittenEpisode], live: Html | None = None
) -> tuple[str, dict[str, str]]:
    """The page over episodes that are in files of their own, and what else it loads by name.

    Args:
        content: what to show.
        written: its episodes by their places.
        live: what stands on top of a page that follows a run.
    """
    rows = recorded_rows(content)
    listed = [
        (listed_episode(name, record, repeat), written[episode_place(record.job, repeat)])
        for name, record in rows
        for repeat in range(record.job.repeats)
    ]
    directory: dict[str, Any] = {
        "tables": {name: None for name, _ in rows},
        "episodes": [
            each.entry(own.note, own.blocks) for each, own in listed if own.note.days
        ],
    }  # fmt: skip
    decisions = PackedDecisions(directory=directory, blocks={}, is_whole=True)
    return in_parts(content, decisions, [own.note for _, own in listed], live)


def packed_episode(
    job: RecordedJob, repeat: int, record: RecordFile, facts: Facts, number: int
) -> tuple[EpisodeNote, dict[str, str]]:
    """What the page says of an episode, and the packed parts of its file by name.

    Args:
        job: of the episode.
        repeat: its number.
        record: its file.
        facts: what is known of its environment.
        number: of the file, from 1.
    """
    lines = Lines()
    episode = decisions_of(job, repeat, record, facts, lines)
    parts = _packed(episode, lines)
    return episode.note, {f"{part}-{number}": text for part, text in parts.items()}


def blocks_of(note: EpisodeNote, number: int) -> dict[str, str | None]:
    """The names of the packed parts of an episode; None for one that it does not have."""
    has = {"facts": note.days > 0, "texts": note.days > 0 and note.thinks}
    return {part: f"{part}-{number}" if is_there else None for part, is_there in has.items()}


def written_report(folder: Path, write: Callable[[Path], None]) -> None:
    """A folder of a report, whole or not at all: it is written beside its place, and moved there.

    Args:
        folder: where it is to be; an older report there is replaced, and nothing else.
        write: writes a new one into the folder that it is given.

    Raises:
        InvestorBenchError: something else is there.
    """
    if folder.exists() and not _is_report(folder):
        raise InvestorBenchError(
            f"{folder} is there and holds no report: name another folder with --output"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    part, old = (folder.with_name(f".{folder.name}.{kind}") for kind in ("part", "old"))
    for left in (part, old):  # by a kill
        shutil.rmtree(left, ignore_errors=True)
    try:
        write(part)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _is_report(folder: Path) -> bool:
    """Whether a folder is empty, or holds a report and nothing else."""
    if not folder.is_dir():
        return False
    found = {path.name for path in folder.iterdir()}
    return not found or found == {INDEX, PARTS}


def _packed(episode: EpisodeDecisions, lines: Lines) -> dict[str, str]:
    """Both parts of an episode; every line is its own, for it is read alone."""
    parts = {"facts": episode.facts, "texts": episode.texts}
    return {part: episode.packed(part, lines) for part, rows in parts.items() if rows}


def episode_place(job: RecordedJob, repeat: int) -> str:
    """Where an episode is recorded, from the name of the run on."""
    return f"{job.place}/repeat-{repeat}"
