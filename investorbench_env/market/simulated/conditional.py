"""What the hidden state of a simulated market at a decision says of the sessions after it.

For an evaluator: no agent is shown any of it. Every step is elementwise, so a state has the same
figures to the bit alone and among many.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError
from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.coefficients import Coefficients, coefficients
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.elementary import exp, log
from investorbench_env.market.simulated.noise import NoisyDynamics

State = Mapping[str, Any]
"""What ``Market.hidden_state`` holds at one session of one market, or of many, by name [...]."""


class NextSession(NamedTuple):
    """The expected returns of the next session, simple ones but for the last [...].

    The night's and the day's shocks are independent, so a position that is changed at the open is
    expected to earn each at the weight that it has through it.

    Attributes:
        night: from this close to the next open, dividends included.
        day: from that open to its close.
        log: the log return from close to close.
    """

    night: FloatArray
    day: FloatArray
    log: FloatArray


class ExpectedReturn(NamedTuple):
    """What a position of weight 1 earns that is entered at the next open and kept for a horizon.

    It is day₁ + Σ r_k over k = 2..H: the first session without its night, then simple returns from
    close to close, of a weight that stays the same.

    Attributes:
        mean: its expectation [...].
        variance: its variance [...].
        night, day: as in ``NextSession``; the first night is no part of the mean.
        sessions: expected simple returns from close to close, the first one's whole [H, ...].
    """

    mean: FloatArray
    variance: FloatArray
    night: FloatArray
    day: FloatArray
    sessions: FloatArray


def next_session(
    dynamics: Dynamics, expected_return: npt.ArrayLike, volatility: npt.ArrayLike
) -> NextSession:
    """Divide what the next session is expected to return into night and day.

    With e the log of one plus it, ω the overnight share and c the jumps' compensation, which all
    falls into the night, the night grows by exp(ω·e + (1 − ω)·c) and the day by
    exp((1 − ω)·(e − c)). The log return is e − σ²/2 − c, as jumps are 0 on average. Exact, under
    every law; what is always open has no night.

    Args:
        dynamics: the parameters of the market.
        expected_return, volatility: as in ``Market.hidden_state`` [...].
    """
    whole, spread = (np.asarray(given, dtype=np.float64) for given in (expected_return, volatility))
    night_share, day_share = dynamics.overnight_share, 1.0 - dynamics.overnight_share
    e, c = log(1.0 + whole), dynamics.jump_compensation
    logs = np.asarray(e - spread * spread / 2 - c)
    if not night_share:
        return NextSession(np.zeros_like(whole), whole, logs)
    night = exp(night_share * e + day_share * c) - 1.0
    return NextSession(night, exp(day_share * (e - c)) - 1.0, logs)


def conditional(dynamics: Dynamics, state: State, horizon: int) -> ExpectedReturn:
    """Mean and variance of what a position earns over the next sessions, given the hidden state.

    The first session is exact. Of a later one, e = μ(z) + κ·x + β·m: the regime's part of E[exp(e)]
    is exact by its chain, mood and gap move on by their autoregressions, and add half their
    variance, that of the gap with its expected volatility. What is left out, the third cumulants of
    the gap and what it has in common with the regime, is less than .001 basis points a session.

    The variance sums the expected square of each session's shock, which is exact for regimes, log
    volatility and jumps, what a shock takes back as the gap closes, and the spread of later drifts.
    Products of drifts with such covariances are left out: some thousandths of it.

    Args:
        dynamics: the parameters of the market.
        state: its hidden state at the decision.
        horizon: H, in sessions.

    Raises:
        MarketError: a horizon below 1; or above 1 under a law whose drift has parts that regime,
            gap and mood do not say.
    """
    require_horizon(dynamics, horizon)
    ahead = coefficients(dynamics, horizon)
    read = {name: np.asarray(values, dtype=np.float64) for name, values in state.items()}
    regime = read["regime"].astype(np.int64)
    gap, mood, first = read["value_gap"], read["mood"], read["expected_return"]
    squares = _mean_squares(dynamics, ahead, regime, read["volatility"])
    night, day, _ = next_session(dynamics, first, read["volatility"])
    means = [first]
    variance = ahead.drift_variance[regime] + _day_variance(dynamics, day, squares[0])
    variance = variance + ahead.feedback[0] * squares[0]
    for k in range(1, horizon):
        spread = ahead.mood_variance[k] + sum(
            ahead.gap_share[k - 1 - j] * squares[j] for j in range(k)
        )
        drift = exp(ahead.gap[k] * gap + ahead.mood[k] * mood + spread / 2)
        means.append(ahead.growth[k][regime] * drift - 1.0)
        variance = variance + ahead.feedback[k] * squares[k]
        variance = variance + drift * drift * exp(spread) * _shock(
            dynamics, ahead, regime, squares[k], k
        )
    mean = day
    for later in means[1:]:
        mean = mean + later
    return ExpectedReturn(mean, np.asarray(variance), night, day, np.stack(means))


def require_horizon(dynamics: Dynamics, horizon: int) -> None:
    """Refuse what the state does not say.

    Raises:
        MarketError: see ``conditional``.
    """
    if horizon < 1:
        raise MarketError(f"horizon={horizon} must be at least 1 session")
    if horizon > 1 and isinstance(dynamics, NoisyDynamics):
        raise MarketError(
            "how guidance and facts go on is not part of what is expected beyond the next session: "
            "use horizon=1, or a simulated asset without noise, such as SIM"
        )


def _mean_squares(
    d: Dynamics, ahead: Coefficients, regime: npt.NDArray[np.int64], volatility: FloatArray
) -> list[FloatArray]:
    """Expected squares of the volatility in each session [H][...]."""
    now = volatility * volatility
    # Of log volatility h, in excess of its mean: twice it, and what its spread adds in the end.
    twice = log(now / (ahead.scale[0][regime] * d.diffusion**2)) + 2 * d.volatility_spread**2
    return [now] + [
        d.diffusion**2
        * ahead.scale[k][regime]
        * exp(kept * twice - 2 * d.volatility_spread**2 * kept**2)
        for k, kept in enumerate(ahead.persistence.tolist())
        if k
    ]


def _shock(
    d: Dynamics, ahead: Coefficients, regime: npt.NDArray[np.int64], square: FloatArray, k: int
) -> FloatArray:
    """E[exp(2μ)·(exp(σ²)·j − 1)] of a later session, with j of its jumps, to σ⁴ [...]."""
    jumps = _jump_square(d)
    scale, kept = ahead.scale[k][regime], float(ahead.persistence[k])
    fourth = 4 * d.volatility_spread**2 * (1 - kept**2)
    squares = square * (ahead.grown_squares[k][regime] / scale)
    fourths = square * square * np.exp(fourth) * (ahead.grown_fourths[k][regime] / (scale * scale))
    return np.asarray((jumps - 1.0) * ahead.grown[k][regime] + jumps * (squares + fourths / 2))


def _day_variance(d: Dynamics, day: FloatArray, square: FloatArray) -> FloatArray:
    """Variance of the first session's day; without a night, all jumps fall into it [...]."""
    jumps = 1.0 if d.overnight_share else _jump_square(d)
    grown = (1.0 + day) * (1.0 + day)
    return np.asarray(grown * (exp((1.0 - d.overnight_share) * square) * jumps - 1.0))


def _jump_square(d: Dynamics) -> float:
    """E[exp(2J)] / E[exp(J)]² of a session's jump."""
    spread = (d.jump_size * d.daily_volatility) ** 2
    return float(1 + d.jump_rate * np.expm1(2 * spread)) / float(np.exp(2 * d.jump_compensation))
