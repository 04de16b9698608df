"""One bar of accounts of perpetuals whose positions share one margin.

The account is liquidated where it is worth no more than the maintenance of all its positions. A bar
does not say which coin was where at what moment: from the open on, all go to the extremes that hurt
the account, in step. On that way stops fire, and what meets the maintenance first ends the account.
"""

from typing import NamedTuple

import numpy as np

from investorbench_env.accounting.margin import BACKSTOP, maintenance
from investorbench_env.accounting.margin_bars import (
    LIQUIDATION,
    STOP,
    Booleans,
    Entered,
    Floats,
    Places,
)
from investorbench_env.accounting.perpetual_step import IsolatedStep
from investorbench_env.accounting.weights import over_assets

SIZED = ("size", "entry")


class _Way(NamedTuple):
    """Prices of some accounts at the open and at the extremes that hurt them [A, F]."""

    start: Floats
    worst: Floats

    def at(self, share: Floats) -> Floats:
        """After a share [F] of the way."""
        prices: Floats = self.start + share * (self.worst - self.start)
        return prices


class CrossStep(IsolatedStep):
    """A bar in progress; it changes the state in place."""

    def credit_funding(self, at: Places, cash: Floats) -> None:
        """Put it into the cash, or take it from there."""
        np.add.at(self.state.cash, at % self.accounts, cash.take(at))

    def margins_of(self, entered: Entered) -> float:
        """Nothing: the margins of entries stay in the cash."""
        return 0.0

    def free_margin(self) -> Floats:
        """Value at the open less the initial margins of what is held [N]."""
        every = np.arange(self.accounts)
        prices = self._now(self.triggers[0], every)
        leverage = self.state.column("leverage")
        used = np.abs(self.state.size) * prices / (leverage + (leverage == 0.0))
        free: Floats = self._worth(prices, every) - over_assets(used)
        return free

    def beyond_backstop(self, at: Places, opened: Floats) -> None:
        """None of them: the venue takes over whole accounts."""

    def settle(
        self, account: Places, held: Floats, price: Floats, lost: Booleans | None
    ) -> tuple[Floats, Floats]:
        """Pay out what prices brought, less the fees; an account of no positions owes nothing."""
        size, entry = held[:2]
        pnl = size * (price - entry)
        fee = self.state.volume.taker[account] * (np.abs(size) * price)
        if lost is not None:
            fee = np.where(lost, 0.0, fee)
        cash, still = self.state.cash, self._holds()
        np.add.at(cash, account, pnl - fee)
        gone = cash[account] < 0.0 if lost is None else (cash[account] < 0.0) | lost
        for each in np.unique(account[gone & ~still[account]]).tolist():
            # What is missing, the venue bears; the last exit shows it.
            last = int(np.flatnonzero(account == each)[-1])
            missing = -cash[each]
            spared = min(max(missing, 0.0), fee[last])
            fee[last] -= spared
            pnl[last] += missing - spared
            cash[each] = 0.0
        return pnl, fee

    # --- the account as a whole ---------------------------------------------------------------

    def _now(self, prices: Floats, accounts: Places) -> Floats:
        """Prices [A, F] of some accounts; of what does not trade, its last mark."""
        coins = self.state.shape[0]
        some = prices if prices.shape[1] == 1 else np.take(prices, accounts, axis=1)
        trades = self.bar.trades
        if trades is None:
            return np.ascontiguousarray(np.broadcast_to(some, (coins, len(accounts))))
        can = trades if trades.shape[1] == 1 else np.take(trades, accounts, axis=1)
        return np.where(can, some, np.take(self.state.marks, accounts, axis=1))

    def _worth(self, prices: Floats, accounts: Places) -> Floats:
        """Values of some accounts [F] at prices [A, F]."""
        size, entry = (np.take(self.state.column(name), accounts, axis=1) for name in SIZED)
        worth: Floats = self.state.cash[accounts] + over_assets(size * (prices - entry))
        return worth

    def _needed(self, prices: Floats, accounts: Places) -> Floats:
        """The sums of all maintenances of some accounts [F] at prices [A, F]."""
        size = np.take(self.state.size, accounts, axis=1)
        rates, deductions = (each[:, :, None] for each in self.terms.tiers)
        needed: Floats = over_assets(maintenance(np.abs(size) * prices, rates, deductions))
        return needed

    def end_at_open(self, at: Places) -> None:
        """Liquidate accounts that the open leaves too little, then end what it lies beyond."""
        # The first call is for all accounts, the second for those that have entered.
        accounts = np.unique(at % self.accounts) if self.entered is not None else self._holding()
        if len(accounts):
            self._liquidate_at_open(accounts)
        super().end_at_open(self._still_held(at))

    def _holds(self) -> Booleans:
        """Which accounts hold anything [N]."""
        holds: Booleans = np.any(self.state.size, axis=0)
        return holds

    def _holding(self) -> Places:
        return np.flatnonzero(self._holds())

    def _liquidate_at_open(self, accounts: Places) -> None:
        prices = self._now(self.triggers[0], accounts)
        worth, needed = self._worth(prices, accounts), self._needed(prices, accounts)
        falls = worth <= needed
        if np.count_nonzero(falls):
            lost = (worth < BACKSTOP * needed)[falls] if self.terms.backstop else None
            self._liquidate(accounts[falls], self._now(self.bar.open, accounts[falls]), lost)

    def _liquidate(
        self, accounts: Places, prices: Floats, lost: Booleans | None, is_inside: bool = False
    ) -> None:
        """End all positions of some accounts that trade, at prices [A, F]."""
        ends = np.take(self.state.size, accounts, axis=1) != 0.0
        if self.bar.trades is not None:
            trades = self.bar.trades
            ends &= trades if trades.shape[1] == 1 else np.take(trades, accounts, axis=1)
        coin, which = np.nonzero(ends)
        at = coin * self.accounts + accounts[which]
        gone = None if lost is None else lost[which]
        self.end(at, np.full(len(at), LIQUIDATION), prices[coin, which], gone, is_inside)

    # --- after the open -----------------------------------------------------------------------

    def end_inside(self) -> None:
        """Go to the extremes, and end on the way what stops or maintenance end; then targets."""
        accounts = self._endangered()
        if len(accounts):
            self._walk(accounts)
        super().end_inside()

    def _way(self, accounts: Places) -> _Way:
        opened, high, low, _ = (self._now(each, accounts) for each in self.triggers)
        size = np.take(self.state.size, accounts, axis=1)
        return _Way(opened, np.where(size > 0.0, low, np.where(size < 0.0, high, opened)))

    def _endangered(self) -> Places:
        """Accounts that the extremes may end, or a position of theirs."""
        accounts = self._holding()
        if not len(accounts):
            return accounts
        worst = self._way(accounts).worst
        falls = self._worth(worst, accounts) <= self._needed(worst, accounts)
        stops = self._stop_shares(accounts) <= 1.0
        return accounts[falls | stops.any(axis=0)]

    def _stop_shares(self, accounts: Places) -> Floats:
        """After which share of the way each stop fires [A, F]; infinite where it does not."""
        way, size, stop = (
            self._way(accounts),
            *(np.take(self.state.column(name), accounts, axis=1) for name in ("size", "stop")),
        )
        side, length = np.sign(size), way.start - way.worst
        fires = (size != 0.0) & (side * way.worst <= side * stop) & (length != 0.0)
        shares = (way.start - stop) / np.where(fires, length, 1.0)
        return np.where(fires, shares, np.inf)

    def _walk(self, accounts: Places) -> None:
        """End what is met on the way, one thing after another."""
        way, reached = self._way(accounts), np.zeros(len(accounts))
        while len(accounts):
            shares = self._stop_shares(accounts)
            coin = shares.argmin(axis=0)
            next_stop = shares.min(axis=0)
            end = self._end_of_way(way, reached, accounts)
            falls, stops = end < next_stop, (next_stop <= end) & (next_stop <= 1.0)
            prices = way.at(np.where(falls, end, 0.0))[:, falls]
            self._liquidate(accounts[falls], prices, None, is_inside=True)
            self._stop(np.sort(coin[stops] * self.accounts + accounts[stops]))
            accounts, reached = accounts[stops], next_stop[stops]
            way = _Way(*(np.ascontiguousarray(each[:, stops]) for each in way))

    def _stop(self, at: Places) -> None:
        if len(at):
            side, stop = np.sign(self.rows["size"][at]), self.rows["stop"][at]
            fill = side * np.fmin(side * stop, side * self.prices(self.bar.open, at))
            price = fill * (1.0 - side * self.terms.slippage)
            self.end(at, np.full(len(at), STOP), price, is_inside=True)

    def _end_of_way(self, way: _Way, reached: Floats, accounts: Places) -> Floats:
        """The share of the way after which each account meets its maintenance [F].

        Infinite where it does not. What an account is worth beyond its maintenance is a concave
        function of the share, made of straight lines: Newton's method from the far end finds where
        it meets 0, line by line.
        """
        share = np.ones(len(accounts))
        spare = self._spare(way, share, accounts)
        survives = spare > 0.0
        if survives.all():
            return np.full(len(accounts), np.inf)
        for _ in range(self.terms.tiers.rates.size):
            slope = self._slope(way, share, accounts)
            share = np.where(spare < 0.0, share - spare / np.where(slope, slope, 1.0), share)
            spare = self._spare(way, share, accounts)
        share = np.maximum(share, reached)
        return np.where(survives, np.inf, share)

    def _spare(self, way: _Way, share: Floats, accounts: Places) -> Floats:
        prices = way.at(share)
        spare: Floats = self._worth(prices, accounts) - self._needed(prices, accounts)
        return spare

    def _slope(self, way: _Way, share: Floats, accounts: Places) -> Floats:
        """How fast an account loses spare value at a share of the way [F]."""
        size = np.take(self.state.size, accounts, axis=1)
        notional, length = np.abs(size) * way.at(share), way.worst - way.start
        rates, deductions = (each[:, :, None] for each in self.terms.tiers)
        tier = np.argmax(notional * rates - deductions, axis=0)
        rate = np.take_along_axis(np.broadcast_to(rates, (len(rates), *tier.shape)), tier[None], 0)
        slope: Floats = over_assets(size * length - np.abs(size) * length * rate[0])
        return slope
