"""Steps of a live experiment that are killed anywhere, that two processes take, on a full disk."""

import os
import resource
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest

from investorbench.scripts.bench.live_kills import killed
from investorbench.tasks.live.experiment import LedgerBusyError, LedgerError, NotDueError, check
from investorbench.tasks.live.experiment.ledger import Ledger
from tests.tasks.live_experiments import Experiment, MadeSource, stocks


@pytest.mark.heavy
def test_after_twenty_kills_the_ledger_is_that_of_an_experiment_that_never_was_killed(
    tmp_path: Path,
) -> None:
    found = killed(tmp_path, 20)
    assert found["kills"] == 20
    assert found["same end"] == found["experiments"]


def test_while_one_step_is_at_work_another_changes_nothing(tmp_path: Path) -> None:
    made = Experiment(tmp_path).start()
    made.step("2021-01-12")
    before = made.entries()
    with Ledger(tmp_path / "ledger.sqlite") as other, other.writing():
        with pytest.raises(LedgerBusyError, match="another step is at work") as error:
            made.step("2021-01-13")
        assert "\n" not in str(error.value)
        assert made.entries() == before
    assert made.step("2021-01-13").sessions == ("2021-01-13",)


def with_room_for(more: int, folder: str) -> None:
    """Step where no file may grow by more than so many bytes: a disk that fills up."""
    size = max(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    made = Experiment(Path(folder), {"one": lambda o, i: []}, files=["ann"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + more, resource.RLIM_INFINITY))
    try:
        problems = made.step("2021-01-13").problems
    except LedgerError:
        sys.exit(3)
    # Where the ledger has the session, what is made from it is made again.
    sys.exit(4 if any("the ledger is whole" in each for each in problems) else 0)


@pytest.mark.parametrize("more", [-20_000, 0, 4096])
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, more: int) -> None:
    made = Experiment(tmp_path, files=["ann"]).start()
    made.step("2021-01-12")
    before = made.entries()
    process = get_context("fork").Process(target=with_room_for, args=(more, str(tmp_path)))
    process.start()
    process.join()
    assert process.exitcode == 3 if more <= 0 else process.exitcode in (0, 3, 4)
    after = made.entries()
    assert after[: len(before)] == before and check(tmp_path) == ()
    assert (len(after) == len(before)) is (process.exitcode == 3)
    if process.exitcode == 3:
        assert made.step("2021-01-13").sessions == ("2021-01-13",)


@pytest.mark.heavy
def test_a_ledger_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    if os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists():
        pytest.skip("root writes whatever the mode of a file; setpriv is not installed")
    made = Experiment(tmp_path).start()
    made.step("2021-01-12")
    before = made.entries()
    command = (
        "from pathlib import Path; from tests.tasks.live_experiments import Experiment\n"
        f"Experiment(Path({str(tmp_path)!r})).step('2021-01-13')"
    )
    (tmp_path / "ledger.sqlite").chmod(0o444)
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*drop, sys.executable, "-c", command], check=False, capture_output=True, text=True
    )
    assert "cannot be written" in done.stderr and "LedgerError" in done.stderr
    (tmp_path / "ledger.sqlite").chmod(0o644)
    assert made.entries() == before


def test_a_file_that_is_no_ledger_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("no database " * 100)
    made = Experiment(tmp_path, sources=[MadeSource(stocks())])
    with pytest.raises(LedgerError, match="is no ledger, or damaged"):
        made.step("2021-01-12")


def test_tables_that_cannot_be_written_are_written_by_a_later_step(tmp_path: Path) -> None:
    made = Experiment(tmp_path).start()
    (tmp_path / "exports").write_text("no folder")
    (problem,) = made.step("2021-01-12").problems
    assert "the ledger is whole" in problem and "\n" not in problem
    (tmp_path / "exports").unlink()
    with pytest.raises(NotDueError):
        made.step("2021-01-12", hour=23)
    assert (tmp_path / "exports" / "one" / "daily.csv").is_file() and check(tmp_path) == ()
