"""What an account of perpetuals did in an episode: its signals, and every trade with its plan.

An entry is a fill of a signal; a trade lasts from its first entry to its end, which may not have
come. Times are in UTC.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.tasks.step import Step
from investorbench_env.accounting.events import AccountState, ClosedTrade, Position
from investorbench_env.accounting.signal_lists import ReadSignals, kind_of, read_signals
from investorbench_env.accounting.signals import BUY_TO_ENTER, Signal

FloatArray = npt.NDArray[np.float64]
Signals = Mapping[str, Signal]
"""Of a decision, by coin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledSignal:
    """A signal that was filled.

    Attributes:
        step: the number of its decision.
        signal: as it was given.
        quantity: coins, negative when sold short.
        price: of the fill.
        seen: the price of the coin at the decision.
        equity: of the account at the decision.
    """

    step: int
    signal: Signal
    quantity: float
    price: float
    seen: float
    equity: float

    @property
    def side(self) -> int:
        """1 of a long entry, −1 of a short one."""
        return 1 if self.quantity > 0.0 else -1

    @property
    def notional(self) -> float:
        """Value at the price of the fill, positive."""
        return abs(self.quantity) * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaTrade:
    """A position, from its first entry on.

    Attributes:
        symbol: the coin.
        opened: the time of its first entry.
        entries: at least one; more where a position may be added to.
        closed: how it ended; None while it is held.
        ended: the step in which it ended; None while it is held.
        exit: the signal that closed it; None where a price did.
        position: at the last mark; None once it has ended.
    """

    symbol: str
    opened: datetime
    entries: tuple[FilledSignal, ...]
    closed: ClosedTrade | None = None
    ended: int | None = None
    exit: Signal | None = None
    position: Position | None = None

    @property
    def side(self) -> int:
        """1 of a long position, −1 of a short one."""
        return self.entries[0].side

    @property
    def is_closed_by_agent(self) -> bool:
        """Whether a signal ended it, and no price did."""
        return self.closed is not None and self.closed.reason == "close"

    @property
    def plan(self) -> Signal:
        """The latest of its entries as it was given: with target, stop and invalidation."""
        return self.entries[-1].signal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArenaHistory:
    """An account of perpetuals over T decisions.

    Attributes:
        symbols: the A coins.
        times: of each decision, and of the last mark [T + 1].
        equity: at each [T + 1].
        marks: prices of the coins at each, NaN where one is not known [T + 1, A].
        signals: that could be read, of each decision [T].
        held: positions before each decision, by coin [T].
        trades: in the order of their first entries.
        fees: of all fills.
        funding: received, negative when paid; of all stamps.
        rejections: decisions of a coin that were not carried out, by rule.
        repairs: what had to be repaired in replies, by kind.
    """

    symbols: tuple[str, ...]
    times: tuple[datetime, ...]
    equity: FloatArray
    marks: FloatArray
    signals: tuple[Signals, ...]
    held: tuple[Mapping[str, Position], ...]
    trades: tuple[ArenaTrade, ...]
    fees: float
    funding: float
    rejections: Counter[str]
    repairs: Counter[str]

    @property
    def entries(self) -> list[tuple[ArenaTrade, FilledSignal]]:
        """Every signal that was filled, with its trade."""
        return [(trade, entry) for trade in self.trades for entry in trade.entries]

    def price_of(self, symbol: str) -> FloatArray:
        """The marks of a coin [T + 1]."""
        return self.marks[:, self.symbols.index(symbol)]

    def decisions_in(self, trade: ArenaTrade) -> range:
        """The numbers of the decisions at which a trade was held."""
        last = len(self.signals) - 1 if trade.ended is None else trade.ended
        return range(trade.entries[0].step + 1, last + 1)

    def held_for(self, trade: ArenaTrade) -> timedelta:
        """How long a trade lasted, or has lasted at the last mark."""
        if trade.closed is None:
            return self.times[-1] - trade.opened
        return trade.closed.closed - trade.closed.opened


