"""Markets: what they refuse, that nobody can change them, and where their views end."""

import copy
import pickle
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from investorbench_env.errors import DateRangeError, MarketError, UnknownNameError
from investorbench_env.market import DocumentTable, Market
from tests.env.small_markets import date, document, random_market, small_market

ARRAYS = ("sessions", "decision_times", "bars", "adjusted_close", "dividends", "splits")
NAN = np.nan


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
        ({"sessions": np.array(["2020-01-02", "2020-01-01"], "M8[D]")}, "sessions must be strict"),
        ({"sessions": np.array(["2020-01-01", "2020-01-01"], "M8[D]")}, "sessions must be strict"),
        ({"decision_times": np.array(["2020-01-02"] * 2, "M8[ns]")}, "decision_times must be"),
        ({"bars": np.ones((2, 1, 4))}, r"bars has shape \(2, 1, 4\), expected \(2, 1, 5\)"),
        ({"bars": np.zeros((2, 1, 5))}, "prices must be positive; use NaN"),
        ({"bars": -np.ones((2, 1, 5))}, "prices must be positive"),
        ({"dividends": np.full((2, 1), NAN)}, "dividends must be finite"),
        ({"splits": np.zeros((2, 1))}, "splits positive"),
        ({"splits": np.full((2, 1), NAN)}, "splits positive"),
        ({"symbols": ()}, "bars has shape|needs a session and a symbol"),
    ],
)
def test_arrays_that_make_no_market_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(MarketError, match=words):
        replace(small_market([1.0, 2.0]), **changes)


def test_a_document_without_a_time_zone_is_refused() -> None:
    row = replace(document(0.5), available_at=datetime(2020, 1, 1))
    with pytest.raises(MarketError, match="without a time zone"):
        DocumentTable((row,))


@pytest.mark.parametrize("name", ["bars", "adjusted_close", "dividends", "splits"])
@pytest.mark.parametrize("t", [0, 3, 9])
def test_a_view_ends_at_its_session(name: str, t: int) -> None:
    market = random_market(np.random.default_rng(1), 10)
    part = getattr(market.until(t), name)
    np.testing.assert_array_equal(part, getattr(market, name)[: t + 1])
    assert not part.flags.writeable


@pytest.mark.parametrize("t", [-1, 2, 100])
def test_there_is_no_view_of_a_session_that_is_not_there(t: int) -> None:
    with pytest.raises(DateRangeError, match=rf"session {t} is not in 0\.\.1"):
        small_market([1.0, 2.0]).until(t)


def test_documents_come_in_the_order_in_which_they_became_available() -> None:
    days = [2.5, 0.5, 1.5, 0.5]
    rows = [document(day, f"{number}") for number, day in enumerate(days)]
    table = DocumentTable(tuple(rows))
    # Ties keep the order in which they were given.
    assert [row.text for row in table] == ["1", "3", "2", "0"]
    assert (np.diff(table.available_at) >= np.timedelta64(0)).all()
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
    market = replace(small_market(np.arange(1.0, 6.0)), sessions=sessions, decision_times=times)
    assert market.span("2020-01-04", "2020-01-12") == range(5)
    for start, end in (("2020-01-03", "2020-01-10"), ("2020-01-06", "2020-01-13")):
        with pytest.raises(DateRangeError, match="2020-01-06 to 2020-01-10"):
            market.span(start, end)


def test_a_symbol_is_found_by_name_and_others_are_answered_with_those_there_are() -> None:
    market = small_market([1.0])
    assert market.asset("TEST") == 0
    with pytest.raises(UnknownNameError, match=r"unknown symbol 'TSET'; .* first: TEST"):
        market.asset("TSET")


CHANGES: dict[str, Any] = {
    "a price": {"bars": np.array([[[1, 1, 1, 1, 9]], [[2, 2, 2, 2.5, 9]]], float)},
    "a dividend": {"dividends": np.array([[0.0], [0.1]])},
    "a split": {"splits": np.array([[1.0], [2.0]])},
    "an adjusted close": {"adjusted_close": np.array([[1.0], [9.0]])},
    "a decision time": {"decision_times": np.array(["2020-01-02", "2020-01-04"], "M8[ns]")},
    "a text": {"documents": DocumentTable((document(0.5, "other"),))},
    "a moment of a text": {"documents": DocumentTable((document(0.75, "text"),))},
    "a sentiment": {"documents": DocumentTable((document(0.5, "text", sentiment="positive"),))},
    "a kind": {"documents": DocumentTable((document(0.5, "text", "10-K"),))},
    "one text less": {"documents": DocumentTable()},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_an_agent_can_meet_changes_the_fingerprint(changes: dict[str, Any]) -> None:
    market = small_market([1.0, 2.0], volumes=[9, 9], documents=[document(0.5)])
    assert replace(market, **changes).fingerprint != market.fingerprint


def test_the_fingerprint_is_that_of_the_content_and_not_of_the_object() -> None:
    def made(**changes: Any) -> Market:
        return small_market([1.0, NAN, 2.0], documents=[document(0.5)], **changes)

    assert made().fingerprint == made().fingerprint == made(source="elsewhere").fingerprint


def test_texts_that_only_share_their_letters_differ_in_their_fingerprint() -> None:
    one = small_market([1.0], documents=[document(0.5, "ab"), document(0.5, "c")])
    other = small_market([1.0], documents=[document(0.5, "a"), document(0.5, "bc")])
    assert one.fingerprint != other.fingerprint
