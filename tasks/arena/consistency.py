"""Whether an agent keeps to what it said: to its invalidation, its plan, its own arithmetic."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from investorbench.tasks.arena.history import ArenaHistory, ArenaTrade, FilledSignal
from investorbench.tasks.arena.invalidations import PriceCondition, read_condition
from investorbench_env.accounting.events import Position
from investorbench_env.accounting.signals import CLOSE, HOLD, Signal

SAME = 1e-4
"""Numbers of a plan closer to each other, as a share, are one: a venue rounds prices."""
IDLE = 1e-3
"""A change of a plan's numbers by no more, as a share, changes nothing but the plan's wording."""
OFF = 0.01
"""How far, as a share, a stated risk may be from the right one."""
CENTS = 0.5
"""Dollars by which it may be off besides: models round."""
NONE = timedelta(0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBERS = ("quantity", "leverage", "profit_target", "stop_loss")
"""What of a plan a signal may state, besides its invalidation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How often an agent did other than it had said; counts.

    Attributes:
        closes: positions that it closed itself.
        judged: of those, whose invalidation is a price that can be read.
        against_plan: of the judged, closed though that price had not been passed.
        conditions: positions whose invalidation is a price that can be read.
        passed: of those, whose price was passed at a decision while they were held.
        held_on: of the passed, not closed at the first such decision.
        restated: signals to hold that state the plan again.
        changed: of those, with another target, stop, invalidation, leverage or quantity.
        idle: of the restated, with numbers that are other by no more than a thousandth.
        risks: entries with a stated risk and a stop.
        wrong_risks: of those, whose risk is not the distance to the stop times the quantity.
        reentered: positions that were closed and entered on the same side at the next decision.
    """

    closes: int = 0
    judged: int = 0
    against_plan: int = 0
    conditions: int = 0
    passed: int = 0
    held_on: int = 0
    restated: int = 0
    changed: int = 0
    idle: int = 0
    risks: int = 0
    wrong_risks: int = 0
    reentered: int = 0

    def __add__(self, other: "Consistency") -> "Consistency":
        names = [each.name for each in fields(self)]
        return Consistency(**{name: getattr(self, name) + getattr(other, name) for name in names})


def consistency_of(history: ArenaHistory) -> Consistency:
    """Of an episode."""
    of_trades = (_of_trade(history, trade) for trade in history.trades)
    of_risks = (_of_risk(entry) for _, entry in history.entries)
    return sum((*of_trades, *of_risks), Consistency(reentered=_reentered(history)))


def _of_trade(history: ArenaHistory, trade: ArenaTrade) -> Consistency:
    closes = int(trade.is_closed_by_agent)
    found = sum(_restated(history, trade), Consistency(closes=closes))
    text = trade.plan.invalidation_condition
    condition = read_condition(text, trade.symbol, history.symbols)
    if condition is None:
        return found
    passed = next(_passed(history, trade, condition), None)
    held_on = passed is not None and not _closes(history, trade, passed)
    return found + Consistency(
        judged=closes,
        against_plan=closes if passed is None else 0,
        conditions=1,
        passed=int(passed is not None),
        held_on=int(held_on),
    )


def _passed(history: ArenaHistory, trade: ArenaTrade, condition: PriceCondition) -> Iterator[int]:
    """The decisions at which the price of a condition was passed."""
    prices = history.price_of(condition.coin)
    for step in history.decisions_in(trade):
        is_end = (
            condition.candle is None or (history.times[step] - EPOCH) % condition.candle == NONE
        )
        if is_end and condition.is_met(prices[step]):
            yield step


def _closes(history: ArenaHistory, trade: ArenaTrade, step: int) -> bool:
    signal = history.signals[step].get(trade.symbol)
    return signal is not None and signal.signal == CLOSE


def _restated(history: ArenaHistory, trade: ArenaTrade) -> Iterator[Consistency]:
    """What each signal to hold a position makes of its plan."""
    for step in history.decisions_in(trade):
        signal = history.signals[step].get(trade.symbol)
        if signal is None or signal.signal != HOLD:
            continue
        entry = [each for each in trade.entries if each.step < step][-1]
        changes = list(_changes(signal, entry.signal, history.held[step].get(trade.symbol)))
        if changes:
            largest = max(changes)
            yield Consistency(
                restated=1, changed=int(largest > IDLE), idle=int(SAME < largest <= IDLE)
            )


def _changes(signal: Signal, plan: Signal, held: Position | None) -> Iterator[float]:
    """By how much each part of a plan differs that is stated again; 0 where it does not.

    A quantity may be the one that was asked for, or the one that is held.
    """
    for name in NUMBERS:
        stated, known = getattr(signal, name), [getattr(plan, name)]
        if name == "quantity" and held is not None:
            known.append(held.quantity)
        if stated:
            changes = (abs(abs(stated) / abs(each) - 1.0) for each in known if each)
            yield min(changes, default=1.0)
    if signal.invalidation_condition:
        texts = (signal.invalidation_condition, plan.invalidation_condition)
        one, other = (" ".join(text.split()).casefold() for text in texts)
        yield float(one != other)


def _of_risk(entry: FilledSignal) -> Consistency:
    signal = entry.signal
    if signal.risk_usd is None or signal.stop_loss is None or signal.quantity is None:
        return Consistency()
    stop, stated = signal.stop_loss, signal.risk_usd
    right = [abs(price - stop) * signal.quantity for price in (entry.seen, entry.price)]
    is_wrong = all(abs(stated - each) > max(OFF * each, CENTS) for each in right)
    return Consistency(risks=1, wrong_risks=int(is_wrong))


def _reentered(history: ArenaHistory) -> int:
    """How often a position was closed and entered on the same side at the next decision."""
    pairs = (
        pair
        for symbol in history.symbols
        for pair in pairwise(each for each in history.trades if each.symbol == symbol)
    )
    return sum(
        one.is_closed_by_agent
        and one.ended is not None
        and one.side == other.side
        and other.entries[0].step == one.ended + 1
        for one, other in pairs
    )
