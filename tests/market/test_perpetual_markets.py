"""What only perpetuals have: funding, the oracle's price and the mark, of each bar."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from investorbench_env.market import Market, library
from investorbench_env.market.asset_classes import class_beside
from investorbench_env.market.joining import join
from tests.env.small_markets import intraday

NAN = np.nan


def perpetual(symbol: str = "BTC") -> Market:
    """Four hours, of which the second opens with no stamp and the third with no known oracle."""
    market = intraday([100, 101, 102, 103], 60, symbols=(symbol,), asset_class="perpetual")
    return replace(
        market,
        funding=np.array([[1e-5], [NAN], [-2e-5], [0.0]]),
        oracle=np.array([[100.5], [NAN], [NAN], [103.5]]),
        marks=market.bars[..., :4] * 1.001,
    )


NAMES = ("funding", "oracle", "marks")


@pytest.mark.parametrize("name", NAMES)
def test_a_view_shows_what_was_charged_up_to_its_bar(name: str) -> None:
    market = perpetual()
    np.testing.assert_array_equal(getattr(market.until(2), name), getattr(market, name)[:3])
    assert not getattr(market, name).flags.writeable
    assert getattr(replace(market, **{name: None}).until(2), name) is None


def test_assets_that_are_joined_keep_theirs_and_one_without_has_none() -> None:
    one, other = perpetual(), replace(perpetual("ETH"), oracle=None, marks=None)
    both = join({"BTC": one, "ETH": other}, "perpetual")
    np.testing.assert_array_equal(both.funding, np.hstack([one.funding, other.funding]))
    np.testing.assert_array_equal(both.oracle[:, 0], one.oracle[:, 0])
    assert np.isnan(both.oracle[:, 1]).all() and np.isnan(both.marks[:, 1]).all()
    assert join({"ETH": other, "SOL": replace(other, symbols=("SOL",))}, "perpetual").marks is None


@pytest.mark.parametrize("left_out", ["", *NAMES])
def test_a_saved_market_comes_back_with_them(tmp_path: Path, left_out: str) -> None:
    market = replace(perpetual(), **{left_out: None} if left_out else {})
    back = library.load(library.save(market, tmp_path))
    assert back.fingerprint == market.fingerprint
    for name in NAMES:
        kept, came = getattr(market, name), getattr(back, name)
        assert (came is None) == (kept is None) == (name == left_out)
        assert kept is None or came.tobytes() == kept.tobytes()


def test_a_coin_beside_a_perpetual_is_one_too() -> None:
    assert class_beside("BTC", "perpetual") == class_beside("XYZ", "perpetual") == "perpetual"
    assert class_beside("BTC", "crypto") == "crypto" and class_beside("BTC", "stock") == "stock"
