"""Scores against calculations of other shape: in exact fractions, by energies, by definitions."""

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.forecasts import QuantileForecast
from investorbench.tasks.forecasts.proper import (
    brier,
    crps_normal,
    crps_quantiles,
    log_score,
)
from investorbench.tasks.forecasts.stated import NormalLaws, QuantileLaws, up_of

CLOSE = {"rel": 0.0, "abs": 1e-12}
shares = st.floats(0.0, 1.0)
returns = st.floats(-3.0, 3.0)


@given(shares, shares)
def test_brier_is_the_mean_of_both_outcomes_by_their_chances(up: float, chance: float) -> None:
    p, q = Fraction(up), Fraction(chance)
    exact = q * (p - 1) ** 2 + (1 - q) * p**2
    assert float(brier(np.float64(up), np.float64(chance))) == pytest.approx(float(exact), **CLOSE)  # type: ignore[arg-type]


@given(shares, shares)
def test_the_log_score_clips_at_one_hundredth(up: float, chance: float) -> None:
    p = min(max(up, 0.01), 0.99)
    exact = -(chance * math.log(p) + (1.0 - chance) * math.log(1.0 - p))
    found = float(log_score(np.float64(up), np.float64(chance)))  # type: ignore[arg-type]
    assert found == pytest.approx(exact, **CLOSE)
    assert found <= -math.log(0.01) + 1e-12


@given(returns, st.floats(1e-3, 3.0), returns)
def test_the_crps_of_a_normal_law_is_its_energy(mean: float, sd: float, outcome: float) -> None:
    # E|X − y| − E|X − X'|/2, with the mean of a folded normal law.
    away = mean - outcome
    folded = sd * math.sqrt(2 / math.pi) * math.exp(-0.5 * (away / sd) ** 2)
    folded += away * math.erf(away / sd / math.sqrt(2))
    found = crps_normal(np.array(mean), np.array(sd), np.array(outcome))
    assert float(found) == pytest.approx(folded - sd / math.sqrt(math.pi), **CLOSE)


@given(st.lists(returns, min_size=3, max_size=3).map(sorted), returns)
def test_the_score_of_quantiles_is_twice_their_mean_pinball_loss(
    values: list[float], outcome: float
) -> None:
    losses = [
        Fraction(level) * (Fraction(outcome) - Fraction(value))
        if outcome >= value
        else (1 - Fraction(level)) * (Fraction(value) - Fraction(outcome))
        for level, value in zip((0.1, 0.5, 0.9), values, strict=True)
    ]
    found = crps_quantiles(np.array([0.1, 0.5, 0.9]), np.array(values), np.array(outcome))
    assert float(found) == pytest.approx(float(2 * sum(losses) / 3), **CLOSE)


def test_the_score_of_dense_quantiles_tends_to_that_of_their_law() -> None:
    law = NormalDist(0.01, 0.03)
    levels = (np.arange(2_000) + 0.5) / 2_000
    values = np.array([law.inv_cdf(level) for level in levels])
    dense = crps_quantiles(levels, values, np.array(0.02))
    assert dense == pytest.approx(crps_normal(np.array(0.01), np.array(0.03), np.array(0.02)), 1e-3)


@given(shares, shares)
def test_no_probability_is_expected_to_score_better_than_the_true_one(up: float, q: float) -> None:
    for score in (brier, log_score):
        stated, true = (float(score(np.array(p), np.array(q))) for p in (up, q))
        assert stated >= true - 1e-12


def test_no_law_is_expected_to_score_better_than_the_true_one() -> None:
    levels = (np.arange(400) + 0.5) / 400
    true = np.array([[NormalDist(0.01, 0.03).inv_cdf(level) for level in levels]])
    own = NormalLaws(np.array([0.01]), np.array([0.03]))
    assert own.crps(true).mean() == pytest.approx(own.least(true)[0], abs=2e-5)
    few = np.array([0.1, 0.5, 0.9])
    best = QuantileLaws(few, np.quantile(true, few, axis=1).T)
    assert best.crps(true).mean() == pytest.approx(best.least(true)[0], abs=1e-6)
    for mean, sd in ((0.0, 0.03), (0.01, 0.02), (0.02, 0.05)):
        laws = NormalLaws(np.array([mean]), np.array([sd]))
        assert laws.crps(true).mean() > laws.least(true)[0]


@pytest.mark.parametrize(
    ("values", "up"),
    [
        ((-0.02, -0.01, 0.03), 1 - (0.5 + 0.25 * 0.4)),
        ((0.01, 0.02, 0.03), 1 - 0.05),
        ((-0.03, -0.02, -0.01), 0.05),
        ((0.0, 0.0, 0.01), 0.5),
    ],
)
def test_the_probability_of_up_by_quantiles(values: tuple[float, ...], up: float) -> None:
    forecast = QuantileForecast(levels=(0.1, 0.5, 0.9), values=values, horizon=1)
    assert up_of(forecast) == pytest.approx(up)
