"""What is expected given the hidden state, against sessions that are drawn from it step by step."""

from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from investorbench_env.errors import MarketError
from investorbench_env.market.simulated import Dynamics, dynamics_of, simulate_many
from investorbench_env.market.simulated.conditional import conditional, next_session
from investorbench_env.market.simulated.horizon_law import HorizonLaw
from investorbench_env.market.simulated.path_market import hidden_state

FloatArray = npt.NDArray[np.float64]

STATES = {"bear": (0, 0.05, -1.0, 0.5), "calm": (1, 0.1, 1.0, 0.3), "bull": (2, -0.08, 1.5, -0.3)}
"""Regime, gap, mood, log volatility."""
PATHS = 40_000


def named(dynamics: Dynamics, regime: int, gap: float, mood: float, h: float) -> dict[str, Any]:
    """A hidden state as a market holds it."""
    d = dynamics
    expected = d.drift[regime] + d.gap_reversion * gap + d.mood_drift * mood
    return {
        "regime": float(regime),
        "value_gap": gap,
        "mood": mood,
        "volatility": d.diffusion * d.regime_scale[regime] * np.exp(h - d.volatility_spread**2),
        "expected_return": np.expm1(expected),
    }


def drawn(dynamics: Dynamics, state: tuple[int, float, float, float], horizon: int) -> FloatArray:
    """What the formulas of ``simulate`` earn from a state, session by session [PATHS]."""
    d, rng, (z, x, m, h) = dynamics, np.random.default_rng(7), state
    regime = np.full(PATHS, z)
    gap, mood, log_volatility, earned = x, m, h, np.zeros(PATHS)
    shared, night = 1 - d.gap_noise**2 / 2, d.overnight_share
    for k in range(horizon):
        half = rng.standard_normal((6, PATHS // 2))
        evening, morning, own, other, changed, jumped = np.concatenate([half, -half], axis=1)
        expected = d.drift[regime] + d.gap_reversion * gap + d.mood_drift * mood
        level = d.diffusion * d.regime_scale[regime]
        volatility = level * np.exp(log_volatility - d.volatility_spread**2)
        jump = (rng.random(PATHS) < d.jump_rate) * d.jump_size * d.daily_volatility * jumped
        mean = expected - volatility**2 / 2 - d.jump_compensation
        overnight = night * mean + np.sqrt(night) * volatility * evening + jump * (night > 0)
        intraday = (1 - night) * mean + np.sqrt(1 - night) * volatility * morning
        intraday = intraday + jump * (night == 0)
        earned += np.expm1(intraday + (overnight if k else 0.0))
        shock = np.sqrt(night) * evening + np.sqrt(1 - night) * morning
        gap = gap * (1 - d.gap_reversion) - d.mood_drift * mood
        gap = gap + volatility * ((shared - 1) * shock + np.sqrt(1 - shared**2) * own)
        keep, persist = d.mood_persistence, d.volatility_persistence
        mood = keep * mood + np.sqrt(1 - keep**2) * changed
        shock = d.leverage * shock + np.sqrt(1 - d.leverage**2) * other
        log_volatility = (
            persist * log_volatility + d.volatility_spread * np.sqrt(1 - persist**2) * shock
        )
        leaves = np.cumsum(d.transition, axis=1)[regime]
        regime = (rng.random(PATHS)[:, None] >= leaves[:, :2]).sum(axis=1)
    return earned


@pytest.mark.parametrize("kind", ["stock", "crypto"])
@pytest.mark.parametrize("name", STATES)
def test_mean_and_variance_are_those_of_sessions_that_are_drawn(kind: str, name: str) -> None:
    dynamics = dynamics_of("SIM", kind)
    for horizon in (1, 5):
        earned = drawn(dynamics, STATES[name], horizon)
        said = conditional(dynamics, named(dynamics, *STATES[name]), horizon)
        deviations = earned - earned.mean()
        kurtosis = (deviations**4).mean() / earned.var() ** 2
        assert abs(earned.mean() - said.mean) < 4 * earned.std() / np.sqrt(PATHS)
        assert earned.var() / said.variance == pytest.approx(1.0, abs=4 * np.sqrt(kurtosis / PATHS))


@pytest.mark.parametrize("kind", ["stock", "crypto"])
@pytest.mark.parametrize("name", STATES)
def test_probabilities_are_the_shares_of_sessions_that_are_drawn(kind: str, name: str) -> None:
    dynamics = dynamics_of("SIM", kind)
    for horizon in (1, 5):
        earned = drawn(dynamics, STATES[name], horizon)
        law = HorizonLaw.of(dynamics, named(dynamics, *STATES[name]), horizon)
        values = np.append(np.quantile(earned, [0.01, 0.1, 0.5, 0.9, 0.99]), 0.0)
        shares = (earned[:, None] <= values).mean(axis=0)
        error = 4 * np.sqrt(shares * (1 - shares) / PATHS)
        assert np.all(np.abs([law.cdf(value) for value in values] - shares) < error + 1e-3)
        assert law.up == 1 - law.cdf(0.0)


def test_the_law_of_one_session_with_a_night_is_exact() -> None:
    dynamics = dynamics_of()
    state = named(dynamics, *STATES["calm"])
    # The day has .7 of the drift and the variance, and no jump: its log return is normal.
    e, c, volatility = (
        np.log1p(state["expected_return"]),
        dynamics.jump_compensation,
        state["volatility"],
    )
    normal = NormalDist(0.7 * (e - c - volatility**2 / 2), np.sqrt(0.7) * volatility)
    law = HorizonLaw.of(dynamics, {name: np.full(3, of) for name, of in state.items()}, 1)
    values = np.array([-0.03, 0.0, 0.02])
    expected = [normal.cdf(np.log1p(value)) for value in values.tolist()]
    assert law.cdf(values) == pytest.approx(expected, abs=2e-5)
    assert law.cdf(-2.0).tolist() == [0.0, 0.0, 0.0]
    drawn = [np.expm1(normal.inv_cdf((k + 0.5) / 20)) for k in range(20)]
    assert law.returns(20) == pytest.approx(np.tile(drawn, (3, 1)), abs=1e-4)


def test_equally_likely_returns_are_quantiles_of_the_law() -> None:
    dynamics = dynamics_of()
    law = HorizonLaw.of(dynamics, named(dynamics, *STATES["bear"]), 5)
    returns = law.returns(200)
    levels = [float(law.cdf(value)) for value in returns.tolist()]
    assert levels == pytest.approx((np.arange(200) + 0.5) / 200, abs=5e-3)
    assert returns.mean() == pytest.approx(float(law.expected), abs=2e-4)


def test_night_and_day_of_the_next_session_by_hand() -> None:
    dynamics = Dynamics(annual_volatility=0.35)
    # σ = .35/√252; jumps of 3σ with probability .012: c = ln(1 + .012·(exp(4.5σ²) − 1)).
    c = np.log1p(0.012 * np.expm1(4.5 * 0.35**2 / 252))
    e = np.log(1.004)
    night, day, logs = next_session(dynamics, 0.004, 0.03)
    assert night == pytest.approx(np.exp(0.3 * e + 0.7 * c) - 1, abs=1e-15)
    assert day == pytest.approx(np.exp(0.7 * (e - c)) - 1, abs=1e-15)
    assert logs == pytest.approx(e - 0.03**2 / 2 - c, abs=1e-15)
    assert (1 + night) * (1 + day) == pytest.approx(1.004, abs=1e-15)


def test_what_never_closes_has_no_night() -> None:
    night, day, _ = next_session(dynamics_of("SIM", "crypto"), [0.004, -0.01], [0.03, 0.04])
    assert night.tolist() == [0.0, 0.0]
    assert day.tolist() == [0.004, -0.01]


def test_a_state_has_the_same_figures_alone_and_among_many() -> None:
    dynamics = dynamics_of()
    many = hidden_state(simulate_many([3], 125, dynamics))
    together = conditional(dynamics, many, 5)
    for t in (0, 41, 120):
        alone = conditional(dynamics, {name: values[t] for name, values in many.items()}, 5)
        assert (alone.mean, alone.variance) == (together.mean[t], together.variance[t])
        assert alone.sessions.tolist() == together.sessions[:, t].tolist()


def test_what_the_state_does_not_say_is_refused() -> None:
    state = named(dynamics_of(), *STATES["bull"])
    with pytest.raises(MarketError, match="horizon=0 must be at least 1"):
        conditional(dynamics_of(), state, 0)
    with pytest.raises(MarketError, match="guidance and facts"):
        conditional(dynamics_of("SIM-Noise"), state, 2)


@pytest.mark.parametrize("seed", range(3))
def test_another_law_has_its_own_mean_variance_and_probabilities(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dynamics = Dynamics(
        regime_days=tuple(rng.uniform(3, 60, 3).tolist()),
        regime_drift=tuple(rng.uniform(-0.4, 0.4, 3).tolist()),
        regime_volatility=tuple(rng.uniform(0.5, 2, 3).tolist()),
        gap_reversion=float(rng.uniform(0.01, 0.3)),
        gap_noise=float(rng.uniform(0, 1.4)),
        mood_days=float(rng.uniform(1.5, 30)),
        volatility_days=float(rng.uniform(2, 60)),
        leverage=float(rng.uniform(-0.9, 0.3)),
        jump_rate=float(rng.uniform(0, 0.03)),
        overnight_share=float(rng.uniform(0, 0.6)),
    )
    gap, mood, h = (rng.normal(0, [dynamics.gap_spread, 1.0, dynamics.volatility_spread])).tolist()
    state = int(rng.integers(3)), gap, mood, h
    earned, known = drawn(dynamics, state, 10), named(dynamics, *state)
    said, law = conditional(dynamics, known, 10), HorizonLaw.of(dynamics, known, 10)
    kurtosis = ((earned - earned.mean()) ** 4).mean() / earned.var() ** 2
    assert abs(earned.mean() - said.mean) < 4 * earned.std() / np.sqrt(PATHS)
    assert earned.var() / said.variance == pytest.approx(1.0, abs=4 * np.sqrt(kurtosis / PATHS))
    values = np.quantile(earned, [0.05, 0.5, 0.95])
    assert [float(law.cdf(value)) for value in values] == pytest.approx(
        [0.05, 0.5, 0.95], abs=0.011
    )
