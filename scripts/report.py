"""``investorbench report``: runs as one page to read, or their leaderboards as a table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from investorbench.scripts.terminal import Console
from investorbench.tasks.leaderboard import leaderboards, overall
from investorbench.tasks.leaderboard.exports import FORMATS, export
from investorbench.tasks.leaderboard.snapshot_rows import snapshot_boards
from investorbench.tasks.record.bundling import bundle_at, opened
from investorbench.tasks.record.run_folder import FoundRuns, found_in
from investorbench.tasks.report import ReportContent, html_page
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.whole_files import write_atomically

HTML = "html"
ENDINGS = {"latex": "tex"}
"""Endings of files that are not called after their format."""


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, or of agents in them; or bundles.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="The file to write; otherwise one in the first folder.")
    ] = None,
    format: Annotated[str, typer.Option(help=f"html, or a table: {', '.join(FORMATS)}.")] = HTML,
) -> None:
    """Write leaderboards, charts and every decision of runs as one page, or a table of them."""
    if format not in (HTML, *FORMATS):
        raise UnknownNameError("format", format, [HTML, *FORMATS])
    messages = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    file = output or _beside(runs[0], format)
    if file.is_dir():
        raise InvestorBenchError(f"{file} is a folder: name a file in it with --output")
    with opened(runs, messages.print) as folders:
        with messages.status("reading the records"):
            found = found_in(folders)
        for problem in found.problems:
            messages.print(f"left out: {problem}")
        if not found.entries:
            why = "none of the records can be shown, so there is nothing to report"
            raise InvestorBenchError(why)
        if not file.parent.is_dir():
            raise InvestorBenchError(f"there is no folder {file.parent} to write {file.name} into")
        content = _made(found, format, messages)
    try:
        write_atomically(file, content)
    except OSError as error:
        raise InvestorBenchError(
            f"{file} cannot be written: {error.strerror}; name another file with --output"
        ) from None
    print(f"wrote {file}")


def _beside(run: Path, format: str) -> Path:
    """The file of a report that none is named for: in the folder of the run, or by its bundle."""
    ending = ENDINGS.get(format, format)
    if (bundle := bundle_at(run)) is not None:
        return bundle.with_suffix(f".{ending}")
    return run / f"{'report' if format == HTML else 'leaderboard'}.{ending}"


def _made(found: FoundRuns, format: str, messages: Console) -> bytes:
    with messages.status("comparing agents"):
        boards = leaderboards(entry for _, entry in found.entries)
        overalls = overall(boards)
        snapshots = snapshot_boards(entry for _, entry in found.entries)
    if format != HTML:
        return export(boards, overalls, format, snapshots)
    content = ReportContent(
        boards=tuple(boards),
        overalls=tuple(overalls),
        records=tuple(found.entries),
        problems=tuple(found.problems_anywhere),
        snapshots=tuple(snapshots),
    )
    with _bar(sum(job.repeats for job, _ in found.entries), messages) as advance:
        return html_page(content, watch=advance).encode("utf-8", "replace")


@contextmanager
def _bar(episodes: int, console: Console) -> Iterator[Callable[[], None]]:
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("packing decisions", total=episodes)
        yield lambda: progress.advance(bar)
