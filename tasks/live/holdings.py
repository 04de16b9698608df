"""Holdings of a day beside what the trades lead to, and the arithmetic of each row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from investorbench.tasks.live.book import SAME, Applied, Book, BookedShares
from investorbench.tasks.live.claims import CENT, CellClaim, product_bound
from investorbench.tasks.live.days import LoggedDay
from investorbench.tasks.live.findings import LogFinding
from investorbench.tasks.live.log_numbers import LoggedNumber
from investorbench.tasks.live.logs import DailyRow

GAIN = "price less average cost, times shares, is"


@dataclass(slots=True)
class Mismatch:
    """Shares that a day lists and the trades do not lead to, or the other way round.

    Attributes:
        ticker: of the holding.
        row: that lists it; None where none does.
        listed: shares in that row.
        booked: shares by the trades.
        price: at which they were last valued or traded.
    """

    ticker: str
    row: DailyRow | None
    listed: float
    booked: float
    price: float

    @property
    def is_lost_fraction(self) -> bool:
        """Whether whole shares are listed and a part of one is gone."""
        return SAME < self.booked - self.listed < 1.0 and self.listed == int(self.listed)


@dataclass(slots=True)
class Settled:
    """What a day's trades came to.

    Attributes:
        applied: each trade and what it did.
        mismatches: what is listed otherwise.
    """

    applied: list[Applied] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)


def open_book(day: LoggedDay) -> tuple[Book, Settled]:
    """The holdings of the first day: what its trades lead to, or else simply what it lists."""
    book = Book()
    settled = Settled(book.apply(day.trades))
    if not any(each.oversold for each in settled.applied):
        settled.mismatches = _mismatches(day, book, {})
        if all(each.row and _is_mistyped(each.row, each.booked) for each in settled.mismatches):
            return book, settled
    for row in day.held:
        _list(book, row)
    return book, Settled()


def settle(day: LoggedDay, book: Book, prices: dict[str, float]) -> tuple[Book, Settled]:
    """Take a day's trades into a book, and compare it with what the day lists.

    A trade that is written twice counts once, unless the holdings show that it was done twice.

    Args:
        day: with its trades.
        book: of the day before.
        prices: at which each holding was last valued.

    Returns:
        The book as the day lists it from now on, and what its trades came to.
    """
    ways = []
    for trades in (
        [trade for trade in day.trades if trade not in day.repeated],
        day.trades,
    ):
        after = Book(dict(book.holdings))
        applied = after.apply(trades)
        ways.append((after, Settled(applied, _mismatches(day, after, prices))))
    after, settled = min(ways, key=lambda way: len(way[1].mismatches))
    for mismatch in settled.mismatches:
        _adopt(after, mismatch)
    return after, settled


def _mismatches(day: LoggedDay, book: Book, prices: dict[str, float]) -> list[Mismatch]:
    found = []
    rows = {row.ticker: row for row in day.held}
    prices = prices | _traded_at(day)
    for ticker in dict.fromkeys([*rows, *book.holdings]):
        row, holding = rows.get(ticker), book.holdings.get(ticker)
        listed = 0.0 if row is None else row.value("Shares")
        booked = holding.shares if holding else 0.0
        if listed is None or abs(listed - booked) <= SAME:
            continue
        price = (row.value("Current Price") if row else None) or prices.get(ticker)
        price = price or (holding.average if holding else 0.0)
        found.append(Mismatch(ticker, row, listed, booked, price))
    return found


def _traded_at(day: LoggedDay) -> dict[str, float]:
    """The last price at which each ticker was traded."""
    return {
        trade.ticker: price
        for trade in day.trades
        if (price := trade.value("Buy Price") or trade.value("Sell Price"))
    }


def _adopt(book: Book, mismatch: Mismatch) -> None:
    """Go on from what is listed, unless the row's own value shows that its shares are mistyped."""
    row = mismatch.row
    if row is None:
        book.holdings.pop(mismatch.ticker, None)
    elif not _is_mistyped(row, mismatch.booked):
        _list(book, row)


def _is_mistyped(row: DailyRow, booked: float) -> bool:
    value, price, listed = (row.value(name) for name in ("Total Value", "Current Price", "Shares"))
    if value is None or price is None or listed is None:
        return False
    return abs(value - booked * price) <= CENT < abs(value - listed * price)


def _list(book: Book, row: DailyRow) -> None:
    shares, price = row.value("Shares"), row.numbers.get("Buy Price")
    if shares and price:
        book.holdings[row.ticker] = BookedShares(
            shares, price.value, price.half_unit, is_listed=True
        )


