"""Each source's own form is read rightly, and refused where it is another."""

import io
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from investorbench_env.market.sources import (
    binance,
    edgar,
    nifty,
    released_files,
    stooq,
    yahoo,
)
from investorbench_env.market.sources.http import Downloader, DownloadError, NotThereError

FIRST, LAST = date(2020, 8, 1), date(2020, 8, 31)


@pytest.fixture
def ask(eager) -> Any:
    with Downloader(politeness=eager) as downloader:
        yield downloader


def opened(day: str) -> int:
    """A session's open in New York's summer, in seconds."""
    return int(datetime.fromisoformat(f"{day}T13:30:00").replace(tzinfo=UTC).timestamp())


def chart(**changes: Any) -> dict[str, Any]:
    """What Yahoo says of Apple around its split of 2020-08-31, as of today."""
    days = ["2020-08-06", "2020-08-07", "2020-08-28", "2020-08-31"]
    closes = [113.9, 111.11, 124.81, None]
    quote = {name: list(closes) for name in ("open", "high", "low", "close", "volume")}
    result = {
        "meta": {"symbol": "AAPL", "exchangeTimezoneName": "America/New_York"},
        "timestamp": [opened(day) for day in days],
        "events": {
            "dividends": {"1": {"amount": 0.205, "date": opened("2020-08-07")}},
            "splits": {"2": {"date": opened("2020-08-31"), "numerator": 4, "denominator": 1}},
        },
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": [110.5, 108.0, 121.3, None]}]},
    }
    return {"chart": {"result": [{**result, **changes}], "error": None}}


def test_yahoo_gives_bars_with_their_dates_in_new_york(server, ask) -> None:
    server.answer("/v8/finance/chart/AAPL", chart())

    bars = yahoo.chart(ask, "AAPL", FIRST, LAST, address=server.url).bars

    assert [f"{day:%Y-%m-%d}" for day in bars["date"]] == ["2020-08-06", "2020-08-07", "2020-08-28"]
    assert list(bars["adj_close"]) == [110.5, 108.0, 121.3]
    assert set(bars["source"]) == {"Yahoo"}


def test_yahoo_dividends_are_led_back_to_what_was_paid(server, ask) -> None:
    server.answer("/v8/finance/chart/AAPL", chart())

    actions = yahoo.chart(ask, "AAPL", FIRST, LAST, address=server.url).actions

    # Apple paid 0.82 a share before it split its shares by four.
    assert actions.drop(columns=["symbol", "source"]).astype(str).to_numpy().tolist() == [
        ["2020-08-07", "dividend", "0.82"],
        ["2020-08-31", "split", "4.0"],
    ]


def test_yahoo_is_asked_for_events_up_to_today_and_bars_are_cut(server, ask) -> None:
    server.answer("/v8/finance/chart/BRK-B", chart())

    chart_ = yahoo.chart(ask, "BRK.B", FIRST, date(2020, 8, 7), address=server.url)

    _, parameters, _ = server.asked[0]
    assert int(parameters["period2"]) > datetime.now(UTC).timestamp()
    assert len(chart_.bars) == 2
    assert len(chart_.actions) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            {"chart": {"result": None, "error": {"description": "No data found"}}},
            "Yahoo, AAPL: No data found",
        ),
        ({"chart": {"result": [{"meta": {}}], "error": None}}, "no bars in that time"),
        (chart(indicators={}), "another form"),
        ([1, 2], "holds no chart"),
    ],
)
def test_yahoo_answers_of_another_form_are_refused(server, ask, answer: Any, reason: str) -> None:
    server.answer("/v8/finance/chart/AAPL", answer)

    with pytest.raises(DownloadError, match=reason):
        yahoo.chart(ask, "AAPL", FIRST, LAST, address=server.url)


def test_stooq_gives_bars(server, ask) -> None:
    server.answer(
        "/q/d/l/", "Date,Open,High,Low,Close,Volume\r\n2020-08-28,126,126.4,124.6,124.81,100\r\n"
    )

    bars = stooq.daily_bars(ask, "AAPL", FIRST, LAST, address=server.url)

    assert bars.loc[0, "close"] == 124.81
    assert server.asked[0][1] == {"s": "aapl.us", "d1": "20200801", "d2": "20200831", "i": "d"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("No data", NotThereError),
        ("Exceeded the daily hits limit", DownloadError),
        ("Date,Open,High,Low,Close,Volume\n2020-08-28,126,126.4", DownloadError),
    ],
)
def test_stooq_answers_without_data_are_refused(server, ask, answer: str, error: type) -> None:
    server.answer("/q/d/l/", answer)

    with pytest.raises(error, match="Stooq, AAPL"):
        stooq.daily_bars(ask, "AAPL", FIRST, LAST, address=server.url)


