"""Entries that break a rule: which, and with what figures.

The comparisons take floats or arrays of any common shape, and give the same for both.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from investorbench_env.accounting.events import Rejection
from investorbench_env.accounting.order_words import amount
from investorbench_env.accounting.signal_lists import rejected
from investorbench_env.accounting.signals import Signal
from investorbench_env.accounting.trading_rules import TradingRules

SLACK = 1e-9
"""What rounding may add to a figure that stands exactly at its limit, as a share of it."""
MOST_COINS = 1e12
"""As many as these are never traded, and not rounded."""
WHOLE = 1.0 - 1e-6
"""A close of at least so much of a position is one of all of it."""
ALWAYS_NEEDED = ("quantity", "leverage")
FIGURES = {
    "quantity": "quantity",
    "leverage": "leverage",
    "profit_target": "target",
    "stop_loss": "stop",
    "confidence": "confidence",
}
"""Fields of a signal and the figures of an entry that they stand for."""


class EntryFigures(NamedTuple):
    """An entry and what it meets when it is decided; floats, or arrays of a common shape.

    Attributes:
        side: 1 to buy, -1 to sell short.
        quantity: coins, positive, as the venue rounds it; NaN where it is left out.
        leverage: NaN where it is left out.
        target: NaN for none.
        stop: NaN for none.
        confidence: NaN for none.
        price: the last one of the coin; NaN where there is none.
        held: coins, negative when short.
        allowed: the most leverage of the contract for the position that it makes.
        smallest: notional that the venue takes.
        liquidation: the price at which that position would be ended, entered at ``price``.
        cash: that is free.
        equity: the value of the account.
        positions: that are held.
        entries: that were made this day, and before it in this decision.
    """

    side: Any
    quantity: Any
    leverage: Any
    target: Any
    stop: Any
    confidence: Any
    price: Any
    held: Any
    allowed: Any
    smallest: Any
    liquidation: Any
    cash: Any
    equity: Any
    positions: Any
    entries: Any

    @property
    def notional(self) -> Any:
        """Of the entry at the last price."""
        return self.quantity * self.price

    @property
    def margin(self) -> Any:
        """That the entry sets aside."""
        return self.notional / self.leverage


class RuleCheck(NamedTuple):
    """A rule, and whether an entry breaks it.

    Attributes:
        kind: the word with which the reason of a rejection begins.
        is_broken: a truth value, or an array of them.
        why: the figures in words, of a single entry.
    """

    kind: str
    is_broken: Any
    why: Callable[[], str]


def faults(rules: TradingRules, entry: EntryFigures) -> Iterator[RuleCheck]:
    """Each rule in its order: the first that is broken is the reason of a rejection."""
    e, side = entry, entry.side
    for name in (*ALWAYS_NEEDED, *rules.needs):
        figure = getattr(e, FIGURES[name])
        yield RuleCheck("missing", figure != figure, f"an entry needs {name}".__str__)
    yield RuleCheck("price", e.price != e.price, lambda: "the coin has not traded yet")
    towards = e.held * side
    yield RuleCheck(
        "opposite", towards < 0.0, lambda: f"close the position of {amount(e.held)} first"
    )
    if not rules.adding:
        yield RuleCheck("pyramiding", towards > 0.0, lambda: f"{amount(e.held)} are held already")
    yield RuleCheck(
        "quantity",
        (e.quantity <= 0.0) | (e.quantity >= MOST_COINS),
        lambda: f"{amount(e.quantity)} cannot be traded",
    )
    yield RuleCheck(
        "notional",
        e.notional < e.smallest * (1.0 - SLACK),
        lambda: f"{amount(e.notional)} is below {amount(e.smallest)}",
    )
    most = rules.most_leverage_of(e.allowed)
    least = most if rules.full_leverage else rules.least_leverage
    yield RuleCheck(
        "leverage",
        (e.leverage // 1.0 != e.leverage) | (e.leverage < least) | (e.leverage > most),
        lambda: f"{amount(e.leverage)} is no whole number from {amount(least)} to {amount(most)}",
    )
    yield RuleCheck(
        "confidence",
        (e.confidence < 0.0) | (e.confidence > 1.0),
        lambda: f"{amount(e.confidence)} is not from 0 to 1",
    )
    yield from _plan_faults(e)
    yield from _size_faults(rules, e)


def _plan_faults(e: EntryFigures) -> Iterator[RuleCheck]:
    """Exits that the last price has passed already, or that cannot be reached."""
    side, words = e.side, {1.0: ("below", "above"), -1.0: ("above", "below")}
    yield RuleCheck(
        "target",
        (side * (e.target - e.price) <= 0.0) | (e.target <= 0.0),
        lambda: f"{amount(e.target)} is not {words[side][1]} the last price, {amount(e.price)}",
    )
    yield RuleCheck(
        "stop",
        (side * (e.price - e.stop) <= 0.0) | (e.stop <= 0.0),
        lambda: f"{amount(e.stop)} is not {words[side][0]} the last price, {amount(e.price)}",
    )
    yield RuleCheck(
        "liquidation",
        side * (e.stop - e.liquidation) <= 0.0,
        lambda: f"a stop at {amount(e.stop)} lies beyond it, at {amount(e.liquidation)}",
    )


def _size_faults(rules: TradingRules, e: EntryFigures) -> Iterator[RuleCheck]:
    """Entries that are too small, too large, or too many."""
    least = rules.least_margin * e.cash
    yield RuleCheck(
        "least_margin",
        e.margin < least * (1.0 - SLACK),
        lambda: f"{amount(e.margin)} is below {rules.least_margin:.2%} of {amount(e.cash)} cash",
    )
    if rules.most_margin is not None:
        most = rules.most_margin * e.equity
        yield RuleCheck(
            "most_margin",
            e.margin > most * (1.0 + SLACK),
            lambda: f"{amount(e.margin)} is above {rules.most_margin:.2%} of {amount(e.equity)}",
        )
    if rules.most_positions is not None:
        yield RuleCheck(
            "most_positions",
            (e.held == 0.0) & (e.positions >= rules.most_positions),
            lambda: f"{e.positions} are held, of at most {rules.most_positions}",
        )
    if rules.entries_a_day is not None:
        yield RuleCheck(
            "entries_a_day",
            e.entries >= rules.entries_a_day,
            lambda: f"{e.entries} were made today, of at most {rules.entries_a_day}",
        )


def first_fault(rules: TradingRules, signal: Signal, entry: EntryFigures) -> Rejection | None:
    """A signal as rejected for the first rule that it breaks; None where it breaks none."""
    for fault in faults(rules, entry):
        if fault.is_broken:
            return rejected(signal, fault.kind, fault.why())
    return None
