"""Ledgers of generated experiments: replayed, exported, audited; and how changes are found."""

import json
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.live import audit
from investorbench.tasks.live.experiment import LedgerError, check, report
from investorbench.tasks.live.experiment.ledger import hash_of
from investorbench_env.accounting.constraints import Constraints
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.sessions import sessions_between
from tests.tasks.live_experiments import SYMBOLS, Experiment, MadeSource, stocks

DAYS = [str(day) for day in sessions_between("stock", "2021-01-12", "2021-02-12")]


def trading(seed: int) -> Callable[..., list[dict[str, Any]]]:
    """An agent of many orders, near-valid ones among them, that follow from seed and session."""

    def act(observation: Any, info: Any) -> list[dict[str, Any]]:
        chance = random.Random(f"{seed} {info['session']}")
        orders = []
        for symbol in SYMBOLS * 2:
            last, side = (
                info["account"].marks[symbol],
                chance.choice(["buy"] * 3 + ["sell", "stop"]),
            )
            stop = last * chance.uniform(0.9, 1.0) if side in ("buy", "stop") else None
            orders.append(
                {
                    "symbol": symbol,
                    "side": chance.choice([side, side, "cancel"]),
                    "quantity": chance.choice([1, 2.5, 3, 7, 1000, -1, float("nan")]),
                    "limit": chance.choice([None, last * chance.uniform(0.97, 1.03)]),
                    "stop": chance.choice([None, stop]),
                    "until": chance.choice(["day", "cancelled"]),
                    "id": chance.choice(["", "a", "b"]),
                }
            )
        return orders

    return act


def generated(folder: Path, seed: int, days: int = len(DAYS)) -> Experiment:
    """Sessions that are missed, a source that is out on some, a split and dividends found late."""
    chance = random.Random(seed)
    made = stocks(
        splits={chance.choice(DAYS[3:15]): chance.choice([4.0, 0.1, 1.5])},
        dividends={"2021-01-26": 0.82, "2021-02-03": 0.5},
    )
    yahoo = MadeSource(made, out=[day for day in DAYS if chance.random() < 0.2])
    stooq = MadeSource(made, name="Stooq", lists=False)
    stooq.changed["BOLT", "2021-01-21"] = lambda quote: quote._replace(high=quote.high * 1.006)
    constraints = Constraints(whole_shares=seed % 2 == 0, volume_cap=1e-6)
    experiment = Experiment(
        folder, {"one": trading(seed), "two": trading(-seed)}, sources=[yahoo, stooq],
        settings={"constraints": constraints},
    ).start()  # fmt: skip
    for day in DAYS[:days]:
        if chance.random() > 0.15:
            assert experiment.step(day).problems == ()
    return experiment


@pytest.mark.parametrize("seed", [1, pytest.param(range(2, 40), marks=pytest.mark.long)])
def test_a_ledger_follows_from_itself_and_its_tables_pass_an_audit(
    tmp_path: Path, seed: int | range
) -> None:
    for each in [seed] if isinstance(seed, int) else seed:
        made = generated(tmp_path / str(each), each)
        assert check(made.folder, made.entries()[-1].hash) == ()
        fills = sum(len(entry.content["fills"]) for entry in made.entries("account"))
        assert fills > 5
        for agent in made.agents:
            tables = made.folder / "exports" / agent
            assert audit(tables / "daily.csv", tables / "trades.csv").findings == (), each


@pytest.fixture(scope="module")
def eight_days(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """To be copied, and then changed."""
    return generated(tmp_path_factory.mktemp("eight"), 3, days=8)


def copied(made: Experiment, folder: Path) -> Experiment:
    shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    return Experiment(folder)


def changed(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content[name] = value

    return change


def more_cash(content: dict[str, Any]) -> None:
    content["portfolio"]["cash"] += 1.0


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("account", more_cash, "portfolio of one on 2021-01-15 is not what follows"),
        ("price", changed("close", 430.0), "of one on"),
        ("decision", changed("meets", "2021-01-15"), "meet 2021-01-19, not 2021-01-15"),
    ],
)
def test_an_entry_that_was_rewritten_is_found_though_every_later_hash_was_too(
    eight_days: Experiment,
    tmp_path: Path,
    kind: str,
    change: Callable[[dict[str, Any]], None],
    says: str,
) -> None:
    made = copied(eight_days, tmp_path)
    head = made.entries()[-1].hash
    found = [each for each in made.entries(kind) if each.session == "2021-01-15"]
    rewrite(tmp_path, found[0].number, change)
    first = check(tmp_path)[-1]
    assert first.entry == found[0].number and "hash" in first.problem
    forge(tmp_path)
    problems = check(tmp_path)
    assert any(re.search(says, each.problem) for each in problems)
    assert any("the ledger is another" in each.problem for each in check(tmp_path, head))


