"""Each source's own form is read rightly, and refused where it is another."""

import io
from datetime import date
from typing import Any

import pandas as pd
import pytest

from investorbench_env.market.sources import (
    edgar,
    nifty,
    released_files,
)
from investorbench_env.market.sources.http import Downloader, DownloadError, NotThereError

FIRST, LAST = date(2020, 8, 1), date(2020, 8, 31)


@pytest.fixture
def ask(eager) -> Any:
    with Downloader(politeness=eager) as downloader:
        yield downloader


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
    assert "\nSales  59,685\n" in text
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
