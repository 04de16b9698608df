"""Three months of three agents, session by session, against servers like Yahoo's and Stooq's."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.live_agents import agent_named, agents_made
from investorbench.tasks.live import audit
from investorbench.tasks.live.experiment import (
    ExperimentSettings,
    NotDueError,
    check,
    report,
    start,
    status,
    step,
)
from investorbench.tasks.live.experiment.ledger import Ledger, LedgerEntry
from investorbench.tasks.live.experiment.vendors import price_sources
from investorbench_env.market.sessions import sessions_between
from investorbench_env.market.sources.http import Politeness
from tests.end_to_end.live_servers import Vendors, stock
from tests.market.conftest import serving
from tests.tasks.live_experiments import at

pytest.importorskip("yfinance", reason="the extra data is not installed")
pytestmark = pytest.mark.heavy

DAYS = [str(day) for day in sessions_between("stock", "2021-01-04", "2021-03-31")]
MISSED, OUT, LATE = "2021-02-17", ("2021-02-05", "2021-02-08"), "2021-02-05"
REVISED, REVISED_ON, DISPUTED, STALE = "2021-01-13", "2021-01-20", "2021-02-24", "2021-03-10"
SPLIT, BOUGHT = "2021-03-01", "2021-01-07"
EAGER = Politeness(interval_s=0, tries=2, backoff_s=0)
AGENTS = ("reader=portfolio/finmem model=offline", "equal=portfolio/equal_weight", "ann=file")
ACME = stock("ACME", 0.0, splits={SPLIT: 4.0}, dividends={LATE: 0.82})


def vendors(server: Any) -> Vendors:
    """An outage over an ex-date, a revision, a dispute, a bar that none has, an index too few."""
    bolt = stock("BOLT", 2.0, absent=(STALE,))
    others = [bolt, stock("CORE", 4.0)]
    others += [stock(name, 1.0) for name in ("^GSPC", "SPY", "^RUT", "IWM")]
    return Vendors(
        server,
        {each.symbol: each for each in (ACME, *others)},
        yahoo_out=OUT,
        not_on_yahoo=("^RUT",),
        yahoo_says={"BOLT": (REVISED_ON, replace(bolt, wrong={REVISED: 1.01}))},
        stooq_says={"CORE": stock("CORE", 4.0, wrong={DISPUTED: 1.007})},
    )  # fmt: skip


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The experiment, lived through once."""
    folder = tmp_path_factory.mktemp("lab") / "experiment"
    agents = tuple(map(agent_named, AGENTS))
    settings = ExperimentSettings(symbols=("ACME", "BOLT", "CORE"), agents=agents, window=10)
    with (
        serving() as server,
        price_sources(EAGER) as sources,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("INVESTORBENCH_YAHOO_URL", server.url)
        patch.setenv("INVESTORBENCH_STOOQ_URL", server.url)
        patch.setenv("STOOQ_API_KEY", "stooq+key")
        they = vendors(server)
        start(folder, settings, at("2021-01-01"))
        makers = agents_made(folder, agents)
        for place, day in enumerate(DAYS):
            if day == MISSED:
                continue
            they.at(day)
            assert step(folder, at(day), sources, makers).problems == ()
            if place < len(DAYS) - 1 and answer(folder, day):
                assert step(folder, at(DAYS[place + 1], 8), sources, makers).decided == ("ann",)
                with pytest.raises(NotDueError):
                    step(folder, at(DAYS[place + 1], 9), sources, makers)
        yield folder


def answer(folder: Path, day: str) -> bool:
    """What a person does who buys once, and now and then wants what cannot be."""
    orders: list[dict[str, Any]] = []
    if DAYS[DAYS.index(day) + 1] == BOUGHT:
        orders = [{"symbol": "ACME", "side": "buy", "quantity": 10, "stop": 100}]
    elif day.endswith("15"):
        orders = [{"symbol": "CORE", "side": "sell", "quantity": 1}]
    if orders:
        path = folder / "agents" / "ann" / "answer.json"
        path.write_text(json.dumps({"session": day, "orders": orders}))
    return bool(orders)


def entries(folder: Path, *kinds: str) -> list[LedgerEntry]:
    with Ledger(folder / "ledger.sqlite") as ledger:
        return [each for each in ledger.entries() if each.kind in kinds]


def test_every_session_has_an_account_and_the_ledger_follows_from_itself(lived: Path) -> None:
    assert list(status(lived).sessions) == DAYS
    assert check(lived) == ()
    for agent in ("reader", "equal", "ann"):
        tables = lived / "exports" / agent
        assert audit(tables / "daily.csv", tables / "trades.csv").findings == ()


def test_what_went_wrong_is_on_record_and_nothing_else_is(lived: Path) -> None:
    odd = ("missed", "outage", "revision", "disagreement", "stale", "failure")
    found = Counter((each.kind, each.session, each.subject) for each in entries(lived, *odd))
    expected = Counter(
        {
            ("missed", MISSED, ""): 1,
            ("revision", REVISED, "BOLT"): 1,
            ("disagreement", DISPUTED, "CORE"): 1,
            ("stale", STALE, "BOLT"): 1,
        }
    )
    of_sources = {key for key in found if key[0] == "outage"}
    assert {key: n for key, n in found.items() if key not in of_sources} == expected
    assert {day for _, day, source in of_sources if source == "Yahoo"} == {
        day for day in DAYS if day != MISSED
    }  # it never has the Russell 2000
    forbidden = [
        each for each in entries(lived, "outage") if "nothing to this" in str(each.content)
    ]
    assert {each.session for each in forbidden} == set(OUT)


def test_prices_are_as_traded_with_the_source_that_gave_them(lived: Path) -> None:
    used = {
        (each.session, each.subject): each.content
        for each in entries(lived, "price")
        if each.content["used"]
    }
    for day in DAYS:
        price = used[day, "ACME"]
        quoted = tuple(price[name] for name in ("open", "high", "low", "close"))
        assert quoted == pytest.approx(ACME.bar(date.fromisoformat(day))[:4], rel=1e-9)
        assert price["source"] == ("Stooq" if day in OUT else "Yahoo")
        assert used[day, "^RUT"]["asked"] == "IWM"
        assert used[day, "^GSPC"]["asked"] == ("SPY" if day in OUT else "^GSPC")


def test_a_person_s_account_is_what_a_hand_works_out(lived: Path) -> None:
    opening = ACME.bar(date.fromisoformat(BOUGHT))[0]
    price = opening * 1.0005
    cash = 10_000.0 - 10 * price * 1.0005 + 10 * 0.82
    last = [each for each in entries(lived, "account") if each.subject == "ann"][-1].content
    assert last["portfolio"]["cash"] == pytest.approx(cash, abs=1e-9)
    assert last["portfolio"]["holdings"] == {"ACME": pytest.approx([40.0, price / 4, 25.0])}
    close = ACME.close(date.fromisoformat(DAYS[-1]))
    assert last["equity"] == pytest.approx(cash + 40 * close, abs=1e-8)
    late = [each for each in entries(lived, "action") if each.content.get("late")]
    assert [(each.session, each.content["amount"]) for each in late] == [(LATE, 0.82)]


def test_its_page_is_drawn_without_a_complaint_and_without_barriers(lived: Path) -> None:
    page = report(lived)
    for text in ("reader", "equal", "ann", "dividend of 0.82, found late", "IWM for ^RUT"):
        assert text in page
    file = lived / "report.html"
    file.write_text(page)
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from tests.report.test_browser import DESKTOP, FLAGS, NAMES, PHONE, Watched, axe

    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.skip("there is no Chromium: install one, or name it in $CHROMIUM")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for viewport, scheme in ((DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")):
            watched = Watched(browser, file, viewport, scheme)
            assert watched.page.locator("svg.plain").count() == 1 + 2 * len(AGENTS)
            found = axe.Axe().run(watched.page).response
            assert [each["id"] for each in found["violations"]] == []
            width = watched.page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"]
            assert watched.complaints == [] and watched.requests == [file.as_uri()]
        browser.close()
