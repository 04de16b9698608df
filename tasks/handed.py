"""What an agent may be handed that others cannot know, and what every table says of it then."""

from collections.abc import Sequence

from investorbench.agents.parts import DYNAMICS, MARKET
from investorbench_env.facts import Facts

HANDED = "handed"
"""Names the setting of a job that lists what its agents are handed."""


def knowledge(handed: Sequence[str], facts: Facts) -> str:
    """What an agent knows beyond what it observes, in words; empty for nothing."""
    if MARKET in handed:
        return "knows the hidden state" if facts.simulated else "knows the future"
    return "knows the law" if DYNAMICS in handed else ""
