"""One decision of an episode and what came of it."""

from dataclasses import dataclass
from typing import Any

from investorbench_env.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One decision and what came of it.

    Attributes:
        repeat: 0 for the first run over the splits.
        seed: what the agent of this repeat begins with.
        market_seed: what its environment begins with.
        split: the split it belongs to.
        facts: of the split's environment.
        number: 0 for the first decision of the split.
        info: what the agent was given beside the observation.
        action: what it chose, in plain JSON values.
        forecast: what it said of the return, in plain values; None where it said nothing.
        reward: what that returned.
        outcome: the info after the step.
        is_last: whether the split ended with it.
        thought: what the action rests on, where the agent says so.
        observed: SHA-256 of what the agent was shown; None where nothing is recorded.
    """

    repeat: int
    seed: int
    market_seed: int
    split: str
    facts: Facts
    number: int
    info: dict[str, Any]
    action: Any
    reward: float
    outcome: dict[str, Any]
    is_last: bool
    thought: dict[str, Any] | None = None
    observed: str | None = None
    forecast: dict[str, Any] | None = None

    @property
    def steps(self) -> int:
        """How many the split has at most."""
        return self.facts.steps
