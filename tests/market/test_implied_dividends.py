"""Dividends that only the adjusted close shows: found beyond the rounding of a file, not below."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from investorbench_env.market.files.implied_dividends import Adjustment, read_adjustment

Floats = npt.NDArray[np.float64]


def read(close: Floats, adjusted: Floats) -> Adjustment:
    ones = np.ones(len(close))
    return read_adjustment(close, adjusted, ones, ones)


def paid(close: Floats, adjusted: Floats) -> dict[int, float]:
    """Cash by session, from the close before."""
    found = read(close, adjusted).distributions
    return {each.session: each.share * close[each.earliest - 1] for each in found}


def test_dividends_follow_from_close_and_adjusted_close() -> None:
    # 0.56 paid on the third day on a close of 200: everything before shrinks by 0.28 %.
    close = np.array([198.0, 200.0, 201.0, 202.0])
    adjusted = close * np.array([1 - 0.56 / 200, 1 - 0.56 / 200, 1, 1])

    assert paid(close, adjusted) == {2: pytest.approx(0.56)}


def test_a_small_dividend_stands_out_of_the_rounding() -> None:
    close = np.random.default_rng(2).uniform(440, 460, 100).round(2)
    close[59] = 450.0
    shrunk = np.where(np.arange(100) < 60, 1 - 0.04 / 450, 1)

    assert paid(close, (close * shrunk * 0.9731).round(6)) == {60: pytest.approx(0.04, rel=0.02)}


def test_a_missing_bar_does_not_hide_a_dividend() -> None:
    close = np.array([198.0, np.nan, 201.0, 202.0])
    found = read(close, np.array([198.0 * (1 - 1 / 198), np.nan, 201.0, 202.0])).distributions

    assert [(each.earliest, each.latest) for each in found] == [(1, 2)]
    assert found[0].share == pytest.approx(1 / 198)


@given(
    seed=st.integers(0, 2**32),
    level=st.sampled_from([0.3, 2.0, 9.0, 40.0, 300.0]),
    decimals=st.sampled_from([2, 4, 6, None]),
    as_traded=st.booleans(),
)
@example(seed=4125124, level=40.0, decimals=4, as_traded=False)
@settings(max_examples=40, deadline=None)
def test_rounding_alone_is_never_a_dividend(
    seed: int, level: float, decimals: int | None, as_traded: bool
) -> None:
    """A share that never paid and split 15 for 1: closes as traded, or in today's shares."""
    rng = np.random.default_rng(seed)
    today = level * np.exp(np.cumsum(rng.normal(0, 0.02, 400)))
    shares = np.where(np.arange(400) < rng.integers(50, 350), 15.0, 1.0)
    traded = np.maximum((today * shares).round(2), 0.01)
    exact = traded / shares
    close = traded if as_traded else rounded(exact, decimals)
    scale = 1 / shares if as_traded else np.ones(400)
    ratios = np.append(1.0, shares[:-1] / shares[1:])

    found = read_adjustment(close, rounded(exact * 0.8731, decimals), scale, ratios)

    assert found.distributions == ()


def rounded(prices: Floats, decimals: int | None) -> Floats:
    if decimals is None:
        return prices.astype(np.float32).astype(float)
    return np.maximum(prices.round(decimals), 10.0**-decimals)


@given(seed=st.integers(0, 2**32), decimals=st.sampled_from([2, 4, 6, None]))
@settings(max_examples=40, deadline=None)
def test_quarterly_dividends_are_found_on_their_days_however_a_file_is_rounded(
    seed: int, decimals: int | None
) -> None:
    rng = np.random.default_rng(seed)
    close = (60 * np.exp(np.cumsum(rng.normal(0, 0.01, 500)))).round(2)
    days = np.arange(31, 500, 63)
    cash = dict(zip(days.tolist(), rng.uniform(0.004, 0.01, len(days)), strict=True))
    factor = np.ones(500)
    for day, share in cash.items():
        factor[:day] *= 1 - share

    found = {
        each.session: each.share
        for each in read(close, rounded(close * factor, decimals)).distributions
    }

    assert list(found) == list(cash)
    for day, share in cash.items():
        assert found[day] == pytest.approx(share, abs=1.5e-4)


def test_noise_of_single_precision_is_no_dividend() -> None:
    """Vendors multiply factors that are rounded each: some days are off by a millionth."""
    close = np.full(300, 65.0)
    adjusted = close * 0.9
    adjusted[150:] *= 1 + 1.1e-6

    assert read(close, adjusted).distributions == ()


def test_a_close_in_another_unit_for_a_day_is_odd_and_pays_nothing() -> None:
    close = np.full(50, 53.0)
    adjusted = close.copy()
    close[20] = 5300.0
    found = read(close, adjusted)

    assert found.distributions == ()
    assert list(found.odd) == [20]


def test_a_factor_that_falls_is_no_distribution() -> None:
    close = np.full(50, 53.0)
    adjusted = np.where(np.arange(50) < 20, 53.0, 50.0)
    found = read(close, adjusted)

    assert found.distributions == ()
    assert list(found.falls) == [20]
