"""A log beside an older copy of itself: what was written once stays as it was written."""

import contextlib
from collections import defaultdict
from pathlib import Path
from typing import TypeVar

from investorbench.tasks.live.findings import LogFinding
from investorbench.tasks.live.logs import (
    DailyRow,
    LogRow,
    LogTable,
    TradeRow,
    read_daily,
    read_trades,
)
from investorbench_env.errors import InvestorBenchError

AnyRow = TypeVar("AnyRow", bound=LogRow)
Key = tuple[str, str, bool, int]


def take_older(
    daily: LogTable[DailyRow], trades: LogTable[TradeRow], older: str | Path
) -> list[LogFinding]:
    """Compare a log with an older copy, and put rows that differ back as they were.

    Args:
        daily: the log of every day.
        trades: the log of trades.
        older: a copy of either.

    Raises:
        InvestorBenchError: it is a copy of neither.
    """
    with contextlib.suppress(InvestorBenchError):
        return _compare(daily, read_daily(older))
    with contextlib.suppress(InvestorBenchError):
        return _compare(trades, read_trades(older))
    raise InvestorBenchError(f"{older} is neither a log of every day nor a log of trades")


def _compare(log: LogTable[AnyRow], before: LogTable[AnyRow]) -> list[LogFinding]:
    findings = []
    old, new = _by_key(before), _by_key(log)
    last = max((row.day for row in before.rows), default=None)
    for key, row in new.items():
        if key in old:
            names = _differing(row, old[key])
            if names:
                was = "; ".join(f"{name} was {_cell(old[key], name)}" for name in names)
                column = names[0] if len(names) == 1 else ""
                findings.append(LogFinding(log.file, row.row, "changed", was, column))
        elif last is not None and row.day <= last:
            problem = f"not in {before.file}, which goes to {last}"
            findings.append(LogFinding(log.file, row.row, "changed", problem))
    rows = [_put_back(row, old.get(key), row.row) for key, row in new.items()]
    for key, gone in old.items():
        if key not in new:
            place = next((n for n, row in enumerate(rows) if row.day >= gone.day), len(rows))
            line = rows[min(place, len(rows) - 1)].row if rows else 1
            rows.insert(place, _put_back(gone, gone, line))
            problem = f"row {gone.row} of {before.file} is gone: {gone.ticker} on {gone.day}"
            findings.append(LogFinding(log.file, line, "changed", problem))
    log.rows = rows
    return findings


def _by_key(log: LogTable[AnyRow]) -> dict[Key, AnyRow]:
    """Rows by day, ticker, whether of a sale, and how many of these came before."""
    seen: dict[tuple[str, str, bool], int] = defaultdict(int)
    found: dict[Key, AnyRow] = {}
    for row in log.rows:
        is_sale = row.sold > 0 if isinstance(row, TradeRow) else row.is_sale
        key = str(row.day), row.ticker, is_sale
        found[(*key, seen[key])] = row
        seen[key] += 1
    return found


def _differing(row: LogRow, other: LogRow) -> list[str]:
    """Columns in which two rows differ; ``4.9`` is ``4.90``."""
    names = [name for name in row.cells if row.cells[name] != _cell(other, name)]
    return [
        name for name in names if row.value(name) is None or row.value(name) != other.value(name)
    ]


def _cell(row: LogRow, name: str) -> str:
    return row.cells.get(name, "")


def _put_back(row: AnyRow, old: AnyRow | None, line: int) -> AnyRow:
    """A row as it was, where it stands now."""
    was = row if old is None else old
    return type(row)(
        row=line, day=was.day, ticker=was.ticker, words=was.words, numbers=was.numbers,
        cells=was.cells,
    )  # fmt: skip
