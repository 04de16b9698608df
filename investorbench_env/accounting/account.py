"""Accounts: the state that the protocols keep, over the arithmetic of ``spot``.

One class serves a scalar environment, whose amounts are floats, and a vectorised one, whose amounts
are arrays [N]. Amounts are in the currency of the prices.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.spot import accrue, compound, rebalance, share_opened


class StepPrices(Protocol):
    """What the market did between two decisions; floats, or arrays [N]."""

    @property
    def fill(self) -> Any:
        """Open of the later session, or its close where the open is unknown."""

    @property
    def final(self) -> Any:
        """Close of the later session."""

    @property
    def ex_date(self) -> bool:
        """Whether there was a dividend or a split at all."""

    @property
    def dividend(self) -> Any:
        """Cash for each share held at the earlier decision."""

    @property
    def split(self) -> Any:
        """Shares for each share held at the earlier decision."""

    @property
    def log_return(self) -> Any:
        """Of the adjusted close."""


class SpotAccount:
    """Cash and shares: orders fill at the next open, equity is marked at the close.

    Attributes:
        cash: money; a short sale adds its proceeds.
        position: shares, negative when short.
        entry: average price at which the position was opened.
        equity: cash + position value at the last close.
        weight: position value as a share of equity.
        fill_price: price of the last step's trade, 0 without one.
        notional: value traded in the last step, positive.
        cost: what the last step's trade cost, positive.
        costs: the sum of all costs.
        rate: cost as a share of traded notional.
        resizes: whether an order may grow or shrink a position without turning it around.
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
        "resizes",
        "unrealised",
        "weight",
    )

    def __init__(self, cash: Any, cost_rate: float, resizes: bool) -> None:
        zero = cash * 0.0
        self.rate = cost_rate
        self.resizes = resizes
        self.cash = self.equity = cash
        self.position = self.entry = self.weight = self.unrealised = zero
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
        # Tests for True and False are spelled out here: bool flags have no any(), and a call would
        # take as long as the arithmetic.
        if ruined is not False and (ruined is True or ruined.any()):
            weight, trades = weight * (ruined == 0), trades | ruined
        # Most steps hold; leaving out the arithmetic then changes no bit of the account.
        if trades is not False and (trades is True or trades.any()):
            price, held = prices.fill, position
            cash, position, self.notional, self.cost = rebalance(
                cash, held, price, weight, trades, self.rate
            )
            opened = trades * share_opened(held, position) if self.resizes else trades
            self.entry = self.entry + (price - self.entry) * opened
            self.fill_price = (self.notional > 0.0) * price
            self.costs = self.costs + self.cost
        else:
            self.fill_price = self.notional = self.cost = before * 0.0
        self.cash, self.position = cash, position
        value = position * prices.final
        self.equity = equity = cash + value
        self.unrealised = value - position * self.entry
        self.weight = value / (equity + (equity == 0.0))
        # Among many accounts one that was worth nothing waits for its new start.
        return equity / (before + (before == 0.0)) - 1.0


class PaperAccount:
    """The published experiments' bookkeeping: a weight from close to close, no cash, no cost.

    It has the attributes of :class:`SpotAccount`; ``position`` is the weight, and ``cash`` the part
    of equity that it leaves.
    """

    __slots__ = (*SpotAccount.__slots__, "_close")

    def __init__(self, cash: Any, close: Any) -> None:
        zero = cash * 0.0
        self.rate = 0.0
        self.resizes = True
        self.cash = self.equity = self.entry = cash
        self.position = self.weight = self.unrealised = zero
        self.fill_price = self.notional = self.cost = self.costs = zero
        self._close = close

    def step(self, weight: Any, trades: Any, prices: StepPrices) -> Any:
        """Go from one close to the next; the reward is the weight times the log return."""
        changed = (weight != self.weight) * 1.0
        change = weight - self.weight
        before = self.equity
        self.notional = changed * abs(change) * before
        self.fill_price = changed * self._close
        self.entry = changed * before + (1.0 - changed) * self.entry
        self.equity, reward = compound(before, weight, prices.log_return)
        self.weight = self.position = weight
        self.cash = self.equity - weight * self.equity
        self.unrealised = (weight != 0.0) * (self.equity - self.entry)
        self._close = prices.final
        return reward


Account = SpotAccount | PaperAccount


def reopen(accounts: Account, which: npt.NDArray[np.bool_], fresh: Account) -> None:
    """Put fresh accounts in the place of some; all amounts are arrays [N]."""
    for name in accounts.__slots__:
        if name not in ("rate", "resizes"):
            amounts = np.where(which, getattr(fresh, name), getattr(accounts, name))
            setattr(accounts, name, amounts)


def open_account(cash: Any, close: Any, *, fills: str, cost_rate: float, resizes: bool) -> Account:
    """The account that a protocol keeps.

    Args:
        cash: what it starts with; an array [N] for N accounts.
        close: the close at the first decision.
        fills: when orders fill, see ``Protocol.fills``.
        cost_rate: cost as a share of traded notional.
        resizes: whether an order may grow or shrink a position without turning it around.
    """
    if fills == "close":
        return PaperAccount(cash, close)
    return SpotAccount(cash, cost_rate, resizes)
