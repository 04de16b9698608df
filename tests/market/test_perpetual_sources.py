"""Candles and funding of perpetuals from their exchanges: by pages, within limits, after faults."""

import json
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench_env.market.library import find_perpetuals
from investorbench_env.market.sources.fetching import fetch
from investorbench_env.market.sources.http import DownloadError, Response
from investorbench_env.market.sources.perpetual_pieces import milliseconds, pages
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest
from tests.market.servers import binance_usdm, hyperliquid
from tests.market.servers.made_perpetual import MadePerpetual

FIRST, LAST = date(2025, 7, 8), date(2025, 7, 11)
COIN = MadePerpetual.of_days(date(2024, 1, 1), date(2025, 7, 12), late=41)


@pytest.fixture
def wanted(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager) -> FetchRequest:
    for variable in (*hyperliquid.VARIABLES, *binance_usdm.VARIABLES):
        monkeypatch.setenv(variable, server.url)
    hyperliquid.play(server, coin=COIN)
    return FetchRequest(symbol="BTC", asset_class="perpetual", first=FIRST, last=LAST,
                        into=tmp_path, politeness=eager, intervals=("15m", "4h"))  # fmt: skip


def fetched(wanted: FetchRequest, name: str = "hyperliquid") -> FetchOutcome:
    (outcome,) = fetch(wanted, [name])
    return outcome


def posted(server, kind: str) -> list[dict[str, Any]]:
    """What was asked of a type."""
    return [body for path, body, _ in server.asked if path == "/info" and body["type"] == kind]


def is_all(path: Path, interval: str, coin: MadePerpetual, first: date, last: date) -> bool:
    """Whether a file has every candle of some days, as the coin has them, and no other."""
    table = pd.read_parquet(path)
    table = table[table["interval"] == interval]
    end = milliseconds(last) + 86_400_000 - 1
    opens = coin.opens(interval, milliseconds(first), end)
    held = [int(each.timestamp() * 1000) for each in table["timestamp"]]
    names = ["open", "high", "low", "close", "volume"]
    return held == opens and np.array_equal(table[names], [coin.candle(each) for each in opens])


