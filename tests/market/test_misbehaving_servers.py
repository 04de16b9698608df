"""What a server, or this machine's settings, may do to a request: one line each, nothing leaks."""

import gzip
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from investorbench_env.market.sources import catalogue, fetching, http, hub, source
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.http import (
    Downloader,
    DownloadError,
    NotReachedError,
    OutOfReachError,
    Politeness,
)
from investorbench_env.market.sources.source import FetchRequest, KeyProblemError, last_over
from tests.market.conftest import serving

SECRET = "a-secret-key"
ONCE = Politeness(interval_s=0, tries=2, backoff_s=0, timeout_s=5)


@pytest.fixture
def ask() -> Any:
    with Downloader(politeness=ONCE) as downloader:
        yield downloader


def keyed(home: str) -> Downloader:
    return Downloader(
        politeness=ONCE,
        keys={"KEY": SECRET},
        headers={"X-Key": "{KEY}", "Authorization": "Bearer {KEY}", "X-Plain": "as it is"},
        home=home,
    )


def test_a_key_is_not_sent_on_to_a_host_to_which_its_source_leads(server, reply) -> None:
    with serving() as other, keyed(server.url) as ask:
        server.answer("/data", reply(status=302, headers={"Location": f"{other.url}/stored"}))
        other.answer("/stored", "what was stored")

        assert ask.text(f"{server.url}/data") == "what was stored"
        assert ask.text(f"{other.url}/stored") == "what was stored"

    ((_, _, first),) = server.asked
    assert first["X-Key"] == SECRET
    for _, _, headers in other.asked:
        assert SECRET not in str(headers)
        assert headers["X-Plain"] == "as it is"


@pytest.mark.parametrize("name", [each.name for each in SOURCES.values() if each.headers])
def test_no_source_with_keys_sends_them_to_another_host(
    name: str, server, reply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = SOURCES[name]
    for key in row.keys:
        monkeypatch.setenv(key, SECRET)
    monkeypatch.setenv(f"INVESTORBENCH_{name.upper()}_URL", server.url)
    request = FetchRequest(
        symbol="TSLA",
        asset_class="stock",
        first=date(2020, 8, 3),
        last=date(2020, 8, 10),
        into=tmp_path,
    )
    with serving() as other, row.downloader(replace(request, politeness=ONCE)) as ask:
        server.answer("/x", reply(status=307, headers={"Location": f"{other.url}/y"}))
        other.answer("/y", "{}")
        ask.get(f"{server.url}/x")
    assert SECRET in str(server.asked)
    assert SECRET not in str(other.asked)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"Location": "/x"}, ""),
        (302, {}, ""),
        (301, {"Location": "http://[::1"}, ""),
        (301, {"Location": "file:///etc/hosts"}, ""),
        (300, {}, "choose"),
        (304, {}, ""),
        (204, {}, ""),
        (206, {"Content-Range": "bytes 0-1/9"}, "{}"),
        (200, {"Content-Encoding": "gzip"}, "{}"),
        (200, {}, "[" * 100_000),
        (200, {}, "<html>please wait"),
        (200, {}, "no\nJSON \x1b[31m at all"),
        (429, {"Retry-After": "1e400"}, ""),
        (429, {"Retry-After": "nan"}, ""),
        (429, {"Retry-After": "-5"}, ""),
        (429, {"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, ""),
        (429, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, ""),
        (451, {}, "not in your country"),
    ],
)
def test_whatever_a_server_answers_a_request_for_json_ends_in_one_line(
    server, reply, ask: Downloader, status: int, headers: dict[str, str], body: str
) -> None:
    server.answer("/x", reply(status=status, headers=headers, body=body))

    with pytest.raises(DownloadError) as fault:
        ask.json(f"{server.url}/x")

    assert str(fault.value).startswith(f"{server.url}/x: ")
    assert str(fault.value).isprintable()
    assert len(server.asked) <= http.MOST_REDIRECTS


def test_what_is_compressed_unasked_is_read(server, reply, ask: Downloader) -> None:
    class Packed(reply):
        def content(self, parameters: dict[str, str]) -> bytes:
            return gzip.compress(b'{"a": 1}')

    server.answer("/x", Packed(headers={"Content-Encoding": "gzip"}))
    assert ask.json(f"{server.url}/x") == {"a": 1}


def test_an_answer_without_end_is_given_up(
    server, ask: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 1000)
    server.answer("/x", "1" * 2000)
    with pytest.raises(DownloadError, match="goes on after"):
        ask.json(f"{server.url}/x")


