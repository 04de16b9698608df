"""Logs of an account in the format in which LLM-Trading-Lab publishes its own, read cell by cell.

A cell that cannot be read is a finding and leaves a hole; everything beside it is still read.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from investorbench.tasks.live.findings import LogFinding
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.files.date_cells import Fields, date_of, fields_of, orders_of, text_of

DAILY = (
    "Date", "Ticker", "Shares", "Buy Price", "Cost Basis", "Stop Loss", "Current Price",
    "Total Value", "PnL", "Action", "Cash Balance", "Total Equity",
)  # fmt: skip
TRADES = (
    "Date", "Ticker", "Shares Bought", "Buy Price", "Cost Basis", "PnL", "Reason", "Shares Sold",
    "Sell Price",
)  # fmt: skip
WORDS = ("Date", "Ticker", "Action", "Reason")
"""Columns that hold no numbers."""
TOTAL = "TOTAL"
UNPRICED = "NO DATA"
"""What stands under Action where a day had no price."""
LEAST_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class LoggedNumber:
    """A number of a log.

    Attributes:
        value: the number.
        half_unit: half of its last decimal, and at most half a cent: by how much rounding may have
            moved it.
    """

    value: float
    half_unit: float

    @classmethod
    def of(cls, cell: str) -> "LoggedNumber | None":
        """A number as people write it, with a currency sign or commas; None where it is none."""
        text = cell.strip().removeprefix("-").removeprefix("$")
        sign = -1.0 if cell.strip().startswith("-") else 1.0
        try:
            value = sign * float(text.replace(",", ""))
        except ValueError:
            return None
        decimals = len(text.partition(".")[2]) if "e" not in text.lower() else 0
        return cls(value, 0.5 * 10.0 ** -max(decimals, LEAST_DECIMALS))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """A row of a log.

    Attributes:
        row: its line in the file.
        day: its date.
        ticker: what it is of, in capital letters; ``TOTAL`` for the account.
        words: under Action or Reason, in capital letters.
        numbers: those that are there, by column.
        cells: as they are written, by column.
    """

    row: int
    day: date
    ticker: str
    words: str
    numbers: dict[str, LoggedNumber]
    cells: dict[str, str]

    def value(self, column: str) -> float | None:
        """The number of a column; None where there is none."""
        number = self.numbers.get(column)
        return None if number is None else number.value

    @property
    def is_total(self) -> bool:
        """Whether it sums up the account."""
        return self.ticker == TOTAL

    @property
    def is_sale(self) -> bool:
        """Whether what it is of was sold on the day, and so is no holding."""
        return self.words.startswith("SELL")


class DailyRow(LogRow):
    """One holding on one day, what was sold of it, or the account."""


class TradeRow(LogRow):
    """A purchase or a sale."""

    @property
    def bought(self) -> float:
        """Shares bought, 0 of a sale."""
        return self.value("Shares Bought") or 0.0

    @property
    def sold(self) -> float:
        """Shares sold, 0 of a purchase."""
        return self.value("Shares Sold") or 0.0


AnyRow = TypeVar("AnyRow", bound=LogRow)


@dataclass(slots=True)
class LogTable(Generic[AnyRow]):
    """A log as far as it could be read.

    Attributes:
        file: its name.
        rows: in the order of the file.
        findings: what could not be read.
    """

    file: str
    rows: list[AnyRow] = field(default_factory=list)
    findings: list[LogFinding] = field(default_factory=list)


def read_daily(path: str | Path) -> LogTable[DailyRow]:
    """The log of every day.

    Args:
        path: a CSV file with one row a holding and one of the account, ``TOTAL``, a day.

    Raises:
        InvestorBenchError: it cannot be opened, or lacks a column.
    """
    return _read(path, DAILY, DailyRow, ("Date", "Ticker", "Shares", "Current Price"))


def read_trades(path: str | Path) -> LogTable[TradeRow]:
    """The log of trades; for the argument and errors see :func:`read_daily`."""
    return _read(path, TRADES, TradeRow, ("Date", "Ticker", "Shares Bought", "Shares Sold"))


def _read(
    path: str | Path, columns: Sequence[str], kind: type[AnyRow], required: Sequence[str]
) -> LogTable[AnyRow]:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            found = [(lines.line_num, cells) for cells in lines if any(map(str.strip, cells))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvestorBenchError(f"{path} is no CSV file that can be read: {error}") from None
    if lacking := [name for name in required if name not in header]:
        raise InvestorBenchError(
            f"{path} has no column {lacking[0]}: a log has the columns {', '.join(columns)}"
        )
    log: LogTable[AnyRow] = LogTable(str(path))
    finding = partial(LogFinding, log.file)
    log.findings += [
        finding(1, "column", f"the format has no column {name!r}; it is not looked at", name)
        for name in header
        if name not in columns
    ]
    table = [(line, dict(zip(header, cells, strict=False))) for line, cells in found]
    days = list(_days([(line, cells.get("Date", "")) for line, cells in table], log))
    for (line, cells), day in zip(table, days, strict=True):
        numbers = dict(_numbers(line, cells, columns, log))
        if day is not None:
            words = cells.get("Action", cells.get("Reason", "")).strip().upper()
            log.rows.append(
                kind(
                    row=line,
                    day=day,
                    ticker=cells.get("Ticker", "").strip().upper(),
                    words=words,
                    numbers=numbers,
                    cells={name: cells.get(name, "").strip() for name in columns},
                )
            )
    return log


def _numbers(
    line: int, cells: dict[str, str], columns: Sequence[str], log: LogTable[AnyRow]
) -> Iterator[tuple[str, LoggedNumber]]:
    """The numbers of a row; a cell that holds something else is a finding."""
    for name in columns:
        cell = cells.get(name, "")
        if name in WORDS or text_of(cell) is None:
            continue
        number = LoggedNumber.of(cell)
        if number is None or not math.isfinite(number.value):
            problem = f"{cell.strip()[:40]!r} is no number"
            log.findings.append(LogFinding(log.file, line, "not_a_number", problem, name))
        else:
            yield name, number


def _days(cells: Sequence[tuple[int, str]], log: LogTable[AnyRow]) -> Iterator[date | None]:
    """The dates of a column; those that are not written as most of them are findings."""
    read = [(line, cell, fields_of(text_of(cell) or "")) for line, cell in cells]
    forms = Counter(_form(fields) for _, _, fields in read if fields)
    usual = forms.most_common(1)[0][0] if forms else ""
    orders = Counter(
        order for _, _, fields in read if fields and "a" in fields for order in orders_of(fields)
    )
    order = orders.most_common(1)[0][0] if orders else ""
    for line, cell, fields in read:
        day = None if fields is None else date_of(fields, order)
        if day is None:
            problem = f"{cell.strip()[:40]!r} is no date; the row is left out"
        elif fields and _form(fields) != usual:
            problem = f"{cell.strip()!r} is in another form than the other dates; read as {day}"
        else:
            yield day
            continue
        log.findings.append(LogFinding(log.file, line, "date", problem, "Date"))
        yield day


def _form(fields: Fields) -> str:
    return "".join(name for name in ("y", "a", "m", "d", "compact") if name in fields)
