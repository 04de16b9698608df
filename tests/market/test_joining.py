"""Markets of one asset each become one of all: every session of any of them, nothing invented."""

from dataclasses import replace

import numpy as np
import pytest

from investorbench_env.errors import MarketError
from investorbench_env.market.joining import join
from investorbench_env.market.market import CLOSE
from tests.env.small_markets import date, document, small_market


def test_an_asset_that_lacks_a_session_has_a_missing_bar_there() -> None:
    one = small_market([1, 2, 3], dividends={1: 0.5}, symbols=("A",))
    days = np.array([date(1), date(3)], "M8[D]")
    other = small_market([10, 20], splits={1: 2.0}, symbols=("B",), sessions=days,
                         times=days + np.timedelta64(1, "D"))  # fmt: skip
    both = join({"A": one, "B": other}, "stock")
    assert both.sessions.astype(str).tolist() == [date(n) for n in range(4)]
    nan = np.nan
    np.testing.assert_array_equal(both.bars[..., CLOSE], [[1, nan], [2, 10], [3, nan], [nan, 20]])
    np.testing.assert_array_equal(both.dividends, [[0, 0], [0.5, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(both.share_splits, [[1, 1], [1, 1], [1, 1], [1, 2]])


def test_texts_stand_under_the_name_of_their_asset_each_with_an_id_of_its_own() -> None:
    parts = {
        symbol: small_market(
            [1, 2], symbols=(symbol,), documents=[document(0.5, symbol, symbol=spelt, id="one")]
        )
        for symbol, spelt in (("BRK.B", "BRK-B"), ("A", "A"))
    }
    documents = join(parts, "stock").documents
    assert [(row.symbol, row.text, row.id) for row in documents] == [
        ("BRK.B", "BRK.B", "BRK.B/one"), ("A", "A", "A/one")
    ]  # fmt: skip


def test_of_a_market_of_several_assets_only_those_asked_for_are_taken() -> None:
    texts = [document(0.5, name, symbol=name) for name in "AB"]
    parts = {name: small_market([1, 2], symbols=(name,)) for name in "AB"}
    both = replace(join(parts, "stock"), documents=small_market([1], documents=texts).documents)
    assert join({"A": both, "B": both}, "stock") is both
    again = join({"B": both}, "stock")
    assert again.symbols == ("B",) and [row.text for row in again.documents] == ["B"]


def test_what_is_found_of_an_asset_names_it() -> None:
    parts = {
        "A": small_market([1, 2], symbols=("A",), findings=("no opens",), source="x, y"),
        "B": small_market([1, 2], symbols=("B",), findings=("B: odd",), source="y, z"),
    }
    both = join(parts, "stock")
    assert both.findings == ("A: no opens", "B: odd") and both.source == "x, y, z"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timezone": "Europe/Berlin"}, "different timezones make no market: A UTC, B Europe"),
        ({"sessions": np.array([date(1), date(2)], "M8[D]")}, "of the session 2020-01-02, else"),
    ],
)
def test_assets_of_different_exchanges_make_no_market(changes: object, message: str) -> None:
    one = small_market([1, 2], symbols=("A",))
    with pytest.raises(MarketError, match=message):
        join({"A": one, "B": replace(one, symbols=("B",), **changes)}, "stock")  # type: ignore[arg-type]
