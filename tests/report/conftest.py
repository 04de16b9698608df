"""A small run of two agents that is recorded once for all tests here."""

import dataclasses
from pathlib import Path

import pytest

from investorbench.tasks.leaderboard import leaderboards, overall
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportContent
from tests.report.thirteen import call

SHORT = ("task=stock/sim", "task.start=2020-10-01", "task.end=2020-11-06", "output=json")


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two repeats of a reader with memory and of momentum, on 26 days."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        more = (*SHORT, "warmup=false", "repeats=2", "folder=small", "seed=0")
        call("agent=finmem", "model=offline", *more)
        call("agent=momentum", *more)
    return folder / "small"


@pytest.fixture(scope="session")
def content(small_run: Path) -> ReportContent:
    found = found_in([small_run])
    boards = leaderboards((entry for _, entry in found.entries), jointly=False, draws=50)
    return ReportContent(
        boards=tuple(boards), overalls=tuple(overall(boards)), records=tuple(found.entries)
    )


def with_row(content: ReportContent, number: int, **changes: object) -> ReportContent:
    """The same with a row of the first leaderboard changed."""
    board = content.boards[0]
    rows = list(board.rows)
    rows[number] = dataclasses.replace(rows[number], **changes)  # type: ignore[arg-type]
    changed = dataclasses.replace(board, rows=tuple(rows))
    return dataclasses.replace(content, boards=(changed, *content.boards[1:]))
