"""Asking politely: again after a fault, as patiently as asked, never half an answer."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from investorbench_env.market.sources.http import (
    Downloader,
    DownloadError,
    NotThereError,
    Politeness,
)


@pytest.fixture
def waits() -> list[float]:
    return []


def downloader(waits: list[float], **options: float) -> Downloader:
    politeness = Politeness(**{"interval_s": 0, "tries": 4, "backoff_s": 1, **options})
    return Downloader(politeness=politeness, sleep=waits.append)


def test_an_answer_is_recorded_with_its_address_and_checksum(server, waits) -> None:
    server.answer("/a", {"x": 1})
    with downloader(waits) as ask:
        assert ask.json(f"{server.url}/a", {"q": "1"}) == {"x": 1}

    record = ask.records[0]
    assert record["url"] == f"{server.url}/a?q=1"
    # By sha256sum.
    assert record["sha256"].startswith("613fe5aa6534")


def test_it_says_who_asks(server, waits) -> None:
    server.answer("/a", {"x": 1})
    with Downloader(user_agent="Ann Example ann@example.org") as ask:
        ask.json(f"{server.url}/a")

    assert server.asked[0][2]["User-Agent"] == "Ann Example ann@example.org"


def test_it_waits_as_long_as_retry_after_says(server, reply, waits) -> None:
    server.answer("/a", reply(status=429, headers={"Retry-After": "7"}), {"x": 1})
    with downloader(waits) as ask:
        ask.json(f"{server.url}/a")

    assert waits == [7]


def test_retry_after_may_be_a_date(server, reply, waits) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.answer("/a", reply(status=503, headers={"Retry-After": soon}), {"x": 1})
    with downloader(waits) as ask:
        ask.json(f"{server.url}/a")

    assert 25 < waits[0] <= 30


def test_a_server_that_asks_for_too_much_patience_is_given_up_for_now(server, reply, waits) -> None:
    server.answer("/a", reply(status=429, headers={"Retry-After": "3600"}))
    with downloader(waits) as ask, pytest.raises(DownloadError, match="asks to wait 3600 s"):
        ask.json(f"{server.url}/a")

    assert waits == []


def test_waits_double_after_each_fault(server, reply, waits) -> None:
    server.answer("/a", reply(status=500), reply(status=502), reply(status=503), {"x": 1})
    with downloader(waits) as ask:
        ask.json(f"{server.url}/a")

    assert waits == [1, 2, 4]


def test_it_gives_up_after_some_tries_and_says_why(server, reply, waits) -> None:
    server.answer("/a", reply(status=500))
    with downloader(waits, tries=2) as ask, pytest.raises(DownloadError, match="HTTP 500, 2 times"):
        ask.json(f"{server.url}/a")


def test_a_connection_that_closes_midway_is_tried_again(server, reply, waits) -> None:
    server.answer("/a", reply(body={"x": "y" * 500}, cut=100), {"x": 1})
    with downloader(waits) as ask:
        assert ask.json(f"{server.url}/a") == {"x": 1}

    assert len(server.asked) == 2


def test_json_that_was_cut_off_is_tried_again(server, waits) -> None:
    server.answer("/a", b'{"x": [1, 2', {"x": 1})
    with downloader(waits) as ask:
        assert ask.json(f"{server.url}/a") == {"x": 1}


def test_a_web_page_instead_of_data_is_said_at_once(server, waits) -> None:
    server.answer("/a", b"<!DOCTYPE html><html>Are you a robot?</html>")
    with downloader(waits) as ask, pytest.raises(DownloadError, match="web page instead of data"):
        ask.json(f"{server.url}/a")

    assert len(server.asked) == 1


def test_what_is_not_there_is_not_asked_for_again(server, waits) -> None:
    with downloader(waits) as ask, pytest.raises(NotThereError, match=r"HTTP 404"):
        ask.json(f"{server.url}/nothing")

    assert len(server.asked) == 1


def test_a_refusal_names_what_may_help(server, reply, waits) -> None:
    server.answer("/a", reply(status=403))
    with downloader(waits) as ask, pytest.raises(DownloadError, match=r"HTTP 403.*--contact"):
        ask.json(f"{server.url}/a")


def test_requests_to_one_host_keep_their_distance(server) -> None:
    server.answer("/a", {"x": 1})
    started = time.monotonic()
    with Downloader(politeness=Politeness(interval_s=0.05)) as ask:
        for _ in range(3):
            ask.json(f"{server.url}/a")

    assert time.monotonic() - started >= 0.1


def test_a_server_that_is_not_there_is_said(waits) -> None:
    with downloader(waits, tries=1) as ask, pytest.raises(DownloadError, match="ConnectError"):
        ask.json("http://127.0.0.1:9/a")


def test_waits_of_ones_own_grow_no_longer_than_a_server_may_ask_for(server, reply, waits) -> None:
    server.answer("/a", reply(status=503))
    with (
        downloader(waits, backoff_s=50, longest_wait_s=120, tries=4) as ask,
        pytest.raises(DownloadError, match=r", 4 times; try again later"),
    ):
        ask.json(f"{server.url}/a")

    assert waits == [50, 100, 120]


def test_a_single_try_is_not_counted(server, reply, waits) -> None:
    server.answer("/a", reply(status=503))
    with downloader(waits, tries=1) as ask, pytest.raises(DownloadError) as caught:
        ask.json(f"{server.url}/a")

    assert "times" not in str(caught.value)
