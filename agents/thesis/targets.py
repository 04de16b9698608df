"""Which target weight each of the five decisions stands for."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from investorbench.agents.thesis.thesis import CLASSES
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.spaces import TRADE_WORDS

Targets = Mapping[str, float]

TARGETS: Targets = MappingProxyType(
    {"STRONG_BUY": 1.0, "BUY": 0.5, "HOLD": 0.0, "SELL": -0.5, "STRONG_SELL": -1.0}
)
"""By decision; where a task is long only, what is below 0 is 0."""


def targets_of(given: Mapping[str, Any] | None) -> Targets:
    """A table of target weights from settings.

    Args:
        given: weights by decision, in any case, of all five; None for ``TARGETS``.

    Raises:
        UnknownNameError: there is no such decision.
        InvestorBenchError: a decision is missing, or a weight is none.
    """
    if given is None:
        return TARGETS
    own = {str(name).upper(): weight for name, weight in given.items()}
    for name in own:
        if name not in CLASSES:
            raise UnknownNameError("decision", name.lower(), map(str.lower, CLASSES))
    if missing := [name for name in CLASSES if name not in own]:
        raise InvestorBenchError(
            f"weights lack {', '.join(map(str.lower, missing))}: give one for each decision"
        )
    for name, weight in own.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not (is_number and math.isfinite(weight) and -1.0 <= weight <= 1.0):
            raise InvestorBenchError(
                f"weights.{name.lower()}={weight!r} must be a number from -1 to 1"
            )
    return MappingProxyType({name: float(own[name]) for name in CLASSES})


def meant(decision: str | None, targets: Targets, facts: Facts) -> str | float | None:
    """A decision as the environment's action says it: a word, or a target weight.

    Args:
        decision: one of ``CLASSES``; None for none.
        targets: the table.
        facts: of the environment.
    """
    if decision is None:
        return None
    weight = targets[decision]
    if facts.action == "weight":
        return max(weight, 0.0) if facts.long_only else weight
    # The nearest of the three, halves away from hold: a half position is not to be had.
    return TRADE_WORDS[(weight >= 0.5) - (weight <= -0.5) + 1]
