"""Accounts of a ledger as the two tables in which LLM-Trading-Lab publishes its own.

They are made from the ledger, and can be made again at any time. Figures are written to the last
digit, so that an audit can follow them. What the format has no place for is a row of trades:
dividends and commissions as payments, a split as a sale and a purchase at what the shares cost.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from investorbench.tasks.live.experiment.accounts import distributions_in, fills_in, held_in
from investorbench.tasks.live.experiment.derived import write_where_other
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench.tasks.live.logs import DAILY, TOTAL, TRADES
from investorbench.tasks.spreadsheets import ENDS, CsvRows
from investorbench_env.accounting.events import Distribution, Fill
from investorbench_env.accounting.portfolio import HeldShares, SessionBar

EXPORTS = "exports"
DAILY_FILE, TRADES_FILE = "daily.csv", "trades.csv"
LogCells = dict[str, Any]


def write_exports(folder: Path, view: LedgerView) -> None:
    """Write both tables of every agent."""
    for agent in view.settings.agents:
        for name, text in exports_of(view, agent.name).items():
            write_where_other(folder / EXPORTS / agent.name / name, text)


def exports_of(view: LedgerView, agent: str) -> dict[str, str]:
    """Both tables of an agent, by the names of their files."""
    return {
        DAILY_FILE: _csv(DAILY, _daily(view, agent)),
        TRADES_FILE: _csv(TRADES, _trades(view, agent)),
    }


def _daily(view: LedgerView, agent: str) -> Iterator[LogCells]:
    for session in view.sessions:
        entry = view.account(session, agent)
        assert entry is not None  # every agent has one of each session
        portfolio = held_in(entry.content)
        values = gains = 0.0
        for symbol, held in portfolio.holdings.items():
            price = portfolio.marks[symbol]
            value, gain = held.quantity * price, held.quantity * (price - held.entry)
            values, gains = values + value, gains + gain
            yield {
                "Date": session, "Ticker": symbol, "Shares": held.quantity, "Buy Price": held.entry,
                "Cost Basis": held.quantity * held.entry, "Stop Loss": held.stop,
                "Current Price": price, "Total Value": value, "PnL": gain, "Action": "HOLD",
            }  # fmt: skip
        yield {
            "Date": session, "Ticker": TOTAL, "Total Value": values, "PnL": gains,
            "Cash Balance": portfolio.cash, "Total Equity": portfolio.cash + values,
        }  # fmt: skip


def _trades(view: LedgerView, agent: str) -> Iterator[LogCells]:
    number = 0
    for session in view.sessions:
        entry = view.account(session, agent)
        before = view.session_before(session)
        known = None if before is None else view.account(before, agent)
        assert entry is not None  # as above
        held = {} if known is None else dict(held_in(known.content).holdings)
        marks = {} if known is None else held_in(known.content).marks
        for paid in distributions_in(entry.content):
            bar = view.bar(session, paid.symbol)
            for row in _night(paid, bar, held, marks[paid.symbol]):
                yield {"Date": session, "Ticker": paid.symbol, **row}
        for fill in fills_in(entry.content):
            number += 1
            for row in _filled(fill, held, number):
                yield {"Date": session, "Ticker": fill.symbol, **row}


def _night(
    paid: Distribution, bar: SessionBar, held: dict[str, HeldShares], mark: float
) -> Iterator[LogCells]:
    """A dividend; a split as all old shares sold and all new ones bought at what they cost."""
    before = held[paid.symbol]
    if bar.dividend:
        amount = before.quantity * bar.dividend
        yield {"PnL": amount, "Reason": f"DIVIDEND - {bar.dividend:g} a share"}
    if bar.split == 1.0:
        return
    shares, entry = before.quantity * bar.split, before.entry / bar.split
    why = f"SPLIT - {bar.split:g} for 1"
    yield _sale(before.quantity, before.entry, before.entry, f"{why}, old shares")
    yield _purchase(shares, entry, f"{why}, new shares")
    cash, price = paid.cash - before.quantity * bar.dividend, mark / bar.split
    fraction = round(cash / price, 9)
    if fraction > 0.0:
        yield _sale(fraction, price, entry, "FRACTION - paid in cash")
    held[paid.symbol] = HeldShares(shares - fraction, entry)


def _filled(fill: Fill, held: dict[str, HeldShares], number: int) -> Iterator[LogCells]:
    """A fill and its commission; what is held after it is kept in mind."""
    before = held.get(fill.symbol, HeldShares(0.0, 0.0))
    after = before.quantity + fill.quantity
    if fill.quantity > 0:
        yield _purchase(fill.quantity, fill.price, f"BUY - fill {number}")
        paid = before.quantity * before.entry + fill.quantity * fill.price
        held[fill.symbol] = HeldShares(after, paid / after)
    else:
        yield _sale(-fill.quantity, fill.price, before.entry, f"SELL - fill {number}")
        held[fill.symbol] = HeldShares(after, before.entry)
    if fill.cost:
        yield {"PnL": -fill.cost, "Reason": f"COMMISSION - fill {number}"}


def _purchase(shares: float, price: float, reason: str) -> LogCells:
    return {
        "Shares Bought": shares, "Buy Price": price, "Cost Basis": shares * price, "PnL": 0.0,
        "Reason": reason,
    }  # fmt: skip


def _sale(shares: float, price: float, entry: float, reason: str) -> LogCells:
    return {
        "Cost Basis": shares * entry, "PnL": shares * (price - entry), "Reason": reason,
        "Shares Sold": shares, "Sell Price": price,
    }  # fmt: skip


def _csv(columns: tuple[str, ...], rows: Iterator[Mapping[str, Any]]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(CsvRows(written), columns, lineterminator=ENDS)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return written.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)
