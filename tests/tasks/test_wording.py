"""Figures as a reader sees them: one way to write each kind of them."""

import math

import pytest

from investorbench.tasks.wording import (
    count,
    listed,
    number,
    p_equals,
    p_value,
    percent,
    probability,
    rank,
    roughly,
    usd,
)


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (-1234.56, 1, "−1,234.6"),
        (1234567, 0, "1,234,567"),
        (-0.004, 2, "0.00"),
        (None, 1, "–"),
        (math.nan, 1, "–"),
        (math.inf, 0, "–"),
    ],
)
def test_a_number_has_a_real_minus_and_none_before_a_zero(
    value: float | None, digits: int, shown: str
) -> None:
    assert number(value, digits) == shown


def test_a_share_is_written_in_percent() -> None:
    assert [percent(-0.0345), percent(12.0, 0), percent(None)] == ["−3.5", "1,200", "–"]


@pytest.mark.parametrize(
    ("p", "cell", "words"),
    [
        (0.0004, "<.001", "p < .001"),
        (0.0049, ".005", "p = .005"),
        (0.04, ".04", "p = .04"),
        (0.05, ".05", "p = .05"),
        (0.0501, ".051", "p = .051"),
        (0.0549, ".055", "p = .055"),
        (0.056, ".06", "p = .06"),
        (1.0, "1.00", "p = 1.00"),
    ],
)
def test_a_p_value_is_written_alike_in_tables_and_sentences(
    p: float, cell: str, words: str
) -> None:
    assert (p_value(p), p_equals(p)) == (cell, words)


def test_a_probability_is_never_rounded_to_certainty() -> None:
    shown = [probability(p) for p in (0.0341, 0.0004, 0.9996, 1.0, None, math.nan)]
    assert shown == [".034", "<.001", ">.999", "1.000", "–", "–"]


def test_money_below_a_dollar_has_as_many_digits_as_it_takes() -> None:
    shown = [usd(amount) for amount in (1234.5, 0.25, 0.000123, 0.0, None)]
    assert shown == ["1,234.50 USD", "0.2500 USD", "0.000123 USD", "0.00 USD", "–"]


def test_things_are_counted_in_singular_and_plural() -> None:
    assert [count(1, "day"), count(2000, "draw"), count(0, "repeat")] == [
        "1 day", "2,000 draws", "0 repeats",
    ]  # fmt: skip


def test_an_estimate_has_two_digits_that_mean_anything() -> None:
    assert [roughly(value) for value in (9612.0, 38.4, 4.31, 0.854)] == [
        "9,600",
        "38",
        "4.3",
        "0.85",
    ]


def test_places_are_one_or_a_range_and_names_a_list() -> None:
    assert [rank((1, 13)), rank((2, 2))] == ["1–13", "2"]
    assert [listed(["a"]), listed(["a", "b", "c"])] == ["a", "a, b and c"]
