"""What trades lead to: the shares that are held, their average cost, and the cash that moved."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from investorbench.tasks.live.logs import TradeRow

SAME = 1e-6
"""Shares closer to each other are as many."""


@dataclass(frozen=True, slots=True)
class BookedShares:
    """Shares of one asset.

    Attributes:
        shares: how many.
        average: price that they cost on average.
        half_unit: by how much rounding may have moved that price.
        is_listed: whether the price is as the log lists it, since its trades do not say it.
    """

    shares: float
    average: float
    half_unit: float
    is_listed: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """A trade and what it did.

    Attributes:
        trade: its row.
        held: what was held before it; None: nothing.
        oversold: shares that were sold and not held.
    """

    trade: TradeRow
    held: BookedShares | None
    oversold: float = 0.0

    @property
    def flow(self) -> float:
        """Cash that came, or went if negative."""
        trade = self.trade
        if trade.is_payment:
            return trade.value("PnL") or 0.0
        paid = trade.bought * (trade.value("Buy Price") or 0.0)
        return trade.sold * (trade.value("Sell Price") or 0.0) - paid

    @property
    def without_oversold(self) -> float:
        """The same, if nothing was paid for what was not there."""
        return self.flow - self.oversold * (self.trade.value("Sell Price") or 0.0)


@dataclass(slots=True)
class Book:
    """Holdings at average cost.

    Attributes:
        holdings: by ticker.
    """

    holdings: dict[str, BookedShares] = field(default_factory=dict)

    def apply(self, trades: Iterable[TradeRow]) -> list[Applied]:
        """Take trades in, in their order."""
        return [self._apply(trade) for trade in trades]

    def _apply(self, trade: TradeRow) -> Applied:
        held = self.holdings.get(trade.ticker)
        applied = Applied(trade, held)
        if trade.bought:
            self._add(trade, held)
        elif trade.sold:
            left = (held.shares if held else 0.0) - trade.sold
            if left < -SAME:
                applied = replace(applied, oversold=-left)
            if held and left > SAME:
                self.holdings[trade.ticker] = replace(held, shares=left)
            else:
                self.holdings.pop(trade.ticker, None)
        return applied

    def _add(self, trade: TradeRow, held: BookedShares | None) -> None:
        price = trade.numbers.get("Buy Price")
        if price is None:
            return
        before = held or BookedShares(0.0, 0.0, 0.0)
        shares = before.shares + trade.bought
        average = (before.shares * before.average + trade.bought * price.value) / shares
        half_unit = max(before.half_unit, price.half_unit)
        self.holdings[trade.ticker] = BookedShares(shares, average, half_unit, before.is_listed)
