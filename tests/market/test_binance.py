"""Binance's archive and its API: months with checksums first, the rest from the API, none twice."""

import io
import zipfile
from dataclasses import replace
from datetime import date
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench_env.market.sources.binance import EARLIEST, MOST_ROWS, months
from investorbench_env.market.sources.fetching import fetch
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest
from investorbench_env.market.sources.spans import spans
from tests.market.servers import binance as theirs
from tests.market.servers.made_coin import MadeCoin, day_of

COIN = MadeCoin()


@pytest.fixture
def wanted(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager) -> FetchRequest:
    for variable in theirs.VARIABLES:
        monkeypatch.setenv(variable, server.url)
    theirs.play(server)
    return FetchRequest(
        symbol="BTC",
        asset_class="crypto",
        first=date(2020, 1, 10),
        last=date(2020, 6, 20),
        into=tmp_path,
        politeness=eager,
    )


def fetched(wanted: FetchRequest) -> FetchOutcome:
    (outcome,) = fetch(wanted, ["binance"])
    return outcome


def closes(wanted: FetchRequest) -> dict[date, float]:
    bars = pd.read_parquet(wanted.into / "prices" / "BTC_binance.parquet")
    assert bars["date"].is_unique
    return dict(zip(bars["date"].dt.date, bars["close"], strict=True))


def all_closes(wanted: FetchRequest) -> dict[date, float]:
    return {day: COIN.bar(day)[3] for day in COIN.days(wanted.first, wanted.last)}


def from_api(server) -> list[tuple[date, date]]:
    """The spans that the API was asked for."""
    return [
        (day_of(int(each["startTime"])), day_of(int(each["endTime"])))
        for path, each, _ in server.asked
        if path == theirs.KLINES
    ]


def months_asked(server) -> list[str]:
    """The months of which a zip was asked for."""
    zips = [path for path, _, _ in server.asked if path.endswith(".zip")]
    return [path[-len("2020-03.zip") : -len(".zip")] for path in zips]


def test_months_come_from_the_archive_and_the_rest_from_the_api(server, wanted) -> None:
    theirs.archive(server, COIN, "2020-03", "2020-04", "2020-05")
    fetched(wanted)

    assert closes(wanted) == all_closes(wanted)
    assert months_asked(server) == ["2020-05", "2020-04", "2020-03"]
    # Before the archive's first month, where the coin may not have been listed, and after its last.
    assert from_api(server) == [
        (date(2020, 1, 10), date(2020, 2, 29)),
        (date(2020, 6, 1), date(2020, 6, 20)),
    ]


def test_a_month_that_is_missing_in_the_middle_comes_from_the_api(server, wanted) -> None:
    theirs.archive(server, COIN, "2020-03", "2020-05")
    fetched(wanted)

    assert closes(wanted) == all_closes(wanted)


def test_without_an_archive_all_comes_from_the_api(server, reply, wanted) -> None:
    for month in ("2020-05", "2020-06"):
        server.answer(
            f"{theirs.path('BTC', month)}.CHECKSUM", theirs.REFUSALS["restricted location"]
        )
    fetched(wanted)

    assert closes(wanted) == all_closes(wanted)
    assert from_api(server) == [
        (date(2020, 1, 10), date(2020, 3, 26)),
        (date(2020, 3, 27), date(2020, 6, 20)),
    ]


def test_a_zip_that_is_not_what_its_checksum_says_is_asked_for_again(server, reply, wanted) -> None:
    theirs.archive(server, COIN, "2020-05")
    place = theirs.path("BTC", "2020-05")
    whole = server.replies[place][0]
    server.answer(place, whole.body[:-10], whole)
    fetched(wanted)

    assert closes(wanted) == all_closes(wanted)
    assert months_asked(server).count("2020-05") == 2


