"""Pictures of an episode so far, as text and as pixels; knows neither markets nor accounts."""

from investorbench_env.rendering.frame import Event, Frame, Trade
from investorbench_env.rendering.picture import rgb_array
from investorbench_env.rendering.terminal import ansi

__all__ = ["Event", "Frame", "Trade", "ansi", "rgb_array"]
