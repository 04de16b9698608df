"""Alpaca's news is known to the second, and not before its last change."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from investorbench_env.market.library import find_market
from investorbench_env.market.sources import alpaca_news
from investorbench_env.market.sources.http import DownloadError, RefusedError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, KeyProblemError
from tests.market.servers.alpaca_news import KEYS, PATH, REFUSALS, VARIABLES, answer, daily, item

FIRST, LAST = date(2021, 1, 4), date(2021, 3, 31)


@pytest.fixture
def wanted(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager) -> FetchRequest:
    for name in VARIABLES:
        monkeypatch.setenv(name, server.url)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return FetchRequest(
        symbol="TSLA",
        asset_class="stock",
        first=FIRST,
        last=LAST,
        into=tmp_path,
        politeness=eager,
    )


def fetch(request: FetchRequest) -> FetchOutcome:
    return alpaca_news.fetch(request, lambda done, total, what: None)


def serve(server, items: list[dict[str, Any]]) -> None:
    server.answer(PATH, lambda asked: answer(items, asked))


def test_news_come_in_pages_and_each_is_known_from_its_last_change(
    server, wanted: FetchRequest
) -> None:
    serve(server, daily(FIRST, 87))
    outcome = fetch(wanted)
    (wanted.into / "TSLA.csv").write_text("date,close\n2021-01-04,700\n2021-01-05,710\n")

    texts = list(find_market("TSLA", "stock", wanted.into).documents)

    assert (outcome.rows, len(texts)) == (87, 87)
    assert (texts[0].title, texts[0].text) == ("News 0", "Summary 0")
    assert texts[0].available_at == datetime(2021, 1, 4, 20, 32, tzinfo=UTC)
    assert texts[0].source == "Alpaca (benzinga)"


def test_an_item_that_was_changed_later_is_known_later(server, wanted: FetchRequest) -> None:
    created = datetime(2021, 1, 5, 15, tzinfo=UTC)
    serve(server, [item(1, created, datetime(2021, 2, 1, 9, 30, tzinfo=UTC))])

    rows = pd.read_parquet(fetch(wanted).paths[0])

    assert str(rows["timestamp"].iloc[0]) == "2021-02-01 09:30:00+00:00"


def test_a_coin_is_asked_for_in_dollars_and_the_keys_go_in_headers_alone(
    server, wanted: FetchRequest
) -> None:
    serve(server, [])
    outcome = fetch(replace(wanted, symbol="BTC", asset_class="crypto"))

    _, parameters, headers = server.asked[0]
    assert parameters["symbols"] == "BTCUSD"
    assert headers["APCA-API-SECRET-KEY"] == KEYS["APCA_API_SECRET_KEY"]
    written = outcome.paths[0].with_name(outcome.paths[0].name + ".provenance.json").read_text()
    assert not any(value in written for value in KEYS.values())


def test_what_was_kept_before_a_fault_is_not_asked_for_again(
    server, reply, wanted: FetchRequest
) -> None:
    items = daily(FIRST, 87)
    broken = True

    def faulty(asked: dict[str, str]) -> Any:
        return "cut" if broken and asked["start"] > "2021-03" else answer(items, asked)

    server.answer(PATH, faulty)
    with pytest.raises(DownloadError, match="not JSON"):
        fetch(wanted)
    broken, before = False, len(server.asked)
    assert fetch(wanted).rows == 87

    starts = {parameters["start"] for _, parameters, _ in server.asked[before:]}
    assert min(starts) > "2021-03"


@pytest.mark.parametrize("name", REFUSALS)
def test_each_way_in_which_alpaca_says_no_is_one_line(
    server, wanted: FetchRequest, name: str
) -> None:
    server.answer(PATH, REFUSALS[name])

    with pytest.raises(RefusedError, match="Alpaca: ") as caught:
        fetch(wanted)

    assert caught.value.refusal.name == name
    assert not list(wanted.into.rglob("*.parquet"))


@pytest.mark.parametrize(
    "page",
    [
        {"message": "moved"},
        {"news": [{"headline": "x"}]},
        {"news": [{"headline": None, "created_at": "2021-01-05", "updated_at": "2021-01-05"}]},
        {"news": [{"headline": "x", "created_at": "soon", "updated_at": "soon"}]},
        [],
    ],
)
def test_news_of_another_form_is_refused(server, wanted: FetchRequest, page: Any) -> None:
    server.answer(PATH, page)

    with pytest.raises(DownloadError, match="Alpaca: no page of "):
        fetch(wanted)


@pytest.mark.parametrize("value", ["", "two\nlines"])
def test_without_a_key_that_can_be_sent_nothing_is_asked(
    server, wanted: FetchRequest, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", value)

    with pytest.raises(KeyProblemError, match="APCA_API_KEY_ID"):
        fetch(wanted)

    assert not server.asked


def test_the_evening_of_the_last_day_in_new_york_is_asked_for(server, wanted: FetchRequest) -> None:
    evening = datetime(2021, 4, 1, 1, 30, tzinfo=UTC)  # half past nine on 31 March
    serve(server, [item(1, evening)])
    fetch(wanted)
    (wanted.into / "TSLA.csv").write_text("date,close\n2021-03-30,700\n2021-03-31,710\n")

    market = find_market("TSLA", "stock", wanted.into)

    assert [text.available_at for text in market.until(1).documents()] == [evening]
