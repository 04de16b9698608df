"""Accounts: how the amounts of an account follow from a decision and what the market then did.

An account knows rules and keeps no amounts: ``step`` is a pure function of them, over the
arithmetic of ``spot``. One class serves a scalar environment, whose amounts are floats, and a
vectorised one, whose amounts are arrays [N]. Amounts are in the currency of the prices.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.events import AccountState, Position
from investorbench_env.accounting.spot import accrue, idle_cash, rebalance, share_opened

Amounts = tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any]
"""What an account amounts to at a decision, floats or arrays [N]. In order:

cash (a short sale adds its proceeds), equity (cash and position at the last close), costs (the sum
of all so far), units (held, negative when short), entry (their average price), price (the last
close), weight (of the position as a share of equity), unrealised (what closing at the last close
would realise), and one that only the account's own rules read.

A plain tuple, because Python makes and unpacks it in a tenth of the time of one with names.
"""

TradeAmounts = tuple[Any, Any, Any, Any, Any]
"""What was traded in a step, floats or arrays [N]. In order:

quantity (units bought, negative when sold), price, notional (the value traded) and its cost, both
positive, and whether an order was rejected. Without a trade, notional is 0 whatever the price.
"""


RUIN = 1e-6
"""Ruin has no logarithm; it counts as the loss of all but this share."""


class StepPrices(Protocol):
    """What the market did between two decisions; floats, or arrays [N]."""

    @property
    def fill(self) -> Any:
        """Open of the later bar, or its close where the open is unknown."""

    @property
    def final(self) -> Any:
        """Close of the later bar."""

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

    @property
    def period(self) -> Any:
        """1.0 where the step leads to another period, for which cash earns its rate, else 0.0."""


class Expected(NamedTuple):
    """What a step's market was expected to do, given its hidden state; floats, or arrays [N].

    Attributes:
        night: the simple return up to the next open, dividends included.
        day: that from there to the close.
        log: the log return of both.
    """

    night: Any
    day: Any
    log: Any


class ExpectedStep(NamedTuple):
    """What a step was expected to return, in parts of equity; floats, or arrays [N].

    Attributes:
        night: by the position that was carried through the night.
        day: by that of the day.
        rest: costs as they were paid, and what idle cash earned.
    """

    night: Any
    day: Any
    rest: Any

    @property
    def total(self) -> Any:
        """All of it."""
        return self.night + self.day + self.rest


class Account(Protocol):
    """The rules of an account of one asset."""

    def open(self, cash: Any, close: Any) -> Amounts:
        """The amounts at the first decision.

        Args:
            cash: what it starts with; an array [N] for N accounts.
            close: the close at the first decision.
        """

    def step(
        self, before: Amounts, weight: Any, trades: Any, prices: StepPrices
    ) -> tuple[Amounts, TradeAmounts | None, Any]:
        """Go from one decision to the next.

        Args:
            before: the amounts at the earlier decision.
            weight: the target weight that was ordered.
            trades: whether it was ordered; booleans.
            prices: what the market did.

        Returns:
            The amounts at the later decision, what was traded or None, and the return of the step.
        """

    def expected(
        self, before: Amounts, weight: Any, after: Amounts, prices: StepPrices, ahead: Expected
    ) -> ExpectedStep:
        """What a step was expected to return with the positions that it had.

        On average over what the market might have done it is the return of the step.

        Args:
            before: the amounts at the earlier decision.
            weight: the target weight that was ordered.
            after: the amounts at the later decision.
            prices: what the market did.
            ahead: what it was expected to do.
        """


class SpotAccount:
    """Cash and shares: orders fill at the next open, equity is marked at the close.

    Args:
        cost_rate: cost as a share of traded notional.
        resizes: whether an order may grow or shrink a position without turning it around.
        at_close: whether orders fill at the close they were decided on instead, so before what
            happens on an ex-date.
        cash_rate: what cash that is idle at a decision, after orders that fill then, has earned at
            the next one, a period.
    """

    __slots__ = ("at_close", "cash_rate", "rate", "resizes")

    def __init__(
        self, cost_rate: float, resizes: bool, at_close: bool = False, cash_rate: float = 0.0
    ) -> None:
        self.rate = cost_rate
        self.resizes = resizes
        self.at_close = at_close
        self.cash_rate = cash_rate

    def open(self, cash: Any, close: Any) -> Amounts:
        """Cash and no position."""
        zero = cash * 0.0
        return cash, cash, zero, zero, zero, close, zero, zero, cash

    def step(
        self, before: Amounts, weight: Any, trades: Any, prices: StepPrices
    ) -> tuple[Amounts, TradeAmounts | None, Any]:
        """Trade, then mark at the close; the simple return of equity.

        An account that is worth nothing at the fill price is closed out there; its order is
        rejected.
        """
        cash, _, costs, units, entry, close, _, _, divisor_before = before
        price = close if self.at_close else prices.fill
        interest = 0.0
        if self.cash_rate and not self.at_close:
            interest = idle_cash(cash, units * close) * (self.cash_rate * prices.period)
        if prices.ex_date and not self.at_close:
            cash, units, entry = accrue(cash, units, entry, prices.dividend, prices.split)
        trade, rejected = None, False
        ruined = cash + units * price <= 0.0
        # Tests for True and False are spelled out: a call would take as long as the arithmetic.
        if ruined is not False and (ruined is True or np.count_nonzero(ruined)):
            rejected = trades & ruined
            weight, trades = weight * (ruined == 0), trades | ruined
        # Most steps hold; leaving out the arithmetic then changes no bit of the account.
        if trades is not False and (trades is True or np.count_nonzero(trades)):
            held = units
            cash, units, bought, notional, cost = rebalance(
                cash, held, price, weight, trades, self.rate
            )
            opened = trades * share_opened(held, units) if self.resizes else trades
            entry = entry + (price - entry) * opened
            costs = costs + cost
            trade = bought, price, notional, cost, rejected
        if self.cash_rate:
            if self.at_close:
                interest = idle_cash(cash, units * close) * (self.cash_rate * prices.period)
            cash = cash + interest
        if prices.ex_date and self.at_close:
            cash, units, entry = accrue(cash, units, entry, prices.dividend, prices.split)
        close = prices.final
        value = units * close
        equity = cash + value
        # Among many accounts one that is worth nothing waits for its new start.
        divisor = equity + (equity == 0.0)
        weight, unrealised = value / divisor, value - units * entry
        after = cash, equity, costs, units, entry, close, weight, unrealised, divisor
        return after, trade, equity / divisor_before - 1.0

    def expected(
        self, before: Amounts, weight: Any, after: Amounts, prices: StepPrices, ahead: Expected
    ) -> ExpectedStep:
        """Each part of the session in the place of what it brought: costs and interest stay."""
        units, close, divisor = before[3], before[5], before[8]
        equity, held = after[1], after[3]
        overnight = held / prices.split if self.at_close else units
        evening, morning = overnight * close, held * prices.fill
        night = overnight * (prices.split * prices.fill + prices.dividend) - evening
        day = held * prices.final - morning
        return ExpectedStep(
            evening * ahead.night / divisor,
            morning * ahead.day / divisor,
            (equity - night - day) / divisor - 1.0,
        )


class OneAsset(AccountState):
    """The state of an account of one asset, made from its amounts when it is looked into.

    An environment makes one at every step, so it is made bare, and quickly: ``OneAsset()`` with
    ``_values``, the amounts, and ``_symbol`` set after it.
    """

    __slots__ = ("_symbol",)

    __init__ = object.__init__

    _values: Amounts
    _symbol: str

    @property
    def positions(self) -> tuple[Position, ...]:
        """The asset, where it is held."""
        _, _, _, units, entry, price, weight, unrealised, _ = self._values
        position = Position(self._symbol, units, entry, price, weight, unrealised)
        return (position,) if units else ()

    @property
    def marks(self) -> dict[str, float]:
        """The asset's last close."""
        return {self._symbol: self._values[5]}


def reopen(amounts: Amounts, which: npt.NDArray[np.bool_], fresh: Amounts) -> Amounts:
    """Put fresh accounts in the place of some; all amounts are arrays [N]."""
    merged: Amounts = tuple(
        np.where(which, new, old) for new, old in zip(fresh, amounts, strict=True)
    )
    return merged
