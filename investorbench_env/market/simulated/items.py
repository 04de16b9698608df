"""What a simulated text has to say, before it is put into words."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from investorbench_env.market.documents import Sentiment
from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.process import SimulatedPaths

IntArray = npt.NDArray[np.int64]
About = Literal["own", "other", "nothing", "repeat"]
HOUR, MINUTE = np.timedelta64(3600, "s"), np.timedelta64(60, "s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What one text has to say, before it is put into words.

    Attributes:
        session: after whose decision before, and before whose decision, the text appears.
        available_at: when it appears, ``datetime64[s]`` UTC.
        known: the last session whose state the text may reflect.
        reported: the session whose state it reflects.
        kind: ``"news"``, ``"10-Q"`` or ``"10-K"``.
        about: the asset itself, another, nothing of weight, or an older text.
        statements: topic and polarity of what it says [1 for news].
        sentiment: its label.
        number: a large integer that fixes the words.
    """

    session: int
    available_at: np.datetime64
    known: int
    reported: int
    kind: str
    about: About
    statements: tuple[tuple[str, int], ...]
    sentiment: Sentiment | None
    number: int


def state_scores(
    dynamics: Dynamics, path: SimulatedPaths
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The components that texts report on, each in standard deviations, in order of TOPICS [T]."""
    return (
        dynamics.regime_score[path.regime[0]],
        path.gap[0] / dynamics.gap_spread,
        path.mood[0],
    )


def combined(first: int, second: int) -> int:
    """Two integers of 62 bits as one, which is enough for all choices of words in a text."""
    return first << 62 | second
