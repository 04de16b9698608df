"""What an agent's positions were expected to return, where the market is a simulated one.

It is worked out after the fact, from the episode and its market drawn once more, so no part of it
can reach an agent.
"""

from investorbench.tasks.expected.steps import (
    ExpectedEpisode,
    KnownMarket,
    expected_episode,
    why_unknown,
)
from investorbench.tasks.expected.summary import ExpectedResult, expected_of

__all__ = [
    "ExpectedEpisode",
    "ExpectedResult",
    "KnownMarket",
    "expected_episode",
    "expected_of",
    "why_unknown",
]
