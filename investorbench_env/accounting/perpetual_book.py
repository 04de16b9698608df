"""Accounts of leveraged perpetuals, each coin with a margin of its own, from bar to bar.

A book holds N accounts of A coins, N = 1 for a scalar environment. Within a bar, in order: funding
of what was held before; positions that the open ends; orders to close; entries at the open, which
may end them at once; stop or liquidation, whichever lies nearer, and then the target. A bar that
touches both sides meets the losing one. A coin that does not trade fills nothing.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.margin import (
    BACKSTOP,
    end_of,
    funding_received,
    initial_margin,
    liquidation_price,
)
from investorbench_env.accounting.venues import TierTable
from investorbench_env.accounting.weights import over_assets

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
"""Coins of accounts, as positions in the flat array [A * N]: coin times N plus account, rising."""

TARGET, STOP, LIQUIDATION, CLOSE = range(4)
REASONS = ("target", "stop", "liquidation", "close")
"""Why a position ended, by its code."""
NOT_TRADING, OTHER_SIDE, TOO_LITTLE = range(3)
"""Why an order was refused."""
COLUMNS = (
    "size", "entry", "margin", "leverage", "stop", "target", "liquidation", "lower", "upper",
    "put_in", "fees", "funding", "opened",
)  # fmt: skip
EMPTY = np.array([0, 0, 0, 0, np.nan, np.nan, np.nan, -np.inf, np.inf, 0, 0, 0, 0], np.float64)
"""The columns of a coin that is not held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTerms:
    """Terms of the fills and of the margin.

    Attributes:
        tiers: of margin, a column a coin.
        fee_rate: of every fill, as a share of its notional.
        funding_cap: the most that the rate of a stamp may be.
        slippage: by which entries, stops and closes fill worse, as a share of the price.
        backstop: whether a position is lost with all its margin where the open leaves it less than
            two thirds of its maintenance.
    """

    tiers: TierTable
    fee_rate: float
    funding_cap: float = 0.04
    slippage: float = 0.0
    backstop: bool = False