def test_a_zip_that_never_is_what_its_checksum_says_is_an_error(server, wanted) -> None:
    theirs.archive(server, COIN, "2020-05")
    server.answer(theirs.path("BTC", "2020-05"), b"PK another")
    outcome = fetched(wanted)

    assert outcome.status == "failed"
    assert "not what its checksum says" in outcome.note


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"no zip",
        zipped("../../evil.csv", b"1,2,3,4,5,6"),
        zipped("BTCUSDT-1d-2020-05.csv", b"\0" * (64 << 20)),
        zipped("BTCUSDT-1d-2020-05.csv", b"1588291200000,1,2\n"),
        zipped("BTCUSDT-1d-2020-05.csv", b"1588291200000,a,b,c,d,e\n"),
        zipped("BTCUSDT-1d-2020-05.csv", b"\xff\xfe"),
    ],
    ids=["no zip", "another name", "a bomb", "too short", "no numbers", "no text"],
)
def test_a_zip_of_another_form_is_refused_and_nothing_unpacked(
    server, wanted, content: bytes
) -> None:
    place = theirs.path("BTC", "2020-05")
    server.answer(place, content)
    server.answer(f"{place}.CHECKSUM", f"{sha256(content).hexdigest()}  x.zip\n")
    outcome = fetched(wanted)

    assert outcome.status == "failed"
    assert "no BTCUSDT-1d-2020-05.csv in a zip, but" in outcome.note
    assert not list(wanted.into.rglob("*.csv"))


def test_times_in_microseconds_and_a_line_of_names_are_read(server, wanted) -> None:
    coin = MadeCoin(listed=date(2025, 1, 1))
    theirs.play(server, coin=coin)
    theirs.archive(server, coin, "2025-01")
    place = theirs.path("BTC", "2025-02")
    rows = [",".join(map(str, theirs.candle(coin, date(2025, 2, day), 1000))) for day in (1, 2)]
    named = zipped("BTCUSDT-1d-2025-02.csv", "\n".join(["open_time,open", *rows]).encode())
    server.answer(place, named)
    server.answer(f"{place}.CHECKSUM", f"{sha256(named).hexdigest()}  x.zip\n")
    wanted = replace(wanted, first=date(2025, 1, 1), last=date(2025, 2, 28))
    fetched(wanted)

    assert [*closes(wanted)] == [*coin.days(date(2025, 1, 1), date(2025, 2, 2))]


def test_a_pair_that_it_lacks_is_said_in_its_words(server, wanted) -> None:
    outcome = fetched(replace(wanted, symbol="NOPE"))

    assert outcome.note == "Binance, NOPEUSDT: Invalid symbol."


def test_days_before_a_coin_was_listed_are_said(server, wanted) -> None:
    outcome = fetched(replace(wanted, first=date(2019, 1, 1), last=date(2019, 2, 1)))

    assert outcome.note == "Binance has no BTCUSDT from 2019-01-01 to 2019-02-01"


def test_what_was_kept_is_not_asked_for_again_after_a_fault(server, reply, wanted) -> None:
    theirs.archive(server, COIN, "2020-04", "2020-05")
    server.answer(theirs.KLINES, reply(status=500))
    assert fetched(wanted).status == "failed"
    theirs.play(server)
    assert fetched(wanted).status == "fetched"

    assert closes(wanted) == all_closes(wanted)
    assert [months_asked(server).count(month) for month in ("2020-04", "2020-05")] == [1, 1]


DAYS = st.dates(date(2015, 1, 1), date(2026, 1, 1))


@given(first=DAYS, last=DAYS)
def test_spans_join_without_gaps_and_hold_no_more_days_than_an_answer(
    first: date, last: date
) -> None:
    pieces = list(spans(first, last, earliest=EARLIEST, days=MOST_ROWS))

    assert bool(pieces) == (max(first, EARLIEST) <= last)
    if pieces:
        assert (pieces[0][0], pieces[-1][1]) == (max(first, EARLIEST), last)
    assert all((end - start).days < MOST_ROWS for start, end in pieces)
    assert all((after[0] - before[1]).days == 1 for before, after in pairwise(pieces))


@given(first=DAYS, last=DAYS)
def test_months_are_those_of_the_span_that_are_over(first: date, last: date) -> None:
    found = months(first, last)

    assert found == sorted(found, reverse=True)
    days = pd.date_range(max(first, EARLIEST), last, freq="D")
    assert {f"{month:%Y-%m}" for month in found} == set(days.strftime("%Y-%m"))
