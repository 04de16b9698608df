"""Pictures of an episode so far, as text and as pixels; knows neither markets nor accounts."""

from investorbench_env.rendering.frame import (
    AssetTrade,
    Event,
    Frame,
    HoldingRow,
    PortfolioFrame,
    Trade,
)
from investorbench_env.rendering.picture import rgb_array
from investorbench_env.rendering.portfolio_picture import portfolio_rgb_array
from investorbench_env.rendering.portfolio_terminal import portfolio_ansi
from investorbench_env.rendering.terminal import ansi

__all__ = [
    "AssetTrade",
    "Event",
    "Frame",
    "HoldingRow",
    "PortfolioFrame",
    "Trade",
    "ansi",
    "portfolio_ansi",
    "portfolio_rgb_array",
    "rgb_array",
]
