"""What the hidden state of a simulated market is worth to a position, and what to do about it."""

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError
from investorbench_env.market.simulated import Dynamics, NoisyDynamics
from investorbench_env.spaces import BUY, HOLD, SELL

COST_RATE = 0.001
"""Cost of a trade as a share of its notional, as under the protocol ``standard``."""
PATIENCE_DAYS = 12.0
"""How long a position is expected to stay, in sessions."""

FloatArray = npt.NDArray[np.float64]


def require_state(dynamics: Dynamics, name: str) -> None:
    """Refuse a law whose expected returns have parts that regime, gap and mood do not tell.

    Raises:
        MarketError: it has.
    """
    if isinstance(dynamics, NoisyDynamics):
        raise MarketError(
            f"{name} knows regime, gap and mood, and nothing of guidance and facts, by which a "
            "noisy market moves: use a simulated task without them, such as stock/sim"
        )


def outlook(dynamics: Dynamics, patience_days: float = PATIENCE_DAYS) -> FloatArray:
    """What each part of the state is worth to a position taken at the next open [5].

    The expected return e is linear in the state s = (bear, calm, bull, gap, mood), and so is the
    expectation of the next state, M s. A position that is kept from session to session with
    probability γ earns Σ_k γ^k E[e_{t+k}] without the first night, so the weights are
    e'((I − γM)⁻¹ − ωI) with ω the overnight share of a session's drift.
    """
    earned = np.array([*dynamics.drift, dynamics.gap_reversion, dynamics.mood_drift])
    step = np.zeros((5, 5))
    step[:3, :3] = dynamics.transition.T
    step[3, 3] = 1.0 - dynamics.gap_reversion
    step[3, 4] = -dynamics.mood_drift
    step[4, 4] = dynamics.mood_persistence
    keep = 1 - 1 / patience_days
    weights: FloatArray = earned @ (
        np.linalg.inv(np.eye(5) - keep * step) - dynamics.overnight_share * np.eye(5)
    )
    return weights


def trade_on(gain: float, threshold: float) -> int:
    """Buy or sell when what a position is expected to gain exceeds a threshold, else hold."""
    if gain > threshold:
        return BUY
    return SELL if gain < -threshold else HOLD
