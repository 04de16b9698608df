"""The bookkeeping of the published experiments, for comparison with their numbers only."""

from typing import Any

from investorbench_env.accounting.account import (
    Amounts,
    Expected,
    ExpectedStep,
    StepPrices,
    TradeAmounts,
)
from investorbench_env.accounting.spot import Number


def compound(equity: Number, weight: Number, log_return: Number) -> tuple[Number, Number]:
    """The step of the protocol ``paper`` (docs/protocols.md): (equity, reward).

    The reward is weight * ln(p' / p); equity compounds it as if it were a simple return.
    """
    reward = weight * log_return
    return equity * (1.0 + reward), reward


class PaperAccount:
    """A weight from close to close, no cash, no cost.

    Of its amounts, units are the weight, cash is the part of equity that it leaves, entry the close
    at which the weight was set, and the last one the equity at which it was set.
    """

    __slots__ = ()

    def open(self, cash: Any, close: Any) -> Amounts:
        """Equity and no weight."""
        zero = cash * 0.0
        return cash, cash, zero, zero, zero, close, zero, zero, cash

    def step(
        self, before: Amounts, weight: Any, trades: Any, prices: StepPrices
    ) -> tuple[Amounts, TradeAmounts | None, Any]:
        """Set the weight at the earlier close; its return is the weight times the log return."""
        _, equity_before, costs, _, entry, close, held, _, opening = before
        weight = trades * weight + (trades == 0) * held
        changed = (weight != held) * 1.0
        quantity = weight - held
        notional = changed * abs(quantity) * equity_before
        entry = (changed * close + (1.0 - changed) * entry) / prices.split
        opening = changed * equity_before + (1.0 - changed) * opening
        equity, reward = compound(equity_before, weight, prices.log_return)
        unrealised = (weight != 0.0) * (equity - opening)
        cash, final = equity - weight * equity, prices.final
        after = cash, equity, costs, weight, entry, final, weight, unrealised, opening
        cost = costs  # there are none
        return after, (quantity, close, notional, cost, False), reward

    def expected(
        self, before: Amounts, weight: Any, after: Amounts, prices: StepPrices, ahead: Expected
    ) -> ExpectedStep:
        """The weight times the expected log return, all of it as of the day."""
        held = after[3]
        nothing = held * 0.0
        return ExpectedStep(nothing, held * ahead.log, nothing)
