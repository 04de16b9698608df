"""What happens to an account and what it holds, in the words of trading: orders, fills, positions.

Plain, immutable values. Amounts are in the currency of the prices; quantities are shares, coins or
contracts, negative when short. How an account comes to them is the business of its own module.
"""

from collections.abc import Mapping
from typing import NamedTuple


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


class Rejection(NamedTuple):
    """An order that was not carried out.

    Attributes:
        order: as it was asked for.
        reason: in words.
    """

    order: Order
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


class AccountState(NamedTuple):
    """An account at one decision.

    Attributes:
        cash: money; a short sale adds its proceeds.
        equity: cash and the value of all positions at their marks.
        costs: the sum of all trading costs so far.
        positions: those that are held, in the order of the market's symbols.
        marks: the price at which each asset of the market is marked, by symbol; without those whose
            price is not known.
    """

    cash: float
    equity: float
    costs: float
    positions: tuple[Position, ...]
    marks: Mapping[str, float]

    @property
    def exposure(self) -> float:
        """The sum of the absolute weights of all positions."""
        return sum(abs(position.weight) for position in self.positions)
