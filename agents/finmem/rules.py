"""What the words buy, hold and sell mean in an environment: in a prompt, and as actions."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from investorbench.agents.finmem.settings import require_daily
from investorbench.agents.single_asset import takes_weight
from investorbench_env.facts import Facts
from investorbench_env.spaces import TRADE_WORDS, TradeWord

HOLD_MEANS = {"keep": "keep the position that you have", "flat": "have no position"}
SHORT = "be short of the asset with all of the account"
OUT = "close the position and stay in cash"
FILLED = {
    "next_open": "at the next open",
    "next_close": "at the next close",
    "close": "at today's close",
}
WORTH = "Change it when the evidence is worth the cost, not because a day has passed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of an environment, as far as they concern a decision.

    Attributes:
        hold: what HOLD does to a position, ``"keep"`` or ``"flat"``.
        long_only: whether SELL means cash.
        by_weight: whether an action is a target weight.
        log_returns: whether labels are log returns.
        fills: when orders fill, as facts name it.
        cost_rate: of what is traded.
    """

    hold: str
    long_only: bool
    by_weight: bool
    log_returns: bool
    fills: str
    cost_rate: float

    @classmethod
    def of(cls, facts: Facts) -> "Rules":
        """The rules of an environment.

        Raises:
            InvestorBenchError: its actions are not those of FinMem, or its bars are not daily.
        """
        by_weight = takes_weight(facts, "finmem")
        require_daily(facts, "finmem")
        return cls(
            hold="keep" if by_weight else facts.hold,
            long_only=facts.long_only,
            by_weight=by_weight,
            log_returns=facts.convention == "log",
            fills=facts.fills,
            cost_rate=facts.cost_rate,
        )

    def words(self) -> dict[str, str]:
        """The meaning of sell and hold and what a change takes, as a prompt words it."""
        return {
            "sell": OUT if self.long_only else SHORT,
            "hold": HOLD_MEANS[self.hold],
            "change": change_words(self.fills, self.cost_rate),
        }

    def target(self, word: TradeWord, weight: float) -> float:
        """The number of the action: 0 sell, 1 hold, 2 buy; or a target weight.

        Args:
            word: what was decided.
            weight: of the position now; it is what hold aims at.
        """
        if not self.by_weight:
            return TRADE_WORDS.index(word)
        lowest = 0.0 if self.long_only else -1.0
        return {"sell": lowest, "hold": min(max(weight, lowest), 1.0), "buy": 1.0}[word]

    def action(self, target: float) -> Any:
        """The number as the environment takes it: an int, or a weight float32 [1]."""
        return np.array([target], dtype=np.float32) if self.by_weight else int(target)

    def simple_return(self, label: float) -> float:
        """A label as a simple return."""
        return math.expm1(label) if self.log_returns else label


def change_words(fills: str, cost_rate: float) -> str:
    """When an order is filled and what that costs, after its subject.

    Args:
        fills: as facts name it.
        cost_rate: of what is traded.
    """
    filled = f"is filled {FILLED.get(fills, 'at the next price there is')}"
    costs = f"costs {cost_rate:.2%} of what is traded. {WORTH}"
    return f"{filled} and {costs if cost_rate else 'costs nothing.'}"
