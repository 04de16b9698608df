"""Every source of prices: what it gives is read rightly, and each of its refusals is known."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from investorbench_env.market.library import find_market
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.checks import check
from investorbench_env.market.sources.fetching import fetch
from investorbench_env.market.sources.http import Politeness
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest
from tests.market.conftest import serving
from tests.market.servers import alpaca, binance, exchanges, stooq, tiingo, yahoo
from tests.market.servers.made_coin import MadeCoin
from tests.market.servers.made_stock import MadeStock

STOCK, COIN = MadeStock(), MadeCoin()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A source, what plays it, and the library that it needs."""

    name: str
    server: ModuleType
    asset_class: str = "stock"
    library: str = "httpx"

    def __str__(self) -> str:
        return self.name


CASES = [
    Case(name="yahoo", server=yahoo, library="yfinance"),
    Case(name="stooq", server=stooq),
    Case(name="tiingo", server=tiingo),
    Case(name="alpaca", server=alpaca),
    Case(name="binance", server=binance, asset_class="crypto"),
    Case(name="ccxt", server=exchanges, asset_class="crypto", library="ccxt"),
]
OTHER_FORMS = [
    "[]",
    "{}",
    "null",
    "[[1, 2]]",
    '[{"date": "soon"}]',
    '{"bars": 5}',
    '{"chart": {"result": [{"meta": {}}], "error": null}}',
    "Date,Open,High,Low,Close,Volume\n2021-01-04,a,b,c,d,e\n",
    "Date,Open\n2021-01-04,5\n",
    "<html><body>Are you a robot?</body></html>",
    "",
    "\x00\x01\x02",
]
"""Bodies that no source gives where it has data."""
ACTIONS = [each.name for each in CASES if "actions" in SOURCES[each.name].kinds]
REFUSALS = [(case, name) for case in CASES for name in case.server.REFUSALS]