def test_a_split_that_no_source_lists_is_one_remark_and_no_revision_of_every_day(
    tmp_path: Path,
) -> None:
    made = stocks(splits={"2021-01-20": 4.0})
    sources = [MadeSource(made, out=DAYS[5:]), MadeSource(made, name="Stooq", lists=False)]
    experiment = Experiment(tmp_path, sources=sources).start()
    for day in DAYS[:7]:
        experiment.step(day)
    assert experiment.entries("revision") == []
    found = experiment.entries("restated")
    assert {(each.subject, each.content["ratio"]) for each in found} == {("ACME", 0.25)}
    assert "a split that no source lists yet" in report(tmp_path)


def test_the_page_of_a_young_experiment_says_what_it_cannot_compute(tmp_path: Path) -> None:
    made = Experiment(tmp_path, {"one": lambda o, i: []}).start()
    with pytest.raises(InvestorBenchError, match="nothing to report"):
        report(tmp_path)
    made.step("2021-01-12")
    assert "fewer than three sessions" in report(tmp_path)


def test_entries_that_were_cut_off_are_missed_by_a_hash_of_before(
    eight_days: Experiment, tmp_path: Path
) -> None:
    made = copied(eight_days, tmp_path)
    head = made.entries()[-1].hash
    with opened(tmp_path) as db:
        db.execute("DELETE FROM entries WHERE number = (SELECT MAX(number) FROM entries)")
    db.close()
    assert ["another" in each.problem for each in check(tmp_path, head)].count(True) == 1


def test_an_entry_of_bytes_is_found_as_any_other_change(
    eight_days: Experiment, tmp_path: Path
) -> None:
    copied(eight_days, tmp_path)
    with opened(tmp_path) as db:
        db.execute("UPDATE entries SET content = x'00ff' WHERE number = 9")
    db.close()
    assert check(tmp_path)[-1].entry == 9
    with pytest.raises(LedgerError, match="entry 9: it was changed"):
        Experiment(tmp_path).step("2021-02-16")


def test_the_ledger_forbids_what_nobody_should_do(tmp_path: Path) -> None:
    Experiment(tmp_path).start()
    db = sqlite3.connect(tmp_path / "ledger.sqlite")
    for order in ("UPDATE entries SET kind = ''", "DELETE FROM entries"):
        with pytest.raises(sqlite3.IntegrityError, match="an entry is never"):
            db.execute(order)
    db.close()


def test_a_table_that_says_something_else_than_the_ledger_is_found(
    eight_days: Experiment, tmp_path: Path
) -> None:
    copied(eight_days, tmp_path)
    table = tmp_path / "exports" / "one" / "daily.csv"
    table.write_text(table.read_text().replace("HOLD", "SOLD"))
    assert [str(each) for each in check(tmp_path)] == [
        "exports/one/daily.csv is not what the ledger says; a step writes it again"
    ]


def test_a_split_that_comes_to_light_late_is_worth_what_it_would_have_been_in_time(
    tmp_path: Path,
) -> None:
    once = [{"symbol": "ACME", "side": "buy", "quantity": 5, "stop": 300}]
    agent = {"one": lambda o, i: once if i["session"] == "2021-01-12" else []}
    for name, out in (("late", ["2021-01-20", "2021-01-21"]), ("in time", [])):
        made = stocks(splits={"2021-01-20": 4.0}, dividends={"2021-01-21": 0.5})
        sources = [MadeSource(made, out=out), MadeSource(made, name="Stooq", lists=False)]
        experiment = Experiment(tmp_path / name, agent, sources=sources).start()
        for day in DAYS[:9]:
            experiment.step(day)
    late, in_time = (last_account(tmp_path / name) for name in ("late", "in time"))
    assert late == in_time and late["portfolio"]["holdings"]["ACME"][0] == 20.0
    corrected = [
        each.content["corrects"]
        for each in Experiment(tmp_path / "late").entries("account")
        if "corrects" in each.content
    ]
    assert len(corrected) == 2
    assert check(tmp_path / "late") == check(tmp_path / "in time") == ()


def last_account(folder: Path) -> Any:
    return Experiment(folder).entries("account")[-1].content | {"decision": 0}


def opened(folder: Path) -> sqlite3.Connection:
    """The ledger as somebody opens it who means to change it."""
    db = sqlite3.connect(folder / "ledger.sqlite")
    db.executescript("DROP TRIGGER no_change; DROP TRIGGER no_removal;")
    return db


def rewrite(folder: Path, number: int, change: Callable[[dict[str, Any]], None]) -> None:
    with opened(folder) as db:
        (text,) = db.execute("SELECT content FROM entries WHERE number = ?", [number]).fetchone()
        content = json.loads(text)
        change(content)
        db.execute(
            "UPDATE entries SET content = ? WHERE number = ?",
            [json.dumps(content, sort_keys=True), number],
        )
    db.close()


def forge(folder: Path) -> None:
    """Make every hash fit again."""
    db = sqlite3.connect(folder / "ledger.sqlite")
    before = "0" * 64
    columns = "number, kind, session, subject, written_at, content"
    for row in db.execute(f"SELECT {columns} FROM entries ORDER BY number").fetchall():
        digest = hash_of(*row, before)
        db.execute(
            "UPDATE entries SET previous = ?, hash = ? WHERE number = ?", [before, digest, row[0]]
        )
        before = digest
    db.commit()
    db.close()
