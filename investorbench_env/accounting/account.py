"""Accounts: the state that the protocols keep, over the arithmetic of ``spot``.

One class serves a scalar environment, whose amounts are floats, and a vectorised one, whose amounts
are arrays [N]. Amounts are in the currency of the prices.
"""

from typing import Any, Protocol

from investorbench_env.accounting.spot import accrue, compound, rebalance


class StepPrices(Protocol):
    """What the market did between two decisions; floats, or arrays [N]."""

    fill: Any
    """Open of the later session, or its close where the open is unknown."""
    final: Any
    """Close of the later session."""
    ex_date: bool
    """Whether there was a dividend or a split at all."""
    dividend: Any
    """Cash for each share held at the earlier decision."""
    split: Any
    """Shares for each share held at the earlier decision."""
    log_return: Any
    """Of the adjusted close."""


class SpotAccount:
    """Cash and shares: orders fill at the next open, equity is marked at the close.

    Attributes:
        cash: money; a short sale adds its proceeds.
        position: shares, negative when short.
        side: -1 short, 0 flat, 1 long.
        entry: average price at which the position was opened.
        equity: cash + position value at the last close.
        weight: position value as a share of equity.
        fill_price: price of the last step's trade, 0 without one.
        notional: value traded in the last step, positive.
        cost: what the last step's trade cost, positive.
        costs: the sum of all costs.
    """

    __slots__ = (
        "cash",
        "cost",
        "costs",
        "entry",
        "equity",
        "fill_price",
        "notional",
        "position",
        "rate",
        "side",
        "unrealised",
        "weight",
    )

    def __init__(self, cash: Any, cost_rate: float) -> None:
        zero = cash * 0.0
        self.rate = cost_rate
        self.cash = self.equity = cash
        self.position = self.side = self.entry = self.weight = self.unrealised = zero
        self.fill_price = self.notional = self.cost = self.costs = zero

    def step(self, weight: Any, trades: Any, prices: StepPrices) -> Any:
        """Go from one decision to the next; the simple return of equity.

        An account that is worth nothing at the fill price is closed out there.

        Args:
            weight: the target weight that was ordered.
            trades: whether it was ordered; booleans.
            prices: what the market did.
        """
        before, cash, position = self.equity, self.cash, self.position
        if prices.ex_date:
            cash, position, self.entry = accrue(
                cash, position, self.entry, prices.dividend, prices.split
            )
        ruined = cash + position * prices.fill <= 0.0
        orders = trades | ruined
        # Most steps hold; leaving out the arithmetic then changes no bit of the account.
        if orders is False or (orders is not True and not orders.any()):
            self.fill_price = self.notional = self.cost = before * 0.0
        else:
            cash, position, self.entry, self.notional, self.cost = rebalance(
                cash, position, self.entry, prices.fill, weight * (ruined == 0), orders, self.rate
            )
            self.fill_price = orders * prices.fill
            self.costs = self.costs + self.cost
            self.side = (position > 0.0) * 1.0 - (position < 0.0) * 1.0
        self.cash, self.position = cash, position
        value = position * prices.final
        self.equity = equity = cash + value
        self.unrealised = value - position * self.entry
        self.weight = value / (equity + (equity == 0.0))
        return equity / before - 1.0


class PaperAccount:
    """The published experiments' bookkeeping: a weight from close to close, no cash, no cost.

    It has the attributes of :class:`SpotAccount`; ``position`` is the weight, and ``cash`` the part
    of equity that it leaves.
    """

    __slots__ = (*SpotAccount.__slots__, "_close")

    def __init__(self, cash: Any, close: Any) -> None:
        zero = cash * 0.0
        self.rate = 0.0
        self.cash = self.equity = self.entry = cash
        self.position = self.side = self.weight = self.unrealised = zero
        self.fill_price = self.notional = self.cost = self.costs = zero
        self._close = close

    def step(self, weight: Any, trades: Any, prices: StepPrices) -> Any:
        """Go from one close to the next; the weight times the log return, REFERENCE.md §1.3."""
        changed = (weight != self.weight) * 1.0
        change = weight - self.weight
        before = self.equity
        self.notional = changed * ((change > 0.0) * 2.0 - 1.0) * change * before
        self.fill_price = changed * self._close
        self.entry = changed * before + (1.0 - changed) * self.entry
        self.equity, reward = compound(before, weight, prices.log_return)
        self.weight = self.position = weight
        self.side = (weight > 0.0) * 1.0 - (weight < 0.0) * 1.0
        self.cash = self.equity - weight * self.equity
        self.unrealised = (weight != 0.0) * (self.equity - self.entry)
        self._close = prices.final
        return reward


Account = SpotAccount | PaperAccount


def open_account(cash: Any, fills: str, cost_rate: float, close: Any) -> Account:
    """The account that a protocol keeps.

    Args:
        cash: what it starts with; an array [N] for N accounts.
        fills: when orders fill, see ``Protocol.fills``.
        cost_rate: cost as a share of traded notional.
        close: the close at the first decision.
    """
    if fills == "close":
        return PaperAccount(cash, close)
    return SpotAccount(cash, cost_rate)
