"""One position that is entered at the next open and held over a horizon: docs/snapshots.md.

The value that is held is set back to its first size at every close, at no cost, so that a horizon
returns the sum of its simple returns, whose expectation is the sum of theirs.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from investorbench_env.accounting.account import (
    Amounts,
    Expected,
    ExpectedStep,
    TradeAmounts,
)


class HorizonReturns(Protocol):
    """What the market did over a horizon; floats, or arrays [N]."""

    @property
    def fill(self) -> Any:
        """Open of the first bar, or its close where the open is unknown."""

    @property
    def final(self) -> Any:
        """Close of the last bar."""

    @property
    def earned(self) -> Any:
        """The sum of simple returns from the fill on, as of ``earned_over``."""


class HorizonAccount:
    """A position of a share of the cash, paid for once and closed at the end of its horizon.

    Args:
        cost_rate: cost as a share of traded notional.
    """

    __slots__ = ("rate",)

    def __init__(self, cost_rate: float) -> None:
        self.rate = cost_rate

    def open(self, cash: Any, close: Any) -> Amounts:
        """Cash and no position."""
        zero = cash * 0.0
        return cash, cash, zero, zero, zero, close, zero, zero, cash

    def step(
        self, before: Amounts, weight: Any, trades: Any, prices: HorizonReturns
    ) -> tuple[Amounts, TradeAmounts | None, Any]:
        """Hold a weight over the horizon; the reward is what it earned less its cost."""
        cash, _, costs, zero, _, _, _, _, _ = before
        weight = weight * trades
        size = abs(weight)
        # Adding nothing turns a negative zero into zero.
        reward = weight * prices.earned - self.rate * size + 0.0
        notional = size * cash
        cost = notional * self.rate
        trade = weight * cash / prices.fill, prices.fill, notional, cost, False
        equity = cash * (1.0 + reward)
        after = equity, equity, costs + cost, zero, zero, prices.final, zero, zero, equity
        return after, trade, reward

    def expected(
        self, before: Amounts, weight: Any, after: Amounts, prices: HorizonReturns, ahead: Expected
    ) -> ExpectedStep:
        """What a weight is expected to earn over the horizon, all of it as of the day."""
        return ExpectedStep(weight * 0.0, weight * ahead.day, -self.rate * abs(weight))


def earned_over(
    fill: Any, closes: Sequence[Any], dividends: Sequence[Any], splits: Sequence[Any]
) -> Any:
    """The sum of simple returns from a fill to the last of K closes; floats, or arrays [N].

    Args:
        fill: the price in the first bar at which a position was entered.
        closes: of the bars from that one on.
        dividends: cash with each bar for a share held at the bar before.
        splits: shares at each bar for a share held at the bar before.
    """
    earned = closes[0] / fill - 1.0
    for k in range(1, len(closes)):
        earned = earned + ((closes[k] * splits[k] + dividends[k]) / closes[k - 1] - 1.0)
    return earned
