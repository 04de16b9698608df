"""exp and log of our own: right, and the same for a number wherever it stands."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.market.simulated.elementary import exp, log

RNG = np.random.default_rng(0)
EXPONENTS = np.concatenate([RNG.uniform(-700, 700, 5000), RNG.normal(0, 0.1, 5000), [0.0]])
POSITIVE = np.concatenate([1 - RNG.random(5000), np.exp(RNG.uniform(-300, 300, 5000)), [1.0]])


@pytest.mark.parametrize(
    ("ours", "exact", "numbers"), [(exp, math.exp, EXPONENTS), (log, math.log, POSITIVE)]
)
def test_they_are_right_to_two_units_of_the_last_bit(ours, exact, numbers):
    right = np.array([exact(number) for number in numbers.tolist()])
    assert (np.abs(ours(numbers) - right) <= 2 * np.spacing(np.abs(right))).all()


def test_what_would_be_infinite_is_cut_off():
    assert np.array_equal(exp(np.array([-1e9, 1e9])), exp(np.array([-700.0, 700.0])))
    assert np.isfinite(exp(np.array([1e9]))).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 700), st.integers(0, 60), st.integers(1, 9), st.sampled_from([exp, log]))
def test_a_number_has_the_same_one_wherever_it_stands(length, first, step, ours):
    numbers = POSITIVE[: 1000 if ours is log else None]
    whole = ours(numbers)
    places = slice(first, first + length * step, step)
    assert np.array_equal(ours(numbers[places]), whole[places])
    assert ours(numbers[first : first + 1])[0] == whole[first]
