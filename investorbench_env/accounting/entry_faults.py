"""Entries that break a rule: which, and with what figures.

The comparisons take floats or arrays of any common shape, and give the same for both.
"""

import math
from collections.abc import Callable, Iterator, Mapping
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


def broken_rules(rules: TradingRules, entry: EntryFigures) -> Iterator[tuple[str, Any]]:
    """The kind of each rule in its order, and whether an entry breaks it.

    The first that is broken is the reason of a rejection; what is found of those behind it means
    nothing.
    """
    e, side, adds = entry, entry.side, entry.held * entry.side
    for name in _needed(rules):
        figure = getattr(e, FIGURES[name])
        yield "missing", figure != figure
    yield "price", e.price != e.price
    yield "opposite", adds < 0.0
    if not rules.adding:
        yield "pyramiding", adds > 0.0
    yield "quantity", (e.quantity <= 0.0) | (e.quantity >= MOST_COINS)
    notional = e.notional
    yield "notional", notional < e.smallest * (1.0 - SLACK)
    least, most = _leverages(rules, e)
    is_part = e.leverage // 1.0 != e.leverage
    yield "leverage", is_part | (e.leverage < least) | (e.leverage > most)
    yield "confidence", (e.confidence < 0.0) | (e.confidence > 1.0)
    yield "target", (side * (e.target - e.price) <= 0.0) | (e.target <= 0.0)
    yield "stop", (side * (e.price - e.stop) <= 0.0) | (e.stop <= 0.0)
    yield "liquidation", side * (e.stop - e.liquidation) <= 0.0
    margin = notional / e.leverage
    yield "least_margin", margin < rules.least_margin * e.cash * (1.0 - SLACK)
    if rules.most_margin is not None:
        yield "most_margin", margin > rules.most_margin * e.equity * (1.0 + SLACK)
    if rules.most_positions is not None:
        yield "most_positions", (e.held == 0.0) & (e.positions >= rules.most_positions)
    if rules.entries_a_day is not None:
        yield "entries_a_day", e.entries >= rules.entries_a_day


def _needed(rules: TradingRules) -> tuple[str, ...]:
    return (*ALWAYS_NEEDED, *rules.needs)


def _leverages(rules: TradingRules, e: EntryFigures) -> tuple[Any, Any]:
    """The least and the most of an entry."""
    most = rules.most_leverage_of(e.allowed)
    return (most if rules.full_leverage else rules.least_leverage), most


def _missing(rules: TradingRules, e: EntryFigures) -> str:
    lacking = (name for name in _needed(rules) if math.isnan(getattr(e, FIGURES[name])))
    return f"an entry needs {next(lacking)}"


def _leverage(rules: TradingRules, e: EntryFigures) -> str:
    least, most = map(amount, _leverages(rules, e))
    return f"{amount(e.leverage)} is no whole number from {least} to {most}"


def _beyond(level: float, word: str, e: EntryFigures) -> str:
    return f"{amount(level)} is not {word} the last price, {amount(e.price)}"


WHY: Mapping[str, Callable[[TradingRules, EntryFigures], str]] = {
    "missing": _missing,
    "price": lambda r, e: "the coin has not traded yet",
    "opposite": lambda r, e: f"close the position of {amount(e.held)} first",
    "pyramiding": lambda r, e: f"{amount(e.held)} are held already",
    "quantity": lambda r, e: f"{amount(e.quantity)} cannot be traded",
    "notional": lambda r, e: f"{amount(e.notional)} is below {amount(e.smallest)}",
    "leverage": _leverage,
    "confidence": lambda r, e: f"{amount(e.confidence)} is not from 0 to 1",
    "target": lambda r, e: _beyond(e.target, "above" if e.side > 0.0 else "below", e),
    "stop": lambda r, e: _beyond(e.stop, "below" if e.side > 0.0 else "above", e),
    "liquidation": lambda r, e: (
        f"a stop at {amount(e.stop)} lies beyond it, at {amount(e.liquidation)}"
    ),
    "least_margin": lambda r, e: (
        f"{amount(e.margin)} is below {r.least_margin:.2%} of {amount(e.cash)} cash"
    ),
    "most_margin": lambda r, e: (
        f"{amount(e.margin)} is above {r.most_margin:.2%} of {amount(e.equity)}"
    ),
    "most_positions": lambda r, e: f"{e.positions} are held, of at most {r.most_positions}",
    "entries_a_day": lambda r, e: f"{e.entries} were made today, of at most {r.entries_a_day}",
}
"""The figures of a broken rule in words, of a single entry."""


def first_fault(rules: TradingRules, signal: Signal, entry: EntryFigures) -> Rejection | None:
    """A signal as rejected for the first rule that it breaks; None where it breaks none."""
    for kind, is_broken in broken_rules(rules, entry):
        if is_broken:
            return rejected(signal, kind, WHY[kind](rules, entry))
    return None
