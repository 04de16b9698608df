"""Runs that are followed, finished or to be changed."""

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from investorbench.scripts.bench.big_run import write_big_run
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.report import content
from tests.view.following import DECISIONS, REPEATS


@pytest.fixture(scope="module", autouse=True)
def _few_draws() -> Iterator[None]:
    """Intervals are not what is looked at here."""
    with pytest.MonkeyPatch.context() as patch:
        few = functools.partial(leaderboards, jointly=False, draws=50)
        patch.setattr(content, "leaderboards", few)
        yield


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models with two episodes of five decisions each."""
    folder: Path = tmp_path_factory.mktemp("view") / "mine"
    return write_big_run(folder, 4, DECISIONS, 200, repeats=REPEATS)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "mine"))
