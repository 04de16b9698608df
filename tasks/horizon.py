"""What a snapshot or a forecast is scored by: a return, and what of it was to be expected.

The evaluator alone knows it. An agent is shown what its own position returned and no more.
"""

from typing import Any

import gymnasium as gym

from investorbench_env.errors import MarketError
from investorbench_env.facts import Facts
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.market.simulated.conditional import conditional
from investorbench_env.market.simulated.horizon_law import HorizonLaw


def scored_by(
    env: gym.Env[Any, Any], facts: Facts, *, is_foretold: bool
) -> dict[str, float] | None:
    """What a decision is scored by, once it is taken; None of a step that only its account scores.

    Args:
        env: of the decision, after its step.
        facts: of the environment.
        is_foretold: whether there is a forecast of it.

    Returns:
        What a position of weight 1 returned, and of a snapshot of a simulated market the ``mean``
        and the ``variance`` of that, and how likely it is to be above 0 (``up``), given the hidden
        state at the decision.
    """
    if facts.horizon is None:
        return _of_a_step(env, facts) if is_foretold else None
    own: Any = env.unwrapped  # whatever a wrapper says
    scored = {"return": float(own.earned)}
    if state := own.hidden_state:
        try:
            dynamics = dynamics_of(own.symbol, facts.asset_class)
            expected = conditional(dynamics, state, facts.horizon)
            up = float(HorizonLaw.of(dynamics, state, facts.horizon).up)
        except MarketError:
            return scored  # a law of which the state says too little
        mean, variance = float(expected.mean), float(expected.variance)
        scored |= {"mean": mean, "variance": variance, "up": up}
    return scored


def _of_a_step(env: gym.Env[Any, Any], facts: Facts) -> dict[str, float] | None:
    """What a position returned over a step; None where it begins only as the step ends."""
    if facts.fills not in ("next_open", "close"):
        return None
    own: Any = env.unwrapped
    try:
        return {"return": float(own.earned)}
    except AttributeError:
        return None  # of several assets, or of somebody else's
