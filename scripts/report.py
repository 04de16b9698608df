"""``investorbench report``: runs as one page to read, or their leaderboards as a table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from investorbench.scripts.terminal import Console, counting
from investorbench.tasks.leaderboard.exports import FORMATS, export
from investorbench.tasks.record.bundling import bundle_at, opened
from investorbench.tasks.record.reading import Seen, left_out
from investorbench.tasks.record.run_folder import (
    FoundRuns,
    found_in,
    recorded_bytes,
    recorded_episodes,
)
from investorbench.tasks.report import ReportContent, ReportFolder, written_report
from investorbench.tasks.report.content import content_of
from investorbench.tasks.report.folder import INDEX
from investorbench.tasks.report.page import page_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.whole_files import write_atomically

HTML, FOLDER = "html", "folder"
PAGES = (".html", ".htm")
LARGEST_BYTES = 60_000_000
"""Of records that are offered one file: most of them have room there."""
ENDINGS = {"latex": "tex"}
"""Endings of files that are not called after their format."""


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, or of agents in them; or bundles.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file or folder to write; otherwise one in the first folder.",
        ),
    ] = None,
    format: Annotated[str, typer.Option(help=f"html, or a table: {', '.join(FORMATS)}.")] = HTML,
    folder: Annotated[
        bool | None,
        typer.Option(
            "--folder/--file",
            help="A page with a file for each episode, or one file; otherwise by size.",
        ),
    ] = None,
) -> None:
    """Write leaderboards, charts and every decision of runs as one page, or a table of them."""
    if format not in (HTML, *FORMATS):
        raise UnknownNameError("format", format, [HTML, *FORMATS])
    if folder is not None and format != HTML:
        raise InvestorBenchError(f"--folder and --file are of a page, and {format} is a table")
    messages = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    with opened(runs, messages.print) as folders:
        if folder is None and format == HTML:
            folder = None if recorded_bytes(folders) <= LARGEST_BYTES else True
            folder = False if output is not None and output.suffix in PAGES else folder
        made = None
        if not folder:
            file = output or _beside(runs[0], format)
            made = _made(folders, file, format, messages, whole=folder is None)
        if made is None:
            made = _written(folders, output or _beside(runs[0], FOLDER), messages)
    print(f"wrote {made}")


def _beside(run: Path, format: str) -> Path:
    """Where a report goes without a place of its own: into the run's folder, or by its bundle."""
    name = "report" if format in (HTML, FOLDER) else "leaderboard"
    ending = "" if format == FOLDER else f".{ENDINGS.get(format, format)}"
    if (bundle := bundle_at(run)) is not None:
        return bundle.with_suffix(ending or ".report")
    return run / f"{name}{ending}"


def _made(
    folders: Sequence[Path], file: Path, format: str, messages: Console, *, whole: bool
) -> Path | None:
    """Write a report as one file; None where it is to be whole, and has no room for everything."""
    if file.is_dir():
        raise InvestorBenchError(f"{file} is a folder: name a file in it with --output")
    with counting("reading the records", recorded_episodes(folders), messages) as advance:
        found = _found(folders, messages, lambda *_: advance(), for_page=format == HTML)
    if not file.parent.is_dir():
        raise InvestorBenchError(f"there is no folder {file.parent} to write {file.name} into")
    content = _content(found, messages)
    if format != HTML:
        tables = (content.boards, content.overalls)
        page = export(*tables, format, content.snapshots, content.labels)
    else:
        with counting("packing decisions", _episodes(found), messages) as advance:
            html, is_whole = page_of(content, watch=advance)
        if whole and not is_whole:
            return None
        page = html.encode("utf-8", "replace")
    with _writing(file):
        write_atomically(file, page)
    return file


def _written(folders: Sequence[Path], folder: Path, messages: Console) -> Path:
    """Write a report as a folder, while the records are read."""

    def write(part: Path) -> None:
        with counting("reading the records", recorded_episodes(folders), messages) as advance:
            made = ReportFolder(part, advance)
            found = _found(folders, messages, made.see, for_page=True)
        content = _content(found, messages)
        with messages.status("writing the page"):
            made.finish(content)

    with _writing(folder):
        written_report(folder, write)
    return folder / INDEX


def _found(
    folders: Sequence[Path], messages: Console, seen: Seen | None = None, *, for_page: bool
) -> FoundRuns:
    """What there is to show; a page shows runs of which nothing is finished, too."""
    found = found_in(folders, seen)
    missing = [left_out(job, each) for job, entry in found.entries for each in entry.failures]
    for problem in (*found.problems, *missing):
        messages.print(f"left out: {problem}")
    if not found.entries and found.unfinished and not for_page:
        raise InvestorBenchError(
            "no repeat is finished, so there is no table yet; a page, without --format, shows how "
            "far each is"
        )
    if not found.entries and not found.unfinished:
        raise InvestorBenchError("none of the records can be shown, so there is nothing to report")
    return found


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say what the system has against a place."""
    try:
        yield
    except OSError as error:
        raise InvestorBenchError(
            f"{path} cannot be written: {error.strerror}; name another with --output"
        ) from None


def _content(found: FoundRuns, messages: Console) -> ReportContent:
    with messages.status("comparing agents"):
        return content_of(found)


def _episodes(found: FoundRuns) -> int:
    return sum(job.repeats for job, _ in found.entries)
