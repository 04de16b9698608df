"""What an agent may be handed that others cannot know, and what every table says of it then."""

from collections.abc import Sequence

from investorbench_env.facts import Facts

MARKET, DYNAMICS = "market", "dynamics"
"""The market of an episode, future and hidden state included; the parameters of a simulated one.

An agent asks for them by the name of a parameter that it cannot be made without.
"""
HANDED = "handed"
"""Names the setting of a job that lists what its agents are handed."""


def knowledge(handed: Sequence[str], facts: Facts) -> str:
    """What an agent knows beyond what it observes, in words; empty for nothing."""
    if MARKET in handed:
        return "knows the hidden state" if facts.simulated else "knows the future"
    return "knows the law" if DYNAMICS in handed else ""
