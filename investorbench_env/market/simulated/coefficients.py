"""What a law says of the sessions after a decision, whatever the hidden state is then."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.dynamics import Dynamics


class Coefficients(NamedTuple):
    """What a law says of sessions k = 0..H − 1 after a decision, whatever the state [H, ...].

    Attributes:
        growth: E[exp(μ)] by the regime at the decision [H, 3].
        scale: E[k²] of the regimes' volatilities k, by that regime [H, 3].
        grown: E[exp(2μ)] [H, 3]; ``grown_squares`` and ``grown_fourths`` the same times k² and k⁴.
        persistence: of log volatility over k sessions [H].
        gap, mood: what gap and mood at the decision add to e [H].
        gap_share: what a squared volatility adds to the variance of e, k sessions later [H].
        mood_variance: what shocks of the mood add to it [H].
        feedback: what the gap's shocks add to the variance of the sum, per squared volatility [H].
        later: what a unit of the gap at the end of session k + 1 adds to later drifts together [H].
        mood_spread: what shocks of the mood add to the variance of the sum.
        drift_variance: what shocks of mood and regime add to it, by regime [3].
    """

    growth: FloatArray
    scale: FloatArray
    grown: FloatArray
    grown_squares: FloatArray
    grown_fourths: FloatArray
    persistence: FloatArray
    gap: FloatArray
    mood: FloatArray
    gap_share: FloatArray
    mood_variance: FloatArray
    feedback: FloatArray
    later: FloatArray
    mood_spread: float
    drift_variance: FloatArray


@lru_cache(maxsize=64)
def coefficients(dynamics: Dynamics, horizon: int) -> Coefficients:
    """What a law says of the sessions of a horizon, whatever the state."""
    d, keep = dynamics, 1 - dynamics.gap_reversion
    powers = [np.linalg.matrix_power(d.transition, k) for k in range(horizon)]
    grown, squares = np.exp(2 * d.drift), d.regime_scale**2
    moving = np.array([[keep, -d.mood_drift], [0.0, d.mood_persistence]])
    loads = np.array([d.gap_reversion, d.mood_drift])
    effects = np.array([loads @ np.linalg.matrix_power(moving, k) for k in range(horizon)])
    moods = (1 - d.mood_persistence**2) * effects[:, 1] ** 2
    # What a shock at the end of session k + 1 adds to all later drifts of the horizon together.
    later = np.append(np.cumsum(effects, axis=0)[-2::-1], np.zeros((1, 2)), axis=0)
    persisted = (1 - d.mood_persistence**2) * float((later[:, 1] ** 2).sum())
    return Coefficients(
        growth=np.array([power @ np.exp(d.drift) for power in powers]),
        scale=np.array([power @ squares for power in powers]),
        grown=np.array([power @ grown for power in powers]),
        grown_squares=np.array([power @ (grown * squares) for power in powers]),
        grown_fourths=np.array([power @ (grown * squares**2) for power in powers]),
        persistence=np.array([d.volatility_persistence**k for k in range(horizon)]),
        gap=effects[:, 0],
        mood=effects[:, 1],
        gap_share=(d.gap_noise * effects[:, 0]) ** 2,
        mood_variance=np.append(0.0, np.cumsum(moods)[:-1]),
        feedback=_feedback(d, later[:, 0]),
        later=later[:, 0],
        mood_spread=persisted,
        drift_variance=persisted + _regime_variance(d, horizon),
    )


def _feedback(d: Dynamics, later: FloatArray) -> FloatArray:
    """Variance that is due to how a session's shock moves the gap, besides that of its return."""
    shared = -(d.gap_noise**2) / 2
    in_return = np.ones(len(later))
    in_return[0] = 1 - d.overnight_share  # the first night is over before the position is entered
    return 2 * in_return * shared * later + (d.gap_noise * later) ** 2


def _regime_variance(d: Dynamics, horizon: int) -> FloatArray:
    """Variance of the regimes' drifts over the sessions after the first, by regime [3]."""
    mean, square = np.zeros(3), np.zeros(3)
    for _ in range(horizon - 1):
        after, after_square = d.transition @ mean, d.transition @ square
        mean, square = d.drift + after, d.drift**2 + 2 * d.drift * after + after_square
    first: FloatArray = d.transition @ square - (d.transition @ mean) ** 2
    return first
