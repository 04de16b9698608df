"""From vendor prices back to prices as traded; every number by hand."""

import numpy as np
import pandas as pd

from investorbench_env.market.files.assemble import assemble
from investorbench_env.market.files.corporate_actions import (
    Actions,
    ShareSplit,
    as_traded,
    known_actions,
    on_whole_cents,
)

DAYS = np.array(["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01"], dtype="datetime64[D]")
TESLA = ShareSplit(ex_date=np.datetime64("2022-08-25"), ratio=3.0)
FOUR = Actions(complete=True, splits=(ShareSplit(ex_date=DAYS[2], ratio=4.0),))


def test_prices_that_were_divided_by_a_split_are_multiplied_again() -> None:
    close = np.array([125.01, 124.8075, 129.04, 134.18])

    traded = as_traded(DAYS, close, None, FOUR)

    np.testing.assert_array_equal(traded.factor, [4, 4, 1, 1])
    np.testing.assert_array_equal(traded.ratios, [1, 1, 4, 1])


def test_prices_that_are_as_traded_already_are_left_alone() -> None:
    close = np.array([500.04, 499.23, 129.04, 134.18])

    traded = as_traded(DAYS, close, None, FOUR)

    np.testing.assert_array_equal(traded.factor, [1, 1, 1, 1])
    np.testing.assert_array_equal(traded.ratios, [1, 1, 4, 1])


def test_a_tiny_split_is_told_by_the_adjusted_close_where_prices_cannot() -> None:
    tiny = Actions(complete=True, splits=(ShareSplit(ex_date=DAYS[2], ratio=1.046),))
    raw = np.array([104.6, 104.6, 104.6, 104.6])
    adjusted = np.array([100.0, 100.0, 104.6, 104.6])

    assert (as_traded(DAYS, raw, adjusted, tiny).factor == 1).all()
    divided = as_traded(DAYS, adjusted, adjusted, tiny)
    np.testing.assert_allclose(divided.factor, [1.046, 1.046, 1, 1])


def test_a_later_split_that_is_inside_the_prices_is_told_by_whole_cents() -> None:
    later = Actions(
        complete=True, splits=(ShareSplit(ex_date=np.datetime64("2022-08-25"), ratio=3.0),)
    )
    as_it_was = np.array([673.61, 664.33, 672.37, 670.94])

    traded = as_traded(DAYS, as_it_was / 3, None, later)

    np.testing.assert_allclose(as_it_was / 3 * traded.factor, as_it_was)
    assert "whole cents" in traded.findings[0]


def test_a_later_split_that_is_not_inside_is_reported_and_not_undone() -> None:
    later = Actions(
        complete=True, splits=(ShareSplit(ex_date=np.datetime64("2022-08-25"), ratio=3.0),)
    )

    traded = as_traded(DAYS, np.array([673.61, 664.33, 672.37, 670.94]), None, later)

    assert (traded.factor == 1).all()
    assert "taken as not adjusted" in traded.findings[0]


def test_a_file_that_says_up_to_which_day_it_is_adjusted_is_believed() -> None:
    later = Actions(
        complete=True,
        splits=(
            ShareSplit(ex_date=np.datetime64("2022-08-25"), ratio=3.0),
            ShareSplit(ex_date=np.datetime64("2024-06-10"), ratio=10.0),
        ),
    )
    close = np.array([200.0, 201.0, 202.0, 203.0])

    traded = as_traded(DAYS, close, None, later, basis=np.datetime64("2023-01-01"))

    assert (traded.factor == 3).all()


def test_unknown_splits_are_reported() -> None:
    adjusted = np.array([12.345, 12.346, 12.347, 12.348])

    traded = as_traded(DAYS, adjusted, None, Actions())

    assert "splits are unknown" in traded.findings[0]


def test_a_split_that_no_list_has_is_seen_where_the_adjusted_close_leaves_the_close() -> None:
    close = np.array([100.0, 102.0, 50.5, 51.0])
    adjusted = np.array([50.0, 51.0, 50.5, 51.0])

    traded = as_traded(DAYS, close, adjusted, Actions())

    np.testing.assert_array_equal(traded.ratios, [1, 1, 2, 1])
    np.testing.assert_array_equal(traded.factor, [1, 1, 1, 1])
    assert "2:1 on 2020-08-31" in traded.findings[0]


def test_volume_is_divided_where_prices_are_multiplied() -> None:
    frame = pd.DataFrame(
        {"date": DAYS.astype("datetime64[ns]"), "close": [25.0, 25.0, 25.5, 26.0], "volume": 400.0}
    )
    market = assemble("XYZ", "stock", frame, actions=FOUR, source="a test")

    np.testing.assert_array_equal(market.bars[:, 0, 4], [100, 100, 400, 400])
    assert market.bars[0, 0, 3] == 100


def test_whole_cents_are_recognised_in_single_precision() -> None:
    prices = np.array([2213.41, 499.24, 0.07], dtype=np.float32).astype(float)

    assert on_whole_cents(prices) == 1
    assert on_whole_cents(prices / 3) == 0


def test_assets_that_never_split_are_known_too() -> None:
    assert known_actions("MSFT").complete
    assert not known_actions("ZZZZ").complete


def test_the_rounding_of_a_share_of_some_cents_is_no_split() -> None:
    """Of .03 and .02 the ratio is 1.5, and that of a share of .02 is often 2."""
    rng = np.random.default_rng(3)
    days = np.arange("2020-01-01", 200, dtype="M8[D]")
    price = 0.025 * np.exp(np.cumsum(rng.normal(0, 0.05, 200)))
    close, adjusted = np.maximum(price.round(2), 0.01), np.maximum((0.8 * price).round(2), 0.01)

    assert (as_traded(days, close, adjusted, Actions()).ratios == 1).all()


def test_a_split_that_no_list_has_is_seen_in_cents_too() -> None:
    rng = np.random.default_rng(4)
    days = np.arange("2020-01-01", 200, dtype="M8[D]")
    today = 12 * np.exp(np.cumsum(rng.normal(0, 0.02, 200)))
    shares = np.where(np.arange(200) < 80, 15.0, 1.0)

    traded = as_traded(days, (today * shares).round(2), today.round(2), Actions())

    assert np.flatnonzero(traded.ratios != 1).tolist() == [80]
    assert traded.ratios[80] == 15
