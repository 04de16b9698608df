"""An account of several assets that is traded to target weights, from one decision to the next.

It knows rules and keeps no amounts, like the accounts of one asset: the amounts of one account are
floats and arrays [A], those of N accounts arrays [N] and [A, N].
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from investorbench_env.accounting.spot import idle_cash
from investorbench_env.accounting.weights import (
    Traded,
    accrue_some,
    average_entries,
    over_assets,
    short_value,
    trade_to_weights,
)


class WeightAmounts(NamedTuple):
    """What an account amounts to at a decision.

    Attributes:
        cash: money; a short sale adds its proceeds.
        equity: cash and all positions at their marks.
        costs: the sum of all trading costs so far, and of fees for borrowed shares.
        units: shares held, negative when short [A] or [A, N].
        entries: their average prices; 0 of what is not held.
        marks: the last price of each asset.
        values: of the positions at their marks.
        weights: of the positions as shares of equity.
        unrealised: what closing each position at its mark would realise.
    """

    cash: Any
    equity: Any
    costs: Any
    units: Any
    entries: Any
    marks: Any
    values: Any
    weights: Any
    unrealised: Any


class SessionPrices(Protocol):
    """What the market did between two decisions; arrays [A], [A, 1] or [A, N]."""

    @property
    def fill(self) -> Any:
        """Open of the later bar, or its close; of what does not trade, its last price."""

    @property
    def final(self) -> Any:
        """Close of the later bar; of what does not trade, its last price."""

    @property
    def trades(self) -> Any:
        """Which assets trade; None for all."""

    @property
    def ex_date(self) -> bool:
        """Whether there was a dividend, a split or a delisting at all."""

    @property
    def dividend(self) -> Any:
        """Cash for each share held at the earlier decision."""

    @property
    def split(self) -> Any:
        """Shares for each share held at the earlier decision; 0 of what was delisted."""

    @property
    def period(self) -> Any:
        """1.0 where the step leads to another period, for which cash earns its rate, else 0.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsAccount:
    """Cash and shares of several assets: orders fill at the next open, marks are closes.

    Attributes:
        cost_rate: cost as a share of traded notional.
        max_gross: the most that absolute weights may add up to.
        cash_rate: what cash that is idle at a decision has earned at the next one, a period.
        borrow_rate: what shares that are short at a decision cost until the next, a period.
        can_be_ruined: whether there are short positions or debts.
    """

    cost_rate: float
    max_gross: float = 1.0
    cash_rate: float = 0.0
    borrow_rate: float = 0.0
    can_be_ruined: bool = False

    def open(self, cash: Any, closes: Any) -> WeightAmounts:
        """Cash and no position.

        Args:
            cash: what it starts with; an array [N] for N accounts.
            closes: at the first decision [A] or [A, N].
        """
        nothing = np.zeros((len(closes), *np.shape(cash)))
        return WeightAmounts(
            cash, cash, cash * 0.0, nothing, nothing, closes, nothing, nothing, nothing
        )

    def step(
        self, before: WeightAmounts, weights: Any, accepted: Any, prices: SessionPrices
    ) -> tuple[WeightAmounts, Traded, Any]:
        """Trade, then mark at the close.

        An account that is worth nothing at the fill prices is closed out there; its order is
        rejected.

        Args:
            before: the amounts at the earlier decision.
            weights: the target weights that were ordered.
            accepted: whether they were an order; True for all accounts, or booleans [N].
            prices: what the market did.

        Returns:
            The amounts at the later decision, what was traded, and which orders were rejected
            because the account was ruined: False for none, or booleans.
        """
        cash, _, costs, units, entries, *_ = before
        earned, fee = self._carry(before, prices.period)
        if prices.ex_date:
            cash, units, entries = accrue_some(cash, units, entries, prices.dividend, prices.split)
        trades, ruined = prices.trades, False
        if self.can_be_ruined:
            ruined = cash + over_assets(units * prices.fill) <= 0.0
            if np.count_nonzero(ruined):
                weights, accepted = weights * (ruined == 0), accepted | ruined
        if not np.all(accepted):
            trades = accepted if trades is None else trades & accepted
        traded = trade_to_weights(
            cash, units, prices.fill, weights, trades, self.cost_rate, self.max_gross
        )
        entries = average_entries(entries, traded, prices.fill)
        cash = traded.cash + earned - fee
        after = marked(cash, costs + traded.cost + fee, traded.units, entries, prices.final)
        return after, traded, ruined

    def _carry(self, before: WeightAmounts, period: Any) -> tuple[Any, Any]:
        """What idle cash has earned and what borrowed shares have cost by the next decision."""
        if not (self.cash_rate or self.borrow_rate):
            return 0.0, 0.0
        short = short_value(before.units * before.marks)
        # The proceeds of short sales are not idle: they secure what was borrowed.
        idle = idle_cash(before.cash, -short)
        return idle * (self.cash_rate * period), short * (self.borrow_rate * period)


def marked(cash: Any, costs: Any, units: Any, entries: Any, marks: Any) -> WeightAmounts:
    """The amounts of an account, from those that the others follow from."""
    values = units * marks
    equity = cash + over_assets(values)
    # Among many accounts one that is worth nothing waits for its new start.
    weights = values * (1.0 / (equity + (equity == 0.0)))
    unrealised = units * entries
    np.subtract(values, unrealised, out=unrealised)
    return WeightAmounts(cash, equity, costs, units, entries, marks, values, weights, unrealised)
