"""Indicators against values worked out by hand and by other forms of their definitions."""

import numpy as np
import pytest

from investorbench_env.indicators import ema, macd, rsi

CLOSES = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.02, 120)))


def test_an_average_follows_its_recursion() -> None:
    # α = 2/(3 + 1) = 1/2: 10, then halfway to each next value.
    np.testing.assert_allclose(ema(np.array([10.0, 12.0, 16.0, 8.0]), 3), [10.0, 11.0, 13.5, 10.75])


@pytest.mark.parametrize("span", [1, 7, 20])
def test_an_average_is_the_weighted_sum_that_its_recursion_amounts_to(span: int) -> None:
    alpha = 2 / (span + 1)
    ages = np.arange(len(CLOSES))[::-1]
    weights = alpha * (1 - alpha) ** ages
    weights[0] = (1 - alpha) ** ages[0]
    assert ema(CLOSES, span)[-1] == pytest.approx(weights @ CLOSES, rel=1e-12)


def test_an_average_of_one_session_is_its_value_and_of_none_is_none() -> None:
    assert ema(np.array([5.0]), 12).tolist() == [5.0]
    assert ema(np.array([]), 12).tolist() == []


def test_macd_is_the_difference_of_the_averages_of_12_and_26() -> None:
    fast, slow = 2 / 13, 2 / 27
    # After one step from 100 to 113 the averages stand at 100 + 13 α.
    line = macd(np.array([100.0, 113.0]))
    np.testing.assert_allclose(line, [0.0, 13 * (fast - slow)], atol=1e-12)
    constant = np.full(50, 42.0)
    np.testing.assert_array_equal(macd(constant), 0.0)


def test_rsi_is_that_of_a_hand_calculation() -> None:
    # Changes +2, -1, +3 with α = 1/2: rises 2, 1, 2; falls 0, .5, .25.
    assert rsi(np.array([10.0, 12.0, 11.0, 14.0]), period=2) == pytest.approx(100 * 2 / 2.25)


def test_rsi_smooths_with_wilders_share_of_one_over_the_period() -> None:
    changes = np.diff(CLOSES)
    ages = np.arange(len(changes))[::-1]
    weights = (13 / 14) ** ages / 14
    weights[0] *= 14
    rise, fall = weights @ np.maximum(changes, 0), weights @ np.maximum(-changes, 0)
    assert rsi(CLOSES) == pytest.approx(100 - 100 / (1 + rise / fall), rel=1e-12)


@pytest.mark.parametrize(
    ("closes", "expected"),
    [([1.0, 2.0, 3.0], 100.0), ([3.0, 2.0, 1.0], 0.0), ([2.0, 2.0], 50.0), ([2.0], 50.0)],
)
def test_rsi_of_one_direction_or_of_none_is_at_an_end_or_in_the_middle(
    closes: list[float], expected: float
) -> None:
    assert rsi(np.array(closes)) == expected


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_rsi_does_not_depend_on_the_unit_of_prices(scale: float) -> None:
    assert rsi(CLOSES * scale) == pytest.approx(rsi(CLOSES), rel=1e-9)
