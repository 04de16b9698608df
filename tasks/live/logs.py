"""Logs of an account in the format in which LLM-Trading-Lab publishes its own, read cell by cell.

A cell that cannot be read is a finding and leaves a hole; everything beside it is still read.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Generic, TypeVar

from investorbench.tasks.live.findings import LogFinding
from investorbench.tasks.live.log_numbers import LoggedNumber, decimal_mark, is_blank
from investorbench_env.errors import CorruptDataError, InvestorBenchError
from investorbench_env.market.files.column_names import plain
from investorbench_env.market.files.date_cells import Fields, date_of, fields_of, orders_of, text_of
from investorbench_env.market.files.text_tables import decoded, layout_of

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
YEARS = range(1900, 2200)
"""In which an account may be."""
COUNTED = ("", "Unnamed: 0")
"""What pandas calls the numbers of rows that it saves beside them."""
PAYMENTS = ("DIVIDEND", "COMMISSION")
"""How the reason of a row begins that is no trade: cash under PnL that came, or went."""


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

    @property
    def is_payment(self) -> bool:
        """Whether it is a dividend or a commission, and no trade."""
        return self.words.startswith(PAYMENTS)


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
    header, found = _cells(Path(path), columns)
    if lacking := [name for name in required if name not in header]:
        raise InvestorBenchError(
            f"{path} has no column {lacking[0]}: a log has the columns {', '.join(columns)}"
        )
    log: LogTable[AnyRow] = LogTable(str(path))
    log.findings += _columns(log.file, header, found, columns)
    table = [(line, dict(zip(header, cells, strict=False))) for line, cells in found]
    mark = decimal_mark(
        cells.get(name, "") for _, cells in table for name in columns if name not in WORDS
    )
    days = list(_days([(line, cells.get("Date", "")) for line, cells in table], log))
    for (line, cells), day in zip(table, days, strict=True):
        numbers = dict(_numbers(line, cells, columns, mark, log))
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


def _cells(path: Path, columns: Sequence[str]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of a log's columns, and its rows with their lines."""
    try:
        try:
            text = decoded(path, "", None)
        except CorruptDataError:  # words alone hold what is written otherwise there
            text = decoded(path, "cp1252", None)
        layout = layout_of(text, path)
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator)
        for _ in range(layout.skipped):
            next(lines)
        ours = {plain(name): name for name in columns}
        header = [ours.get(plain(name), name.strip()) for name in next(lines, [])]
        rows = [(lines.line_num, cells) for cells in lines if any(map(str.strip, cells))]
    except (CorruptDataError, csv.Error) as error:
        raise InvestorBenchError(f"{path} is no CSV file that can be read: {error}") from None
    return header, rows


def _columns(
    file: str, header: Sequence[str], rows: Sequence[tuple[int, list[str]]], columns: Sequence[str]
) -> Iterator[LogFinding]:
    """Columns that the format does not have, and rows with more cells than columns."""
    filled = {place for _, cells in rows for place, cell in enumerate(cells) if cell.strip()}
    for place, name in enumerate(header):
        if name in columns and name not in header[:place]:
            continue
        if name in COUNTED and _is_counting([cells[place : place + 1] for _, cells in rows]):
            continue
        if name or place in filled:
            problem = f"the format has no column {name!r}; it is not looked at"
            if name in columns:
                problem = f"{name} stands there twice; the last one counts"
            yield LogFinding(file, 1, "column", problem, name)
    lengths = Counter(len(cells) for _, cells in rows)
    usual = max(lengths, key=lambda length: lengths[length], default=0)
    for line, cells in rows:
        is_filled = any(map(str.strip, cells[len(header) :]))
        if is_filled or len(cells) > max(usual, len(header)):
            problem = f"{len(cells)} cells under {len(header)} columns: a comma that is not quoted?"
            yield LogFinding(file, line, "column", problem)


def _is_counting(cells: Sequence[list[str]]) -> bool:
    """Whether a column holds the numbers of its rows."""
    found = [int(cell[0]) for cell in cells if cell and cell[0].isdecimal()]
    return len(found) == len(cells) and all(one < other for one, other in pairwise(found))


def _numbers(
    line: int, cells: dict[str, str], columns: Sequence[str], mark: str, log: LogTable[AnyRow]
) -> Iterator[tuple[str, LoggedNumber]]:
    """The numbers of a row; a cell that holds something else is a finding."""
    for name in columns:
        cell = cells.get(name, "")
        if name in WORDS or is_blank(cell):
            continue
        number = LoggedNumber.of(cell, mark)
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
        if day is None or day.year not in YEARS:
            day = None
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
