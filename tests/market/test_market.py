"""Markets: what they refuse, that they cannot be changed, and where their views end."""

import copy
import pickle
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from investorbench_env.errors import DateRangeError, MarketError, UnknownNameError
from investorbench_env.market import DocumentTable, Market
from investorbench_env.market.intervals import periods_a_year
from investorbench_env.registration import facts_of
from tests.env.small_markets import (
    date,
    document,
    intraday,
    random_market,
    small_market,
    weekly,
)

ARRAYS = ("sessions", "times", "bars", "adjusted_close", "dividends", "share_splits")
NAN = np.nan
DAY = np.timedelta64(1, "D")


@pytest.mark.parametrize("name", ARRAYS)
def test_no_array_of_a_market_can_be_written_to(name: str) -> None:
    array = getattr(small_market([1.0, 2.0]), name)
    assert array.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        array[0] = array[1]


def test_no_field_of_a_market_can_be_replaced() -> None:
    market: Any = small_market([1.0, 2.0])
    with pytest.raises(AttributeError):
        market.bars = np.zeros(3)


def test_a_market_does_not_follow_the_array_that_it_was_made_from() -> None:
    dividends = np.zeros((2, 1))
    market = small_market([1.0, 2.0]).__class__  # the class, to make one by hand
    made = replace(small_market([1.0, 2.0]), dividends=dividends)
    dividends[0] = 5.0
    assert isinstance(made, market)
    assert made.dividends[0] == 0.0


def test_a_copy_of_a_market_is_the_market() -> None:
    market = small_market([1.0, 2.0])
    assert copy.deepcopy({"data": market})["data"] is market
    assert copy.copy(market) is market


def test_a_market_that_was_sent_to_another_process_is_the_same_and_cannot_be_written_to() -> None:
    market = random_market(np.random.default_rng(0))
    market.until(5)
    sent = pickle.loads(pickle.dumps(market))
    assert sent.fingerprint == market.fingerprint
    assert sent.documents.rows == market.documents.rows
    for array in (*(getattr(sent, name) for name in ARRAYS), sent.documents.available_at):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sessions": np.array(["2020-01-02", "2020-01-01"], "M8[D]")}, "sessions must be ascend"),
        ({"times": np.array(["2020-01-02"] * 2, "M8[ns]")}, "times must be strictly"),
        ({"asset_class": "stok"}, "unknown asset class 'stok'"),
        ({"bars": np.ones((2, 1, 4))}, r"bars has shape \(2, 1, 4\), expected \(2, 1, 5\)"),
        ({"bars": np.zeros((2, 1, 5))}, "prices must be positive; use NaN"),
        ({"bars": -np.ones((2, 1, 5))}, "prices must be positive"),
        ({"dividends": np.full((2, 1), NAN)}, "dividends must be within"),
        ({"share_splits": np.zeros((2, 1))}, "share_splits must be finite positive"),
        ({"share_splits": np.full((2, 1), NAN)}, "share_splits must be finite positive"),
        ({"oracle": np.zeros((2, 1))}, "oracle prices must be positive"),
        ({"marks": np.ones((2, 1))}, r"marks has shape \(2, 1\), expected \(2, 1, 4\)"),
        ({"funding": np.full((2, 1), 1.25)}, "funding must be a rate between -1 and 1"),
        ({"symbols": ()}, "bars has shape|needs a session and a symbol"),
    ],
)
def test_arrays_that_make_no_market_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises((MarketError, UnknownNameError), match=words):
        replace(small_market([1.0, 2.0]), **changes)


def test_a_document_without_a_time_zone_is_refused() -> None:
    row = replace(document(0.5), available_at=datetime(2020, 1, 1))
    with pytest.raises(MarketError, match="without a time zone"):
        DocumentTable((row,))


@pytest.mark.parametrize("name", ["bars", "adjusted_close", "dividends", "share_splits"])
@pytest.mark.parametrize("t", [0, 3, 9])
def test_a_view_ends_at_its_session(name: str, t: int) -> None:
    market = random_market(np.random.default_rng(1), 10)
    part = getattr(market.until(t), name)
    np.testing.assert_array_equal(part, getattr(market, name)[: t + 1])
    assert not part.flags.writeable


@pytest.mark.parametrize("t", [-1, 2, 100])
def test_there_is_no_view_of_a_session_that_is_not_there(t: int) -> None:
    with pytest.raises(DateRangeError, match=rf"bar {t} is not in 0\.\.1"):
        small_market([1.0, 2.0]).until(t)