@pytest.fixture
def wanted(
    server, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FetchRequest:
    """A request to the case's own server, with its keys and no patience."""
    return request_of(request.getfixturevalue("case"), server.url, tmp_path, monkeypatch)


def request_of(case: Case, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> FetchRequest:
    if find_spec(case.library) is None:
        pytest.skip(f"{case.library} is not installed")
    for variable in case.server.VARIABLES:
        monkeypatch.setenv(variable, url)
    for name, key in case.server.KEYS.items():
        monkeypatch.setenv(name, key)
    is_stock = case.asset_class == "stock"
    return FetchRequest(
        symbol="ACME" if is_stock else "BTC",
        asset_class=case.asset_class,
        first=date(2021, 1, 1) if is_stock else date(2020, 3, 10),
        last=date(2021, 3, 31) if is_stock else date(2020, 5, 31),
        into=folder,
        politeness=Politeness(interval_s=0, tries=2, backoff_s=0, timeout_s=10),
    )


def fetched(case: Case, wanted: FetchRequest) -> FetchOutcome:
    (outcome,) = fetch(wanted, [case.name])
    return outcome


def made(case: Case, wanted: FetchRequest) -> np.ndarray:
    if "actions" in SOURCES[case.name].kinds:
        return np.array([STOCK.bar(day) for day in STOCK.days])
    if case.asset_class == "stock":
        bars = np.array([STOCK.bar(day) for day in STOCK.days])
        since = np.array([[STOCK.split_since(day)] for day in STOCK.days])
        return np.hstack([bars[:, :4] / since, bars[:, 4:] * since])
    return np.array([COIN.bar(day) for day in COIN.days(wanted.first, wanted.last)])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_all_lead_to_the_market_as_it_was_traded(server, case: Case, wanted) -> None:
    case.server.play(server)
    outcome = fetched(case, wanted)
    assert outcome.status == "fetched", outcome.note
    market = find_market(wanted.symbol, case.asset_class, wanted.into)

    np.testing.assert_allclose(market.bars[:, 0], made(case, wanted), rtol=1e-12)
    if "actions" in SOURCES[case.name].kinds:
        day = market.sessions.astype(str).tolist().index("2021-02-05")
        assert market.dividends[day, 0] == pytest.approx(0.82, abs=1e-9)
        assert market.dividends.sum() == pytest.approx(0.82, abs=1e-9)
        assert market.share_splits.prod() == 4


@pytest.mark.parametrize(("case", "name"), REFUSALS, ids=str)
def test_a_known_refusal_is_one_line_with_what_to_do(server, case: Case, name: str, wanted) -> None:
    case.server.play(server, name)
    outcome = fetched(case, wanted)
    refusal = SOURCES[case.name].contract.refusal(name)

    assert outcome.status == "failed"
    assert f"{refusal.says}; {refusal.then}" in outcome.note
    assert "\n" not in outcome.note
    assert not [path for path in wanted.into.rglob("*.parquet") if ".partial" not in path.parts]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_check_finds_that_it_answers(server, case: Case, wanted) -> None:
    play_probe(server, case, "fine")
    found = check(SOURCES[case.name])

    assert (found.state, found.says) == ("answers", "")


@pytest.mark.parametrize(("case", "name"), REFUSALS, ids=str)
def test_a_check_finds_each_refusal(server, case: Case, name: str, wanted) -> None:
    play_probe(server, case, name)
    found = check(SOURCES[case.name])
    refusal = SOURCES[case.name].contract.refusal(name)

    assert found.state == refusal.state
    assert refusal.then in found.says


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_check_finds_another_form_with_its_first_line(server, case: Case, wanted) -> None:
    play_probe(server, case, "fine")
    for path, replies in server.replies.items():
        if callable(replies[0].body):
            server.answer(path, "Under new management\nsince today")
    found = check(SOURCES[case.name])

    assert found.state == "changed its form"
    assert "'Under new management'" in found.says


def play_probe(server, case: Case, state: str) -> None:
    """Answer also for what the probe asks of."""
    today = date.today()
    if case.asset_class == "stock":
        last = (today - timedelta(days=1)).isoformat()
        recent = MadeStock(symbol="SPY", first="2024-01-02", last=last, dividends={}, splits={})
        case.server.play(server, state, recent)
    else:
        case.server.play(server, state)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_refusal_of_a_contract_is_played(case: Case) -> None:
    refusals = SOURCES[case.name].contract.refusals
    assert [refusal.name for refusal in refusals] == list(case.server.REFUSALS)


@pytest.mark.parametrize(
    ("case", "name"),
    [each for each in REFUSALS if SOURCES[each[0].name].contract.refusal(each[1]).passes],
    ids=str,
)
def test_a_refusal_that_passes_is_waited_for(server, case: Case, name: str, wanted) -> None:
    case.server.play(server)
    refuse_once(server, case.server.REFUSALS[name])

    assert fetched(case, wanted).status == "fetched"


def refuse_once(server, refusal) -> None:
    """The first answer of each path with data is a refusal, the next ones are as they were."""
    for path, replies in server.replies.items():
        if callable(replies[0].body):
            server.replies[path] = [refusal, *replies]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("state", ["slow", "cut off"])
def test_an_answer_that_does_not_come_whole_is_an_error(
    server, case: Case, state: str, wanted
) -> None:
    case.server.play(server, state)
    hasty = replace(
        wanted, politeness=Politeness(interval_s=0, tries=2, backoff_s=0, timeout_s=0.1)
    )
    outcome = fetched(case, hasty if state == "slow" else wanted)

    assert outcome.status == "failed"
    assert "\n" not in outcome.note
    assert not [key for key in case.server.KEYS.values() if key in outcome.note]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("body", OTHER_FORMS)
def test_an_answer_of_another_form_is_an_error(server, case: Case, body: str, wanted) -> None:
    case.server.play(server)
    for path, replies in server.replies.items():
        if callable(replies[0].body):
            server.answer(path, body)
    outcome = fetched(case, wanted)

    assert outcome.status == "failed"
    assert "\n" not in outcome.note
    assert not [path for path in wanted.into.rglob("*.parquet") if ".partial" not in path.parts]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_keys_stand_in_no_file(server, case: Case, wanted) -> None:
    case.server.play(server)
    fetched(case, wanted)

    for path in wanted.into.rglob("*"):
        if path.is_file():
            for key in case.server.KEYS.values():
                assert key.encode() not in path.read_bytes()


SESSIONS = [day.isoformat() for day in STOCK.days[1:]]
HISTORIES = st.builds(
    MadeStock,
    dividends=st.dictionaries(st.sampled_from(SESSIONS), st.sampled_from([0.01, 0.22, 1.5])),
    splits=st.dictionaries(
        st.sampled_from([*SESSIONS, "2022-06-06"]),
        st.sampled_from([2.0, 3.0, 1.5, 10.0, 0.5, 0.1]),
        max_size=3,
    ),
)


@pytest.mark.parametrize("case", [each for each in CASES if each.name in ACTIONS], ids=str)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stock=HISTORIES)
def test_any_history_of_dividends_and_splits_leads_to_the_market_as_it_was_traded(
    tmp_path_factory: pytest.TempPathFactory, case: Case, stock: MadeStock
) -> None:
    with serving() as server, pytest.MonkeyPatch.context() as patch:
        wanted = request_of(case, server.url, tmp_path_factory.mktemp("made"), patch)
        case.server.play(server, stock=stock)
        outcome = fetched(case, wanted)
    assert outcome.status == "fetched", outcome.note
    market = find_market(wanted.symbol, case.asset_class, wanted.into)

    made = np.array([stock.bar(day) for day in stock.days])
    np.testing.assert_allclose(market.bars[:, 0, :4], made[:, :4], rtol=1e-9)
    # yfinance makes whole numbers of volumes, also of those that three splits made small.
    np.testing.assert_allclose(market.bars[:, 0, 4], made[:, 4], rtol=1e-3)
    for found, listed, nothing in (
        (market.dividends, stock.dividends, 0.0),
        (market.share_splits, stock.splits, 1.0),
    ):
        wanted_values = [listed.get(day.isoformat(), nothing) for day in stock.days]
        np.testing.assert_allclose(found[:, 0], wanted_values, rtol=1e-5)


def test_all_sources_of_a_stock_agree_and_one_that_does_not_is_found(
    server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocks = [each for each in CASES if each.asset_class == "stock" and find_spec(each.library)]
    for each in stocks:
        wanted = request_of(each, server.url, tmp_path, monkeypatch)
        each.server.play(server)
        fetched(each, wanted)
    agreed = find_market("ACME", "stock", tmp_path).findings
    assert not [finding for finding in agreed if "apart" in finding]

    days = tiingo.days(STOCK)
    days[7]["close"] *= 1.01
    server.answer(tiingo.path("ACME"), days)
    fetch(replace(wanted, again=True), ["tiingo"])
    found = find_market("ACME", "stock", tmp_path).findings
    assert [str(STOCK.days[7]) in finding for finding in found if "apart" in finding] == [True]
