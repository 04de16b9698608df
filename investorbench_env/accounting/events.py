"""What happens to an account and what it holds, in the words of trading: orders, fills, positions.

Plain, immutable values. Amounts are in the currency of the prices; quantities are shares, coins or
contracts, negative when short. How an account comes to them is the business of its own module.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from investorbench_env.accounting.adding import in_order
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.signals import Signal


class Order(NamedTuple):
    """What was asked for: a target weight of an asset.

    Attributes:
        symbol: the asset.
        weight: the value to hold as a share of equity; BUY is an order for weight 1.
    """

    symbol: str
    weight: float


class Fill(NamedTuple):
    """A trade that took place.

    Attributes:
        symbol: the asset.
        quantity: what was bought, negative when sold.
        price: per unit.
        notional: value traded, positive.
        cost: commission and slippage, positive.
    """

    symbol: str
    quantity: float
    price: float
    notional: float
    cost: float


class PerpetualOrder(NamedTuple):
    """An order to enter a perpetual, or to close it in full.

    Attributes:
        symbol: the coin.
        quantity: to buy, negative to sell short; 0 closes what is held.
        leverage: notional over margin; 0 of an order that closes.
        stop: the price at which a loss is taken; None for none.
        target: the price at which a profit is taken; None for none.
    """

    symbol: str
    quantity: float
    leverage: float = 0.0
    stop: float | None = None
    target: float | None = None


AnyOrder = Order | ShareOrder | Signal


class Rejection(NamedTuple):
    """An order or a signal, or what was left of it, that was not carried out.

    Attributes:
        order: as it stood.
        reason: in words.
    """

    order: AnyOrder
    reason: str


class Distribution(NamedTuple):
    """What an asset paid to its holders or took from its short sellers.

    Attributes:
        symbol: the asset.
        cash: received, negative when paid on a short position.
        ratio: new units for one old one, 1 without a share split.
    """

    symbol: str
    cash: float
    ratio: float = 1.0


class Position(NamedTuple):
    """What is held of one asset.

    Attributes:
        symbol: the asset.
        quantity: units, negative when short.
        entry_price: average price at which they were bought or sold short.
        price: at which they are marked.
        weight: value as a share of equity.
        unrealised_pnl: what closing the position at its mark would realise, costs apart.
    """

    symbol: str
    quantity: float
    entry_price: float
    price: float
    weight: float
    unrealised_pnl: float


class PerpetualPosition(NamedTuple):
    """What is held of one perpetual.

    Attributes:
        symbol: the coin.
        quantity: coins, negative when short.
        entry_price: average price of the fills.
        mark: the price at which it is valued.
        liquidation_price: at which the venue ends it; of cross margin, while all other marks stay.
            None where no price does.
        margin: what it may lose, of isolated margin less the funding paid so far.
        leverage: at which it was entered last.
        stop: the price at which a loss is taken; None for none.
        target: the price at which a profit is taken; None for none.
        unrealised_pnl: what its price has brought so far, fees and funding apart.
        funding: received so far, negative when paid.
        fees: of its entries, positive.
        notional: its value at the mark, positive.
    """

    symbol: str
    quantity: float
    entry_price: float
    mark: float
    liquidation_price: float | None
    margin: float
    leverage: float
    stop: float | None
    target: float | None
    unrealised_pnl: float
    funding: float
    fees: float
    notional: float


class FundingPayment(NamedTuple):
    """What longs pay shorts at a stamp, or shorts longs where the rate is negative.

    Attributes:
        symbol: the coin.
        cash: received, negative when paid.
        rate: of the stamp, as charged.
        price: of the oracle, or what stands in for it.
    """

    symbol: str
    cash: float
    rate: float
    price: float


class ClosedTrade(NamedTuple):
    """A position from its first entry to its end.

    What it added to the account is ``pnl - fees + funding``.

    Attributes:
        symbol: the coin.
        quantity: coins, negative when it was short.
        entry_price: average price of the fills.
        exit_price: of the fill that ended it.
        reason: ``"target"``, ``"stop"``, ``"liquidation"`` or ``"close"``.
        opened: time of its first entry.
        closed: time of its end: of the bar's open, or of its close for what happened inside.
        pnl: what its price brought, before fees and funding; the venue bears what a loss exceeds
            the margin by.
        fees: of its entries and its exit, positive.
        funding: received, negative when paid.
        margin: put in by its entries.
        leverage: at which it was entered last.
    """

    symbol: str
    quantity: float
    entry_price: float
    exit_price: float
    reason: str
    opened: datetime
    closed: datetime
    pnl: float
    fees: float
    funding: float
    margin: float
    leverage: float


class AccountState:
    """An account at one decision; it cannot be changed, and equals another of the same values."""

    __slots__ = ("_values",)

    def __init__(
        self,
        *,
        cash: float,
        equity: float,
        costs: float,
        positions: Iterable[Position],
        marks: Mapping[str, float],
    ) -> None:
        """An account from its values.

        Args:
            cash: money; a short sale adds its proceeds.
            equity: cash and the value of all positions at their marks.
            costs: the sum of all trading costs so far.
            positions: those that are held, in the order of the market's symbols.
            marks: the price at which each asset of the market is marked, by symbol; without those
                whose price is not known.
        """
        self._values: tuple[Any, ...] = (cash, equity, costs, tuple(positions), dict(marks))

    @property
    def cash(self) -> float:
        """Money; a short sale adds its proceeds."""
        amount: float = self._values[0]
        return amount

    @property
    def equity(self) -> float:
        """Cash and the value of all positions at their marks."""
        amount: float = self._values[1]
        return amount

    @property
    def costs(self) -> float:
        """The sum of all trading costs so far."""
        amount: float = self._values[2]
        return amount

    @property
    def positions(self) -> tuple[Position, ...]:
        """Those that are held, in the order of the market's symbols."""
        held: tuple[Position, ...] = self._values[3]
        return held

    @property
    def marks(self) -> dict[str, float]:
        """The price at which each asset is marked, by symbol, in a dict of the reader's own."""
        return dict(self._values[4])

    @property
    def exposure(self) -> float:
        """The sum of the absolute weights of all positions."""
        return in_order(abs(position.weight) for position in self.positions)

    def _named(self) -> dict[str, Any]:
        names = ("cash", "equity", "costs", "positions", "marks")
        return {name: getattr(self, name) for name in names}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccountState) and self._named() == other._named()

    def __hash__(self) -> int:
        return hash((self.cash, self.equity, self.costs, self.positions))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(AccountState, **self._named()), ()

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._named().items())
        return f"AccountState({values})"
