"""An audit of a log of every day beside its log of trades: what does not follow, each at its row.

A fault is named once, where it was made; from there on, what is written counts. A cell that all
others contradict is the fault; where they agree with it, it is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from investorbench.tasks.live.book import Book
from investorbench.tasks.live.cash import LoggedCash, equity_claim, sum_claims
from investorbench.tasks.live.claims import CellClaim, false_claims
from investorbench.tasks.live.days import LoggedDay, blank_cells, calendar_findings, lay_out
from investorbench.tasks.live.findings import Kind, LogFinding
from investorbench.tasks.live.holdings import (
    Mismatch,
    open_book,
    oversales,
    row_claims,
    settle,
    trade_claims,
    with_listed_costs,
)
from investorbench.tasks.live.logs import UNPRICED, read_daily, read_trades
from investorbench.tasks.live.older_copy import take_older
from investorbench.tasks.live.ranges import Ranges

OF_A_HOLDING = ("Shares", "Buy Price", "Cost Basis", "Current Price", "Total Value", "PnL")
OF_AN_ACCOUNT = ("Total Value", "Cash Balance", "Total Equity")
UNPRICED_TOO = OF_A_HOLDING[:3]
OF_A_SALE = ("Shares", "Current Price", "Total Value")
BOUGHT = ("Buy Price", "Cost Basis")
SOLD = ("Sell Price", "Cost Basis", "PnL")


@dataclass(frozen=True, slots=True)
class Audited:
    """The outcome of an audit.

    Attributes:
        findings: in the order of files and rows.
        sessions: how many the log of every day has.
        trades: how many rows the log of trades has.
        unpriced: tickers of which there is no range to compare a fill with.
    """

    findings: tuple[LogFinding, ...]
    sessions: int
    trades: int
    unpriced: tuple[str, ...] = ()


def audit(
    daily: str | Path,
    trades: str | Path,
    *,
    against: str | Path | None = None,
    prices: str | Path | None = None,
    calendar: str = "XNYS",
) -> Audited:
    """Audit the published logs of an account.

    Args:
        daily: the log of every day, CSV.
        trades: the log of trades, CSV.
        against: an older copy of either. Rows that differ are findings, and what else is checked
            is checked as they were.
        prices: a folder of market data, for the range in which each fill must lie.
        calendar: of the exchange, by its code in ``exchange_calendars``.

    Raises:
        InvestorBenchError: a file cannot be read or lacks a column, or there is no such calendar.
    """
    by_day, by_trade = read_daily(daily), read_trades(trades)
    findings = [] if against is None else take_older(by_day, by_trade, against)
    findings += [*by_day.findings, *by_trade.findings]
    days, disorder = lay_out(by_day, by_trade)
    findings += disorder
    for day in days:
        findings += _blanks(day, by_day.file, by_trade.file)
    if days:
        findings += calendar_findings(days, by_day.file, calendar)
        findings += _replayed(days, by_day.file, by_trade.file)
    ranges = None if prices is None else Ranges(prices, by_trade)
    findings += [] if ranges is None else ranges.outside()
    places = {by_day.file: 0, by_trade.file: 1}
    findings.sort(key=lambda each: (places[each.file], each.row, each.kind, each.column))
    unpriced = () if ranges is None else ranges.unpriced
    return Audited(tuple(findings), len(days), len(by_trade.rows), unpriced)


def _replayed(days: list[LoggedDay], daily: str, trades: str) -> Iterator[LogFinding]:
    """Go through the days with a book and a purse."""
    claims: list[CellClaim] = []
    prices: dict[str, float] = {}
    book, settled = open_book(days[0])
    opening = None if days[0].total is None else days[0].total.value("Cash Balance")
    cash = LoggedCash(opening)
    for place, day in enumerate(days):
        if place:
            book, settled = settle(day, book, prices)
            found, explained = cash.check(daily, day, settled.applied, settled.mismatches)
            yield from found
        else:
            explained = set()
        left = [each for each in settled.mismatches if each.ticker not in explained]
        yield from _holdings(daily, day, left)
        sales = [each for each in settled.applied if each.trade.ticker not in explained]
        yield from oversales(trades, sales)
        # What was sold beside shares that no trade explains had an average cost that none shows.
        unsettled = {mismatch.ticker for mismatch in settled.mismatches}
        for applied in settled.applied:
            if applied.trade.ticker not in unsettled:
                claims += trade_claims(trades, applied)
        claims += _claims(daily, day, book, cash)
        book = with_listed_costs(day, book)
        prices |= {row.ticker: row.value("Current Price") or 0.0 for row in day.held}
    seen: set[tuple[str, int]] = set()
    for claim in false_claims(claims):
        if (place_of := (claim.file, claim.row.row)) not in seen:
            seen.add(place_of)
            yield claim.finding


def _claims(file: str, day: LoggedDay, book: Book, cash: LoggedCash) -> Iterator[CellClaim]:
    for row in day.rows:
        yield from row_claims(file, row, book.holdings.get(row.ticker))
    yield from sum_claims(file, day)
    yield from equity_claim(file, day, cash.amount)


def _holdings(file: str, day: LoggedDay, mismatches: list[Mismatch]) -> Iterator[LogFinding]:
    """What a day lists and the trades do not lead to; what it does not list, at its account."""
    for each in mismatches:
        row = each.row or day.total
        line = day.first_row if row is None else row.row
        name = "" if each.row else f" of {each.ticker}"
        problem = f"{each.listed:g} shares{name} listed, {each.booked:g} held by the trades"
        kind: Kind = "lost_fraction" if each.is_lost_fraction else "holding"
        yield LogFinding(file, line, kind, problem, "Shares")


def _blanks(day: LoggedDay, daily: str, trades: str) -> Iterator[LogFinding]:
    """Cells of a day in which nothing stands where a number should."""
    for row in day.rows:
        of_unpriced = UNPRICED_TOO if row.words.startswith(UNPRICED) else OF_A_HOLDING
        yield from blank_cells([row], OF_A_SALE if row.is_sale else of_unpriced, daily)
    if day.total:
        yield from blank_cells([day.total], OF_AN_ACCOUNT, daily)
    for trade in day.trades:
        if trade.bought or trade.sold:
            yield from blank_cells([trade], BOUGHT if trade.bought else SOLD, trades)
        else:
            named = ("PnL",) if trade.is_payment else ("Shares Bought",)
            yield from blank_cells([trade], named, trades)
