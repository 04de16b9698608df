"""Rows become a market: sessions, missing bars, duplicates, impossible bars, documents."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.assemble import assemble
from investorbench_env.market.files.corporate_actions import Actions, CashDividend, ShareSplit
from investorbench_env.market.files.texts import document

# 2021-01-18 was Martin Luther King's day; the 16th and 17th a weekend.
DAYS = ["2021-01-14", "2021-01-15", "2021-01-19", "2021-01-20"]
NONE_EVER = Actions(complete=True, dividends=())


def rows(days: list[str], close: list[float], **columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"date": pd.to_datetime(days), "close": close, **columns})


def stock(frame: pd.DataFrame, **options: object):
    return assemble("XYZ", "stock", frame, source="a test", **{"actions": NONE_EVER, **options})


def test_sessions_are_those_of_the_exchange() -> None:
    market = stock(rows(DAYS, [10, 11, 12, 13]))

    assert [str(day) for day in market.sessions] == DAYS


def test_a_decision_is_taken_at_midnight_in_new_york() -> None:
    market = stock(rows(DAYS, [10, 11, 12, 13]))

    assert market.times[0] == np.datetime64("2021-01-15T05:00")


def test_a_missing_bar_stays_missing_and_is_reported() -> None:
    market = stock(rows([DAYS[0], DAYS[1], DAYS[3]], [10, 11, 13]))

    np.testing.assert_array_equal(market.bars[:, 0, 3], [10, 11, np.nan, 13])
    assert "1 session without a bar: 2021-01-19" in market.findings


def test_a_row_without_a_close_is_a_missing_bar() -> None:
    market = stock(rows(DAYS, [10, np.nan, 12, 13], open=[9, 10, 11, 12]))

    assert np.isnan(market.bars[1]).all()


def test_rows_on_closed_days_are_dropped_and_reported() -> None:
    market = stock(rows([*DAYS, "2021-01-16", "2021-01-18"], [10, 11, 12, 13, 99, 98]))

    assert len(market.sessions) == 4
    assert not np.isin(market.bars, [98, 99]).any()
    said = "2 rows on days without a session dropped: 2021-01-16, 2021-01-18"
    assert said in market.findings


def test_crypto_is_open_every_day() -> None:
    market = assemble(
        "BTC", "crypto", rows(["2021-01-15", "2021-01-17"], [10, 12]), source="a test"
    )

    np.testing.assert_array_equal(market.bars[:, 0, 3], [10, np.nan, 12])


def test_the_order_of_rows_does_not_matter() -> None:
    given = rows(DAYS, [10, 11, 12, 13])

    assert stock(given[::-1]).fingerprint == stock(given).fingerprint


def test_a_repeated_equal_bar_is_dropped_and_reported() -> None:
    market = stock(rows([*DAYS, DAYS[1]], [10, 11, 12, 13, 11]))

    assert len(market.sessions) == 4
    assert "1 repeated bar dropped" in market.findings


def test_two_bars_that_contradict_each_other_are_an_error_with_file_and_row() -> None:
    given = rows([*DAYS, DAYS[1]], [10, 11, 12, 13, 11.5]).assign(row=[1, 2, 3, 4, 5])

    with pytest.raises(CorruptDataError, match=r"a\.csv, row 5: a second bar of 2021-01-15"):
        stock(given, origin="a.csv")


@pytest.mark.parametrize("price", [0.0, -1.0])
def test_a_price_that_is_not_positive_is_an_error_with_file_row_and_reason(price: float) -> None:
    given = rows(DAYS, [10, 11, price, 13]).assign(row=[1, 2, 3, 4])

    with pytest.raises(CorruptDataError, match=r"a\.csv, row 3: close .* is not positive"):
        stock(given, origin="a.csv")


def test_a_high_below_the_low_is_an_error() -> None:
    given = rows(DAYS, [10, 11, 12, 13], high=[11, 10, 13, 14], low=[9, 10.5, 11, 12])

    with pytest.raises(CorruptDataError, match=r"high 10 is below low 10\.5 on 2021-01-15"):
        stock(given)


def test_a_negative_volume_is_an_error() -> None:
    with pytest.raises(CorruptDataError, match="volume -5 on 2021-01-19 is negative"):
        stock(rows(DAYS, [10, 11, 12, 13], volume=[1, 2, -5, 4]))


def test_a_close_outside_low_to_high_is_reported() -> None:
    given = rows(
        DAYS, [10, 11, 12, 13], open=[10, 11, 12, 13], high=[11, 10.9, 13, 14], low=[9, 10, 11, 12]
    )

    assert "1 bar with open or close outside low..high: 2021-01-15" in stock(given).findings


def test_closes_alone_make_a_market_that_says_so() -> None:
    market = stock(rows(DAYS, [10, 11, 12, 13]))

    assert np.isnan(market.bars[:, 0, [0, 1, 2, 4]]).all()
    assert "close only: open, high and low are unknown" in market.findings


def test_no_bars_at_all_are_an_error() -> None:
    with pytest.raises(CorruptDataError, match="no bar with a close"):
        stock(rows([], []))


def test_a_text_given_twice_is_kept_once_and_reported() -> None:
    said = document(
        kind="news",
        symbol="XYZ",
        available_at=datetime(2021, 1, 15, 12, tzinfo=UTC),
        title="XYZ soars",
        text="",
        source="a test",
    )
    market = stock(rows(DAYS, [10, 11, 12, 13]), documents=[said, said])

    assert len(market.documents) == 1
    assert "1 repeated text kept once" in market.findings


def test_a_dividend_on_a_closed_day_counts_at_the_next_session() -> None:
    paid = Actions(complete=True, dividends=(CashDividend(np.datetime64("2021-01-18"), 0.5),))
    market = stock(rows(DAYS, [10, 11, 12, 13]), actions=paid)

    np.testing.assert_array_equal(market.dividends[:, 0], [0, 0, 0.5, 0])


def test_a_split_on_a_closed_day_counts_at_the_next_session() -> None:
    split = Actions(
        complete=True,
        dividends=(),
        splits=(ShareSplit(ex_date=np.datetime64("2021-01-18"), ratio=2.0),),
    )
    market = stock(rows(DAYS, [10, 11, 12, 13]), actions=split)

    np.testing.assert_array_equal(market.share_splits[:, 0], [1, 1, 2, 1])
    np.testing.assert_allclose(market.bars[:, 0, 3], [20, 22, 12, 13])


def test_an_adjusted_close_is_computed_where_the_dividends_are_listed() -> None:
    paid = Actions(complete=True, dividends=(CashDividend(np.datetime64("2021-01-19"), 1.1),))
    market = stock(rows(DAYS, [10, 11, 12, 13]), actions=paid)

    # 1.1 of 11 is a tenth, so what stands before shrinks by a tenth.
    np.testing.assert_allclose(market.adjusted_close[:, 0], [9, 9.9, 12, 13])


def test_an_adjusted_close_is_computed_over_a_missing_bar() -> None:
    paid = Actions(complete=True, dividends=(CashDividend(np.datetime64("2021-01-19"), 1.1),))
    market = stock(rows([DAYS[0], DAYS[1], DAYS[3]], [10, 11, 13]), actions=paid)

    np.testing.assert_allclose(market.adjusted_close[:, 0], [9, 9.9, np.nan, 13])


def test_dividends_of_which_nothing_is_known_are_reported() -> None:
    market = stock(rows(DAYS, [10, 11, 12, 13]), actions=None)

    assert not market.dividends.any()
    assert "dividends are unknown and count as none" in market.findings


def test_a_distribution_that_only_the_adjusted_close_shows_counts_as_a_dividend() -> None:
    listed = Actions(complete=True, dividends=(CashDividend(np.datetime64("2020-01-02"), 0.1),))
    given = rows(DAYS, [10, 10, 8, 8], adj_close=[8, 8, 8, 8])
    market = stock(given, actions=listed)

    np.testing.assert_allclose(market.dividends[:, 0], [0, 0, 2, 0])
    assert any("only adj_close shows" in finding for finding in market.findings)


@pytest.mark.parametrize("name", ["close", "open", "adj_close", "volume"])
@pytest.mark.parametrize("value", [np.inf, 1e30, 1e300])
def test_a_number_that_no_market_has_is_an_error_with_its_row(name: str, value: float) -> None:
    given = rows(DAYS, [10.0, 11, 12, 13], open=[10.0, 11, 12, 13], adj_close=[9.0, 10, 11, 12])
    given = given.assign(volume=1.0, row=[1, 2, 3, 4])
    given.loc[2, name] = value

    with pytest.raises(CorruptDataError, match=rf"a\.csv, row 3: {name} .* is not one of any"):
        stock(given, origin="a.csv")
