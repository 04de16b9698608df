"""EDGAR's reports and statements become documents that are known from their acceptance."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from investorbench_env.market.library import find_market
from investorbench_env.market.sources import edgar
from investorbench_env.market.sources.edgar_statements import as_text, facts_by_accession
from investorbench_env.market.sources.http import DownloadError, NotThereError, RefusedError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest
from tests.market.servers.edgar import REFUSALS, VARIABLES, MadeFiling, serve

COMPANY = 1736541
YEARLY = MadeFiling(
    form="20-F",
    filed=date(2021, 4, 6),
    accepted="20210406172530",
    number=1,
    words="Annual report of a company from abroad. " * 20,
    values=(
        ("Revenues", "2020-04-01", 16_257_932_000),
        ("NetIncomeLoss", "2020-04-01", -5_610_790_000.5),
        ("Assets", "", 54_641_929_000),
    ),
)
CURRENT = MadeFiling(
    form="6-K",
    filed=date(2021, 4, 30),
    accepted="20210429180102",
    number=2,
    words="See the exhibit.",
    exhibits=("Deliveries rose to 20,060 vehicles.", "A letter to shareholders."),
)


def test_what_a_company_from_abroad_files_is_known_from_its_acceptance(server, request_of) -> None:
    serve(server, "NIO", COMPANY, [YEARLY, CURRENT])
    outcome = fetch(request_of("NIO"))
    prices = "date,close\n2021-04-28,39.0\n2021-04-29,39.5\n2021-04-30,39.8\n"
    (request_of("NIO").into / "NIO.csv").write_text(prices)

    documents = list(find_market("NIO", "stock", request_of("NIO").into).documents)

    assert [path.parent.name for path in outcome.paths] == ["filings", "fundamentals"]
    assert [(text.kind, text.available_at) for text in documents] == [
        ("20-F", datetime(2021, 4, 6, 21, 25, 30, tzinfo=UTC)),
        ("20-F statements", datetime(2021, 4, 6, 21, 25, 30, tzinfo=UTC)),
        ("6-K", datetime(2021, 4, 29, 22, 1, 2, tzinfo=UTC)),
    ]
    assert documents[2].text == (
        "See the exhibit.\n\nDeliveries rose to 20,060 vehicles.\n\nA letter to shareholders."
    )


@pytest.fixture
def request_of(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager):
    """A request for the filings of a company in April 2021."""
    for name in VARIABLES:
        monkeypatch.setenv(name, server.url)

    def request(symbol: str) -> FetchRequest:
        return FetchRequest(
            symbol=symbol,
            asset_class="stock",
            first=date(2021, 4, 1),
            last=date(2021, 4, 30),
            into=tmp_path,
            contact="Ann Example ann@example.org",
            kinds=frozenset({"filings", "fundamentals"}),
            politeness=eager,
        )

    return request


def fetch(request: FetchRequest) -> FetchOutcome:
    return edgar.fetch(request, lambda done, total, what: None)


def test_statements_are_what_the_filing_itself_reported_of_its_last_period(
    server, request_of
) -> None:
    serve(server, "NIO", COMPANY, [YEARLY])
    outcome = fetch(replace(request_of("NIO"), kinds=frozenset({"fundamentals"})))

    (row,) = pd.read_parquet(outcome.paths[0]).to_dict("records")

    assert row["text"] == (
        "Income statement, 2021-04-01\n"
        "Revenues: 16,257,932,000 USD from 2020-04-01 to 2021-04-01\n"
        "Net income loss: -5,610,790,000.5 USD from 2020-04-01 to 2021-04-01\n\n"
        "Balance sheet, 2021-04-01\n"
        "Assets: 54,641,929,000 USD"
    )
    assert row["source"] == f"SEC EDGAR {YEARLY.accession}"


def test_a_quarter_and_the_year_so_far_both_stand_in_a_statement() -> None:
    entries = [
        {"start": "2021-01-01", "end": "2021-06-30", "val": 3.0, "accn": "a"},
        {"start": "2021-04-01", "end": "2021-06-30", "val": 2.0, "accn": "a"},
        {"start": "2020-04-01", "end": "2020-06-30", "val": 1.0, "accn": "a"},
        {"start": "2021-04-01", "end": "2021-06-30", "val": 2.5, "accn": "restated later"},
    ]
    listed = {"facts": {"us-gaap": {"EarningsPerShareBasic": {"units": {"USD/shares": entries}}}}}

    facts = facts_by_accession(listed)

    assert as_text(facts["a"]) == (
        "Income statement, 2021-06-30\n"
        "Earnings per share basic: 2 USD/shares from 2021-04-01 to 2021-06-30\n"
        "Earnings per share basic: 3 USD/shares from 2021-01-01 to 2021-06-30"
    )


@pytest.mark.parametrize(
    "listed",
    [
        [],
        {},
        {"facts": {"us-gaap": {"Assets": {}}}},
        {"facts": {"us-gaap": {"Assets": {"units": {"USD": [{}]}}}}},
        {"facts": {"us-gaap": {"Assets": {"units": {"USD": [{"end": "soon", "val": 1}]}}}}},
    ],
)
def test_facts_of_another_form_are_refused(server, request_of, listed: object) -> None:
    serve(server, "NIO", COMPANY, [YEARLY])
    server.answer(f"/api/xbrl/companyfacts/CIK{COMPANY:010d}.json", listed)

    with pytest.raises(DownloadError, match="EDGAR, NIO: "):
        fetch(replace(request_of("NIO"), kinds=frozenset({"fundamentals"})))


def test_a_company_without_statements_as_data_has_its_reports_all_the_same(
    server, request_of
) -> None:
    serve(server, "NIO", COMPANY, [CURRENT])

    outcome = fetch(request_of("NIO"))

    assert (outcome.status, outcome.note) == ("fetched", "EDGAR, NIO: no statements as data")
    assert [path.parent.name for path in outcome.paths] == ["filings"]
    with pytest.raises(NotThereError, match="no statements as data"):
        fetch(replace(request_of("NIO"), kinds=frozenset({"fundamentals"})))


def test_what_a_killed_run_had_is_not_asked_for_again(
    server, request_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(server, "NIO", COMPANY, [YEARLY, CURRENT])
    real = edgar.report

    def killed(downloader, filing, **more):
        if filing.form == "6-K":
            raise KeyboardInterrupt
        return real(downloader, filing, **more)

    monkeypatch.setattr(edgar, "report", killed)
    with pytest.raises(KeyboardInterrupt):
        fetch(request_of("NIO"))
    monkeypatch.setattr(edgar, "report", real)
    fetch(request_of("NIO"))

    assert sum("main1.htm" in path for path, _, _ in server.asked) == 1


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        ("/files/company_tickers.json", []),
        ("/files/company_tickers.json", {"0": "NIO"}),
        ("/files/company_tickers.json", {"0": {"ticker": "NIO"}}),
        (f"/submissions/CIK{COMPANY:010d}.json", []),
        (f"/submissions/CIK{COMPANY:010d}.json", {"filings": {"recent": {"form": ["6-K"]}}}),
    ],
)
def test_lists_of_another_form_are_refused(server, request_of, path: str, listed: object) -> None:
    serve(server, "NIO", COMPANY, [YEARLY])
    server.answer(path, listed)

    with pytest.raises(DownloadError, match="EDGAR, NIO: a list of another form"):
        fetch(request_of("NIO"))


def test_reports_and_statements_take_one_look_at_the_lists(server, request_of) -> None:
    serve(server, "NIO", COMPANY, [YEARLY, CURRENT])
    fetch(request_of("NIO"))

    asked = [path for path, _, _ in server.asked]
    assert asked.count(f"/submissions/CIK{COMPANY:010d}.json") == 1
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("name", REFUSALS)
def test_each_way_in_which_the_sec_says_no_is_one_line(server, request_of, name: str) -> None:
    server.answer("/files/company_tickers.json", REFUSALS[name])

    with pytest.raises(RefusedError, match="EDGAR: ") as caught:
        fetch(request_of("NIO"))

    assert caught.value.refusal.name == name.split(",")[0]
    assert "\n" not in str(caught.value)
    assert len(server.asked) == 1


def test_a_report_that_tells_of_the_secs_pages_is_a_report(server, request_of) -> None:
    words = "Risk: our Request Rate Threshold Exceeded that of others. " * 10
    serve(server, "NIO", COMPANY, [replace(YEARLY, words="Words first. " * 400 + words)])

    assert fetch(request_of("NIO")).rows == 2


def test_what_was_accepted_in_the_evening_of_the_last_day_is_asked_for(server, request_of) -> None:
    made = replace(YEARLY, filed=date(2021, 5, 3), accepted="20210430190000")  # Friday, Monday
    serve(server, "NIO", COMPANY, [made])
    wanted = replace(request_of("NIO"), last=date(2021, 4, 30), kinds=frozenset({"filings"}))
    fetch(wanted)
    (wanted.into / "NIO.csv").write_text("date,close\n2021-04-29,39.5\n2021-04-30,39.8\n")

    market = find_market("NIO", "stock", wanted.into)

    assert [text.kind for text in market.until(1).documents()] == ["20-F"]


@pytest.mark.parametrize("filed", ["2021-04-06", "2021-04-07", "2021-04-09"])
def test_a_report_that_another_source_dates_by_the_day_counts_once_from_its_acceptance(
    server, request_of, filed: str
) -> None:
    serve(server, "NIO", COMPANY, [YEARLY])
    wanted = replace(request_of("NIO"), kinds=frozenset({"filings"}))
    fetch(wanted)
    rows = {"symbol": "NIO", "form": "20-F", "item": "FULL", "source": "another"}
    texts = ["The same report in other words. " * 9, "That of the year before. " * 9]
    other = pd.DataFrame({"filing_date": [filed, "2020-05-14"], "text": texts, **rows})
    (wanted.into / "theirs").mkdir()
    other.to_csv(wanted.into / "theirs" / "NIO_filings.csv", index=False)
    other.to_csv(wanted.into / "NIO_filings.csv", index=False)
    (wanted.into / "NIO.csv").write_text("date,close\n2021-04-05,39.0\n2021-04-06,39.5\n")

    market = find_market("NIO", "stock", wanted.into)

    reports = [(text.available_at.date(), text.source) for text in market.documents]
    assert reports == [
        (date(2020, 5, 15), "another"),
        (date(2021, 4, 6), "SEC EDGAR 0000000001-21-000001"),
    ]
    assert "3 reports of several files kept once" in market.findings
