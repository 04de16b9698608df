"""Logs as people and spreadsheets write them are audited like the published one."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from investorbench.tasks.live import audit
from investorbench.tasks.live.log_numbers import LoggedNumber, is_blank
from tests.tasks.live_logs import Account
from tests.tasks.test_live_audit import PLANTED, placed

WORDS = ("Date", "Ticker", "Action", "Reason")
Write = Callable[[Path], None]


def rewritten(cell: Callable[[str, str], str], separator: str = ",") -> Write:
    """Write each cell of a file, given its column, in another way."""

    def rewrite(path: Path) -> None:
        header, *rows = csv.reader(io.StringIO(path.read_text()))
        with path.open("w", newline="") as out:
            writer = csv.writer(out, delimiter=separator)
            writer.writerow(header)
            writer.writerows([map(cell, header, row) for row in rows])

    return rewrite


def number(write: Callable[[float], str], separator: str = ",") -> Write:
    def of(name: str, cell: str) -> str:
        return cell if name in WORDS or not cell else write(float(cell))

    return rewritten(of, separator)


def whole(write: Callable[[str], str], encoding: str = "utf-8") -> Write:
    def rewrite(path: Path) -> None:
        path.write_text(write(path.read_text()), encoding)

    return rewrite


def european(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def counted(text: str) -> str:
    """With the numbers of rows, as pandas saves them where it is not asked not to."""
    header, *rows = text.splitlines()
    return "\n".join([f",{header}", *(f"{n},{row}" for n, row in enumerate(rows))]) + "\n"


def american(name: str, cell: str) -> str:
    return f"{date.fromisoformat(cell):%m/%d/%Y}" if name == "Date" else cell


HABITS: dict[str, Write] = {
    "brackets": number(lambda v: f"(${-v:,.2f})" if v < 0 else f"${v:,.2f}"),
    "euro": number(european, ";"),
    "minus": number(lambda v: f"{v:.2f}".replace("-", "\u2212")),
    "currency": number(lambda v: f"{v:.2f} USD"),
    "dashes": rewritten(lambda name, cell: cell or "\u2014"),
    "american": rewritten(american),
    "utf-16": whole(lambda text: text, "utf-16"),
    "cp1252": whole(lambda text: text.replace(" - ", " \u2013 "), "cp1252"),
    "headings": whole(lambda text: text.replace(" Price", "_price", 2).replace("al Val", "AL VAL")),
    "tabs": whole(lambda text: text.replace(",", "\t")),
    "counted rows": whole(counted),
    "empty column": whole(lambda text: text.replace("\n", ",\n")),
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_habit_of_writing_is_no_fault_and_hides_none(tmp_path: Path, habit: str) -> None:
    for name in (None, "cash_without_a_trade", "value"):
        account, expected = Account(1).run(12), set()
        if name is not None:
            file, place, kind = PLANTED[name](account, np.random.default_rng(1))
            expected = {(file, place + 2, kind)}
        files = account.write(tmp_path)
        for path in files:
            HABITS[habit](path)
        assert placed(audit(*files).findings) == expected, name


@pytest.mark.parametrize("cell", ["5,75", "1,23,456.00", "12%", "1O.5", "1.2.3", "$", "(", "5 75"])
def test_what_is_no_number_is_none(cell: str) -> None:
    # Without its comma "5,75" would be 575.
    assert LoggedNumber.of(cell) is None and not is_blank(cell)


@pytest.mark.parametrize("day", ["0001-01-01", "1066-10-14", "9999-12-31"])
def test_a_day_on_which_no_account_was_is_none(tmp_path: Path, day: str) -> None:
    daily, trades = Account(1).run(12).write(tmp_path)
    rows = daily.read_text().splitlines()
    daily.write_text("\n".join([*rows, day + rows[-1][10:]]) + "\n")
    (finding,) = audit(daily, trades).findings
    assert str(finding).endswith(f"{day!r} is no date; the row is left out")


def test_a_cell_too_many_is_named(tmp_path: Path) -> None:
    account = Account(1).run(12)
    daily, trades = account.write(tmp_path)
    trades.write_text(trades.read_text().replace("MANUAL BUY - New position", "MANUAL BUY, new", 1))
    findings = audit(daily, trades).findings
    assert str(findings[0]).endswith("10 cells under 9 columns: a comma that is not quoted?")
    assert findings[0].row == 2


def test_shares_mistyped_on_the_first_day_are_found_there(tmp_path: Path) -> None:
    accounts = (Account(seed).run(12) for seed in range(9))
    account = next(each for each in accounts if each.daily[0]["Action"] == "HOLD")
    account.daily[0]["Shares"] = f"{float(account.daily[0]['Shares']) + 3:.2f}"
    assert placed(audit(*account.write(tmp_path)).findings) == {("daily", 2, "holding")}


def test_the_profit_of_a_sale_may_follow_from_an_average_that_is_written_rounded(
    tmp_path: Path,
) -> None:
    # 8 shares that cost 236.89375 on average; ten others make the log look exact.
    account = Account(1)
    for n in range(10):
        account.buy("2025-07-01", f"A{n}", 10.0, 8.0)
    account.buy("2025-07-01", "AXGN", 243.62, 5.0)
    account.buy("2025-07-01", "AXGN", 225.68, 3.0)
    marks = {f"A{n}": 10.0 for n in range(10)} | {"AXGN": 236.0}
    account.mark("2025-07-01", marks, [])
    sold = [account.sell("2025-07-02", name, 233.64 if name == "AXGN" else 11.0, 1.0, stop=True)
            for name in marks]  # fmt: skip
    account.mark("2025-07-02", marks, sold)
    assert audit(*account.write(tmp_path)).findings == ()
