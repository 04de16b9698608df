"""The orders that signals about perpetuals come to, and the signals that break a rule."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from investorbench_env.accounting.entry_faults import (
    MOST_COINS,
    WHOLE,
    EntryFigures,
    first_fault,
)
from investorbench_env.accounting.events import AccountState, Rejection
from investorbench_env.accounting.margin import round_price, round_size
from investorbench_env.accounting.margin_bars import Entries, Places
from investorbench_env.accounting.order_words import amount
from investorbench_env.accounting.perpetual_book import PerpetualBook
from investorbench_env.accounting.signal_lists import rejected
from investorbench_env.accounting.signals import CLOSE, SIDES, Signal
from investorbench_env.envs.perpetuals_setup import PerpetualSetup

NONE = float("nan")


class DecisionPoint(NamedTuple):
    """What signals meet.

    Attributes:
        setup: with the rules that hold.
        book: of the one account.
        account: its values.
        prices: the last ones, NaN of a coin that has none [A].
        entries: that were made this day.
    """

    setup: PerpetualSetup
    book: PerpetualBook
    account: AccountState
    prices: Sequence[float]
    entries: int


class SignalOrders(NamedTuple):
    """What signals come to.

    Attributes:
        entries: orders to enter; None for none.
        closes: the places of the coins whose positions are closed.
        rejections: signals that break a rule.
    """

    entries: Entries | None
    closes: Places
    rejections: tuple[Rejection, ...]


def orders_of(signals: Sequence[Signal], at: DecisionPoint) -> SignalOrders:
    """The orders that signals come to, and those that break a rule.

    Args:
        signals: at most one a coin.
        at: the account and the market when they were decided.
    """
    size = at.book.size[:, 0].tolist()
    closes, rejections = [], []
    for coin, signal in _coins(signals, at):
        if signal.signal == CLOSE:
            fault = _close_fault(signal, size[coin])
            if fault is None:
                closes.append(coin)
            else:
                rejections.append(fault)
    held = sum(map(bool, size)) - len(closes)
    rows: list[tuple[float, ...]] = []
    for coin, signal in _coins(signals, at):
        if not signal.is_entry:
            continue
        opened = sum(1 for row in rows if not size[int(row[0])])
        entry = _figures(coin, signal, size[coin], at)
        entry = entry._replace(positions=held + opened, entries=at.entries + len(rows))
        fault = first_fault(at.setup.rules, signal, entry)
        if fault is None:
            row = coin, entry.side * entry.quantity, entry.leverage, entry.stop, entry.target
            rows.append(row)
        else:
            rejections.append(fault)
    return SignalOrders(_entries(rows), np.array(closes, np.intp), tuple(rejections))


def _coins(signals: Sequence[Signal], at: DecisionPoint) -> Iterator[tuple[int, Signal]]:
    return ((at.setup.symbols.index(signal.symbol), signal) for signal in signals)


def _figures(coin: int, signal: Signal, held: float, at: DecisionPoint) -> EntryFigures:
    """An entry in the numbers that the venue takes, and what it meets."""
    contract, venue, price = at.setup.contracts[coin], at.setup.venue, at.prices[coin]
    quantity, leverage = _known(signal.quantity), _known(signal.leverage)
    if quantity < MOST_COINS:
        quantity = round_size(quantity, contract.size_decimals)

    def rounded(level: float | None) -> float:
        if level is None or level <= 0.0:
            return _known(level)
        places = venue.price_decimals - contract.size_decimals
        return float(round_price(level, venue.significant_figures, places))

    side = SIDES[signal.signal]
    liquidation = NONE
    # Less leverage is rejected before it matters where that position would be ended.
    if quantity > 0.0 and leverage >= 1.0 and price == price:
        order = np.array([[side * quantity], [price], [leverage]])
        liquidation = at.book.liquidation_after(np.array([coin]), *order).item()
    return EntryFigures(
        side=side,
        quantity=quantity,
        leverage=leverage,
        target=rounded(signal.profit_target),
        stop=rounded(signal.stop_loss),
        confidence=_known(signal.confidence),
        price=price,
        held=held,
        allowed=contract.max_leverage((abs(held) + quantity) * price),
        smallest=venue.min_notional,
        liquidation=liquidation,
        cash=at.account.cash,
        equity=at.account.equity,
        positions=0,
        entries=0,
    )


def _known(value: float | None) -> float:
    return NONE if value is None else value


def _entries(rows: Sequence[tuple[float, ...]]) -> Entries | None:
    if not rows:
        return None
    coins, *columns = np.array(rows).T
    return Entries(coins.astype(np.intp), *columns)


def _close_fault(signal: Signal, held: float) -> Rejection | None:
    """A close as rejected where there is nothing to close, or only a part of it is to be."""
    if not held:
        return rejected(signal, "no_position", f"no {signal.symbol} is held")
    asked = abs(signal.quantity or 0.0)
    if asked and asked < WHOLE * abs(held):
        why = f"{amount(signal.quantity)} of {amount(held)}: a position is closed in full"
        return rejected(signal, "partial", why)
    return None
