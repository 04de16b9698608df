"""What agents share that decide on several assets: which actions they take, how a reply reads."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from investorbench_env.facts import Facts

OF_SEVERAL = ("orders", "weights")
"""What actions are where an account is divided among assets."""


def action_in(given: Any, facts: Facts) -> Any:
    """An action in plain values as the environment takes it; None where it is none.

    Args:
        given: a list of orders, of which each is judged by the environment; or a weight of each
            asset, in a list in their order or by symbol, where those without one get 0.
        facts: of the environment.
    """
    if facts.action == "orders":
        return given if isinstance(given, list) else None
    if isinstance(given, Mapping):
        if not given.keys() <= set(facts.symbols):
            return None
        given = [given.get(symbol, 0.0) for symbol in facts.symbols]
    if not isinstance(given, list) or any(type(each) not in (int, float) for each in given):
        return None
    weights = np.array(given, dtype=np.float32)
    least = 0.0 if facts.long_only else -1.0
    fits = weights.shape == (len(facts.symbols),) and ((weights >= least) & (weights <= 1.0)).all()
    return weights if fits else None