def candle(day: str, close: float) -> list[Any]:
    begin = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000
    return [begin, "1.0", "9.0", "0.5", str(close), "12.5", begin + 86399999, "0", 1, "0", "0", "0"]


def test_binance_gives_bars_with_their_dates_in_utc(server, ask) -> None:
    server.answer("/api/v3/klines", [candle("2020-08-30", 2.5), candle("2020-08-31", 3.5)])

    bars = binance.daily_bars(ask, "BTC", FIRST, LAST, address=server.url)

    assert [f"{day:%Y-%m-%d}" for day in bars["date"]] == ["2020-08-30", "2020-08-31"]
    assert list(bars["close"]) == [2.5, 3.5]
    assert server.asked[0][1]["symbol"] == "BTCUSDT"
    # 2020-08-31T23:59:59.999Z
    assert server.asked[0][1]["endTime"] == "1598918399999"


def test_binance_is_asked_in_pieces_of_at_most_a_thousand_days() -> None:
    pieces = list(binance.spans(date(2018, 1, 1), date(2022, 12, 31)))

    assert pieces[0][0] == date(2018, 1, 1)
    assert pieces[-1][1] == date(2022, 12, 31)
    assert all((end - start).days < 1000 for start, end in pieces)
    assert all((after[0] - before[1]).days == 1 for before, after in pairwise(pieces))


def test_a_pair_that_binance_lacks_is_said(server, ask) -> None:
    server.answer("/api/v3/klines", {"code": -1121, "msg": "Invalid symbol."})

    with pytest.raises(NotThereError, match="Invalid symbol"):
        binance.daily_bars(ask, "NOPE", FIRST, LAST, address=server.url)


FOLDER = "/Archives/edgar/data/320193/000032019320000062"
COMPANIES = {"0": {"cik_str": 320193, "ticker": "AAPL", "title": "Apple Inc."}}
REPORT = (
    "<html><head><title>x</title></head><body><div style='display:none'>"
    "<ix:header>hidden</ix:header></div><p>Item&nbsp;1.\n"
    "Business &amp; more</p><table><tr><td>Sales</td><td>59,685</td></tr>"
    f"</table><p>{'words ' * 60}</p></body></html>"
)


def listing(**changes: Any) -> dict[str, Any]:
    recent = {
        "form": ["8-K", "10-Q", "10-K"],
        "accessionNumber": ["0", "0000320193-20-000062", "0000320193-19-000119"],
        "filingDate": ["2020-08-01", "2020-08-03", "2019-10-31"],
        "acceptanceDateTime": ["x", "2020-07-30T16:58:07.000Z", "x"],
        "primaryDocument": ["8k.htm", "aapl.htm", "old.htm"],
    }
    return {"filings": {"recent": {**recent, **changes}, "files": []}}


def test_edgar_lists_the_reports_of_the_days(server, ask) -> None:
    server.answer("/files/company_tickers.json", COMPANIES)
    server.answer("/submissions/CIK0000320193.json", listing())

    (found,) = edgar.filings(ask, "AAPL", FIRST, LAST, address=server.url, archive=server.url)

    assert (found.form, found.accession) == ("10-Q", "0000320193-20-000062")


def test_edgar_follows_the_pages_of_older_reports_that_are_needed(server, ask) -> None:
    pages = [
        {"name": "older.json", "filingTo": "2020-08-15"},
        {"name": "oldest.json", "filingTo": "2010-01-01"},
    ]
    server.answer("/files/company_tickers.json", COMPANIES)
    nothing = {name: [] for name in listing()["filings"]["recent"]}
    server.answer(
        "/submissions/CIK0000320193.json", {"filings": {"recent": nothing, "files": pages}}
    )
    server.answer("/submissions/older.json", listing()["filings"]["recent"])

    found = edgar.filings(ask, "AAPL", FIRST, LAST, address=server.url, archive=server.url)

    assert len(found) == 1
    assert "/submissions/oldest.json" not in [path for path, _, _ in server.asked]


