"""The account of an episode with perpetuals and the plan of each position, from bar to bar."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from investorbench_env.accounting.adding import in_order
from investorbench_env.accounting.events import (
    AccountState,
    ClosedTrade,
    Fill,
    FundingPayment,
    PerpetualPosition,
    Rejection,
)
from investorbench_env.accounting.margin_bars import BarEvents
from investorbench_env.accounting.perpetual_book import NO_PLACES, PerpetualBook
from investorbench_env.accounting.perpetual_events import (
    AccountEvents,
    account_state,
    perpetual_positions,
)
from investorbench_env.accounting.signal_lists import ReadSignals
from investorbench_env.accounting.signals import Repair, Signal
from investorbench_env.envs.perpetuals_history import PerpetualHistory
from investorbench_env.envs.perpetuals_orders import DecisionPoint, SignalOrders, orders_of
from investorbench_env.envs.perpetuals_setup import PerpetualSetup
from investorbench_env.market.joint_history import JointMoment


class PerpetualMark(NamedTuple):
    """An account at a decision, and what came of the one before.

    Attributes:
        now: the moment.
        account: its values.
        positions: that are held.
        plans: the entry of each of them as it was decided, by coin.
        hours: since its first entry, likewise.
        received: all funding so far, negative when paid.
        sharpe: mean over deviation of the returns of all steps so far.
        fills: trades.
        closed: positions that ended.
        funding: received, negative when paid.
        rejections: signals that were not carried out; a reason begins with its kind and a colon.
        repairs: of what was decided.
        idle: the coins that did not trade in some bar.
    """

    now: JointMoment
    account: AccountState
    positions: tuple[PerpetualPosition, ...]
    plans: Mapping[str, Signal]
    hours: Mapping[str, float]
    received: float
    sharpe: float
    fills: tuple[Fill, ...] = ()
    closed: tuple[ClosedTrade, ...] = ()
    funding: tuple[FundingPayment, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    repairs: tuple[Repair, ...] = ()
    idle: tuple[str, ...] = ()

    def without_events(self) -> "PerpetualMark":
        """The account alone."""
        return PerpetualMark(*self[:7])


@dataclass(slots=True)
class StepEvents:
    """What happens from one decision to the next, as it is collected."""

    fills: list[Fill] = field(default_factory=list)
    closed: list[ClosedTrade] = field(default_factory=list)
    funding: list[FundingPayment] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


class PerpetualTrader:
    """The account of an episode."""

    def __init__(self, setup: PerpetualSetup, history: PerpetualHistory, t: int) -> None:
        """The account at the first decision.

        Args:
            setup: with the rules that hold.
            history: of the market.
            t: the bar of the decision.
        """
        self._setup, self._history, self._symbols, self._t = setup, history, setup.symbols, t
        cash = np.array([setup.options.initial_cash])
        self._book = PerpetualBook(setup.terms, cash, history.last_prices(t)[:, None])
        self._plans: dict[str, Signal] = {}
        self._day, self._entries, self._received = "", 0, 0.0
        self._returns = RunningReturns()
        self.mark = self._marked(StepEvents(), ())

    def step(self, read: ReadSignals, t: int) -> PerpetualMark:
        """Go from one decision to the next.

        Args:
            read: what was decided.
            t: the bar of the next decision.
        """
        before, equity = self._t, self.mark.account.equity
        orders = self._orders(read.signals)
        events = StepEvents(rejections=[*read.rejections, *orders.rejections])
        decided = {signal.symbol: signal for signal in read.signals}
        entries, closes = orders.entries, orders.closes
        for bar in range(before + 1, t + 1):
            found = self._book.take_bar(self._history.perpetual_bar(bar), entries, closes)
            if any(found):
                self._collect(events, found, decided, bar)
            entries, closes = None, NO_PLACES
        self._t = t
        self._returns.add(equity, self._book.equity().item(0))
        self.mark = self._marked(events, read.repairs, self._idle(before, t))
        return self.mark

    def _marked(
        self, events: StepEvents, repairs: tuple[Repair, ...], idle: tuple[str, ...] = ()
    ) -> PerpetualMark:
        self._received += in_order(paid.cash for paid in events.funding)
        return PerpetualMark(
            now=self._history.until(self._t),
            account=account_state(self._book, self._symbols),
            positions=perpetual_positions(self._book, self._symbols),
            plans=self._plans,
            hours=self._hours(),
            received=self._received,
            sharpe=self._returns.sharpe,
            fills=tuple(events.fills),
            closed=tuple(events.closed),
            funding=tuple(events.funding),
            rejections=tuple(events.rejections),
            repairs=repairs,
            idle=idle,
        )

    def _orders(self, signals: Sequence[Signal]) -> SignalOrders:
        """What signals come to, given the account at the decision."""
        day = self.mark.now.time[:10]
        if day != self._day:
            self._day, self._entries = day, 0
        prices = self._history.traded_prices(self._t).tolist()
        at = DecisionPoint(self._setup, self._book, self.mark.account, prices, self._entries)
        return orders_of(signals, at)

    def _hours(self) -> dict[str, float]:
        """Since the first entry of each position."""
        opened = zip(self._symbols, self._book.column("opened")[:, 0].tolist(), strict=True)
        return {
            symbol: self._history.hours(int(bar), self._t)
            for symbol, bar in opened
            if symbol in self._plans
        }

    def _collect(
        self, events: StepEvents, found: BarEvents, decided: Mapping[str, Signal], bar: int
    ) -> None:
        """Add what a bar did, and see to the plans of what is held after it."""
        own = AccountEvents(found, self._symbols)
        entered = [] if found.entered is None else found.entered.at.tolist()
        self._entries += len(entered)
        plans = self._plans | {
            name: decided[name] for name in map(self._symbols.__getitem__, entered)
        }
        held = dict(zip(self._symbols, self._book.size[:, 0].tolist(), strict=True))
        self._plans = {symbol: plan for symbol, plan in plans.items() if held[symbol]}
        events.fills += own.fills()
        events.closed += own.closed(bar, self._history.time_of)
        events.funding += own.funding()
        events.rejections += [Rejection(decided[name], why) for name, why in own.refused().items()]

    def _idle(self, before: int, t: int) -> tuple[str, ...]:
        idle = np.flatnonzero(self._history.idle[before + 1 : t + 1].any(axis=0))
        return tuple(self._symbols[coin] for coin in idle.tolist())


class RunningReturns:
    """The Sharpe ratio of returns, one after the other; not annualised."""

    def __init__(self) -> None:
        self._count, self._total, self._squares = 0, 0.0, 0.0

    def add(self, before: float, after: float) -> None:
        """Add what a value before and after comes to."""
        gain = after / before - 1.0 if before > 0.0 else 0.0
        self._count, self._total = self._count + 1, self._total + gain
        self._squares += gain * gain

    @property
    def sharpe(self) -> float:
        """Mean over standard deviation; 0 where nothing has moved."""
        if self._count < 2:
            return 0.0
        mean = self._total / self._count
        variance = self._squares / self._count - mean * mean
        return mean / math.sqrt(variance) if variance > 0.0 else 0.0
