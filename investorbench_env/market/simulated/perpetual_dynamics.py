"""The parameters of simulated perpetuals: what drives their prices, and what their premium."""

from dataclasses import dataclass, fields

import numpy as np

from investorbench_env.errors import MarketError

HOURS_A_YEAR = 8_760
SHARES = "price_share", "volatility_share", "trend_share", "premium_share"
MAY_BE_ZERO = (*SHARES, "trend_strength", "volatility_spread", "jump_rate", "market_jump_rate",
               "jump_size", "open_share", "crowding", "premium_mean", "premium_spread")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualDynamics:
    """Parameters of the model in :class:`~.perpetual_law.PerpetualLaw`, the same for all coins.

    Times are in hours, so that bars of any length follow one law. The figures are round ones near
    those of six coins on a real venue in 2024 and 2025, but for the trend, which is as strong as
    it takes to tell who follows it.

    Attributes:
        trend_strength: standard deviation of the hourly drift, in hourly volatilities.
        trend_hours: after how many hours a trend counts for 1/e.
        volatility_spread: standard deviation of the log volatility.
        volatility_hours: after how many hours it counts for 1/e.
        jump_rate: jumps of a coin by itself, an hour.
        market_jump_rate: jumps of all coins at once, an hour.
        jump_size: standard deviation of a jump, in hourly volatilities.
        open_share: of the variance of a bar, how much falls between the close before and the open.
        premium_mean: of the perpetual over the oracle price, as a share.
        premium_spread: standard deviation of the premium, as a share.
        premium_hours: after how many hours it counts for 1/e, but for what trends make of it.
        crowding: share of the premium's variance that follows the trend.
        price_share, volatility_share, trend_share, premium_share: how much of the shocks to each
            is the market's: the correlation of two coins.

    Raises:
        MarketError: a value that is none.
    """

    trend_strength: float = 0.12
    trend_hours: float = 96.0
    volatility_spread: float = 0.4
    volatility_hours: float = 6.0
    jump_rate: float = 1 / 48
    market_jump_rate: float = 1 / 96
    jump_size: float = 1.0
    open_share: float = 0.01
    premium_mean: float = 0.0003
    premium_spread: float = 0.0007
    premium_hours: float = 10.0
    crowding: float = 0.25
    price_share: float = 0.73
    volatility_share: float = 0.6
    trend_share: float = 0.5
    premium_share: float = 0.35

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not np.isfinite(value) or value < 0 or (not value and each.name not in MAY_BE_ZERO):
                raise MarketError(f"{each.name}={value!r} of simulated perpetuals makes no sense")
        for name in (*SHARES, "crowding", "open_share"):
            if getattr(self, name) > 1:
                raise MarketError(f"{name}={getattr(self, name):g} is a share: give 0 to 1")
        if max(self.jump_rate, self.market_jump_rate) > 1:
            raise MarketError("jumps come at most once an hour: jump_rate and market_jump_rate")

    def keep(self, name: str, hours: float) -> float:
        """What is left of ``trend``, ``volatility`` or ``premium`` after some hours, a share."""
        return float(np.exp(-hours / getattr(self, f"{name}_hours")))
