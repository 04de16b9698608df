"""What an agent is shown of the accounts beside its own, where the rules show ranks."""

from collections.abc import Mapping
from typing import Any

Ranks = dict[str, Any]
"""``rank`` of an account, 1 for the highest; ``of`` how many; ``equities`` of all, falling."""
RIVALS = "rivals"
"""Names the setting of a job that lists all agents of its tournament: its ranks rest on them."""


def ranks_of(equities: Mapping[str, float], name: str) -> Ranks:
    """What an agent is shown; equal accounts share the better rank.

    Args:
        equities: of all accounts at one decision, by agent.
        name: the agent.
    """
    ordered = sorted(equities.values(), reverse=True)
    return {
        "rank": ordered.index(equities[name]) + 1,
        "of": len(ordered),
        "equities": ordered,
    }
