"""One bar of accounts of perpetuals, each coin with a margin of its own."""

from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.margin import (
    BACKSTOP,
    end_of,
    funding_received,
    initial_margin,
    liquidation_price,
)
from investorbench_env.accounting.margin_bars import (
    CLOSE,
    LIQUIDATION,
    NOT_TRADING,
    OTHER_SIDE,
    STOP,
    TARGET,
    TOO_LITTLE,
    BarEvents,
    Booleans,
    Ended,
    Entered,
    Entries,
    Floats,
    Funded,
    PerpetualBar,
    Places,
    Refused,
)
from investorbench_env.accounting.margin_state import EMPTY, MarginState

ENDING = ("size", "stop", "target", "liquidation")
LEVELS = ("liquidation", "lower", "upper")
CLOSE_CALL = 1e-9
"""Within this share of the free margin, entries are paid one by one."""


class IsolatedStep:
    """A bar in progress; it changes the state in place."""

    def __init__(self, state: MarginState, bar: PerpetualBar) -> None:
        self.state, self.bar, self.terms = state, bar, state.terms
        self.rows, self.accounts = state.rows, state.shape[1]
        self.triggers = bar.marks or (bar.open, bar.high, bar.low, bar.close)
        self.touches: Booleans = np.empty(0, np.bool_)
        self.candidates = np.empty(0, np.intp)
        self.funded: Funded | None = None
        self.entered: Entered | None = None
        self.ended: list[Ended] = []
        self.refused: list[Refused] = []

    def take(self, entries: Entries | None, closes: Places) -> BarEvents:
        """All of the bar, in order."""
        if self.bar.day is not None:
            self.state.volume.reach(self.bar.day)
        self.pay_funding()
        self.end_at_open(self.touched())
        self.close(closes)
        if entries is not None and len(entries.at):
            entered = self.enter(entries)
            if len(entered):
                self.end_at_open(entered)
        self.end_inside()
        self.mark()
        return BarEvents(self.funded, self.entered, tuple(self.ended), tuple(self.refused))

    def prices(self, prices: npt.NDArray[Any], at: Places) -> npt.NDArray[Any]:
        """Prices [A, 1] or [A, N] of some places."""
        if prices.shape[1] == 1:
            return prices[:, 0].take(at // self.accounts)
        return prices.reshape(-1).take(at)

    # --- at the open --------------------------------------------------------------------------

    def pay_funding(self) -> None:
        """Funding of what was held before the bar."""
        bar, size, cap = self.bar, self.state.size, self.terms.funding_cap
        if bar.rate is None:
            return
        pays = (size != 0.0) & (bar.rate == bar.rate)
        at = pays.reshape(-1).nonzero()[0]
        if not len(at):
            return
        rate, price = np.minimum(np.maximum(bar.rate, -cap), cap), bar.open
        if bar.oracle is not None:
            price = np.where(bar.oracle == bar.oracle, bar.oracle, price)
        # Mostly about half of the coins are held: all at once is faster than those alone.
        cash = np.where(pays, funding_received(size, price, rate), 0.0).reshape(-1)
        self.rows["funding"] += cash
        self.credit_funding(at, cash)
        self.funded = Funded(at, cash.take(at), self.prices(rate, at), self.prices(price, at))

    def credit_funding(self, at: Places, cash: Floats) -> None:
        """Put it into the margins of the positions, or take it from there.

        Args:
            at: places that pay or receive.
            cash: of all places, 0 of the others [A * N].
        """
        self.rows["margin"] += cash
        levels = self.state.levels(at, self.state.columns[:6].take(at, axis=1))
        for name, prices in zip(LEVELS, levels, strict=True):
            self.rows[name][at] = prices

    def touched(self) -> Places:
        """Positions that a price of the bar may end."""
        shape, (_, high, low, _) = self.state.shape, self.triggers
        ends = low <= self.rows["lower"].reshape(shape)
        ends |= high >= self.rows["upper"].reshape(shape)
        if self.bar.trades is not None:
            ends &= self.bar.trades
        self.touches = ends.reshape(-1)
        self.candidates = self.touches.nonzero()[0]
        return self.candidates

    def end_at_open(self, at: Places) -> None:
        """End what the open lies beyond a level of: the losing one first, then the target."""
        if not len(at):
            return
        price, rows = self.prices(self.triggers[0], at), self.rows
        below, above = price <= rows["lower"].take(at), price >= rows["upper"].take(at)
        beyond = below | above
        if not np.count_nonzero(beyond):
            return
        at, price, below, above = (each[beyond] for each in (at, price, below, above))
        self.end_reached(at, np.where(rows["size"].take(at) > 0.0, below, above), price)

    def end_reached(self, at: Places, loses: Booleans, opened: Floats | None) -> None:
        """End positions at what was reached of their levels.

        Args:
            at: places, rising.
            loses: which end on their losing side, at stop or liquidation; the others at the target.
            opened: what triggered at the open [K]; None inside the bar.
        """
        size, stop, target, liquidation = (self.rows[name].take(at) for name in ENDING)
        side, lost = np.sign(size), None
        fill = side * self.prices(self.bar.open, at)
        resting = side * stop
        stops = ~(resting < side * liquidation) & (stop == stop)
        if opened is not None:
            target, liquidation = side * fill, side * np.fmin(side * liquidation, fill)
            lost = self.beyond_backstop(at, opened)
        elif self.bar.marks is not None:
            # A mark may reach a target that no trade does: it then fills at the best of them.
            high, low = (self.prices(each, at) for each in (self.bar.high, self.bar.low))
            best = np.where(size > 0.0, high, low)
            target = side * np.fmin(side * target, side * best)
        at_stop = side * np.fmin(resting, fill) * (1.0 - side * self.terms.slippage)
        reason = np.where(loses, np.where(stops, STOP, LIQUIDATION), TARGET)
        price = np.where(loses, np.where(stops, at_stop, liquidation), target)
        self.end(at, reason, price, lost, opened is None)

    def beyond_backstop(self, at: Places, opened: Floats) -> Booleans | None:
        """Which positions the open leaves so little that the venue takes them over."""
        if not self.terms.backstop:
            return None
        rows, tiers, coin = self.rows, self.terms.tiers, at // self.accounts
        size = rows["size"][at]
        price = liquidation_price(
            size, rows["entry"][at], rows["margin"][at],
            BACKSTOP * tiers.rates[:, coin], BACKSTOP * tiers.deductions[:, coin],
        )  # fmt: skip
        beyond: Booleans = np.sign(size) * opened < np.sign(size) * price
        return beyond

    def end(
        self,
        at: Places,
        reason: npt.NDArray[np.intp],
        price: Floats,
        lost: Booleans | None = None,
        is_inside: bool = False,
    ) -> None:
        """End positions at a price.

        Args:
            at: places, rising.
            reason: codes.
            price: of each.
            lost: which return nothing.
            is_inside: whether it is after the open.
        """
        if not len(at):
            return
        account, held = at % self.accounts, self.state.columns.take(at, axis=1)
        self.state.columns[:, at] = EMPTY[:, None]
        pnl, fee = self.settle(account, held, price, lost)
        np.add.at(self.state.fees, account, fee)
        self.state.volume.add(account, np.abs(held[0]) * price)
        is_late = self.entered is not None
        self.ended.append(Ended(at, reason, is_inside, is_late, price, pnl, fee, held))

    def settle(
        self, account: Places, held: Floats, price: Floats, lost: Booleans | None
    ) -> tuple[Floats, Floats]:
        """Pay out what is left of positions: what their prices brought, and the fees."""
        size, entry, margin = held[:3]
        rate = self.state.volume.taker.take(account)
        returned, pnl, fee = end_of(margin, size, entry, price, rate)
        if lost is not None:
            returned, fee = np.where(lost, 0.0, returned), np.where(lost, 0.0, fee)
            pnl = np.where(lost, -margin, pnl)
        # Unbuffered, so that an account adds up its coins in their order.
        np.add.at(self.state.cash, account, returned)
        return pnl, fee

    def close(self, at: Places) -> None:
        """Close positions at the open."""
        at = self._still_held(at)
        if len(at):
            at = self._trading(at)
        if not len(at):
            return
        side = np.sign(self.rows["size"].take(at))
        price = self.prices(self.bar.open, at) * (1.0 - side * self.terms.slippage)
        self.end(at, np.full(len(at), CLOSE), price)

    def enter(self, entries: Entries) -> Places:
        """Enter at the open what the free margin allows; the places that were entered."""
        entries = self._allowed(entries)
        side = np.sign(entries.size)
        price = self.prices(self.bar.open, entries.at) * (1.0 + side * self.terms.slippage)
        margin = initial_margin(entries.size, price, entries.leverage)
        account = entries.at % self.accounts
        fee = self.state.volume.taker.take(account) * (np.abs(entries.size) * price)
        fits = self._fits(entries.at, account, margin + fee)
        if fits is not None:
            entries, price, margin, fee = entries.those(fits), price[fits], margin[fits], fee[fits]
        entered = Entered(entries.at, entries.size, price, margin, fee)
        if len(entered.at):
            self._add(entries, entered)
            self.entered = entered
            self.touches[entered.at] = True
            self.candidates = self.touches.nonzero()[0]
        return entered.at

    def _allowed(self, entries: Entries) -> Entries:
        """Entries in what trades, on the side that is held."""
        at = entries.at
        other = self.rows["size"].take(at) * entries.size < 0.0
        if np.count_nonzero(other):
            self._refuse(at[other], OTHER_SIDE)
            entries = entries.those(~other)
        trading = self._trading(entries.at)
        if len(trading) < len(entries.at):
            entries = entries.those(np.isin(entries.at, trading))
        return entries

    def _trading(self, at: Places) -> Places:
        """Places that can be traded; orders for the others are refused."""
        if self.bar.trades is None:
            return at
        trades = self.prices(self.bar.trades, at)
        self._refuse(at[~trades], NOT_TRADING)
        can: Places = at[trades]
        return can

    def free_margin(self) -> Floats:
        """What entries may use [N]."""
        return self.state.cash

    def _fits(self, at: Places, account: Places, required: Floats) -> Booleans | None:
        """Which entries the free margin suffices for, coin by coin; the others are refused.

        None for all.
        """
        free = self.free_margin()
        wanted = np.bincount(account, required, self.accounts)
        # Where all of an account's entries fit by far, their order does not matter.
        sure = wanted * (1.0 + CLOSE_CALL) <= free
        if np.count_nonzero(sure) == len(sure):
            return None
        fits, free = np.ones(len(at), np.bool_), free.copy()
        for place in np.flatnonzero(~sure[account]).tolist():
            left, asked = free[account[place]], required[place]
            fits[place] = asked <= left
            if fits[place]:
                free[account[place]] = left - asked
            else:
                self._refuse(at[place : place + 1], TOO_LITTLE, asked, left)
        return fits

    def _add(self, entries: Entries, entered: Entered) -> None:
        """Put entries into the columns, and pay for them."""
        at, account = entries.at, entries.at % self.accounts
        margin, notional = self.margins_of(entered), np.abs(entries.size) * entered.price
        held = self.state.columns.take(at, axis=1)
        before, opened = held[0], self._number(account)
        if np.count_nonzero(before):
            is_new, after = before == 0.0, before + entries.size
            average = (before * held[1] + entries.size * entered.price) / after
            held[1] = np.where(is_new, entered.price, average)
            # What rests on the venue stays there until another level takes its place.
            held[4] = np.where(entries.stop == entries.stop, entries.stop, held[4])
            held[5] = np.where(entries.target == entries.target, entries.target, held[5])
            held[12] = np.where(is_new, opened, held[12])
        else:
            held[1], held[4], held[5], held[12] = entered.price, *entries[3:], opened
        held[0] += entries.size
        held[2] += margin
        held[3] = entries.leverage
        held[9] += entered.margin
        held[10] += entered.fee
        self.state.put(at, held)
        np.add.at(self.state.fees, account, entered.fee)
        np.subtract.at(self.state.cash, account, margin + entered.fee)
        self.state.volume.add(account, notional)

    def margins_of(self, entered: Entered) -> Any:
        """What entries move from the cash into margins of their own."""
        return entered.margin

    def _number(self, account: Places) -> Any:
        number = np.asarray(self.bar.number).reshape(-1)
        return number.take(account) if len(number) == self.accounts else number

    def _refuse(self, at: Places, reason: int, required: Any = 0.0, free: Any = 0.0) -> None:
        if len(at):
            blank = np.zeros(len(at))
            self.refused.append(
                Refused(at, np.full(len(at), reason), blank + required, blank + free)
            )

    # --- after the open -----------------------------------------------------------------------

    def end_inside(self) -> None:
        """End what a price after the open reaches a level of: the losing one first."""
        at = self._still_held(self.candidates) if self.ended else self.candidates
        if not len(at):
            return
        below = self.prices(self.triggers[2], at) <= self.rows["lower"].take(at)
        above = self.prices(self.triggers[1], at) >= self.rows["upper"].take(at)
        reached = below | above
        if np.count_nonzero(reached):
            at, below, above = at[reached], below[reached], above[reached]
            loses = np.where(self.rows["size"].take(at) > 0.0, below, above)
            self.end_reached(at, loses, None)

    def _still_held(self, at: Places) -> Places:
        return at[self.rows["size"].take(at) != 0.0] if len(at) else at

    def mark(self) -> None:
        """Value positions at the close."""
        trades = True if self.bar.trades is None else self.bar.trades
        np.copyto(self.state.marks, self.triggers[3], where=trades)
