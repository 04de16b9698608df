"""Fetched data is found, kept when something fails or is killed, and never fetched twice."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from investorbench_env.errors import UnknownNameError
from investorbench_env.market.library import find_market
from investorbench_env.market.sources import coverage, kept
from investorbench_env.market.sources.fetching import fetch
from investorbench_env.market.sources.http import Downloader
from investorbench_env.market.sources.plan import plan
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest

REPOSITORY = Path(__file__).resolve().parents[2]
DAYS, KLINES = "/tiingo/daily/AAPL/prices", "/api/v3/klines"
ADDRESSES = (
    *("YAHOO", "STOOQ", "TIINGO", "ALPACA", "EDGAR", "EDGAR_ARCHIVE", "INVESTORBENCH"),
    *("BINANCE", "BINANCE_ARCHIVE", "CCXT"),
)


def days(*dates: str) -> list[dict[str, Any]]:
    names = ("open", "high", "low", "close", "adjClose", "volume")
    return [
        {
            "date": f"{day}T00:00:00.000Z",
            **dict.fromkeys(names, 100.0 + number),
            "divCash": 0.0,
            "splitFactor": 1.0,
        }
        for number, day in enumerate(dates)
    ]


def candles(first: date, days: int) -> list[list[Any]]:
    begin = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    return [
        [(begin + n * 86400) * 1000, "1", "1", "1", "1", "1", 0, "0", 1, "0", "0", "0"]
        for n in range(days)
    ]


@pytest.fixture
def wanted(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager) -> FetchRequest:
    for name in ADDRESSES:
        monkeypatch.setenv(f"INVESTORBENCH_{name}_URL", server.url)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    for name in ("STOOQ_API_KEY", "TIINGO_API_KEY"):
        monkeypatch.setenv(name, "key")
    return FetchRequest(
        symbol="AAPL",
        asset_class="stock",
        first=date(2021, 1, 1),
        last=date(2021, 1, 31),
        into=tmp_path,
        politeness=eager,
    )


def asked(server, path: str) -> int:
    return sum(one == path for one, _, _ in server.asked)


def status(outcomes: list[FetchOutcome]) -> dict[str, str]:
    return {outcome.source: outcome.status for outcome in outcomes}


def test_what_was_fetched_is_found(server, wanted: FetchRequest) -> None:
    server.answer(DAYS, days("2021-01-14", "2021-01-15"))

    assert status(fetch(wanted, ["tiingo"])) == {"tiingo": "fetched"}
    market = find_market("AAPL", "stock", wanted.into)
    assert list(market.bars[:, 0, 3]) == [100, 101]
    assert market.source == "prices/AAPL_tiingo.parquet (Tiingo), actions/AAPL_tiingo.parquet"


def test_a_list_of_actions_without_any_says_that_there_were_none(
    server, wanted: FetchRequest
) -> None:
    server.answer("/tiingo/daily/ABC/prices", days("2021-01-14", "2021-01-15"))
    fetch(replace(wanted, symbol="ABC"), ["tiingo"])

    assert find_market("ABC", "stock", wanted.into).findings == ()


def test_where_every_row_came_from_is_written_down(server, wanted: FetchRequest) -> None:
    server.answer(DAYS, days("2021-01-14"))
    (outcome,) = fetch(wanted, ["tiingo"])

    assert outcome.paths
    provenance = json.loads(Path(f"{outcome.paths[-1]}.provenance.json").read_text())
    assert provenance["requests"][0]["url"].startswith(f"{server.url}{DAYS}?")
    assert len(provenance["requests"][0]["sha256"]) == 64
    assert provenance["rows"] == 1
    assert "redistribution" in provenance["terms"]


def test_what_is_there_is_not_fetched_again(server, wanted: FetchRequest) -> None:
    server.answer(DAYS, days("2021-01-14"))
    fetch(wanted, ["tiingo"])

    assert status(fetch(wanted, ["tiingo"])) == {"tiingo": "already there"}
    assert asked(server, DAYS) == 1


def test_more_days_are_fetched_together_with_those_there(server, wanted: FetchRequest) -> None:
    server.answer(DAYS, days("2021-01-14"), days("2021-01-14", "2021-02-01"))
    fetch(wanted, ["tiingo"])
    fetch(replace(wanted, first=date(2021, 2, 1), last=date(2021, 2, 2)), ["tiingo"])

    # The new request begins where the old one did.
    assert [p["startDate"] for path, p, _ in server.asked if path == DAYS] == ["2021-01-01"] * 2
    assert len(find_market("AAPL", "stock", wanted.into, data_tolerance=1.0).sessions) == 12


def test_a_file_that_was_changed_is_fetched_again(server, wanted: FetchRequest) -> None:
    server.answer(DAYS, days("2021-01-14"))
    (outcome,) = fetch(wanted, ["tiingo"])
    assert outcome.paths
    outcome.paths[-1].write_bytes(outcome.paths[-1].read_bytes()[:-9])

    assert status(fetch(wanted, ["tiingo"])) == {"tiingo": "fetched"}
    assert find_market("AAPL", "stock", wanted.into)


def test_the_next_source_steps_in_where_one_fails(server, reply, wanted: FetchRequest) -> None:
    server.answer("/q/d/l/", reply(status=500))
    server.answer(DAYS, days("2021-01-14", "2021-01-15"))

    outcomes = fetch(wanted)

    assert status(outcomes)["stooq"] == "failed"
    assert status(outcomes)["tiingo"] == "fetched"
    assert find_market("AAPL", "stock", wanted.into).bars[0, 0, 3] == 100


STOOQS = "Date,Open,High,Low,Close,Volume\n2021-01-14,1,1,1,1,5\n"


def test_the_next_source_is_left_in_peace_where_one_has_all_days(
    server, wanted: FetchRequest
) -> None:
    server.answer("/q/d/l/", STOOQS)
    one_day = replace(
        wanted, first=date(2021, 1, 14), last=date(2021, 1, 14), kinds=frozenset({"prices"})
    )

    assert "tiingo" not in status(fetch(one_day))
    assert asked(server, DAYS) == 0


def test_the_next_source_is_asked_where_one_lacks_a_day(server, wanted: FetchRequest) -> None:
    server.answer("/q/d/l/", STOOQS)
    server.answer(DAYS, days("2021-01-14", "2021-01-15"))
    two_days = replace(
        wanted, first=date(2021, 1, 14), last=date(2021, 1, 17), kinds=frozenset({"prices"})
    )

    assert status(fetch(two_days))["tiingo"] == "fetched"


def test_the_sec_is_not_asked_without_a_name(server, wanted: FetchRequest) -> None:
    (outcome,) = fetch(wanted, ["edgar"])

    assert outcome.status == "skipped"
    assert "--contact" in outcome.note
    assert server.asked == []


def edgar_answers(server, *documents: Any) -> None:
    server.answer(
        "/files/company_tickers.json", {"0": {"cik_str": 320193, "ticker": "AAPL", "title": "A"}}
    )
    recent = {
        "form": ["10-Q", "10-K"],
        "accessionNumber": ["0000320193-21-000010", "0000320193-21-000009"],
        "filingDate": ["2021-01-28", "2021-01-08"],
        "acceptanceDateTime": ["2021-01-27T21:30:12.000Z", "2021-01-07T21:30:12.000Z"],
        "primaryDocument": ["q.htm", "k.htm"],
    }
    server.answer("/submissions/CIK0000320193.json", {"filings": {"recent": recent, "files": []}})
    folder = "/Archives/edgar/data/320193/"
    server.answer(f"{folder}000032019321000009/k.htm", "annual words " * 40)
    server.answer(f"{folder}000032019321000010/q.htm", *documents)
    for number, moment in (("09", "20210107163012"), ("10", "20210127163012")):
        name = f"0000320193-21-0000{number}"
        server.answer(
            f"{folder}{name.replace('-', '')}/{name}.hdr.sgml", f"<ACCEPTANCE-DATETIME>{moment}\n"
        )


def test_reports_that_are_complete_are_kept_when_a_later_one_fails(
    server, reply, wanted: FetchRequest
) -> None:
    edgar_answers(server, *[reply(status=500)] * 3, "quarterly words " * 40)
    wanted = replace(wanted, contact="Ann Example ann@example.org")

    assert status(fetch(wanted, ["edgar"])) == {"edgar": "failed"}
    assert status(fetch(wanted, ["edgar"])) == {"edgar": "fetched"}
    assert asked(server, "/Archives/edgar/data/320193/000032019321000009/k.htm") == 1
    assert server.asked[0][2]["User-Agent"] == "investorbench Ann Example ann@example.org"
    assert not list((wanted.into / kept.PARTIAL / "edgar").iterdir())
    (path,) = wanted.into.glob("filings/*.provenance.json")
    addresses = [request["url"] for request in json.loads(path.read_text())["requests"]]
    assert sum(address.endswith("k.htm") for address in addresses) == 1


def test_fetched_reports_are_documents_from_when_they_were_accepted(
    server, wanted: FetchRequest
) -> None:
    edgar_answers(server, "quarterly words " * 40)
    server.answer(DAYS, days("2021-01-14", "2021-01-15"))
    fetch(replace(wanted, contact="Ann Example ann@example.org"), ["edgar", "tiingo"])

    annual, quarterly = find_market("AAPL", "stock", wanted.into).documents

    assert (annual.kind, annual.available_at) == (
        "10-K",
        datetime(2021, 1, 7, 21, 30, 12, tzinfo=UTC),
    )
    assert quarterly.source == "SEC EDGAR 0000320193-21-000010"


def test_fetched_headlines_are_found(server, wanted: FetchRequest) -> None:
    import io

    buffer = io.BytesIO()
    pd.DataFrame({"date": ["2020-01-06"], "news": ["One thing\nAnother"]}).to_parquet(buffer)
    server.answer(
        "/api/datasets/raeidsaqur/NIFTY/parquet", {"default": {"test": [f"{server.url}/t"]}}
    )
    server.answer("/t", buffer.getvalue())
    server.answer("/tiingo/daily/SPY/prices", days("2020-01-06", "2020-01-07"))
    spy = replace(
        wanted, symbol="SPY", asset_class="etf", first=date(2020, 1, 6), last=date(2020, 1, 7)
    )

    assert status(fetch(spy, ["tiingo", "nifty"])) == {"tiingo": "fetched", "nifty": "fetched"}
    titles = [row.title for row in find_market("SPY", "etf", wanted.into).documents]
    assert titles == ["One thing", "Another"]


def test_the_release_is_kept_byte_by_byte(server, wanted: FetchRequest) -> None:
    content = b'{"2021-01-14": {"prices": 1.5,   "news": []}}'
    server.answer("/btc.json", content)
    server.answer(KLINES, candles(date(2021, 1, 14), 3))
    bitcoin = replace(wanted, symbol="BTC", asset_class="crypto")

    assert status(fetch(bitcoin, ["investorbench", "binance"])) == {
        "investorbench": "fetched",
        "binance": "fetched",
    }
    assert (wanted.into / "investorbench" / "btc.json").read_bytes() == content


def test_a_source_that_does_not_exist_is_refused_with_those_that_do(
    wanted: FetchRequest,
) -> None:
    with pytest.raises(
        UnknownNameError, match="unknown source 'yaho'; valid, nearest first: yahoo"
    ):
        fetch(wanted, ["yaho"])


def test_a_symbol_cannot_leave_the_folder(server, wanted: FetchRequest, tmp_path: Path) -> None:
    server.answer("/tiingo/daily/--/--/X/prices", days("2021-01-14"))
    outside = set(tmp_path.parent.iterdir())
    fetch(replace(wanted, symbol="../../X"), ["tiingo"])

    assert set(tmp_path.parent.iterdir()) == outside


def process(wanted: FetchRequest, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "investorbench.scripts.data",
            "fetch",
            *arguments,
            "--into",
            str(wanted.into),
        ],
        cwd=REPOSITORY,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.heavy
def test_a_kill_midway_keeps_what_is_complete_and_the_rest_resumes(
    server, reply, wanted: FetchRequest
) -> None:
    first, second = candles(date(2020, 3, 1), 26), candles(date(2020, 3, 27), 10)
    server.answer(KLINES, first, reply(body=second, wait=20), second)
    command = ("BTC", "--source", "binance", "--from", "2020-03-01", "--to", "2020-04-05")
    killed = process(wanted, *command)
    until = time.monotonic() + 30
    while asked(server, KLINES) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not list(wanted.into.glob("prices/*.parquet"))

    resumed = process(wanted, *command)
    output, _ = resumed.communicate(timeout=60)

    assert resumed.returncode == 0, output
    assert asked(server, KLINES) == 3
    assert len(find_market("BTC", "crypto", wanted.into).sessions) == 36
    provenance = json.loads(
        (wanted.into / "prices/BTC_binance.parquet.provenance.json").read_text()
    )
    # The request of the run that was killed is on record too.
    assert len(provenance["requests"]) == 2


@pytest.mark.heavy
def test_two_processes_at_once_fetch_once_and_break_nothing(
    server, reply, wanted: FetchRequest
) -> None:
    server.answer(DAYS, reply(body=days("2021-01-14", "2021-01-15"), wait=1))
    command = ("AAPL", "--source", "tiingo", "--from", "2021-01-01", "--to", "2021-01-31")
    both = [process(wanted, *command), process(wanted, *command)]
    outputs = [one.communicate(timeout=60)[0] for one in both]

    assert [one.returncode for one in both] == [0, 0], outputs
    assert asked(server, DAYS) == 1
    assert sorted("already there" in output for output in outputs) == [False, True]
    assert len(find_market("AAPL", "stock", wanted.into).sessions) == 2


def test_a_disk_that_is_full_is_said_and_what_is_complete_stays(
    server, wanted: FetchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(KLINES, candles(date(2020, 3, 1), 26), candles(date(2020, 3, 27), 10))
    room = iter([None])  # for the first piece alone

    def full(_: int) -> None:
        if next(room, "none") == "none":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    bitcoin = replace(
        wanted, symbol="BTC", asset_class="crypto", first=date(2020, 3, 1), last=date(2020, 4, 5)
    )
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        outcomes = fetch(bitcoin, ["binance", "investorbench"])

    # The next source would find the same disk, and is not asked.
    assert [(each.source, each.status) for each in outcomes] == [("binance", "failed")]
    assert outcomes[0].note.startswith("No space left on device: ")
    assert not list(wanted.into.rglob("*.part"))
    assert status(fetch(bitcoin, ["binance"])) == {"binance": "fetched"}
    assert asked(server, KLINES) == 3


@pytest.mark.parametrize(
    "written",
    [
        "{",
        "[]",
        "{}",
        '{"sha256": "0", "asked": 7}',
        '{"asked": {"first": "2021-01-01", "last": "2021-01-31"}, "rows": 1}',
    ],
)
def test_what_another_version_or_a_crash_left_beside_a_file_is_fetched_again(
    server, wanted: FetchRequest, written: str
) -> None:
    server.answer(DAYS, days("2021-01-14"))
    (first,) = fetch(wanted, ["tiingo"])
    path = first.paths[-1]
    beside = Path(f"{path}.provenance.json")
    if '"rows"' in written:  # the file itself is whole
        old = {**json.loads(written), "sha256": json.loads(beside.read_text())["sha256"]}
        written = json.dumps(old)
    beside.write_text(written)

    prices = replace(wanted, kinds=frozenset({"prices"}), last=date(2021, 1, 14))
    prices = replace(prices, first=prices.last)
    assert "prices" in plan(prices, ["tiingo"], [wanted.into]).asked
    assert status(fetch(wanted, ["tiingo"])) == {"tiingo": "fetched"}
    assert status(fetch(wanted, ["tiingo"])) == {"tiingo": "already there"}
    assert not plan(prices, ["tiingo"], [wanted.into]).asked


@pytest.mark.parametrize("left", [b"", b"PAR1 cut off", "another version's"])
def test_a_piece_of_another_form_is_asked_for_again(tmp_path: Path, left: bytes | str) -> None:
    piece = pd.DataFrame({"date": pd.to_datetime(["2021-01-14"]), "close": [1.0]})
    path = tmp_path / "piece.parquet"
    if isinstance(left, bytes):
        path.write_bytes(left)
    else:
        piece.assign(close=2.0).to_parquet(path)
    with Downloader() as ask:
        again = kept.piece_of(ask, path, lambda: piece)
        there = kept.piece_of(ask, path, lambda: pd.DataFrame())

    assert list(again["close"]) == list(there["close"]) == [1.0]


def test_a_source_whose_terms_forbid_a_use_is_not_asked_for_it(
    server, wanted: FetchRequest
) -> None:
    (outcome,) = fetch(replace(wanted, uses=frozenset({"commercial"})), ["yahoo"])

    assert outcome.status == "skipped"
    assert "forbid commercial use" in outcome.note
    assert server.asked == []


def test_a_date_before_a_source_begins_is_said(server, wanted: FetchRequest) -> None:
    old = replace(wanted, symbol="BTC", asset_class="crypto", first=date(2010, 1, 1))
    (outcome,) = fetch(replace(old, last=date(2011, 1, 1)), ["binance"])

    assert (outcome.status, server.asked) == ("skipped", [])
    assert outcome.note == "has 2017-07-01.., nothing from 2010-01-01 to 2011-01-01"


def test_a_file_whose_provenance_was_not_written_yet_counts_as_not_there(
    server, wanted: FetchRequest
) -> None:
    server.answer(DAYS, days("2021-01-14", "2021-01-15"))
    two_days = replace(wanted, first=date(2021, 1, 14), last=date(2021, 1, 17))
    only = replace(two_days, kinds=frozenset({"prices"}))
    (outcome,) = fetch(only, ["tiingo"])
    assert not coverage.lacking(only, [wanted.into])
    Path(f"{outcome.paths[-1]}.provenance.json").unlink()

    assert coverage.lacking(only, [wanted.into]) == {"prices"}


def test_a_file_that_was_changed_is_fetched_again_with_all_its_days(
    server, wanted: FetchRequest
) -> None:
    server.answer(DAYS, days("2021-01-14", "2021-02-01"))
    (outcome,) = fetch(wanted, ["tiingo"])
    outcome.paths[-1].write_bytes(b"PAR1")
    fetch(replace(wanted, first=date(2021, 2, 1), last=date(2021, 2, 2)), ["tiingo"])

    assert [p["startDate"] for path, p, _ in server.asked if path == DAYS] == ["2021-01-01"] * 2