def row_claims(file: str, row: DailyRow, holding: BookedShares | None) -> Iterator[CellClaim]:
    """What the cells of a holding, or of a sale, say of each other and of the book.

    Args:
        file: of the row.
        row: of a holding, or of what was sold.
        holding: by the trades; None where they say nothing of it.
    """
    if row.is_sale:
        holding = None
    buy, price = row.numbers.get("Buy Price"), row.numbers.get("Current Price")
    shares = holding.shares if holding else row.value("Shares")
    if shares is None:
        return
    averages = []
    if holding is not None:
        averages.append(holding.average)
        yield from _average(file, row, holding)
    if buy is not None and (holding is None or _agrees(buy, holding)):
        averages.append(buy.value)
    # An average that is known from the log alone is rounded.
    is_listed = holding is None or holding.is_listed
    claim = partial(CellClaim, file=file, row=row, is_derived=is_listed)
    half_unit = buy.half_unit if buy else 0.0
    basis, value, pnl = (row.numbers.get(name) for name in ("Cost Basis", "Total Value", "PnL"))
    if basis is not None and averages:
        yield claim(
            column="Cost Basis", kind="cost_basis",
            expected=tuple(shares * average for average in averages),
            bound=product_bound(basis, shares, half_unit), why="shares at their average cost are",
        )  # fmt: skip
    if value is not None and price is not None:
        yield claim(
            column="Total Value", kind="value", expected=(shares * price.value,),
            bound=product_bound(value, shares, price.half_unit), why="shares times price is",
            is_derived=is_listed and not row.is_sale,
        )  # fmt: skip
    if pnl is not None and price is not None and averages:
        yield claim(
            column="PnL", kind="pnl",
            expected=tuple(shares * (price.value - average) for average in averages),
            bound=product_bound(pnl, shares, half_unit + price.half_unit), why=GAIN,
        )  # fmt: skip


def _average(file: str, row: DailyRow, holding: BookedShares) -> Iterator[CellClaim]:
    if (buy := row.numbers.get("Buy Price")) is not None:
        yield CellClaim(
            file=file, row=row, column="Buy Price", kind="cost_basis", expected=(holding.average,),
            bound=buy.half_unit + holding.half_unit, why="the trades cost on average",
        )  # fmt: skip


def _agrees(buy: LoggedNumber, holding: BookedShares) -> bool:
    return abs(buy.value - holding.average) <= buy.half_unit + holding.half_unit


def trade_claims(file: str, applied: Applied) -> Iterator[CellClaim]:
    """What the cells of a trade say of each other and of what was held before it."""
    trade, held = applied.trade, applied.held
    basis, pnl = trade.numbers.get("Cost Basis"), trade.numbers.get("PnL")
    price = trade.numbers.get("Buy Price" if trade.bought else "Sell Price")
    if price is None:
        return
    if trade.bought:
        if basis is not None:
            yield CellClaim(
                file=file, row=trade, column="Cost Basis", kind="cost_basis",
                expected=(trade.bought * price.value,),
                bound=product_bound(basis, trade.bought, price.half_unit),
                why="shares times price is",
            )  # fmt: skip
        return
    if held is None or applied.oversold:
        return
    if basis is not None:  # of all that was sold, or of one share
        yield CellClaim(
            file=file, row=trade, column="Cost Basis", kind="cost_basis",
            expected=(trade.sold * held.average, held.average), is_derived=held.is_listed,
            bound=product_bound(basis, trade.sold, held.half_unit),
            why="what was sold had cost",
        )  # fmt: skip
    if pnl is not None:
        yield CellClaim(
            file=file, row=trade, column="PnL", kind="pnl",
            expected=(trade.sold * (price.value - held.average),), is_derived=held.is_listed,
            bound=product_bound(pnl, trade.sold, price.half_unit + held.half_unit),
            why=GAIN,
        )  # fmt: skip


def oversales(file: str, applied: Sequence[Applied]) -> Iterator[LogFinding]:
    """Sales of more than was held."""
    for each in applied:
        if each.oversold:
            held = each.held.shares if each.held else 0.0
            problem = f"{each.trade.sold:g} shares of {each.trade.ticker} sold, {held:g} held"
            yield LogFinding(file, each.trade.row, "oversale", problem, "Shares Sold")


def with_listed_costs(day: LoggedDay, book: Book) -> Book:
    """The book with those average costs that a day lists otherwise and its cost basis bears out."""
    after = Book(dict(book.holdings))
    for row in day.held:
        held, buy, basis = (
            book.holdings.get(row.ticker),
            row.numbers.get("Buy Price"),
            row.value("Cost Basis"),
        )
        if not held or not buy or basis is None or _agrees(buy, held):
            continue
        if abs(basis - held.shares * buy.value) <= CENT + held.shares * buy.half_unit:
            after.holdings[row.ticker] = BookedShares(
                held.shares, buy.value, buy.half_unit, is_listed=True
            )
    return after
