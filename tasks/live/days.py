"""A log of every day and one of trades, put side by side session by session."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TypeVar

import numpy as np

from investorbench.tasks.live.findings import LogFinding
from investorbench.tasks.live.log_numbers import is_blank
from investorbench.tasks.live.logs import DailyRow, LogRow, LogTable, TradeRow
from investorbench.tasks.wording import count
from investorbench_env.market.sessions import exchange_sessions

AnyRow = TypeVar("AnyRow", bound=LogRow)


@dataclass(slots=True)
class LoggedDay:
    """One session of an account.

    Attributes:
        day: its date.
        rows: of holdings, and of what was sold.
        total: of the account; None where the day has none.
        trades: since the session before, in the order of their log.
        repeated: those among them that stand there again, word for word.
    """

    day: date
    rows: list[DailyRow] = field(default_factory=list)
    total: DailyRow | None = None
    trades: list[TradeRow] = field(default_factory=list)
    repeated: list[TradeRow] = field(default_factory=list)

    @property
    def first_row(self) -> int:
        """The line at which the day begins."""
        return min(row.row for row in (*self.rows, *([self.total] if self.total else [])))

    @property
    def held(self) -> list[DailyRow]:
        """The rows of holdings alone."""
        return [row for row in self.rows if not row.is_sale]


def lay_out(
    daily: LogTable[DailyRow], trades: LogTable[TradeRow]
) -> tuple[list[LoggedDay], list[LogFinding]]:
    """The days of an account, oldest first, and what is out of order or there twice.

    A row of a day that stands there again is left out.
    """
    findings = [*_disorder(daily), *_disorder(trades)]
    days: dict[date, LoggedDay] = {}
    seen: dict[tuple[date, str, bool], DailyRow] = {}
    for row in sorted(daily.rows, key=lambda row: row.day):
        key = row.day, row.ticker, row.is_sale
        if key in seen and (not row.is_sale or seen[key].cells == row.cells):
            name = "the account" if row.is_total else row.ticker
            problem = f"{name} on {row.day} stands in row {seen[key].row} already"
            findings.append(LogFinding(daily.file, row.row, "duplicate", problem))
            continue
        seen[key] = row
        day = days.setdefault(row.day, LoggedDay(row.day))
        if row.is_total:
            day.total = row
        else:
            day.rows.append(row)
    laid = [days[name] for name in sorted(days)]
    findings += _hand_out(laid, trades)
    findings += [
        LogFinding(daily.file, day.first_row, "value", f"{day.day} has no row TOTAL")
        for day in laid
        if day.total is None
    ]
    return laid, findings


def _disorder(log: LogTable[AnyRow]) -> Iterator[LogFinding]:
    """Rows that are dated before the one above them; those below it are measured by the latest."""
    latest = date.min
    for row in log.rows:
        if row.day < latest:
            problem = f"{row.day} stands below {latest}"
            yield LogFinding(log.file, row.row, "date_order", problem, "Date")
        latest = max(latest, row.day)


def _hand_out(days: Sequence[LoggedDay], log: LogTable[TradeRow]) -> Iterator[LogFinding]:
    """Give each day the trades since the one before; later ones wait for a day of their own."""
    waiting = sorted(log.rows, key=lambda row: row.day)
    seen: list[TradeRow] = []
    for day in days:
        while waiting and waiting[0].day <= day.day:
            trade = waiting.pop(0)
            day.trades.append(trade)
            twin = next((other for other in seen if other.cells == trade.cells), None)
            if twin is not None:
                day.repeated.append(trade)
                problem = f"the same as row {twin.row}"
                yield LogFinding(log.file, trade.row, "duplicate", problem)
            seen.append(trade)


def calendar_findings(days: Sequence[LoggedDay], file: str, calendar: str) -> Iterator[LogFinding]:
    """Sessions that a log lacks, each at the next one that it has, and days that are none.

    Args:
        days: of the account.
        file: its log's name.
        calendar: the exchange's code in ``exchange_calendars``.

    Raises:
        InvestorBenchError: there is no such calendar.
    """
    sessions = exchange_sessions(calendar, str(days[0].day), str(days[-1].day))
    known = {session.item() for session in sessions}
    for day in days:
        if day.day not in known:
            problem = f"{calendar} was closed on {day.day}"
            yield LogFinding(file, day.first_row, "no_session", problem, "Date")
    for before, day in pairwise(days):
        missing = [
            str(session)
            for session in sessions
            if np.datetime64(before.day) < session < np.datetime64(day.day)
        ]
        if missing:
            yield LogFinding(file, day.first_row, "missing_session", _lacking(missing), "Date")


def _lacking(missing: Sequence[str]) -> str:
    if len(missing) == 1:
        return f"the session of {missing[0]} is missing before it"
    return f"{count(len(missing), 'session')} are missing before it, {missing[0]} to {missing[-1]}"


def blank_cells(rows: Iterable[LogRow], columns: Sequence[str], file: str) -> Iterator[LogFinding]:
    """Cells in which nothing stands where a number should."""
    for row in rows:
        for name in columns:
            if is_blank(row.cells.get(name)):
                yield LogFinding(file, row.row, "not_a_number", "nothing stands there", name)
