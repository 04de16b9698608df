"""What happened to one account of a book of perpetuals, and what it holds, as values with names."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import numpy as np

from investorbench_env.accounting.events import (
    AccountState,
    ClosedTrade,
    Fill,
    FundingPayment,
    PerpetualPosition,
    Position,
)
from investorbench_env.accounting.margin_bars import (
    NOT_TRADING,
    OTHER_SIDE,
    REASONS,
    BarEvents,
    Places,
)
from investorbench_env.accounting.margin_state import MarginState

TimeOf = Callable[[int, bool], datetime]
"""The time of a bar's open, by its number, or of its close, where asked for what came inside."""


class AccountEvents:
    """The events of one bar of one account of a book.

    Args:
        events: of the bar.
        symbols: of the coins, in their order.
        accounts: of the book.
        account: which of them.
    """

    def __init__(
        self, events: BarEvents, symbols: Sequence[str], accounts: int = 1, account: int = 0
    ) -> None:
        self._events, self._symbols = events, symbols
        self._accounts, self._account = accounts, account

    def _own(self, at: Places) -> Iterator[tuple[int, str]]:
        """Where its own events stand among those of all accounts, and of which coins they are."""
        for index in np.flatnonzero(at % self._accounts == self._account).tolist():
            yield index, self._symbols[int(at[index]) // self._accounts]

    def fills(self) -> tuple[Fill, ...]:
        """Entries and exits: what the open ended or closed, then entries, then the rest."""
        entered = self._events.entered
        entries = []
        if entered is not None:
            for index, symbol in self._own(entered.at):
                size, price = entered.size.item(index), entered.price.item(index)
                entries.append(
                    Fill(symbol, size, price, abs(size) * price, entered.fee.item(index))
                )
        before: list[Fill] = []
        after: list[Fill] = []
        for ended in self._events.ended:
            for index, symbol in self._own(ended.at):
                size, price = -ended.held.item(0, index), ended.price.item(index)
                fill = Fill(symbol, size, price, abs(size) * price, ended.fee.item(index))
                (after if ended.after_entries else before).append(fill)
        return (*before, *entries, *after)

    def closed(self, number: int, time_of: TimeOf) -> tuple[ClosedTrade, ...]:
        """Positions that ended.

        Args:
            number: of the bar.
            time_of: the time of an open or a close.
        """
        trades = []
        for ended in self._events.ended:
            for index, symbol in self._own(ended.at):
                size, entry, _, leverage, *_, put_in, fees, funding, opened = ended.held[
                    :, index
                ].tolist()
                trades.append(
                    ClosedTrade(
                        symbol=symbol,
                        quantity=size,
                        entry_price=entry,
                        exit_price=ended.price.item(index),
                        reason=REASONS[ended.reason.item(index)],
                        opened=time_of(int(opened), False),
                        closed=time_of(number, ended.inside),
                        pnl=ended.pnl.item(index),
                        fees=fees + ended.fee.item(index),
                        funding=funding,
                        margin=put_in,
                        leverage=leverage,
                    )
                )
        return tuple(trades)

    def funding(self) -> tuple[FundingPayment, ...]:
        """What was received at the stamp of the bar."""
        funded = self._events.funded
        if funded is None:
            return ()
        return tuple(
            FundingPayment(
                symbol, funded.cash.item(index), funded.rate.item(index), funded.price.item(index)
            )
            for index, symbol in self._own(funded.at)
        )

    def refused(self) -> dict[str, str]:
        """Why the order for a coin was not filled, by symbol; the kind goes before a colon."""
        reasons = {}
        for refused in self._events.refused:
            for index, symbol in self._own(refused.at):
                code = refused.reason.item(index)
                if code == NOT_TRADING:
                    reasons[symbol] = f"outage: {symbol} does not trade in the next bar"
                elif code == OTHER_SIDE:
                    reasons[symbol] = f"opposite: {symbol} is held the other way; close it first"
                else:
                    required, free = refused.required.item(index), refused.free.item(index)
                    reasons[symbol] = (
                        f"cash: margin and fee of {required:,.2f} are more than the free margin of "
                        f"{free:,.2f}"
                    )
        return reasons


def perpetual_positions(
    book: MarginState, symbols: Sequence[str], account: int = 0
) -> tuple[PerpetualPosition, ...]:
    """What an account holds, in the order of the symbols."""
    positions = []
    marks, margins, liquidation = book.marks, book.margins(), book.liquidation_prices()
    for coin in np.flatnonzero(book.size[:, account]).tolist():
        size, entry, _, leverage, stop, target, *_, fees, funding, _ = book.position(coin, account)
        mark, price = marks.item(coin, account), liquidation.item(coin, account)
        positions.append(
            PerpetualPosition(
                symbol=symbols[coin],
                quantity=size,
                entry_price=entry,
                mark=mark,
                liquidation_price=price if price > 0.0 else None,
                margin=margins.item(coin, account),
                leverage=leverage,
                stop=None if np.isnan(stop) else stop,
                target=None if np.isnan(target) else target,
                unrealised_pnl=size * (mark - entry),
                funding=funding,
                fees=fees,
                notional=abs(size) * mark,
            )
        )
    return tuple(positions)


def account_state(book: MarginState, symbols: Sequence[str], account: int = 0) -> AccountState:
    """An account in the values that all environments share.

    Its cash is what entries may use; a weight is notional over equity.
    """
    equity = book.equity().item(account)
    return AccountState(
        cash=book.free_margin().item(account),
        equity=equity,
        costs=book.fees.item(account),
        positions=[
            Position(
                symbol=each.symbol,
                quantity=each.quantity,
                entry_price=each.entry_price,
                price=each.mark,
                weight=each.quantity * each.mark / equity if equity else 0.0,
                unrealised_pnl=each.unrealised_pnl,
            )
            for each in perpetual_positions(book, symbols, account)
        ],
        marks={
            symbol: mark
            for symbol, mark in zip(symbols, book.marks[:, account].tolist(), strict=True)
            if mark > 0.0
        },
    )
