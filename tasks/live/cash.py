"""The account of each day: its cash beside what trades moved, and its sums beside their parts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from investorbench.tasks.live.book import Applied
from investorbench.tasks.live.claims import CENT, CellClaim
from investorbench.tasks.live.days import LoggedDay
from investorbench.tasks.live.findings import Kind, LogFinding
from investorbench.tasks.live.holdings import Mismatch
from investorbench.tasks.live.logs import UNPRICED, DailyRow

SUMS: Mapping[str, Kind] = {"Total Value": "value", "PnL": "pnl"}
TOGETHER = 0.2
"""Cash and shares that changed without a trade belong together when so near in value."""


def sum_claims(file: str, day: LoggedDay) -> Iterator[CellClaim]:
    """The sums of a day: of what its rows say, or of what they should."""
    if day.total is None:
        return
    held = [row for row in day.held if not row.words.startswith(UNPRICED)]
    bound = CENT * (1 + len(held)) + sum(_bound(row) for row in held)
    for column, kind in SUMS.items():
        right = [_right(row, column) for row in held]
        if column in day.total.numbers and None not in right:
            yield CellClaim(
                file=file, row=day.total, column=column, kind=kind,
                expected=(_sum(held, column), sum(part or 0.0 for part in right)),
                bound=bound, why="the rows of the day come to", terms=len(held),
                is_derived=right != [row.value(column) for row in held],
            )  # fmt: skip


def equity_claim(file: str, day: LoggedDay, cash: float | None) -> Iterator[CellClaim]:
    """Equity is cash and holdings; where a cell of either is wrong, what it should hold counts.

    Args:
        file: of the log of every day.
        day: of the account.
        cash: that the trades lead to; None where it is not known.
    """
    total = day.total
    if total is None or "Total Equity" not in total.numbers:
        return
    right = sum(_right(row, "Total Value") or 0.0 for row in day.held)
    values = [total.value("Total Value"), right, _sum(day.held, "Total Value")]
    amounts = [total.value("Cash Balance"), cash]
    expected = tuple(
        value + amount
        for amount in amounts
        for value in values
        if amount is not None and value is not None
    )
    if expected:
        yield CellClaim(
            file=file, row=total, column="Total Equity", kind="value", expected=expected,
            bound=CENT + sum(_bound(row) for row in day.held), why="cash and holdings are",
            terms=1 + len(day.held),
        )  # fmt: skip


class LoggedCash:
    """The cash of an account from day to day.

    Args:
        opening: of the first day, after its trades; None where it cannot be read.
    """

    def __init__(self, opening: float | None) -> None:
        self.amount = opening

    def check(
        self, file: str, day: LoggedDay, applied: Sequence[Applied], mismatches: Sequence[Mismatch]
    ) -> tuple[list[LogFinding], set[str]]:
        """Compare a day's cash with what its trades moved, and go on from it.

        Returns:
            What is wrong, and tickers of which it says why their trades do not lead to what is
            listed, or why more was sold than was held.
        """
        flow = sum(each.flow for each in applied)
        flows = {
            flow,
            sum(each.without_oversold for each in applied),
            flow + sum(Applied(trade, None).flow for trade in day.repeated),
        }
        logged = None if day.total is None else day.total.value("Cash Balance")
        before = self.amount
        if before is None:
            self.amount = logged
            return [], set()
        if day.total is None or logged is None:
            self.amount = before + flow
            return [], set()
        bound = CENT + sum(
            (each.trade.bought + each.trade.sold) * price.half_unit
            for each in applied
            for name in ("Buy Price", "Sell Price")
            if (price := each.trade.numbers.get(name))
        )
        nearest = min((before + each for each in flows), key=lambda amount: abs(amount - logged))
        if abs(logged - nearest) <= bound:
            self.amount = logged
            return [], set()
        left = _cash_by_equity(day, nearest, bound)
        self.amount = logged if left is None else left
        return _unexplained(
            file, day.total, logged - nearest, logged - before - flow, _gaps(applied, mismatches)
        )


@dataclass(slots=True)
class _Gap:
    """Shares of a ticker that came without a trade, or went if negative.

    Attributes:
        shares: that came.
        price: at which they were last valued or sold.
        is_sold: whether more of them was sold than was held.
    """

    shares: float
    price: float
    is_sold: bool = False


def _gaps(applied: Sequence[Applied], mismatches: Sequence[Mismatch]) -> dict[str, _Gap]:
    gaps = {each.ticker: _Gap(each.listed - each.booked, each.price) for each in mismatches}
    for each in applied:
        if each.oversold:
            gap = gaps.setdefault(each.trade.ticker, _Gap(0.0, 0.0))
            gap.shares += each.oversold
            gap.price, gap.is_sold = each.trade.value("Sell Price") or gap.price, True
    return gaps


def _unexplained(
    file: str, total: DailyRow, change: float, if_paid: float, gaps: Mapping[str, _Gap]
) -> tuple[list[LogFinding], set[str]]:
    """Cash that no trade explains, and the tickers whose gap it does explain.

    Args:
        file: of the log of every day.
        total: the row of the account.
        change: what is unexplained at the least.
        if_paid: what is if all that was sold was paid for.
        gaps: by ticker.
    """
    together = {
        ticker: gap
        for ticker, gap in gaps.items()
        for moved in [if_paid if gap.is_sold else change]
        if abs(moved + gap.shares * gap.price) <= TOGETHER * abs(moved)
    }
    if any(gap.is_sold for gap in together.values()):
        change = if_paid
    problem = f"cash changed by {change:+,.2f} that no trade explains"
    for ticker, gap in together.items():
        verb = "bought" if gap.shares > 0 else "sold"
        problem += f", as if {abs(gap.shares):g} shares of {ticker} had been {verb}"
    return [LogFinding(file, total.row, "cash", problem, "Cash Balance")], set(together)


def _cash_by_equity(day: LoggedDay, cash: float, bound: float) -> float | None:
    """Equity less holdings, where it is the cash that trades lead to; else None."""
    total = day.total
    equity = None if total is None else total.value("Total Equity")
    value = None if total is None else total.value("Total Value")
    if equity is None or value is None:
        return None
    return equity - value if abs(equity - value - cash) <= bound else None


def _sum(rows: Sequence[DailyRow], column: str) -> float:
    return sum(row.value(column) or 0.0 for row in rows)


def _right(row: DailyRow, column: str) -> float | None:
    """What a holding's cell says; where its other cells contradict it, what follows from them."""
    logged = row.value(column)
    shares, price, buy = (row.value(name) for name in ("Shares", "Current Price", "Buy Price"))
    less = buy if column == "PnL" else 0.0
    if shares is None or price is None or less is None:
        return logged
    follows = shares * (price - less)
    return logged if logged is not None and abs(logged - follows) <= _bound(row) else follows


def _bound(row: DailyRow) -> float:
    """By how much rounding may have moved the value, or the profit, of a holding."""
    prices = [row.numbers.get(name) for name in ("Current Price", "Buy Price")]
    shares = abs(row.value("Shares") or 0.0)
    return CENT + shares * sum(price.half_unit for price in prices if price)
