"""The oracle: sees the hidden state of a simulated market, and is the yardstick of the others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from investorbench.agents.simulated.outlook import (
    COST_RATE,
    PATIENCE_DAYS,
    FloatArray,
    outlook,
    trade_on,
)
from investorbench_env.errors import MarketError
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import Dynamics, dynamics_of


class Oracle:
    """Knows the hidden state of a simulated market at each decision, and what comes of it.

    Args:
        market: the market that the environment runs on, with its ``hidden_state``.
        dynamics: its parameters; the defaults of its symbol and asset class for None.
        cost_rate: cost of a trade as a share of its notional.
        patience_days: how long a position is expected to stay, in sessions.

    Raises:
        MarketError: the market has no hidden state.
    """

    def __init__(
        self,
        market: Market,
        dynamics: Dynamics | None = None,
        *,
        cost_rate: float = COST_RATE,
        patience_days: float = PATIENCE_DAYS,
    ) -> None:
        state = market.hidden_state
        if state is None:
            raise MarketError(f"an oracle needs a simulated market; {market!r} has no hidden state")
        known = dynamics or dynamics_of(market.symbols[0], market.asset_class)
        regime = state["regime"][:, 0].astype(int)
        weights = outlook(known, patience_days)
        gains = weights[regime] + weights[3] * state["value_gap"][:, 0]
        self._gains: FloatArray = gains + weights[4] * state["mood"][:, 0]
        self._times = market.times.astype("datetime64[s]").astype(np.int64)
        self._cost_rate = cost_rate

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> int:
        """Sell, hold or buy."""
        now = datetime.fromisoformat(info["time"]).timestamp()
        t = int(np.searchsorted(self._times, now))
        return trade_on(float(self._gains[t]), self._cost_rate)