def test_what_was_fetched_is_the_market_of_those_days(server, wanted) -> None:
    outcome = fetched(wanted)
    market = find_perpetuals(["BTC"], wanted.into, interval="15m", context=["4h"])

    assert outcome.status == "fetched" and len(outcome.paths) == 2
    assert outcome.note == "contract: size_decimals 5, tiers [[0.0, 40], [150000000.0, 20]]"
    assert all(is_all(wanted.into / "perpetuals" / "BTC_hyperliquid.parquet", each, COIN,
                      FIRST, LAST) for each in ("15m", "4h"))  # fmt: skip
    assert len(market.times) == 4 * 96 and len(market.intervals["4h"].times) == 24
    # A rate is written down some milliseconds after the stamp that it belongs to.
    stamps = [stamp // 3_600_000 for stamp in COIN.stamps(milliseconds(FIRST), COIN.ends - 1)]
    assert market.funding is not None
    np.testing.assert_array_equal(
        market.funding[::4, 0], [COIN.rate(stamp * 3_600_000) for stamp in stamps]
    )
    assert np.isnan(market.funding[1::4]).all() and market.findings == ()


def test_rates_come_by_pages_none_twice_and_none_left_out(server, wanted) -> None:
    long = replace(wanted, first=date(2025, 6, 1), kinds=frozenset({"funding"}))
    fetched(long)
    table = pd.read_parquet(wanted.into / "perpetuals" / "BTC_hyperliquid_funding.parquet")

    assert len(table) == 41 * 24 and table["timestamp"].is_unique
    spans = [(body["startTime"], body["endTime"]) for body in posted(server, "fundingHistory")]
    assert spans[0][0] == milliseconds(date(2025, 6, 1))
    assert all(after == before + 1 for (_, before), (after, _) in pairwise(spans))
    assert max(end - begin for begin, end in spans) < 500 * 3_600_000


def test_candles_that_it_keeps_no_more_are_said_with_who_has_them(server, wanted) -> None:
    old = replace(wanted, first=date(2024, 3, 1), last=date(2024, 3, 20), intervals=("3m",))
    outcome = fetched(replace(old, kinds=frozenset({"prices"})))

    assert outcome.status == "failed"
    assert outcome.note.startswith("Hyperliquid has no candles of 3m of BTC from 2024-03-01 to")
    assert "its newest 5,000 of a length alone" in outcome.note
    # One empty piece says that none before it has any.
    assert len(posted(server, "candleSnapshot")) == 1
    # The rates are there all the same, and the note has what is not.
    both = fetched(old)
    assert both.status == "fetched" and both.rows == 20 * 24
    assert "no candles of 3m" in both.note


@pytest.mark.heavy
def test_candles_end_where_it_keeps_no_more_and_the_rest_is_lacking(server, wanted) -> None:
    fetched(replace(wanted, first=date(2025, 6, 1), intervals=("3m",)))
    table = pd.read_parquet(wanted.into / "perpetuals" / "BTC_hyperliquid.parquet")

    assert len(table) == 5_000
    newest = COIN.opens("3m", 0, COIN.ends)[-5_000:]
    assert table["timestamp"].min() == pd.Timestamp(newest[0], unit="ms", tz="UTC")


@pytest.mark.heavy
def test_what_one_exchange_lacks_the_next_is_asked_for(server, wanted) -> None:
    binance_usdm.play(server, COIN)
    old = replace(wanted, first=date(2024, 3, 1), last=date(2024, 3, 4), intervals=("3m", "4h"))
    first, second = fetch(old)

    assert (first.source, second.source) == ("hyperliquid", "binance_usdm")
    path = wanted.into / "perpetuals" / "BTC_binance_usdm.parquet"
    assert second.paths == (path,) and is_all(path, "3m", COIN, old.first, old.last)
    market = find_perpetuals(["BTC"], wanted.into, interval="3m", context=["4h"])
    assert "BTC: candles of binance, not of hyperliquid" in market.findings
    assert market.marks is None  # of that time there is none
    assert market.source.startswith("BTC_binance_usdm.parquet (binance), BTC_hyperliquid_fund")


def test_a_page_of_binance_is_followed_by_the_next(server, wanted) -> None:
    dense = MadePerpetual.of_days(date(2025, 7, 1), date(2025, 7, 12), hours=8)
    binance_usdm.play(server, dense)
    fetched(replace(wanted, first=date(2025, 7, 10), intervals=("1m",)), "binance_usdm")

    folder = wanted.into / "perpetuals"
    assert is_all(folder / "BTC_binance_usdm.parquet", "1m", dense, date(2025, 7, 10), LAST)
    rates = pd.read_parquet(folder / "BTC_binance_usdm_funding.parquet")
    assert len(rates) == 6 and (rates["oracle"] == 9001.5).all()
    market = find_perpetuals(["BTC"], wanted.into, interval="1m", context=[], venue="binance",
                             funding_hours=8)  # fmt: skip
    assert market.funding is not None and (~np.isnan(market.funding)).sum() == 6
    assert market.oracle is not None and (~np.isnan(market.oracle)).sum() == 6
    assert market.marks is not None
    np.testing.assert_array_equal(market.marks, market.bars[..., :4] + 1)


def test_after_a_fault_what_was_kept_is_not_asked_for_again(server, reply, wanted) -> None:
    whole = server.replies["/info"][0]
    prices = replace(wanted, intervals=("3m",), kinds=frozenset({"prices"}))
    server.answer("/info", whole, whole, reply(status=500))  # the contract, then one piece
    assert fetched(prices).status == "failed"
    first = posted(server, "candleSnapshot")[0]["req"]["startTime"]
    server.times.clear()
    hyperliquid.play(server, coin=COIN)
    assert fetched(prices).status == "fetched"

    path = wanted.into / "perpetuals" / "BTC_hyperliquid.parquet"
    assert is_all(path, "3m", COIN, FIRST, LAST)
    starts = [body["req"]["startTime"] for body in posted(server, "candleSnapshot")]
    assert starts.count(first) == 1
    assert not list((wanted.into / ".partial").rglob("*.parquet"))


def test_what_is_there_is_not_asked_for_and_another_length_is(server, wanted) -> None:
    prices = replace(wanted, intervals=("4h",), kinds=frozenset({"prices"}))
    fetched(prices)
    asked = len(server.asked)
    assert fetched(prices).status == "already there" and len(server.asked) == asked
    assert fetched(replace(prices, intervals=("1h",))).status == "fetched"

    table = pd.read_parquet(wanted.into / "perpetuals" / "BTC_hyperliquid.parquet")
    assert table["interval"].value_counts().to_dict() == {"1h": 96, "4h": 24}


@pytest.mark.parametrize("state", hyperliquid.REFUSALS)
def test_a_refusal_of_hyperliquid_is_said_in_its_words(server, wanted, state: str) -> None:
    hyperliquid.play(server, state, COIN)
    outcome = fetched(wanted)
    assert outcome.status == "failed" and outcome.note.startswith("Hyperliquid: ")
    tries = 3 if state == "too many requests" else 1
    assert len(server.asked) == 2 * tries  # for rates and for candles


@pytest.mark.parametrize("state", binance_usdm.REFUSALS)
def test_a_refusal_of_binance_usdm_is_said_in_its_words(server, wanted, state: str) -> None:
    binance_usdm.play(server, COIN, state)
    outcome = fetched(wanted, "binance_usdm")
    assert outcome.status == "failed" and outcome.note.startswith("Binance futures: ")


def test_a_coin_that_it_has_not_is_said_with_some_that_it_has(server, wanted) -> None:
    outcome = fetched(replace(wanted, symbol="NOPE"))
    assert outcome.status == "failed"
    assert outcome.note == "Hyperliquid has no perpetual of NOPE; it has BTC, FOO, …"


SOUND = {"t": 1, "s": "BTC", "i": "15m", "o": "1", "h": "1", "l": "1", "c": "1", "v": "1"}
FORMS: dict[str, Any] = {
    "nothing": None,
    "a message": {"error": "no"},
    "a candle of another form": [{"open": 1}],
    "no number": [SOUND | {"o": "x"}],
    "not finite": [SOUND | {"o": "NaN"}],
    "of another coin": [SOUND | {"s": "ETH"}],
    "of another length": [SOUND | {"i": "1h"}],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_an_answer_of_another_form_is_refused(server, reply, wanted, form: Any) -> None:
    def answer(asked: dict[str, Any]) -> Any:
        return hyperliquid.meta(COIN) if asked["type"] == "meta" else form

    server.answer("/info", reply(body=answer))
    outcome = fetched(replace(wanted, kinds=frozenset({"prices"})))
    assert outcome.status == "failed" and "no list of candles in JSON, but" in outcome.note


def test_what_was_sent_stands_in_the_provenance(server, wanted) -> None:
    fetched(replace(wanted, kinds=frozenset({"prices"}), intervals=("4h",)))
    beside = wanted.into / "perpetuals" / "BTC_hyperliquid.parquet.provenance.json"
    said = json.loads(beside.read_text())
    assert said["asked"] == {"first": "2025-07-08", "last": "2025-07-11", "intervals": ["4h"]}
    assert '{"type": "meta"}' in said["requests"][0]["url"]


@given(
    length=st.integers(0, 60),
    most=st.integers(1, 9),
    limit=st.integers(1, 9),
    holes=st.sets(st.integers(0, 60)),
    span=st.tuples(st.integers(0, 700), st.integers(0, 700)).map(sorted),
)
def test_pages_are_all_rows_of_a_span_once_whatever_the_server_puts_into_one(
    length: int, most: int, limit: int, holes: set[int], span: list[int]
) -> None:
    rows = [{"ms": 10 * number} for number in range(length) if number not in holes]
    asked = []

    def ask(first: int, last: int) -> Any:
        asked.append(first)
        found = [row for row in rows if first <= row["ms"] <= last]
        return Response(url=""), found[: min(most, limit)]

    span = [span[0] // 10 * 10, span[1] // 10 * 10 + 9]  # whole steps, as days are
    found = list(pages(ask, *span, most, 10.0))
    assert found == [row for row in rows if span[0] <= row["ms"] <= span[1]]
    assert len(asked) <= len(found) // min(most, limit) + 2


def test_a_page_that_leads_nowhere_is_refused_and_not_asked_for_ever() -> None:
    with pytest.raises(DownloadError, match="no row from millisecond 6 on"):
        list(pages(lambda first, last: (Response(url=""), [{"ms": 5}]), 0, 90, 1))