class PerpetualBar(NamedTuple):
    """What the market did in one bar; arrays [A, 1] or [A, N].

    Attributes:
        open: price of trades; orders fill at it.
        high: of trades.
        low: of trades.
        close: of trades.
        trades: whether it can be traded at all; None for all. What cannot keeps its last mark.
        rate: that longs pay at the stamp with which the bar opens, NaN without; None for no stamp.
        oracle: price at that stamp; where it is NaN, or None, the open stands in.
        marks: open, high, low and close of the mark, which then trigger and value; None where
            trades stand in.
        number: of the bar, kept as the opening of what is entered; [N] where accounts differ.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    trades: npt.NDArray[np.bool_] | None = None
    rate: Floats | None = None
    oracle: Floats | None = None
    marks: tuple[Floats, Floats, Floats, Floats] | None = None
    number: Any = 0


class Entries(NamedTuple):
    """Orders to enter, or to add to what is held on the same side; arrays [K].

    Attributes:
        at: places, rising.
        size: coins, negative to sell short; not 0.
        leverage: notional over margin.
        stop: NaN for none.
        target: NaN for none.
    """

    at: Places
    size: Floats
    leverage: Floats
    stop: Floats
    target: Floats


class Entered(NamedTuple):
    """Entries that filled; arrays [K]."""

    at: Places
    size: Floats
    price: Floats
    margin: Floats
    fee: Floats


class Ended(NamedTuple):
    """Positions that ended at one moment of a bar; arrays [K].

    Attributes:
        at: places.
        reason: codes.
        inside: whether it was after the open.
        after_entries: whether it was after the entries of the bar.
        price: of the fill.
        pnl: what the price brought, less what the venue bears of a loss.
        fee: of the exit.
        held: the columns of the position before [13, K].
    """

    at: Places
    reason: npt.NDArray[np.intp]
    inside: bool
    after_entries: bool
    price: Floats
    pnl: Floats
    fee: Floats
    held: Floats


class Funded(NamedTuple):
    """Funding that was received, negative when paid; arrays [K]."""

    at: Places
    cash: Floats
    rate: Floats
    price: Floats


class Refused(NamedTuple):
    """Orders that were not filled; arrays [K].

    Attributes:
        at: places.
        reason: codes.
        required: margin and fee, where there was too little.
        free: what there was.
    """

    at: Places
    reason: npt.NDArray[np.intp]
    required: Floats
    free: Floats


class BarEvents(NamedTuple):
    """What happened to the accounts of a book in one bar; None for nothing of a kind."""

    funded: Funded | None
    entered: Entered | None
    ended: tuple[Ended, ...]
    refused: tuple[Refused, ...]


class PerpetualBook:
    """N accounts of A perpetuals, with isolated margin.

    Attributes:
        cash: that is free [N].
        fees: of all fills so far [N].
        marks: at which positions are valued [A, N].
        columns: of the positions [13, A * N], in the order of ``COLUMNS``.
    """

    def __init__(self, terms: MarginTerms, cash: Floats, marks: Floats) -> None:
        """Accounts without positions.

        Args:
            terms: of fills and margin.
            cash: what each starts with [N].
            marks: the last prices [A, 1] or [A, N]; NaN of what has none yet.
        """
        self.terms = terms
        self.cash = np.array(cash, np.float64)
        self.fees = np.zeros_like(self.cash)
        self.shape = len(marks), len(self.cash)
        self.marks = np.nan_to_num(np.broadcast_to(marks, self.shape))
        self.columns = np.repeat(EMPTY[:, None], self.marks.size, axis=1)
        self._rows = dict(zip(COLUMNS, self.columns, strict=True))

    def __getattr__(self, name: str) -> Floats:
        """A column of the positions [A, N], by its name."""
        if name.startswith("_") or name not in COLUMNS:
            raise AttributeError(name)
        column: Floats = self._rows[name].reshape(self.shape)
        return column

    def position(self, coin: int, account: int) -> list[float]:
        """The columns of one position."""
        values: list[float] = self.columns[:, coin * self.shape[1] + account].tolist()
        return values

    def values(self) -> Floats:
        """What each position is worth [A, N]: margin and what its price has brought."""
        size, entry, margin = (self._rows[name].reshape(self.shape) for name in COLUMNS[:3])
        worth: Floats = margin + size * (self.marks - entry)
        return worth

    def equity(self) -> Floats:
        """Of each account [N]: free cash and all positions."""
        worth: Floats = self.cash + over_assets(self.values())
        return worth

    def take_bar(self, bar: PerpetualBar, entries: Entries | None, closes: Places) -> BarEvents:
        """Take all accounts over one bar; they change in place.

        Args:
            bar: what the market did.
            entries: orders that were decided before it; None for none.
            closes: places of positions to close in full, rising; those without one are passed over.
        """
        step = _Step(self, bar)
        step.pay_funding()
        step.end_at_open(step.touched())
        step.close(closes)
        if entries is not None:
            step.end_at_open(step.enter(entries))
        step.end_inside()
        step.mark()
        return step.events()


class _Step:
    """A bar in progress."""

    def __init__(self, book: PerpetualBook, bar: PerpetualBar) -> None:
        self.book, self.bar, self.terms = book, bar, book.terms
        self.rows, self.columns = book._rows, book.columns
        self.accounts = book.shape[1]
        self.triggers = bar.marks or (bar.open, bar.high, bar.low, bar.close)
        self.candidates = np.empty(0, np.intp)
        self.funded: Funded | None = None
        self.entered: Entered | None = None
        self.ended: list[Ended] = []
        self.refused: list[Refused] = []

    def events(self) -> BarEvents:
        return BarEvents(self.funded, self.entered, tuple(self.ended), tuple(self.refused))

    def prices(self, prices: npt.NDArray[Any], at: Places) -> npt.NDArray[Any]:
        """Prices [A, 1] or [A, N] of some places."""
        coin, account = np.divmod(at, self.accounts)
        found: npt.NDArray[Any] = prices[coin, account if prices.shape[1] > 1 else 0]
        return found

    def can_trade(self, at: Places) -> npt.NDArray[np.bool_]:
        """Which of some places can be traded."""
        if self.bar.trades is None:
            return np.ones(len(at), np.bool_)
        return self.prices(self.bar.trades, at)

    # --- at the open --------------------------------------------------------------------------

    def pay_funding(self) -> None:
        """Funding of what was held before the bar, out of its margin."""
        bar, cap = self.bar, self.terms.funding_cap
        if bar.rate is None:
            return
        at = np.flatnonzero(self.rows["size"])
        rate = self.prices(bar.rate, at)
        at, rate = at[rate == rate], np.clip(rate[rate == rate], -cap, cap)
        if not len(at):
            return
        price = self.prices(bar.open, at)
        if bar.oracle is not None:
            oracle = self.prices(bar.oracle, at)
            price = np.where(oracle == oracle, oracle, price)
        cash = funding_received(self.rows["size"][at], price, rate)
        self.rows["margin"][at] += cash
        self.rows["funding"][at] += cash
        self.set_levels(at)
        self.funded = Funded(at, cash, rate, price)

    def set_levels(self, at: Places) -> None:
        """Liquidation prices, and the prices at which positions end below and above."""
        rows, tiers = self.rows, self.terms.tiers
        size, coin = rows["size"][at], at // self.accounts
        price = liquidation_price(
            size, rows["entry"][at], rows["margin"][at],
            tiers.rates[:, coin], tiers.deductions[:, coin],
        )  # fmt: skip
        rows["liquidation"][at] = price
        is_long, stop, target = size > 0.0, rows["stop"][at], rows["target"][at]
        rows["lower"][at] = np.where(is_long, np.fmax(stop, price), np.fmax(target, -np.inf))
        rows["upper"][at] = np.where(is_long, np.fmin(target, np.inf), np.fmin(stop, price))

    def touched(self) -> Places:
        """Positions that a price of the bar may end."""
        book, (_, high, low, _) = self.book, self.triggers
        lower, upper = self.rows["lower"], self.rows["upper"]
        ends = (low <= lower.reshape(book.shape)) | (high >= upper.reshape(book.shape))
        if self.bar.trades is not None:
            ends &= self.bar.trades
        self.candidates = np.flatnonzero(ends)
        return self.candidates

    def end_at_open(self, at: Places) -> None:
        """End what the open lies beyond a level of: the losing one first, then the target."""
        if not len(at):
            return
        price, rows = self.prices(self.triggers[0], at), self.rows
        is_long = rows["size"][at] > 0.0
        below, above = price <= rows["lower"][at], price >= rows["upper"][at]
        loses = np.where(is_long, below, above)
        self._end_losing(at[loses], price[loses])
        wins = np.where(is_long, above, below) & ~loses
        at = at[wins]
        self._end(at, np.full(len(at), TARGET), self.prices(self.bar.open, at))

    def _end_losing(self, at: Places, opened: Floats | None) -> None:
        """End positions on their losing side.

        Args:
            at: places.
            opened: what triggered at the open; None inside the bar.
        """
        if not len(at):
            return
        rows = self.rows
        size, stop, liquidation = (rows[name][at] for name in ("size", "stop", "liquidation"))
        side, fill = np.sign(size), self.prices(self.bar.open, at)
        stops = side * stop >= side * liquidation
        at_stop = side * np.fmin(side * stop, side * fill) * (1.0 - side * self.terms.slippage)
        at_liquidation = liquidation
        lost = None
        if opened is not None:
            at_liquidation = side * np.fmin(side * liquidation, side * fill)
            lost = self._beyond_backstop(at, opened) if self.terms.backstop else None
        reason = np.where(stops, STOP, LIQUIDATION)
        self._end(at, reason, np.where(stops, at_stop, at_liquidation), lost, opened is None)

    def _beyond_backstop(self, at: Places, opened: Floats) -> npt.NDArray[np.bool_]:
        rows, tiers, coin = self.rows, self.terms.tiers, at // self.accounts
        size = rows["size"][at]
        price = liquidation_price(
            size, rows["entry"][at], rows["margin"][at],
            BACKSTOP * tiers.rates[:, coin], BACKSTOP * tiers.deductions[:, coin],
        )  # fmt: skip
        beyond: npt.NDArray[np.bool_] = np.sign(size) * opened < np.sign(size) * price
        return beyond

    def _end(
        self,
        at: Places,
        reason: npt.NDArray[np.intp],
        price: Floats,
        lost: npt.NDArray[np.bool_] | None = None,
        is_inside: bool = False,
    ) -> None:
        if not len(at):
            return
        held = self.columns[:, at]
        size, entry, margin = held[:3]
        returned, pnl, fee = end_of(margin, size, entry, price, self.terms.fee_rate)
        if lost is not None:
            returned, pnl, fee = (
                np.where(lost, gone, kept)
                for gone, kept in ((0.0, returned), (-margin, pnl), (0.0, fee))
            )
        account = at % self.accounts
        # Unbuffered, so that an account adds up its coins in their order.
        np.add.at(self.book.cash, account, returned)
        np.add.at(self.book.fees, account, fee)
        self.columns[:, at] = EMPTY[:, None]
        self.ended.append(
            Ended(at, reason, is_inside, self.entered is not None, price, pnl, fee, held)
        )

    def close(self, at: Places) -> None:
        """Close positions at the open."""
        at = at[self.rows["size"][at] != 0.0]
        if not len(at):
            return
        trades = self.can_trade(at)
        self._refuse(at[~trades], NOT_TRADING)
        at = at[trades]
        side = np.sign(self.rows["size"][at])
        price = self.prices(self.bar.open, at) * (1.0 - side * self.terms.slippage)
        self._end(at, np.full(len(at), CLOSE), price)

    def enter(self, entries: Entries) -> Places:
        """Enter at the open what free cash allows; the places that were entered."""
        entries = self._allowed(entries)
        side = np.sign(entries.size)
        price = self.prices(self.bar.open, entries.at) * (1.0 + side * self.terms.slippage)
        margin = initial_margin(entries.size, price, entries.leverage)
        fee = self.terms.fee_rate * (np.abs(entries.size) * price)
        fits = self._pay(entries.at, margin + fee)
        entries = _those(entries, fits)
        entered = Entered(entries.at, entries.size, price[fits], margin[fits], fee[fits])
        if len(entered.at):
            np.add.at(self.book.fees, entered.at % self.accounts, entered.fee)
            self._add(entries, entered)
            self.entered = entered
            self.candidates = np.union1d(self.candidates, entered.at)
        return entered.at

    def _allowed(self, entries: Entries) -> Entries:
        """Entries in what trades, on the side that is held."""
        trades = self.can_trade(entries.at)
        other = self.rows["size"][entries.at] * entries.size < 0.0
        self._refuse(entries.at[~trades], NOT_TRADING)
        self._refuse(entries.at[trades & other], OTHER_SIDE)
        return _those(entries, trades & ~other)

    def _pay(self, at: Places, required: Floats) -> npt.NDArray[np.bool_]:
        """Take margins and fees out of free cash, coin by coin; which ones it suffices for."""
        cash, account = self.book.cash, at % self.accounts
        fits = np.ones(len(at), np.bool_)
        wanted = np.zeros(self.accounts)
        np.add.at(wanted, account, required)
        # Where all of an account's entries fit by far, their order does not matter.
        doubtful = ~(wanted * (1.0 + 1e-9) <= cash)[account]
        sure = ~doubtful
        np.subtract.at(cash, account[sure], required[sure])
        for place in np.flatnonzero(doubtful):
            free, asked = cash[account[place]], required[place]
            fits[place] = asked <= free
            if fits[place]:
                cash[account[place]] = free - asked
            else:
                self._refuse(at[place : place + 1], TOO_LITTLE, asked, free)
        return fits

    def _add(self, entries: Entries, entered: Entered) -> None:
        """Put entries into the columns."""
        rows, at = self.rows, entries.at
        before, after = rows["size"][at], rows["size"][at] + entries.size
        average = (before * rows["entry"][at] + entries.size * entered.price) / after
        rows["opened"][at] = np.where(before != 0.0, rows["opened"][at], self._number(at))
        rows["entry"][at] = np.where(before != 0.0, average, entered.price)
        rows["size"][at] = after
        rows["margin"][at] += entered.margin
        rows["put_in"][at] += entered.margin
        rows["fees"][at] += entered.fee
        for name in ("leverage", "stop", "target"):
            rows[name][at] = getattr(entries, name)
        self.set_levels(at)

    def _number(self, at: Places) -> Any:
        number = np.asarray(self.bar.number)
        return number[at % self.accounts] if number.ndim else number

    def _refuse(self, at: Places, reason: int, required: Any = 0.0, free: Any = 0.0) -> None:
        if len(at):
            blank = np.zeros(len(at))
            self.refused.append(
                Refused(at, np.full(len(at), reason), blank + required, blank + free)
            )

    # --- after the open -----------------------------------------------------------------------

    def end_inside(self) -> None:
        """End what a price after the open reaches a level of: the losing one first."""
        at = self.candidates
        if not len(at):
            return
        at = at[self.rows["size"][at] != 0.0]
        _, high, low, _ = (self.prices(each, at) for each in self.triggers)
        is_long = self.rows["size"][at] > 0.0
        below, above = low <= self.rows["lower"][at], high >= self.rows["upper"][at]
        loses = np.where(is_long, below, above)
        self._end_losing(at[loses], None)
        at = at[np.where(is_long, above, below) & ~loses]
        self._end(at, np.full(len(at), TARGET), self.rows["target"][at], is_inside=True)

    def mark(self) -> None:
        """Value positions at the close."""
        close, trades = self.triggers[3], self.bar.trades
        if trades is None:
            np.copyto(self.book.marks, close)
        else:
            np.copyto(self.book.marks, close, where=trades)


def _those(entries: Entries, which: npt.NDArray[np.bool_]) -> Entries:
    at, *columns = entries
    return Entries(at[which], *(column[which] for column in columns))