def test_documents_come_in_the_order_in_which_they_became_available() -> None:
    days = [2.5, 0.5, 1.5, 0.5]
    rows = [document(day, f"{number}") for number, day in enumerate(days)]
    table = DocumentTable(tuple(rows))
    # Ties keep the order in which they were given.
    assert [row.text for row in table] == ["1", "3", "2", "0"]
    assert (np.diff(table.available_at) >= np.timedelta64(0, "ns")).all()
    assert len(table.of(["OTHER"])) == 0


def test_a_view_hands_out_what_is_newer_than_an_earlier_decision() -> None:
    documents = [document(day, f"{day}") for day in (0.5, 1.0, 1.5, 2.0, 2.5)]
    market = small_market([1.0, 2.0, 3.0], documents=documents)

    def texts(t: int, since: int | None) -> list[str]:
        return [row.text for row in market.until(t).documents(since)]

    # Decisions are at days 1, 2 and 3; what comes exactly then belongs to the earlier one.
    assert texts(0, None) == ["0.5", "1.0"]
    assert texts(1, 0) == ["1.5", "2.0"]
    assert texts(2, 0) == ["1.5", "2.0", "2.5"]
    assert texts(1, 1) == []


def test_a_span_holds_the_sessions_of_its_dates_both_inclusive() -> None:
    market = small_market(np.arange(1.0, 11.0))
    assert market.span(date(2), date(4)) == range(2, 5)
    assert market.span(date(3), date(3)) == range(3, 4)


def test_a_span_may_reach_over_closed_days_but_not_over_a_trading_day_without_data() -> None:
    sessions = np.arange("2020-01-06", 5, dtype="M8[D]")  # Monday to Friday
    times = sessions + np.timedelta64(1, "D")
    market = replace(small_market(np.arange(1.0, 6.0)), sessions=sessions, times=times)
    assert market.span("2020-01-04", "2020-01-12") == range(5)
    for start, end in (("2020-01-03", "2020-01-10"), ("2020-01-06", "2020-01-13")):
        with pytest.raises(DateRangeError, match="2020-01-06 to 2020-01-10"):
            market.span(start, end)


def test_a_symbol_is_found_by_name_and_others_are_answered_with_those_there_are() -> None:
    market = small_market([1.0])
    assert market.asset("TEST") == 0
    with pytest.raises(UnknownNameError, match=r"unknown symbol 'TSET'; .* first: TEST"):
        market.asset("TSET")


# --- bars of any length ---------------------------------------------------------------------------


def test_several_bars_of_a_session_share_its_date() -> None:
    market = intraday([1.0] * 20, 360)  # four a day, five days
    assert market.span(date(1), date(2)) == range(4, 12)
    assert market.span(date(0), date(4)) == range(20)
    view = market.until(5)
    assert (str(view.session), str(view.time)[:16]) == ("2020-01-02", "2020-01-02T12:00")
    assert "20 bars of 360m" in repr(market)


def test_a_span_misses_a_day_without_bars_also_among_intraday_bars() -> None:
    with pytest.raises(DateRangeError, match=r"2019-12-31\.\.2020-01-02 is outside the data"):
        intraday([1.0] * 20, 360).span("2019-12-31", date(1))


def test_weeks_cover_the_days_on_which_none_ends() -> None:
    market = replace(
        weekly([1.0, 2.0, 3.0]), asset_class="crypto"
    )  # the weeks to 5, 12 and 19 January
    assert market.span("2019-12-30", "2020-01-25") == range(3)
    assert market.span("2020-01-06", "2020-01-18") == range(1, 2)
    for start, end in (("2019-12-29", "2020-01-19"), ("2019-12-30", "2020-01-26")):
        with pytest.raises(DateRangeError, match="outside the data"):
            market.span(start, end)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: intraday([1.0] * 9, 3, interval="1d"), "2020-01-01 has several bars: give the"),
        (lambda: intraday([1.0] * 9, 3, interval="1w"), "2020-01-01 has several bars"),
        (lambda: intraday([1.0] * 9, 3, interval="5m"), "'5m', but most bars end 3m apart"),
        (lambda: intraday([1.0] * 9, 90, interval="1h"), "'1h', but most bars end 1.5h apart"),
        (lambda: small_market([1.0] * 5, interval="1w"), "'1w', but most bars end 1d apart"),
        (lambda: small_market([1.0] * 5, interval="3m"), "'3m', but most bars end 1d apart"),
        (lambda: replace(weekly([1.0] * 4), interval="1d"), "'1d', but most bars end 1w apart"),
        (lambda: replace(weekly([1.0] * 4), interval="8h"), "'8h', but most bars end 1w apart"),
        (lambda: small_market([1.0], interval="3 minutes"), "'3 minutes' is no length of a bar"),
        (lambda: small_market([1.0], interval="0d"), "is no length of a bar; write a number and"),
    ],
)
def test_an_interval_that_the_times_contradict_is_refused(make: Any, words: str) -> None:
    with pytest.raises(MarketError, match=words):
        make()