def report(server, ask) -> dict[str, Any]:
    server.answer("/files/company_tickers.json", COMPANIES)
    server.answer("/submissions/CIK0000320193.json", listing())
    server.answer(f"{FOLDER}/aapl.htm", REPORT)
    (found,) = edgar.filings(ask, "AAPL", FIRST, LAST, address=server.url, archive=server.url)
    return edgar.report(ask, found, archive=server.url)


def test_a_report_is_known_from_the_time_in_its_header_which_is_new_yorks(server, ask) -> None:
    header = "<SEC-HEADER>\n<ACCEPTANCE-DATETIME>20200730165807\nACCESSION NUMBER: 1\n"
    server.answer(f"{FOLDER}/0000320193-20-000062.hdr.sgml", header)

    assert report(server, ask)["accepted"] == "2020-07-30T20:58:07+00:00"


def test_without_a_header_the_later_reading_of_the_listed_time_holds(server, ask) -> None:
    assert report(server, ask)["accepted"] == "2020-07-30T20:58:07+00:00"


def test_a_report_is_its_words_without_markup_or_hidden_facts(server, ask) -> None:
    text = report(server, ask)["text"]

    assert text.startswith("Item 1. Business & more\n")
    assert "\nSales 59,685\n" in text
    assert "hidden" not in text
    assert "<" not in text


def test_a_report_without_words_is_refused(server, ask) -> None:
    server.answer(f"{FOLDER}/aapl.htm", "<html>moved</html>")
    found = edgar.Filing(
        symbol="AAPL",
        company=320193,
        form="10-Q",
        accession="0000320193-20-000062",
        filing_date=FIRST,
        listed_time="2020-07-30T16:58:07.000Z",
        document="aapl.htm",
    )

    with pytest.raises(DownloadError, match="no report, only 5 characters"):
        edgar.report(ask, found, archive=server.url)


def test_a_company_that_the_sec_does_not_know_is_said(server, ask) -> None:
    server.answer("/files/company_tickers.json", COMPANIES)

    with pytest.raises(NotThereError, match="EDGAR, NOPE: not among the 1 companies"):
        edgar.filings(ask, "NOPE", FIRST, LAST, address=server.url, archive=server.url)


def parquet(**columns: list[Any]) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer)
    return buffer.getvalue()


def test_nifty_gives_headlines_and_never_its_labels(
    server, ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    content = parquet(
        id=["nifty_1"],
        news=["One thing\nAnother thing\n\nOne thing"],
        conversations=["market data and news headlines from 2020-01-06. Offer a reply"],
        label=["Rise"],
        pct_change=[0.012],
    )
    files = {"nifty-rl": {"test": [f"{server.url}/rl"]}, "nifty-lm": {"test": [f"{server.url}/t"]}}
    server.answer("/api/datasets/raeidsaqur/NIFTY/parquet", files)
    server.answer("/t", content)

    (part,) = nifty.parts(ask)["test"]
    headlines = nifty.headlines(ask, part)

    assert list(headlines["headline"]) == ["One thing", "Another thing"]
    assert f"{headlines['date'].iloc[0]:%Y-%m-%d}" == "2020-01-06"
    assert set(headlines.columns) == {"date", "symbol", "headline", "source"}


def test_nifty_is_found_under_its_other_name(server, ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.answer("/api/datasets/raeidsaqur/nifty-rl/parquet", {"d": {"test": ["there"]}})

    assert nifty.parts(ask) == {"test": ["there"]}


def test_nifty_rows_without_a_date_are_refused(server, ask) -> None:
    server.answer("/t", parquet(id=["nifty_1"], news=["One thing"]))

    with pytest.raises(DownloadError, match="row 'nifty_1' names no date"):
        nifty.headlines(ask, f"{server.url}/t")


def test_a_released_file_is_checked_before_it_is_kept(server, ask) -> None:
    server.answer("/btc.json", b'{"2021-01-14": {"prices": 1.0, "news": []}}')
    content, days = released_files.released_file(ask, "BTC", address=server.url)
    assert (len(content), days) == (43, ["2021-01-14"])

    server.answer("/eth.json", b'{"2021-01-14": {"pri')
    with pytest.raises(ValueError, match=r"eth\.json, line 1.* not JSON"):
        released_files.released_file(ask, "ETH", address=server.url)
