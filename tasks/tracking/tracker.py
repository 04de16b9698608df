"""What a tracker is: something that opens a log for each episode."""

from collections.abc import Mapping
from typing import Protocol

from investorbench.tasks.tracking.figures import Figures
from investorbench.tasks.tracking.parameters import EpisodeParameters


class Log(Protocol):
    """Of one episode. Its methods are called in order, from one thread."""

    def step(self, number: int, seconds: float, figures: Figures) -> None:
        """Keep what there is to plot of a step.

        Args:
            number: of the step in its split.
            seconds: when it was decided, since 1970, in the market's time.
            figures: by name, such as ``"test/equity"``.
        """
        ...

    def end(self, figures: Mapping[str, float], *, failed: bool) -> None:
        """Close it.

        Args:
            figures: the metrics of the episode; nothing where it failed.
            failed: whether it broke off.
        """
        ...


class Tracker(Protocol):
    """Opens a log for each episode; many may be open at once, and they know nothing of each other.

    Attributes:
        name: what messages call it.
    """

    name: str

    def begin(self, parameters: EpisodeParameters) -> Log:
        """Open the log of an episode; called from the thread that will fill it."""
        ...