def arena_history(steps: Sequence[Step]) -> ArenaHistory:
    """What an account did, from its steps, at least one."""
    symbols = steps[0].facts.symbols
    infos = [steps[0].info, *(step.outcome for step in steps)]
    accounts: list[AccountState] = [info["account"] for info in infos]
    read = [read_signals(step.action, symbols) or ReadSignals(()) for step in steps]
    signals = tuple({each.symbol: each for each in own.signals} for own in read)
    return ArenaHistory(
        symbols=symbols,
        times=tuple(_moment(info) for info in infos),
        equity=np.array([account.equity for account in accounts]),
        marks=np.array(
            [[account.marks.get(name, np.nan) for name in symbols] for account in accounts]
        ),
        signals=signals,
        held=tuple(map(_positions, accounts[:-1])),
        trades=tuple(_trades(accounts, infos, signals)),
        fees=float(sum(each.cost for info in infos[1:] for each in _events(info, "fills"))),
        funding=float(sum(each.cash for info in infos[1:] for each in _events(info, "funding"))),
        rejections=Counter(
            kind_of(each.reason) for info in infos[1:] for each in _events(info, "rejections")
        ),
        repairs=Counter(each.kind for own in read for each in own.repairs),
    )


def _trades(
    accounts: Sequence[AccountState], infos: Sequence[dict[str, Any]], signals: Sequence[Signals]
) -> list[ArenaTrade]:
    """All trades, in the order of their first entries."""
    held: dict[str, ArenaTrade] = {}
    found: list[ArenaTrade] = []
    for step, given in enumerate(signals):
        before, outcome = accounts[step], infos[step + 1]
        entries = {each.signal.symbol: each for each in _entries(step, before, outcome, given)}
        units = {each.symbol: each.quantity for each in before.positions}
        for closed in _events(outcome, "closed"):
            symbol = closed.symbol
            if symbol in entries and closed.quantity != units.get(symbol):  # which ended, too
                _enter(held, entries.pop(symbol), infos[step])
            own = given.get(symbol) if closed.reason == "close" else None
            found.append(replace(held.pop(symbol), closed=closed, ended=step, exit=own))
        for entry in entries.values():
            _enter(held, entry, infos[step])
    now = _positions(accounts[-1])
    found += [replace(trade, position=now.get(name)) for name, trade in held.items()]
    return sorted(found, key=lambda trade: trade.entries[0].step)


def _enter(held: dict[str, ArenaTrade], entry: FilledSignal, info: Mapping[str, Any]) -> None:
    """Open a trade, or add to the one that is held."""
    symbol = entry.signal.symbol
    trade = held.get(symbol)
    held[symbol] = (
        ArenaTrade(symbol=symbol, opened=_moment(info), entries=(entry,))
        if trade is None
        else replace(trade, entries=(*trade.entries, entry))
    )


def _entries(
    step: int, before: AccountState, outcome: Mapping[str, Any], signals: Signals
) -> Iterator[FilledSignal]:
    """The fills of a step that entered what a signal asked for; others ended something."""
    rejected = {each.order.symbol for each in _events(outcome, "rejections")}
    wanted = {n: each for n, each in signals.items() if each.is_entry and n not in rejected}
    for fill in _events(outcome, "fills"):
        signal = wanted.get(fill.symbol)
        if signal is not None and (fill.quantity > 0.0) == (signal.signal == BUY_TO_ENTER):
            yield FilledSignal(
                step=step,
                signal=wanted.pop(fill.symbol),
                quantity=fill.quantity,
                price=fill.price,
                seen=before.marks.get(fill.symbol, np.nan),
                equity=before.equity,
            )


def _events(info: Mapping[str, Any], kind: str) -> Sequence[Any]:
    """What happened in a step; nothing where its environment does not say."""
    return info.get(kind) or ()


def _positions(account: AccountState) -> dict[str, Position]:
    return {each.symbol: each for each in account.positions}


def _moment(info: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(info["time"]).astimezone(UTC)
