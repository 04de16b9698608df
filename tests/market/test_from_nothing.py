"""From nothing to a task that runs: one command against servers that speak as the sources do."""

import errno
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

import investorbench_env  # noqa: F401
from investorbench.scripts.data import app
from investorbench.scripts.run import run_with
from investorbench_env.market.library import find_market
from investorbench_env.market.sessions import ends_of_days
from investorbench_env.market.sources.http import Downloader
from tests.market.conftest import serving
from tests.market.servers import data_hub, edgar, made_finsaber, yahoo
from tests.market.servers.fetching_process import fetching
from tests.market.servers.made_stock import MadeStock

pytest.importorskip("yfinance", reason="the extra data is not installed")

TESLA = MadeStock(
    symbol="TSLA",
    first="2020-04-06",
    last="2021-05-06",
    dividends={"2021-02-05": 0.82},
    # As they were: the package knows them, too.
    splits={"2020-08-31": 5.0, "2022-08-25": 3.0},
)
FILINGS = [
    edgar.MadeFiling(
        form=form,
        filed=filed,
        accepted=f"{filed:%Y%m%d}163005",
        number=number,
        words=f"{form} number {number} of a made company. " * 20,
    )
    for number, (form, filed) in enumerate(
        [
            ("10-K", date(2020, 2, 13)),
            ("10-Q", date(2020, 7, 28)),
            ("10-Q", date(2020, 10, 26)),
            ("10-K", date(2021, 2, 8)),
            ("10-Q", date(2021, 4, 28)),
        ],
        start=1,
    )
]
KILLS = 20
ROOM = 8
"""So many writes and entries of folders until the disk is full."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The servers, and how often they were asked in all."""

    server: Any
    hub: data_hub.DataHub

    @property
    def asked(self) -> int:
        return len(self.server.asked) + len(self.hub.asked) + len(self.hub.sent)


@pytest.fixture
def sources() -> Iterator[Sources]:
    """Yahoo, the hub and EDGAR on this machine, and a person who asks."""
    with speaking() as servers:
        yield servers


@contextmanager
def speaking(filings: Sequence[edgar.MadeFiling] = FILINGS) -> Iterator[Sources]:
    hub = made_finsaber.hub_with(TESLA)
    with serving() as server, data_hub.running(hub), pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("INVESTORBENCH_") or name.endswith(("_API_KEY", "_API_KEY_ID")):
                patch.delenv(name)
        yahoo.play(server, stock=TESLA)
        edgar.serve(server, "TSLA", 1318605, [*filings])
        for name in (*yahoo.VARIABLES, *edgar.VARIABLES):
            patch.setenv(name, server.url)
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setattr(Downloader, "_keep_pace", lambda self, url: None)  # the servers are ours
        patch.setenv("INVESTORBENCH_CONTACT", "Ann Example ann@example.org")
        yield Sources(server=server, hub=hub)


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What one command fetched from nothing, and what it printed."""

    folder: Path
    result: Result


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> Arrived:
    folder = tmp_path_factory.mktemp("arrived")
    with speaking():
        return Arrived(folder=folder, result=run("fetch", "stock/tsla", "--into", folder))


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fetched(folder: Path) -> dict[str, bytes]:
    """What came, without what says when it came."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix == ".parquet" or path.name.endswith(".terms.txt")
    }


def test_one_command_leads_from_nothing_to_the_market_that_was_made(arrived: Arrived) -> None:
    assert arrived.result.exit_code == 0, arrived.result.output
    market = find_market("TSLA", "stock", arrived.folder)
    days = TESLA.days
    assert market.sessions.astype(object).tolist() == days
    made = np.array([TESLA.bar(day) for day in days], dtype=float)
    np.testing.assert_allclose(market.bars[:, 0], made, rtol=1e-12)
    cash = [TESLA.dividends.get(day.isoformat(), 0.0) for day in days]
    np.testing.assert_allclose(market.dividends[:, 0], cash, rtol=1e-9)
    assert market.share_splits[:, 0].tolist() == [
        TESLA.splits.get(day.isoformat(), 1.0) for day in days
    ]
    texts = {
        (text.kind, text.available_at, text.title if text.kind == "news" else text.text)
        for text in market.documents
    }
    assert texts == {*made_news(), *made_filings()}
    (finding,) = market.findings
    assert finding.startswith("splits after the last bar (3:1 on 2022-08-25): undone up to ")


def test_the_command_shows_the_terms_first_and_then_what_the_task_has(arrived: Arrived) -> None:
    words = " ".join(arrived.result.stdout.split())
    places = [
        words.index(each)
        for each in (
            "2020-04-06..2021-05-06",
            "no redistribution",
            "Apache-2.0",
            "✓ TSLA yahoo",
            "✓ TSLA finsaber",
            "TSLA: real stock",
            f"news {len(made_news())}",
        )
    ]
    assert places == sorted(places)
    assert (arrived.folder / "news" / "finsaber.terms.txt").exists()


def made_news() -> set[tuple[str, datetime, str]]:
    """A headline without a time of day is known once its day has ended in New York."""
    return {
        ("news", end, title)
        for day in TESLA.days
        for end in [
            ends_of_days(np.array([day], dtype="datetime64[D]"), "America/New_York")[0]
            .astype("datetime64[us]")
            .item()
            .replace(tzinfo=UTC)
        ]
        for title in made_finsaber.headlines(TESLA, day)
    }


