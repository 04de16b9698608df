"""The text reader: understands the texts of a simulated market, and looks at nothing else."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from investorbench.agents.simulated.outlook import trade_on
from investorbench.agents.simulated.statements import new_statements
from investorbench.agents.single_asset import takes_weight
from investorbench_env.facts import Facts


class TextReader:
    """Adds up what the texts say, forgets it day by day, and looks at nothing else.

    Args:
        memory_days: after how many decisions a text counts for 1/e.
        conviction: the balance of good and bad texts from which it acts.
    """

    def __init__(self, *, memory_days: float = 10.0, conviction: float = 1.0) -> None:
        self._keep = float(np.exp(-1 / memory_days))
        self._conviction = conviction
        self._balance = 0.0

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Forget everything.

        Raises:
            InvestorBenchError: there are several assets.
        """
        takes_weight(facts, "text reader")
        self._balance = 0.0

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int:
        """Sell, hold or buy."""
        statements = new_statements(observation, info["symbol"])
        self._balance = self._keep * self._balance + sum(each.polarity for _, each in statements)
        return trade_on(self._balance, self._conviction)
