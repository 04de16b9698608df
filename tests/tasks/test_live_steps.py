"""Steps of a live experiment: what each leaves in the ledger, and when none is due."""

from pathlib import Path

import pytest

from investorbench.tasks.live.experiment import LedgerError, NotDueError
from tests.tasks.live_experiments import Experiment, at, stocks

BUY = [{"symbol": "ACME", "side": "buy", "quantity": 5}]


def test_orders_meet_the_bar_of_the_session_after_the_one_that_they_were_given_in(
    tmp_path: Path,
) -> None:
    made = Experiment(tmp_path, {"one": lambda o, i: BUY}).start()
    assert made.step("2021-01-12").next == "2021-01-13"
    made.step("2021-01-13")
    first, second = (entry.content for entry in made.entries("account"))
    assert first["fills"] == [] and first["equity"] == 10_000.0
    opening, *_, close, _ = stocks()["ACME"].bar(at("2021-01-13").date())
    price = opening * 1.0005
    assert second["fills"] == [pytest.approx(["ACME", 5.0, price, 5 * price, 5 * price * 5e-4])]
    assert second["equity"] == pytest.approx(10_000 - 5 * price * 1.0005 + 5 * close)


@pytest.mark.parametrize(
    ("day", "hour", "says"),
    [
        ("2021-01-15", 23, "taken already"),  # a second time
        ("2021-01-18", 22, "taken already"),  # a holiday
        ("2021-01-19", 20, "XNYS opened at 2021-01-19 14:30"),
        ("2021-01-19", 21, "XNYS opened"),  # it has just closed
        ("2021-01-14", 22, "set the clock right"),
    ],
)
def test_where_no_step_is_due_it_says_so_in_a_line_and_changes_nothing(
    tmp_path: Path, day: str, hour: int, says: str
) -> None:
    made = Experiment(tmp_path).start()
    made.step("2021-01-15")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(NotDueError, match=says) as error:
        made.step(day, hour)
    assert "\n" not in str(error.value) and "nothing was changed" in str(error.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_missed_session_is_an_entry_and_meets_the_orders_of_the_one_before(
    tmp_path: Path,
) -> None:
    made = Experiment(tmp_path, {"one": lambda o, i: BUY}).start()
    made.step("2021-01-12")
    assert made.step("2021-01-15").sessions == ("2021-01-13", "2021-01-14", "2021-01-15")
    assert [entry.session for entry in made.entries("missed")] == ["2021-01-13", "2021-01-14"]
    filled = [len(entry.content["fills"]) for entry in made.entries("account")]
    assert filled == [0, 1, 0, 0]
    assert [entry.session for entry in made.entries("decision")] == ["2021-01-12", "2021-01-15"]


def test_there_is_one_experiment_a_folder(tmp_path: Path) -> None:
    made = Experiment(tmp_path).start()
    with pytest.raises(LedgerError, match="already"):
        made.start()
    with pytest.raises(LedgerError, match="no ledger"):
        Experiment(tmp_path / "none").step("2021-01-12")
