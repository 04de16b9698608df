"""The oracle of simulated perpetuals: what their hidden trend is worth."""

from datetime import datetime
from typing import Any

import numpy as np

from investorbench.agents.signal_rules import LEVERAGE, Info, Observation, Sides, SignalRule
from investorbench_env.errors import MarketError
from investorbench_env.market.market import Market

PROMISING = 0.2
"""Standard deviations of a trend from which a position is worth its fees."""


class PerpetualOracle(SignalRule):
    """On the side of the hidden trend of each coin, where that is worth the fees.

    A yardstick and no optimum: positions are of one size, whatever the trend.

    Args:
        market: that the environment runs on, with its ``hidden_state``.
        promising: standard deviations of a trend from which a position is entered.
        leverage: of its entries.

    Raises:
        MarketError: the market has no hidden trend.
    """

    name = "oracle"
    condition = "the hidden trend turns against the position"

    def __init__(
        self, market: Market, *, promising: float = PROMISING, leverage: int = LEVERAGE
    ) -> None:
        super().__init__(leverage)
        state = market.hidden_state or {}
        if "trend" not in state:
            raise MarketError(
                f"an oracle of perpetuals needs simulated ones; {market!r} has no hidden trend"
            )
        self.promising = promising
        self._trend = dict(zip(market.symbols, state["trend"].T, strict=True))
        self._times = market.times.astype("datetime64[s]").astype(np.int64)

    def act(self, observation: Observation, info: Info) -> dict[str, dict[str, Any]]:
        """Signals by coin; a coin that is left out is held."""
        now = datetime.fromisoformat(info["time"]).timestamp()
        self._now = int(np.searchsorted(self._times, now))
        return super().act(observation, info)

    def sides(self, observation: Observation, held: Sides) -> Sides:
        trend = np.array([self._trend[symbol].item(self._now) for symbol in self._symbols])
        entered = np.sign(trend) * (np.abs(trend) >= self.promising)
        # What is held stays until the trend has turned.
        return np.where((held == 0.0) | (np.sign(trend) != held), entered, np.nan)
