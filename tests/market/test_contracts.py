"""A source's contract is read by fetching and by ``data sources --check`` alike."""

import os
import socket
from dataclasses import replace

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from investorbench.scripts.data import app
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.checks import check, check_all
from investorbench_env.market.sources.contracts import Contract, Probe, Refusal
from investorbench_env.market.sources.http import (
    Downloader,
    NotReachedError,
    Politeness,
    RefusedError,
    Response,
)
from investorbench_env.market.sources.source import KINDS, KeyProblemError, Source

LIMIT = Refusal(
    name="limit",
    matches=lambda answer: answer.text.startswith("Exceeded"),
    says="the limit of a day is reached",
    then="try again tomorrow",
)
BUSY = Refusal(
    name="busy",
    matches=lambda answer: answer.status == 429,
    says="too many requests",
    then="wait a little",
    passes=True,
)


def source(address: str, **changes) -> Source:
    contract = Contract(
        source="Acme",
        probe=Probe(path="/small", parameters={"key": "{ACME_KEY}"}),
        needs="CSV with Date",
        form=lambda answer: answer.first_line.startswith("Date"),
        refusals=(LIMIT, BUSY),
    )
    row = {
        "name": "acme",
        "address": address,
        "gives": "bars",
        "kinds": frozenset({"prices"}),
        "classes": frozenset({"stock"}),
        "terms": "free",
        "terms_url": "https://example.org/terms",
        "fetch": lambda request, progress: None,
        "contract": contract,
    }
    return Source(**{**row, **changes})


def test_a_refusal_that_is_known_is_said_in_one_line_with_what_to_do(server, eager) -> None:
    server.answer("/small", "Exceeded the daily hits limit")
    with source(server.url).asking("", eager) as ask, pytest.raises(RefusedError) as caught:
        ask.text(f"{server.url}/small")

    assert str(caught.value) == "Acme: the limit of a day is reached; try again tomorrow"
    assert len(server.asked) == 1


def test_a_refusal_that_passes_is_waited_for(server, reply, eager) -> None:
    server.answer("/small", reply(status=429), reply(status=429), "Date\n")
    with source(server.url).asking("", eager) as ask:
        assert ask.text(f"{server.url}/small") == "Date\n"


def test_a_refusal_that_does_not_pass_after_all_is_that_refusal(server, reply, eager) -> None:
    server.answer("/small", reply(status=429))
    with source(server.url).asking("", eager) as ask, pytest.raises(RefusedError, match="too many"):
        ask.text(f"{server.url}/small")


@pytest.mark.parametrize(
    ("content", "state", "says"),
    [
        ("Date,Close\n", "answers", ""),
        ("Exceeded the daily hits limit", "blocks us", "try again tomorrow"),
        (None, "changed its form", "not there (HTTP 404)"),
        ("<html>\nhello", "changed its form", "Acme: no CSV with Date, but '<html>'"),
    ],
)
def test_a_check_says_how_a_source_stands(
    server, content: str | None, state: str, says: str
) -> None:
    if content is not None:
        server.answer("/small", content)
    found = check(source(server.url))

    assert found.state == state
    assert says in found.says
    assert found.is_fault == (state != "answers")