def made_filings() -> set[tuple[str, datetime, str]]:
    """A report is known from its acceptance, at five past half past four in New York."""
    summer = {2: 5, 7: 4, 10: 4, 4: 4}  # hours behind UTC
    return {
        (
            each.form,
            datetime(
                each.filed.year, each.filed.month, each.filed.day, 16, 30, 5, tzinfo=UTC
            ) + timedelta(hours=summer[each.filed.month]),
            each.words.strip(),
        )
        for each in FILINGS
    }  # fmt: skip


def test_a_second_run_finds_all_there_and_asks_no_source(
    sources: Sources, arrived: Arrived
) -> None:
    files = fetched(arrived.folder)
    result = run("fetch", "stock/tsla", "--into", arrived.folder)

    assert (result.exit_code, result.stdout.strip().endswith("✓ all there")) == (0, True)
    assert (sources.asked, fetched(arrived.folder)) == (0, files)


def shown_on(folder: Path) -> tuple[int, Counter[str]]:
    """The days of an episode, and on how many of them each modality has something."""
    env = gym.make("InvestorBench/Stock-TSLA", data=str(folder))
    observation, info = env.reset(seed=0)
    days, seen, over = 0, Counter[str](), False
    while not over:
        days += 1
        seen["bars"] += bool(observation["mask"].all())
        seen.update(name for name in ("news", "filings") if observation[name])
        now = datetime.fromisoformat(info["time"])
        assert all(text.available_at <= now for text in info["documents"])
        observation, _, terminated, truncated, info = env.step(1)
        over = terminated or truncated
    return days, seen


def test_the_task_shows_every_modality_on_the_days_that_have_something(arrived: Arrived) -> None:
    days, seen = shown_on(arrived.folder)
    assert seen["bars"] == days
    assert seen["news"] > days / 2
    # On the first day the latest of each form, then those of October, February and April.
    assert seen["filings"] == 4


@pytest.mark.heavy
def test_where_a_company_files_often_every_modality_is_there_on_most_days(tmp_path: Path) -> None:
    days = [day for day in TESLA.days if day >= date(2020, 9, 30)]
    often = [
        edgar.MadeFiling(
            form="6-K",
            filed=day,
            accepted=f"{day:%Y%m%d}120000",
            number=number,
            words=f"Report {number} of a made company. " * 20,
        )
        for number, day in enumerate(days, start=10)
        if day.day % 3
    ]
    with speaking([*FILINGS, *often]):
        assert run("fetch", "stock/tsla", "--source", "edgar", "--into", tmp_path).exit_code == 1
        assert run("fetch", "stock/tsla", "--into", tmp_path).exit_code == 0
    days, seen = shown_on(tmp_path)
    assert all(seen[name] > days / 2 for name in ("bars", "news", "filings"))


def test_finmem_runs_offline_on_what_was_fetched(arrived: Arrived, tmp_path: Path) -> None:
    task = ("task=stock/tsla", f"data={arrived.folder}", "task.end=2020-10-30")
    run_with(["agent=finmem", "model=offline", *task, f"folder={tmp_path / 'run'}", "seed=0"])

    (days,) = (tmp_path / "run").rglob("decisions.jsonl")
    assert len(days.read_text().splitlines()) > 20


@pytest.mark.long
def test_killed_twenty_times_and_resumed_it_ends_with_the_same_bytes(
    sources: Sources, arrived: Arrived, tmp_path: Path
) -> None:
    draw = random.Random(0)
    for _ in range(KILLS):
        # Most fall into the first request, so that there is something left for all of them.
        asked, most = sources.asked, draw.choice((1, 1, 1, 2, 4))
        running = fetching("stock/tsla", tmp_path)
        while running.is_alive() and sources.asked < asked + most:
            time.sleep(0.002)
        assert running.is_alive()
        running.kill()
        running.join()
    last = fetching("stock/tsla", tmp_path)
    last.join(120)

    assert last.exitcode == 0
    assert fetched(tmp_path) == fetched(arrived.folder)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.heavy
def test_a_disk_that_is_full_again_and_again_costs_nothing_but_time(
    sources: Sources, arrived: Arrived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = 0
    for calls in (itertools.count() for _ in range(30)):

        def only_few(_: int, calls: Iterator[int] = calls) -> None:
            if next(calls) >= ROOM:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", only_few)
            result = run("fetch", "stock/tsla", "--into", tmp_path)
        assert not list(tmp_path.rglob("*.part"))
        if result.exit_code == 0:
            break
        full += 1
        assert "No space left on device" in " ".join(result.stdout.split())

    assert (full >= 4, result.exit_code) == (True, 0)
    assert fetched(tmp_path) == fetched(arrived.folder)


@pytest.mark.heavy
def test_two_processes_at_once_ask_for_everything_once(
    sources: Sources, arrived: Arrived, tmp_path: Path
) -> None:
    both = [fetching("stock/tsla", tmp_path), fetching("stock/tsla", tmp_path)]
    for each in both:
        each.join(120)

    assert [each.exitcode for each in both] == [0, 0]
    assert fetched(tmp_path) == fetched(arrived.folder)
    documents = Counter(path for path, _, _ in sources.server.asked if "/Archives/" in path)
    assert set(documents.values()) == {1}
    assert len(sources.hub.sent) == 1
