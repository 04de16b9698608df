"""An audit names each planted fault at its row and nothing else, and says nothing of right logs."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.tasks.live import LogFinding, audit
from investorbench_env.errors import InvestorBenchError
from tests.tasks.live_logs import TRADES, Account

SEEDS = range(2)
Rows = list[dict[str, Any]]


def found(folder: Path, account: Account, **options: Any) -> tuple[LogFinding, ...]:
    return audit(*account.write(folder), **options).findings


def placed(findings: tuple[LogFinding, ...]) -> set[tuple[str, int, str]]:
    return {(Path(each.file).stem, each.row, each.kind) for each in findings}


@pytest.mark.parametrize("decimals", [2, 4, 10])
@pytest.mark.parametrize("fractions", [False, True])
def test_a_log_that_is_right_is_passed_in_silence(
    tmp_path: Path, decimals: int, fractions: bool
) -> None:
    for seed in SEEDS:
        account = Account(seed, decimals, fractions).run()
        assert account.trades and found(tmp_path, account) == (), seed


def test_a_price_that_was_rounded_from_half_way_is_passed_in_silence(tmp_path: Path) -> None:
    account = Account(0)
    for day, price in (("2025-06-30", 251.88), ("2025-07-01", 262.63)):
        account.buy(day, "ABEO", price, 8.5)  # on average at 257.255, written as 257.25
        account.mark(day, {"ABEO": price}, [])
    sold = account.sell("2025-07-02", "ABEO", 268.15, 1.0, stop=True)
    account.mark("2025-07-02", {}, [sold])
    assert found(tmp_path, account) == ()


def holdings(account: Account) -> list[int]:
    """Places of rows of holdings, the first and last days apart."""
    first, last = account.daily[0]["Date"], account.daily[-1]["Date"]
    return [
        place
        for place, row in enumerate(account.daily)
        if row["Action"] == "HOLD" and first < row["Date"] < last
    ]


def totals(account: Account) -> list[int]:
    return [place for place, row in enumerate(account.daily) if row["Ticker"] == "TOTAL"]


def pick(places: list[int], rng: np.random.Generator) -> int:
    return int(rng.choice(places))


def add(rows: Rows, places: list[int], column: str, amount: float) -> None:
    for place in places:
        rows[place][column] = f"{float(rows[place][column]) + amount:.2f}"


def cash_without_a_trade(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    every = totals(account)
    place = pick(every[1:], rng)
    later = [other for other in every if other >= place]
    add(account.daily, later, "Cash Balance", 50.0)
    add(account.daily, later, "Total Equity", 50.0)
    return "daily", place, "cash"


def one_cell_of_cash(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    place = pick(totals(account)[1:], rng)
    add(account.daily, [place], "Cash Balance", 5.0)
    return "daily", place, "cash"


def a_trade_left_out(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    first = account.daily[0]["Date"]
    place = pick([n for n, row in enumerate(account.trades) if row["Date"] > first], rng)
    day = account.trades.pop(place)["Date"]
    total = next(n for n in totals(account) if account.daily[n]["Date"] == day)
    return "daily", total, "cash"


def a_trade_written_twice(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    place = pick(list(range(len(account.trades))), rng)
    account.trades.insert(place + 1, dict(account.trades[place]))
    return "trades", place + 1, "duplicate"


def a_day_written_twice(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    place = pick(holdings(account), rng)
    account.daily.insert(place + 1, dict(account.daily[place]))
    return "daily", place + 1, "duplicate"


def a_sale_of_what_is_not_held(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    every = totals(account)
    place = pick(every[1:], rng)
    day = account.daily[place]["Date"]
    sale = dict.fromkeys(TRADES, "") | {
        "Date": day, "Ticker": "XYZ", "Cost Basis": "80.00", "PnL": "0.00",
        "Reason": "MANUAL SELL", "Shares Sold": "8", "Sell Price": "10.00",
    }  # fmt: skip
    row = sum(trade["Date"] <= day for trade in account.trades)
    account.trades.insert(row, sale)
    if rng.random() < 0.5:  # paid for, or not
        later = [other for other in every if other >= place]
        add(account.daily, later, "Cash Balance", 80.0)
        add(account.daily, later, "Total Equity", 80.0)
    return "trades", row, "oversale"


def a_cell(column: str, kind: str, amount: float) -> Callable[..., tuple[str, int, str]]:
    def plant(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
        place = pick(holdings(account), rng)
        add(account.daily, [place], column, amount)
        return "daily", place, kind

    return plant


def a_total(column: str, kind: str) -> Callable[..., tuple[str, int, str]]:
    def plant(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
        place = pick(totals(account), rng)
        add(account.daily, [place], column, 25.0)
        return "daily", place, kind

    return plant


def profit_of_a_sale(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    place = pick([n for n, row in enumerate(account.trades) if row["Shares Sold"]], rng)
    add(account.trades, [place], "PnL", 12.0)
    return "trades", place, "pnl"


def cost_of_a_purchase(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    place = pick([n for n, row in enumerate(account.trades) if row["Shares Bought"]], rng)
    add(account.trades, [place], "Cost Basis", 30.0)
    return "trades", place, "cost_basis"


def a_missing_session(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    days = sorted({row["Date"] for row in account.daily})
    quiet = [day for day in days[1:-1] if all(row["Date"] != day for row in account.trades)]
    gone = str(rng.choice(quiet))
    account.daily = [row for row in account.daily if row["Date"] != gone]
    after = next(n for n, row in enumerate(account.daily) if row["Date"] > gone)
    return "daily", after, "missing_session"


def a_blank(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    place = pick(holdings(account), rng)
    column = rng.choice(
        ["Shares", "Buy Price", "Cost Basis", "Current Price", "Total Value", "PnL"]
    )
    account.daily[place][str(column)] = ""
    return "daily", place, "not_a_number"


def no_number(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    place = pick(holdings(account), rng)
    account.daily[place]["Total Value"] = "1O.5"
    return "daily", place, "not_a_number"


def reordered_dates(account: Account, rng: np.random.Generator) -> tuple[str, int, str]:
    place = pick(totals(account)[1:-1], rng)
    day = account.daily[place]["Date"]
    block = [row for row in account.daily if row["Date"] == day]
    rest = [row for row in account.daily if row["Date"] != day]
    before = next(n for n, row in enumerate(rest) if row["Date"] > day)
    after = next(n for n in range(before, len(rest)) if rest[n]["Ticker"] == "TOTAL") + 1
    account.daily = rest[:after] + block[-1:] + rest[after:]
    account.daily[before:before] = block[:-1]
    return "daily", after + len(block) - 1, "date_order"


PLANTED = {
    plant if isinstance(plant, str) else plant.__name__: plant
    for plant in (
        cash_without_a_trade, one_cell_of_cash, a_trade_left_out, a_trade_written_twice,
        a_day_written_twice, a_sale_of_what_is_not_held, profit_of_a_sale, cost_of_a_purchase,
        a_missing_session, a_blank, no_number, reordered_dates,
    )
} | {
    "shares": a_cell("Shares", "holding", 3.0),
    "average cost": a_cell("Buy Price", "cost_basis", 1.5),
    "cost basis": a_cell("Cost Basis", "cost_basis", 20.0),
    "value": a_cell("Total Value", "value", 20.0),
    "profit": a_cell("PnL", "pnl", -20.0),
    "sum of values": a_total("Total Value", "value"),
    "sum of profits": a_total("PnL", "pnl"),
    "equity": a_total("Total Equity", "value"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("decimals", [2, 6])
def test_a_fault_is_found_at_its_row_and_nothing_else_is_named(
    tmp_path: Path, name: str, decimals: int
) -> None:
    for seed in SEEDS:
        account = Account(seed, decimals).run()
        file, place, kind = PLANTED[name](account, np.random.default_rng(seed))
        assert placed(found(tmp_path, account)) == {(file, place + 2, kind)}, seed


def a_round_trip_without_its_purchase(
    account: Account, rng: np.random.Generator
) -> tuple[str, int, str]:
    first, trades = account.daily[0]["Date"], account.trades
    opened = [
        place
        for place, (row, after) in enumerate(pairwise(trades))
        if row["Shares Bought"] and after["Shares Sold"] and row["Date"] > first
        and (row["Date"], row["Ticker"]) == (after["Date"], after["Ticker"])
    ]  # fmt: skip
    day = trades.pop(pick(opened, rng))["Date"]
    total = next(n for n in totals(account) if account.daily[n]["Date"] == day)
    return "daily", total, "cash"


@pytest.mark.parametrize("fractions", [False, True])
@pytest.mark.parametrize(
    "plant", [a_round_trip_without_its_purchase, a_trade_left_out, one_cell_of_cash]
)
def test_it_is_so_too_where_shares_are_bought_and_sold_on_one_day(
    tmp_path: Path, plant: Callable[..., tuple[str, int, str]], fractions: bool
) -> None:
    for seed in range(3):
        account = Account(seed, fractions=fractions, round_trips=True).run()
        assert found(tmp_path, account) == ()
        file, place, kind = plant(account, np.random.default_rng(seed))
        assert placed(found(tmp_path, account)) == {(file, place + 2, kind)}, seed


def test_a_fraction_that_rounding_took_is_found_where_it_went(tmp_path: Path) -> None:
    account = Account(3, fractions=True).run()
    place = next(n for n in holdings(account) if float(account.daily[n]["Shares"]) % 1)
    row = account.daily[place]
    row["Shares"] = str(int(float(row["Shares"])))
    assert placed(found(tmp_path, account)) == {("daily", place + 2, "lost_fraction")}


def test_a_row_that_differs_from_an_older_copy_is_found_whatever_it_says_now(
    tmp_path: Path,
) -> None:
    (tmp_path / "old").mkdir()
    account = Account(4).run()
    daily, trades = account.write(tmp_path / "old")
    place = holdings(account)[5]
    account.daily[place]["Stop Loss"] = "1.23"
    add(account.daily, [place], "Total Value", 9.0)
    assert placed(found(tmp_path, account, against=daily)) == {("daily", place + 2, "changed")}
    account.daily.pop(place)
    assert placed(found(tmp_path, account, against=daily)) == {("daily", place + 2, "changed")}
    account.trades[2]["Reason"] = "MANUAL BUY - another story"
    account.daily = Account(4).run().daily
    assert placed(found(tmp_path, account, against=trades)) == {("trades", 4, "changed")}
    assert found(tmp_path, Account(4).run(), against=daily) == ()


def test_an_older_copy_may_end_earlier(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    daily, _ = Account(4).run(20).write(tmp_path / "old")
    assert found(tmp_path, Account(4).run(), against=daily) == ()


def test_a_fill_outside_the_range_of_its_day_is_found(tmp_path: Path) -> None:
    account = Account(5).run()
    place = next(n for n, row in enumerate(account.trades) if row["Shares Sold"])
    sale = account.trades[place]
    (tmp_path / "market").mkdir()
    market = tmp_path / "market" / "prices_stocks_daily.csv"
    for below, expected in ((0.0, set()), (0.02, {("trades", place + 2, "price_range")})):
        rows = ["date,symbol,open,high,low,close,volume"]
        for trade in (row for row in account.trades if row["Ticker"] == sale["Ticker"]):
            price = float(trade["Buy Price"] or trade["Sell Price"])
            high = price - below if trade is sale else price + 1.0
            rows.append(f"{trade['Date']},{trade['Ticker']},{high},{high},1,{high},1000")
        market.write_text("\n".join(rows) + "\n")
        audited = audit(*account.write(tmp_path), prices=tmp_path / "market")
        assert placed(audited.findings) == expected
        assert audited.unpriced == tuple(
            sorted({row["Ticker"] for row in account.trades} - {sale["Ticker"]})
        )


@pytest.mark.parametrize(
    ("cell", "kind"), [("07/14/2025", "date"), ("yesterday", "date"), ("2025-07-14T00:00", None)]
)
def test_a_date_in_another_form_is_named_and_the_rest_audited(
    tmp_path: Path, cell: str, kind: str | None
) -> None:
    account = Account(6).run()
    place = next(n for n in totals(account) if account.daily[n]["Date"] == "2025-07-14")
    account.daily[place]["Date"] = cell
    expected = {("daily", place + 2, kind)} if kind else set()
    assert placed(found(tmp_path, account)) - {("daily", place + 1, "value")} >= expected


def test_an_unknown_column_is_named_and_one_that_is_needed_refused(tmp_path: Path) -> None:
    account = Account(7).run()
    daily, trades = account.write(tmp_path)
    text = daily.read_text()
    daily.write_text(text.replace("Action", "Mood", 1))
    assert placed(audit(daily, trades).findings) >= {("daily", 1, "column")}
    daily.write_text(text.replace("Ticker", "Name", 1))
    with pytest.raises(InvestorBenchError, match="has no column Ticker"):
        audit(daily, trades)
    with pytest.raises(InvestorBenchError, match="no CSV file"):
        audit(tmp_path / "none.csv", trades)
    daily.write_text(text)
    with pytest.raises(InvestorBenchError, match="XNYS"):
        audit(daily, trades, calendar="XNYX")
