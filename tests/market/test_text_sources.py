"""``data sources --check`` recognises each source of texts in every state in which it may be."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from investorbench_env.market.sources import hub
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.checks import check
from tests.market.servers import alpaca_news, data_hub, edgar
from tests.market.servers.data_hub import DataHub

CONTACT = "Ann Example ann@example.org"
ON_THE_HUB = [name for name, source in SOURCES.items() if source.address_variable == hub.VARIABLE]
STATES = {
    "fine": "answers",
    "gated": "wants a key",
    "renamed": "changed its form",
    "token": "wants a key",
    "captcha": "blocks us",
    "too many requests": "blocks us",
    "another form": "changed its form",
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataHub]:
    repositories = {SOURCES[name].contract.probe.path.split("datasets/")[1] for name in ON_THE_HUB}
    monkeypatch.delenv(hub.TOKEN, raising=False)
    with data_hub.running(DataHub(files={name: {"README.md": b"#"} for name in repositories})) as m:
        monkeypatch.setenv(hub.VARIABLE, m.url)
        yield m


@pytest.mark.parametrize("play", STATES)
def test_data_sets_on_the_hub_stand_as_it_plays(made: DataHub, play: str) -> None:
    made.play = play

    found = {name: check(SOURCES[name]) for name in ON_THE_HUB}

    assert {each.state for each in found.values()} == {STATES[play]}
    assert len(found) == 4
    assert all("\n" not in each.says for each in found.values())


def test_a_hub_that_is_not_there_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hub.VARIABLE, "http://127.0.0.1:1")

    assert {check(SOURCES[name]).state for name in ON_THE_HUB} == {"not reached"}


def standing(server, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Callable[..., Any]:
    for variable in module.VARIABLES:
        monkeypatch.setenv(variable, server.url)
    return lambda: check(SOURCES[name], CONTACT)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"filings": {"recent": {}}}, "answers"),
        ({"message": "moved"}, "changed its form"),
        *((refusal, "blocks us") for refusal in edgar.REFUSALS.values()),
    ],
)
def test_edgar_stands_as_it_answers(
    server, monkeypatch: pytest.MonkeyPatch, answer: Any, state: str
) -> None:
    look = standing(server, monkeypatch, edgar, "edgar")
    server.answer("/submissions/CIK0000320193.json", answer)

    found = look()

    assert found.state == state
    assert "\n" not in found.says
    assert CONTACT in server.asked[0][2]["User-Agent"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"news": alpaca_news.daily(date(2021, 1, 4), 1)}, "answers"),
        ({"bars": []}, "changed its form"),
        (alpaca_news.REFUSALS["invalid key"], "wants a key"),
        (alpaca_news.REFUSALS["used up"], "blocks us"),
    ],
)
def test_alpacas_news_stand_as_they_answer(
    server, monkeypatch: pytest.MonkeyPatch, answer: Any, state: str
) -> None:
    for name, value in alpaca_news.KEYS.items():
        monkeypatch.setenv(name, value)
    look = standing(server, monkeypatch, alpaca_news, "alpaca_news")
    server.answer(alpaca_news.PATH, answer)

    assert look().state == state


def test_every_source_of_texts_says_its_terms_and_where_they_stand() -> None:
    for name in (*ON_THE_HUB, "edgar", "alpaca_news"):
        assert SOURCES[name].terms
        assert SOURCES[name].terms_url.startswith("https://")
