"""Pictures of an episode so far, as text and as pixels; knows neither markets nor accounts."""

from investorbench_env.rendering.arena_frame import ArenaFrame, PositionSpan
from investorbench_env.rendering.arena_picture import arena_rgb_array
from investorbench_env.rendering.arena_terminal import arena_ansi
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
    "ArenaFrame",
    "AssetTrade",
    "Event",
    "Frame",
    "HoldingRow",
    "PortfolioFrame",
    "PositionSpan",
    "Trade",
    "ansi",
    "arena_ansi",
    "arena_rgb_array",
    "portfolio_ansi",
    "portfolio_rgb_array",
    "rgb_array",
]
