"""What a snapshot is scored by: its return, and what of it was to be expected.

The evaluator alone knows it. An agent is shown what its own position returned and no more.
"""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym

from investorbench_env.errors import MarketError
from investorbench_env.facts import Facts
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.market.simulated.conditional import conditional
from investorbench_env.market.simulated.horizon_law import HorizonLaw


def scored_by(
    env: gym.Env[Any, Any], facts: Facts, shown: Mapping[str, Any]
) -> dict[str, float] | None:
    """What a snapshot is scored by, once it is decided; None of a step of an account.

    Args:
        env: of the snapshot, after its step.
        facts: of the environment.
        shown: the info after the step, with the hidden state of a simulated market.

    Returns:
        What a position of weight 1 returned, and of a simulated market the ``mean`` and the
        ``variance`` of that, and how likely it is to be above 0 (``up``), given the hidden state at
        the decision.
    """
    if facts.horizon is None:
        return None
    scored = {"return": float(env.get_wrapper_attr("earned"))}
    if hidden := shown.get("hidden_state"):
        at = -1 - facts.horizon  # a drawn market ends with the horizon
        state = {name: values[at] for name, values in hidden.items()}
        try:
            dynamics = dynamics_of(shown["symbol"], facts.asset_class)
            expected = conditional(dynamics, state, facts.horizon)
            up = float(HorizonLaw.of(dynamics, state, facts.horizon).up)
        except MarketError:
            return scored  # a law of which the state says too little
        mean, variance = float(expected.mean), float(expected.variance)
        scored |= {"mean": mean, "variance": variance, "up": up}
    return scored
