"""Steps of a live experiment: what each leaves in the ledger, and when none is due."""

from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.live.experiment import LedgerError, NotDueError
from tests.tasks.live_experiments import Experiment, MadeSource, at, stocks

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


def test_a_bar_that_cannot_be_is_kept_and_not_used(tmp_path: Path) -> None:
    wrong = MadeSource(stocks())
    wrong.changed["ACME", "2021-01-13"] = lambda quote: quote._replace(low=quote.high * 2)
    made = Experiment(tmp_path, sources=[wrong, MadeSource(stocks(), name="Stooq")]).start()
    made.step("2021-01-12")
    made.step("2021-01-13")
    assert [entry.subject for entry in made.entries("impossible")] == ["ACME"]
    used = [e for e in made.entries("price") if e.content["used"] and e.subject == "ACME"]
    assert [entry.content["source"] for entry in used] == ["Yahoo", "Stooq"]


def test_a_held_asset_without_a_bar_keeps_its_price_and_is_stale(tmp_path: Path) -> None:
    source = MadeSource(stocks())
    made = Experiment(tmp_path, {"one": lambda o, i: BUY}, sources=[source]).start()
    made.step("2021-01-12")
    made.step("2021-01-13")
    source.changed["ACME", "2021-01-14"] = lambda quote: quote._replace(close=float("nan"))
    made.step("2021-01-14")
    before, last = (entry.content for entry in made.entries("account")[-2:])
    assert last["portfolio"]["marks"]["ACME"] == before["portfolio"]["marks"]["ACME"]
    assert last["rejections"][0][1] == "ACME did not trade"
    assert [entry.subject for entry in made.entries("stale")] == ["ACME"]


def test_a_dividend_that_a_source_rounds_after_a_split_is_not_another_one(tmp_path: Path) -> None:
    made = stocks(dividends={"2021-01-13": 0.25}, splits={"2021-01-15": 7.0})

    class Rounding(MadeSource):
        def _listed(self, stock: Any, first: Any) -> Any:
            for each in super()._listed(stock, first):
                share = 7.0 if str(self.today) >= "2021-01-15" else 1.0
                rounded = round(round(each.amount / share, 6) * share, 6)
                yield each if each.action == "split" else each._replace(amount=rounded)

    experiment = Experiment(
        tmp_path, {"one": lambda o, i: BUY}, sources=[Rounding(made)]
    ).start()  # fmt: skip
    for day in ("2021-01-12", "2021-01-13", "2021-01-14", "2021-01-15", "2021-01-19"):
        experiment.step(day)
    assert [entry.content["action"] for entry in experiment.entries("action")] == [
        "dividend", "split"
    ]  # fmt: skip
    assert not any("corrects" in entry.content for entry in experiment.entries("account"))


def test_a_start_that_was_cut_off_is_no_experiment(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").touch()  # as SQLite leaves it
    Experiment(tmp_path).start()
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_an_asset_that_is_without_a_price_for_long_is_named(tmp_path: Path) -> None:
    known = stocks()
    made = Experiment(tmp_path, sources=[MadeSource(known)]).start()
    made.step("2021-01-12")
    del known["BOLT"]
    assert made.step("2021-02-10").problems == ()  # 20 sessions, most of them missed
    (problem,) = made.step("2021-02-11").problems
    assert problem.startswith("BOLT has had no price for 21 sessions")