@pytest.mark.parametrize("interval", ["1h", "2h", "3h", "4h"])
def test_the_last_bar_of_a_session_ends_with_it(interval: str) -> None:
    days = [f"2021-03-{day:02}" for day in range(1, 6)]
    ends = [time for time in range(0, 391, 60 * int(interval[0])) if time] + [390]  # minutes
    made = small_market([1.0] * len(days) * len(ends))
    sessions = np.repeat(np.array(days, dtype="datetime64[D]"), len(ends))
    since = np.tile(np.array(ends, dtype="timedelta64[m]"), len(days))
    times = sessions + np.timedelta64(14 * 60 + 30, "m") + since
    market = replace(made, sessions=sessions, times=times, interval=interval)
    assert len(market.until(2 * len(ends) - 1).bars) == 2 * len(ends)
    with pytest.raises(MarketError, match="but most bars end"):
        replace(market, interval="5m")


@pytest.mark.parametrize("days", [("24", "27"), ("24", "27", "31"), ("24", "28", "29", "30")])
def test_daily_bars_about_holidays_are_daily(days: tuple[str, ...]) -> None:
    sessions = np.array([f"2021-12-{day}" for day in days], dtype="datetime64[D]")
    made = small_market([1.0] * len(days))
    times = sessions + np.timedelta64(29, "h")
    assert replace(made, sessions=sessions, times=times).interval == "1d"


def test_gaps_and_a_short_last_bar_contradict_no_interval() -> None:
    # Hours of a session from 09:30 to 16:00: six whole ones and a half, twice; one is missing.
    ends = [60, 120, 180, 240, 300, 360, 390]
    minutes = np.array(ends + [1440 + end for end in ends if end != 180])
    times = np.datetime64("2020-01-02T14:30", "m") + minutes.astype("timedelta64[m]")
    sessions = times.astype("M8[D]")
    market = small_market([1.0] * 13, sessions=sessions, times=times, interval="1h")
    assert market.interval == "1h"
    # Clocks that change make days of 23 and 25 hours, and Good Friday a week of six days.
    small_market([1.0, 1.0], times=np.array(["2020-03-08T05", "2020-03-09T04"], "M8[ns]"))
    days = np.array(["2020-04-03", "2020-04-09"], "M8[D]")
    small_market([1.0, 1.0], sessions=days, times=days + DAY, interval="1w")


def test_a_view_shows_of_other_lengths_only_bars_that_are_complete() -> None:
    hours = intraday([float(k) for k in range(1, 25)], 60)
    days = small_market([24.0, 48.0], asset_class="crypto")
    market = replace(hours, intervals={"6h": six_hours(), "1d": days})
    assert market.until(4).interval("6h") is None

    def closes(t: int, name: str) -> list[float]:
        view = market.until(t).interval(name)
        return [] if view is None else view.bars[:, 0, 3].tolist()

    # The sixth hour ends with the first six hours: that bar is complete then.
    assert closes(5, "6h") == [6.0]
    assert closes(22, "6h") == [6.0, 12.0, 18.0]
    assert closes(23, "6h") == [6.0, 12.0, 18.0, 24.0]
    assert closes(22, "1d") == []
    assert closes(23, "1d") == [24.0]
    with pytest.raises(UnknownNameError, match="unknown interval '5m'"):
        market.until(0).interval("5m")


def six_hours() -> Market:
    return intraday([6.0, 12.0, 18.0, 24.0], 360, interval="6h")


def test_the_last_bar_that_was_complete_at_a_time_is_found() -> None:
    market = small_market([1.0, 2.0, 3.0])
    view = market.at(np.datetime64("2020-01-03T12:00"))
    assert view is not None
    assert view.t == 1
    assert market.at(np.datetime64("2020-01-01T23:59")) is None


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({}, "6h", r"intervals\['6h'\] has bars of '360m'"),
        ({}, "360m", None),
        ({"symbols": ("OTHER",)}, "360m", "is another market: its symbols"),
        ({"timezone": "America/New_York"}, "360m", "its timezone 'America/New_York', not 'UTC'"),
        ({"simulated": True}, "360m", "its simulated True, not False"),
    ],
)
def test_bars_of_other_lengths_must_be_of_the_same_market(
    changes: dict[str, Any], name: str, words: str | None
) -> None:
    other = replace(intraday([6.0, 12.0], 360), **changes)
    hours = intraday([float(k) for k in range(1, 25)], 60)
    if words is None:
        assert replace(hours, intervals={name: other}).intervals[name] is other
        return
    with pytest.raises(MarketError, match=words):
        replace(hours, intervals={name: other})