def test_an_answer_that_trickles_is_given_up(
    server, ask: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(range(0, 10**6, 60))
    clock = SimpleNamespace(monotonic=lambda: next(moments), sleep=lambda seconds: None)
    monkeypatch.setattr(http, "time", clock)
    server.answer("/x", "12345")
    with pytest.raises(NotReachedError, match="only 5 bytes in 60 s, 2 times"):
        ask.json(f"{server.url}/x")


@pytest.mark.parametrize(
    ("asked", "came", "body"),
    [
        ("bytes=0-3", "bytes 4-7/8", "5678"),
        ("bytes=0-3", "bytes 0-3/8", "12"),
        ("bytes=0-3", "bytes 0-7/8", "12345678"),
        ("bytes=-3", "bytes 0-2/8", "123"),
        ("bytes=0-3", "", "1234"),
        ("bytes=0-3", "bytes */8", "1234"),
    ],
)
def test_another_part_of_a_file_than_was_asked_for_is_not_taken(
    server, reply, ask: Downloader, asked: str, came: str, body: str
) -> None:
    server.answer("/x", reply(status=206, headers={"Content-Range": came}, body=body))
    with pytest.raises(DownloadError, match=r"part that was not asked for|in place of"):
        ask.get(f"{server.url}/x", headers={"Range": asked})


@pytest.mark.parametrize(
    ("asked", "came", "body"),
    [
        ("bytes=2-3", "bytes 2-3/8", "34"),
        ("bytes=6-99", "bytes 6-7/8", "78"),
        ("bytes=-3", "bytes 5-7/8", "678"),
        ("bytes=-99", "bytes 0-7/8", "12345678"),
    ],
)
def test_the_part_that_was_asked_for_is_taken_also_where_the_file_is_shorter(
    server, reply, ask: Downloader, asked: str, came: str, body: str
) -> None:
    server.answer("/x", reply(status=206, headers={"Content-Range": came}, body=body))
    assert ask.get(f"{server.url}/x", headers={"Range": asked}).text == body


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", r"httpx\[socks\]|proxy"),
        ("HTTPS_PROXY", "ftp://127.0.0.1", "HTTPS_PROXY"),
        ("SSL_CERT_FILE", "/does/not/exist", "SSL_CERT_FILE"),
    ],
)
def test_settings_of_the_machine_that_keep_every_request_from_being_made_are_named(
    ask: Downloader, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(OutOfReachError, match=says):
        ask.text("https://127.0.0.1:9/")


def test_what_a_server_says_is_one_line_that_a_terminal_can_show() -> None:
    said = str(DownloadError("first\r\n second \x1b[31m \ud800 \u202e" + "x" * 10_000))
    assert said.startswith("first second [31m x")
    assert said.isprintable()
    assert len(said) < 500


def test_a_mirror_that_names_the_hub_itself_is_asked_all_the_same(
    server, reply, ask: Downloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hub.VARIABLE, server.url)
    tree = "/api/datasets/a/b/tree/c"
    more = f'<{hub.ENDPOINT}/more>; rel="next"'
    server.answer("/api/datasets/a/b", {"sha": "c"})
    server.answer(tree, reply(body=[], headers={"Link": more}))
    server.answer("/more", [{"type": "file", "path": "x", "size": 1}])
    server.answer("/api/datasets/a/b/parquet", {"all": {"train": [f"{hub.ENDPOINT}/0.parquet"]}})

    assert [file.path for file in hub.files(ask, "a/b")] == ["x"]
    assert hub.conversions(ask, "a/b") == {"all": {"train": [f"{server.url}/0.parquet"]}}


@pytest.mark.parametrize(
    "stumble", [KeyError("x"), zlib.error("cut"), RecursionError("deep"), EOFError(), OSError("?")]
)
def test_whatever_a_client_stumbles_over_is_one_line_and_the_next_source_is_asked(
    stumble: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(request: FetchRequest, progress: Any) -> Any:
        raise stumble

    rows = {name: replace(row, fetch=stumbles) for name, row in SOURCES.items()}
    monkeypatch.setattr(fetching, "SOURCES", rows)
    assert catalogue.SOURCES is not fetching.SOURCES
    request = FetchRequest(
        symbol="BTC",
        asset_class="crypto",
        first=date(2020, 8, 3),
        last=date(2020, 8, 10),
        into=tmp_path,
        kinds=frozenset({"prices"}),
    )

    outcomes = fetching.fetch(request)

    assert [(each.source, each.status) for each in outcomes] == [
        ("binance", "failed"),
        ("ccxt", "failed"),
    ]
    assert all(type(stumble).__name__ in each.note for each in outcomes)


def test_the_last_day_that_is_over_is_that_of_the_exchange_and_not_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 1, 2, 1, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr(source, "datetime", Clock)
    assert last_over("stock") == date(2025, 12, 31)
    assert last_over("crypto") == date(2026, 1, 1)


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_key_in_quotes_is_not_sent(quote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIINGO_API_KEY", f"{quote}key{quote}")
    with pytest.raises(KeyProblemError, match="TIINGO_API_KEY has quotes around it"):
        SOURCES["tiingo"].key_values()