def test_a_source_without_its_key_is_reached_and_not_asked(
    server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACME_KEY", "ACME_SECRET"):
        monkeypatch.delenv(name, raising=False)
    keys = ("ACME_KEY", "ACME_SECRET")
    found = check(source(server.url, keys=keys, keys_from="https://example.org"))

    assert (found.state, found.is_fault) == ("wants a key", False)
    assert found.says.endswith("export ACME_KEY=… ACME_SECRET=…, from https://example.org")
    assert [path for path, _, _ in server.asked] in ([""], ["/"])


def test_a_key_is_sent_and_stands_in_no_record(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "s3cr+t/")
    server.answer("/small", "Date\n")
    keyed = source(server.url, keys=("ACME_KEY",), headers={"X-Key": "Token {ACME_KEY}"})
    with keyed.asking("", Politeness(interval_s=0, tries=1)) as ask:
        ask.text(f"{server.url}/small", {"key": "{ACME_KEY}"})

    _, parameters, headers = server.asked[0]
    assert (parameters["key"], headers["X-Key"]) == ("s3cr+t/", "Token s3cr+t/")
    assert "s3cr" not in str(ask.records) + repr(ask)
    assert ask.records[0]["url"].endswith("/small?key={ACME_KEY}")


@pytest.mark.parametrize("key", ["abc\ndef", "abc\n", "x yz", "schlüssel", "a\x00b"])
def test_a_key_that_cannot_be_one_is_refused_before_anything_is_sent(
    server, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    keyed = source(server.url, keys=("ACME_KEY",))
    monkeypatch.setattr(os, "environ", {**os.environ, "ACME_KEY": key})
    with pytest.raises(KeyProblemError, match=r"\$ACME_KEY holds a blank, a line break"):
        keyed.key_values()
    assert key not in check(keyed).says


def test_a_contact_with_a_line_break_is_refused() -> None:
    edgar = SOURCES["edgar"]
    assert "line break" in edgar.hindrance("Ann\r\nX-Header: 1")


def test_without_a_network_no_source_is_reached_and_none_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_network(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    rows = [source(f"https://{name}.example.org", name=name) for name in ("one", "two")]

    assert [each.state for each in check_all(rows)] == ["not reached"] * 2
    with Downloader() as ask, pytest.raises(NotReachedError, match="is there a network"):
        ask.text("https://one.example.org/")


def test_a_source_that_never_answers_is_not_waited_for_beyond_the_deadline(server, reply) -> None:
    server.answer("/small", reply(body="Date\n", wait=3))
    found = check_all([source(server.url)], deadline_s=0.2)

    assert [(each.state, each.says) for each in found] == [("not reached", "no answer in 0.2 s")]


def test_a_certificate_that_is_not_trusted_names_the_proxy_and_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(*_, **__):
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")

    monkeypatch.setattr(httpx.Client, "send", refuses)
    with Downloader() as ask, pytest.raises(NotReachedError, match=r"proxy.*SSL_CERT_FILE"):
        ask.text("https://example.org")


@pytest.mark.parametrize("row", SOURCES.values(), ids=SOURCES.keys())
def test_every_source_says_what_it_gives_and_under_which_terms(row: Source) -> None:
    assert row.kinds
    assert row.kinds <= KINDS
    assert row.terms
    assert row.terms_url.startswith("https://")
    assert row.contract.needs
    names = [refusal.name for refusal in row.contract.refusals]
    assert len(names) == len(set(names))
    for refusal in row.contract.refusals:
        assert "\n" not in refusal.says + refusal.then
    assert not row.keys or row.keys_from


def test_checking_ends_with_one_where_a_source_is_not_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_network(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    for name in ("YAHOO", "CCXT"):  # whose libraries look names up by themselves
        monkeypatch.setenv(f"INVESTORBENCH_{name}_URL", "http://127.0.0.1:9")
    result = CliRunner().invoke(app, ["sources", "--check"])

    assert result.exit_code == 1
    assert result.stdout.count("not reached") == len(SOURCES)


def test_a_row_is_itself_and_no_other() -> None:
    one = source("https://one.example.org")
    assert one != replace(one)


def test_a_source_without_its_library_names_the_extra_that_brings_it(server) -> None:
    row = source(server.url, package="no_such_library", extra="data")
    found = check(row)

    assert (found.state, found.is_fault) == ("not installed", False)
    assert "pip install 'investorbench[data]'" in found.says
    assert row.wants == ("pip install 'investorbench[data]'",)


@pytest.mark.heavy
@settings(deadline=None)
@given(key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=40))
def test_no_key_of_any_letters_stands_in_a_record(key: str) -> None:
    request = httpx.Client().build_request("GET", "http://a.b/c", params={"key": key, "q": "1"})
    shown = Downloader(keys={"ACME_KEY": key})._without_keys(str(request.url))
    assert shown == "http://a.b/c?key={ACME_KEY}&q=1"


def test_a_list_of_no_candles_is_no_answer_of_an_exchange() -> None:
    assert not SOURCES["binance"].contract.form(Response(url="", content=b"[]"))
