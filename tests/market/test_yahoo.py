"""Yahoo through yfinance: what is its own, besides what all sources of prices have in common."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from investorbench_env.errors import MissingDependencyError
from investorbench_env.market.library import find_market
from investorbench_env.market.sources import yahoo
from investorbench_env.market.sources.fetching import fetch
from investorbench_env.market.sources.http import Politeness, RefusedError
from investorbench_env.market.sources.patience import patiently
from investorbench_env.market.sources.source import FetchRequest
from tests.market.servers import yahoo as theirs
from tests.market.servers.made_stock import MadeStock

pytest.importorskip("yfinance", reason="the extra data is not installed")


@pytest.fixture
def wanted(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager) -> FetchRequest:
    monkeypatch.setenv("INVESTORBENCH_YAHOO_URL", server.url)
    return FetchRequest(
        symbol="ACME",
        asset_class="stock",
        first=date(2021, 1, 1),
        last=date(2021, 3, 31),
        into=tmp_path,
        politeness=eager,
    )


def charts(server, symbol: str = "ACME") -> list[dict[str, str]]:
    """The parameters of the requests for bars."""
    asked = [each for path, each, _ in server.asked if path == theirs.path(symbol)]
    return [each for each in asked if "period1" in each]


def test_a_split_after_the_last_day_is_undone(server, wanted: FetchRequest) -> None:
    stock = MadeStock(splits={"2022-06-06": 4.0})
    theirs.play(server, stock=stock)
    fetch(wanted, ["yahoo"])
    market = find_market("ACME", "stock", wanted.into)

    assert market.bars[0, 0, 3] == pytest.approx(stock.close(date(2021, 1, 4)), rel=1e-12)
    assert any("splits after the last bar" in finding for finding in market.findings)


def test_events_are_asked_for_up_to_today_and_bars_are_cut(server, wanted: FetchRequest) -> None:
    theirs.play(server)
    (outcome,) = fetch(replace(wanted, last=date(2021, 1, 8)), ["yahoo"])

    (asked,) = charts(server)
    assert int(asked["period2"]) > datetime.now(UTC).timestamp()
    # Five bars, and a dividend and a split of later days.
    assert outcome.rows == 5 + 2


def test_the_bar_of_today_is_left_out(server, wanted: FetchRequest) -> None:
    today = datetime.now(theirs.NEW_YORK).date()
    answer = theirs.chart(MadeStock())
    (result,) = answer["chart"]["result"]
    result["timestamp"][-1] = theirs.seconds(today)
    theirs.answer(server, "ACME", answer)
    fetch(replace(wanted, last=today), ["yahoo"])

    market = find_market("ACME", "stock", wanted.into)
    assert str(market.sessions[-1])[:10] == "2021-03-30"


def test_a_null_bar_stays_missing_and_its_dividend_does_not(server, wanted: FetchRequest) -> None:
    answer = theirs.chart(MadeStock(splits={}))
    (result,) = answer["chart"]["result"]
    place = result["timestamp"].index(theirs.seconds(date(2021, 2, 5)))
    for column in result["indicators"]["quote"][0].values():
        column[place] = None
    result["indicators"]["adjclose"][0]["adjclose"][place] = None
    theirs.answer(server, "ACME", answer)
    fetch(wanted, ["yahoo"])
    market = find_market("ACME", "stock", wanted.into)

    assert "1 session without a bar: 2021-02-05" in market.findings
    assert market.dividends.sum() == pytest.approx(0.82)


def test_volume_that_is_not_given_is_unknown_and_not_zero(server, wanted: FetchRequest) -> None:
    answer = theirs.chart(MadeStock(splits={}))
    answer["chart"]["result"][0]["indicators"]["quote"][0]["volume"][0] = None
    theirs.answer(server, "ACME", answer)
    fetch(wanted, ["yahoo"])
    volume = find_market("ACME", "stock", wanted.into).bars[:2, 0, 4]

    assert volume[0] != volume[0]
    assert volume[1] > 0


def test_adjusted_closes_that_are_not_given_are_unknown(server, wanted: FetchRequest) -> None:
    answer = theirs.chart(MadeStock(splits={}, dividends={}))
    del answer["chart"]["result"][0]["indicators"]["adjclose"]
    theirs.answer(server, "ACME", answer)
    fetch(wanted, ["yahoo"])

    bars = pd.read_parquet(wanted.into / "prices" / "ACME.parquet")
    assert "adj_close" not in bars
    assert find_market("ACME", "stock", wanted.into)


def test_a_point_in_a_symbol_is_a_stroke_there(server, wanted: FetchRequest) -> None:
    theirs.play(server, stock=MadeStock(symbol="BRK-B"))
    (outcome,) = fetch(replace(wanted, symbol="BRK.B"), ["yahoo"])

    assert outcome.status == "fetched", outcome.note
    assert find_market("BRK.B", "stock", wanted.into)


NOT_FOUND = {
    "chart": {
        "result": None,
        "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
    }
}


def test_a_symbol_that_it_does_not_know_is_said_in_its_words(
    server, reply, wanted: FetchRequest
) -> None:
    theirs.answer(server, "ACME", reply(status=404, body=NOT_FOUND))
    (outcome,) = fetch(wanted, ["yahoo"])

    assert outcome.note == "Yahoo, ACME: No data found, symbol may be delisted"


def test_it_is_asked_as_a_browser_would(server, wanted: FetchRequest) -> None:
    theirs.play(server)
    fetch(wanted, ["yahoo"])

    agents = {headers["User-Agent"] for _, _, headers in server.asked}
    assert len(agents) == 1
    assert "Chrome" in agents.pop()


def test_a_crumb_is_in_no_record(server, wanted: FetchRequest) -> None:
    theirs.play(server)
    theirs.answer(server, "ACME", theirs.REFUSALS["invalid crumb"], theirs.chart(MadeStock()))
    fetch(wanted, ["yahoo"])

    for path in wanted.into.rglob("*.json"):
        assert "crumb" not in path.read_text()


def test_what_yfinance_is_set_to_stays(server, wanted: FetchRequest) -> None:
    import logging

    import yfinance

    level = logging.getLogger("yfinance").level
    theirs.play(server, "forbidden")
    fetch(wanted, ["yahoo"])

    assert yfinance.config.debug.hide_exceptions is True
    assert logging.getLogger("yfinance").level == level


def test_without_yfinance_the_extra_is_named(
    server, wanted: FetchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str) -> Any:
        return None

    monkeypatch.setattr(yahoo, "find_spec", none)
    with pytest.raises(MissingDependencyError, match=r"pip install 'investorbench\[data\]'"):
        yahoo.ask(wanted)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("DNSError", "no such name; is there a network?"),
        ("CertificateVerifyError", "where a company's proxy signs it, set SSL_CERT_FILE"),
        ("ConnectionError", "ConnectionError (curl: (7) closed)"),
    ],
)
def test_what_keeps_an_answer_from_coming_is_said_once(
    wanted: FetchRequest, monkeypatch: pytest.MonkeyPatch, fault: str, says: str
) -> None:
    from curl_cffi.requests import Session, exceptions

    charts_asked = []

    def request(self: object, method: str, url: str, **options: object) -> None:
        charts_asked.extend([url] if "/chart/" in url else [])
        raise getattr(exceptions, fault)("curl: (7) closed See https://curl.se for more")

    monkeypatch.setattr(Session, "request", request)
    yahoo._browser.cache_clear()
    (outcome,) = fetch(wanted, ["yahoo"])
    yahoo._browser.cache_clear()

    assert says in outcome.note
    # What may pass is asked for again.
    assert len(charts_asked) == (3 if fault == "ConnectionError" else 1)


def test_a_wait_is_shown_with_its_reason_and_doubles(server, wanted: FetchRequest) -> None:
    theirs.play(server, "too many requests")
    browser = yahoo.ask(wanted)
    browser.politeness = Politeness(interval_s=0, tries=4, backoff_s=0.001)
    shown: list[str] = []
    with pytest.raises(RefusedError):
        yahoo.chart(browser, "ACME", wanted.first, wanted.last, shown.append)
    waits: list[float] = []
    with pytest.raises(RefusedError):
        patiently(browser.politeness, refuse, sleep=waits.append)

    assert shown == ["too many requests: asked again in 0 s"] * 3
    assert waits == [0.001, 0.002, 0.004]


def refuse() -> None:
    raise RefusedError("Yahoo", yahoo.CONTRACT.refusal("too many requests"))


@pytest.mark.parametrize("kind", ["ETF", "INDEX", "EQUITY"])
@pytest.mark.parametrize("events", ["all", "no splits", "none", "capital gains"])
def test_any_kind_of_instrument_with_or_without_events_is_read(
    server, wanted: FetchRequest, kind: str, events: str
) -> None:
    answer = theirs.chart(MadeStock(splits={}))
    (result,) = answer["chart"]["result"]
    result["meta"]["instrumentType"] = kind
    if events == "capital gains":
        paid = next(iter(result["events"]["dividends"].values()))
        result["events"]["capitalGains"] = {"1": dict(paid)}
    if events == "no splits":
        del result["events"]["splits"]
    if events == "none":
        del result["events"]
    theirs.answer(server, "ACME", answer)
    fetch(wanted, ["yahoo"])
    market = find_market("ACME", "stock", wanted.into)

    # Yahoo's dividends hold the capital gains already.
    assert market.bars[0, 0, 3] == pytest.approx(MadeStock().close(date(2021, 1, 4)))
    assert market.dividends.sum() == pytest.approx(0.82, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"meta": {"symbol": "OTHER"}}, "an answer about OTHER"),
        ({"meta": {"dataGranularity": "1mo"}}, "bars of 1mo in place of days"),
        (
            {"events": {"dividends": {"1": {"amount": 0.5, "date": 0, "currency": "EUR"}}}},
            "dividends in EUR to prices in USD",
        ),
        (
            {
                "events": {
                    "splits": {
                        str(hour): {"date": hour * 3600, "numerator": 2, "denominator": 1}
                        for hour in (1, 2)
                    }
                }
            },
            "two splits on one day",
        ),
        (
            {"events": {"splits": {"1": {"date": 0, "numerator": 2, "denominator": 0}}}},
            "cannot be",
        ),
    ],
    ids=["symbol", "months", "currency", "split twice", "split by nothing"],
)
def test_what_would_give_other_prices_than_were_asked_for_is_refused(
    server, wanted: FetchRequest, change: dict[str, dict[str, Any]], says: str
) -> None:
    answer = theirs.chart(MadeStock(dividends={}, splits={}))
    (result,) = answer["chart"]["result"]
    day = theirs.seconds(date(2021, 1, 5))
    for events in change.get("events", {}).values():
        for event in events.values():
            event["date"] += day
    for name, value in change.items():
        result[name] |= value
    theirs.answer(server, "ACME", answer)

    (outcome,) = fetch(wanted, ["yahoo"])

    assert (outcome.status, says in outcome.note) == ("failed", True), outcome.note
    assert not list(wanted.into.rglob("*.parquet"))