CHANGES: dict[str, Any] = {
    "a price": {"bars": np.array([[[1, 1, 1, 1, 9]], [[2, 2, 2, 2.5, 9]]], float)},
    "a dividend": {"dividends": np.array([[0.0], [0.1]])},
    "a split": {"share_splits": np.array([[1.0], [2.0]])},
    "an adjusted close": {"adjusted_close": np.array([[1.0], [9.0]])},
    "a decision time": {"times": np.array(["2020-01-02", "2020-01-04"], "M8[ns]")},
    "a text": {"documents": DocumentTable((document(0.5, "other"),))},
    "a moment of a text": {"documents": DocumentTable((document(0.75, "text"),))},
    "a sentiment": {"documents": DocumentTable((document(0.5, "text", sentiment="positive"),))},
    "a kind": {"documents": DocumentTable((document(0.5, "text", "10-K"),))},
    "one text less": {"documents": DocumentTable()},
    "a name": {"symbols": ("OTHER",)},
    "a class": {"asset_class": "etf"},
    "a zone": {"timezone": "America/New_York"},
    "an interval": {"interval": "24h"},
    "whether it is simulated": {"simulated": True},
    "a funding rate": {"funding": np.array([[1e-5], [np.nan]])},
    "an oracle price": {"oracle": np.array([[1.0], [np.nan]])},
    "a mark": {"marks": np.array([[[1, 1, 1, 1]], [[2, 2, 2, 2]]], float)},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_an_agent_can_meet_changes_the_fingerprint(changes: dict[str, Any]) -> None:
    market = small_market([1.0, 2.0], volumes=[9, 9], documents=[document(0.5)])
    assert replace(market, **changes).fingerprint != market.fingerprint


def test_bars_of_another_length_change_the_fingerprint() -> None:
    week = weekly([3.0])
    market = small_market([1.0, 2.0, 3.0])
    both = replace(market, intervals={"1w": week})
    other = replace(market, intervals={"1w": weekly([4.0])})
    assert len({market.fingerprint, both.fingerprint, other.fingerprint}) == 3


def test_a_record_of_version_1_is_known_again_by_the_fingerprint_of_its_time() -> None:
    documents = [document(0.5, "text", sentiment="positive"), document(0.75, "other", "10-K")]
    market = small_market([1.0, NAN, 2.0], documents=documents, splits={2: 2.0})
    # Made by the version that wrote it.
    recorded = "ebcbde7b532af41582a535599987873c20ee7b6d3dd3855c25bf5145deb533c7"
    assert market.fingerprint_v1 == recorded != market.fingerprint
    assert market.is_the_one_recorded(recorded)
    assert market.is_the_one_recorded(market.fingerprint)
    assert not market.is_the_one_recorded("0" * 64)


def test_the_fingerprint_is_that_of_the_content_and_not_of_the_object() -> None:
    def made(**changes: Any) -> Market:
        return small_market([1.0, NAN, 2.0], documents=[document(0.5)], **changes)

    assert made().fingerprint == made().fingerprint == made(source="elsewhere").fingerprint


def test_texts_that_only_share_their_letters_differ_in_their_fingerprint() -> None:
    one = small_market([1.0], documents=[document(0.5, "ab"), document(0.5, "c")])
    other = small_market([1.0], documents=[document(0.5, "a"), document(0.5, "bc")])
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("interval", "stock", "coin"),
    [("3m", 252, 365), ("1h", 252, 365), ("1d", 252, 365), ("2d", 126, 182.5), ("1w", 52, 52)],
)
def test_a_year_has_a_period_for_each_session_or_for_each_longer_bar(
    interval: str, stock: float, coin: float
) -> None:
    assert periods_a_year(interval, 252) == stock
    assert periods_a_year(interval, 365) == coin


def test_the_facts_of_an_environment_name_the_length_of_its_bars() -> None:
    days = facts_of(
        "InvestorBench/Crypto", data=intraday([1.0] * 20, 360), start=date(1), end=date(4)
    )
    assert (days.interval, days.periods_a_year, days.steps) == ("360m", 365, 15)
    weeks = replace(weekly([1.0, 2.0, 3.0]), asset_class="crypto")
    longer = facts_of("InvestorBench/Crypto", data=weeks, start=date(4), end=date(18))
    assert (longer.interval, longer.periods_a_year, longer.steps) == ("1w", 52, 2)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 0.0, -1.0, 1e300, 1e-300])
@pytest.mark.parametrize(("name", "words"), [("bars", "prices"), ("adjusted_close", "adjusted")])
def test_prices_that_no_market_has_are_refused(name: str, words: str, value: float) -> None:
    market = small_market([1.0, 2.0, 3.0])
    array = getattr(market, name).copy()
    array[1] = value
    with pytest.raises(MarketError, match=f"{words}.* must be"):
        replace(market, **{name: array})
