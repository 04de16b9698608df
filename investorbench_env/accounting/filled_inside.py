"""What limits filled after the open of a bar, and what it may not serve.

A bar does not say when it reached which price. What it fills inside, after the open, therefore
serves no other order of its session: such shares are sold by a stop alone, for no more than they
cost, and such money buys from the next session on. Otherwise "buy at 98 inside the bar, sell at its
open of 100" would be a profit without risk.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.portfolio import SessionBar


@dataclass(slots=True)
class FilledInside:
    """What limits filled after the open of a bar.

    Attributes:
        shares: bought, by symbol.
        lowest: price at which they were.
        proceeds: of sales.
    """

    shares: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    lowest: dict[str, float] = field(default_factory=dict)
    proceeds: float = 0.0

    def note(self, order: ShareOrder, bar: SessionBar, quantity: float, net_price: float) -> None:
        """Note a fill if it was one after the open.

        Args:
            order: that was filled.
            bar: that filled it.
            quantity: shares.
            net_price: less the commission of a sale.
        """
        limit, symbol = order.limit, order.symbol
        if limit is None:
            return
        if order.side == "buy" and bar.open > limit:
            self.shares[symbol] += quantity
            self.lowest[symbol] = min(limit, self.lowest.get(symbol, limit))
        elif order.side == "sell" and bar.open < limit:
            self.proceeds += quantity * net_price
