"""What a task needs, what of it is there, and from where the rest would come."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from investorbench.scripts.data import app
from investorbench.scripts.wanted import wanted
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.library import find_market, save
from investorbench_env.market.sessions import sessions_between
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.plan import plan
from investorbench_env.market.sources.source import FetchRequest

WEEK = ("2021-01-11", "2021-01-12", "2021-01-13", "2021-01-14", "2021-01-15")


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INVESTORBENCH_DATA", "INVESTORBENCH_CONTACT"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def request(folder: Path) -> FetchRequest:
    return FetchRequest(
        symbol="ABC",
        asset_class="stock",
        first=date(2021, 1, 9),
        last=date(2021, 1, 17),
        into=folder,
        kinds=frozenset({"prices", "news"}),
    )


def bars(folder: Path, *days: str) -> None:
    frame = pd.DataFrame({"date": days, "close": 10.0})
    frame.to_csv(folder / "ABC.csv", index=False)


def test_a_task_needs_sixty_sessions_before_its_warm_up_to_the_end_of_its_test() -> None:
    (tesla,) = wanted("stock/tsla")

    assert (tesla.symbol, tesla.asset_class, tesla.last) == ("TSLA", "stock", date(2021, 5, 6))
    before = sessions_between("stock", tesla.first.isoformat(), "2020-06-30")
    assert len(before) == 60
    assert before[0] == tesla.first


@pytest.mark.parametrize("name", ["stock/TSLA", "InvestorBench/Stock-TSLA", "STOCK/tsla"])
def test_a_task_may_be_named_in_any_of_its_forms(name: str) -> None:
    assert wanted(name) == wanted("stock/tsla")


@pytest.mark.heavy
def test_a_suite_a_universe_and_the_paper_are_all_their_assets() -> None:
    stocks = ["AAPL", "HON", "JNJ", "MSFT", "NIO", "TSLA", "UVV"]
    for name in ("stock", "stock/*", "Stocks", "stocks"):
        assert sorted(each.symbol for each in wanted(name)) == stocks
    assert sorted(each.symbol for each in wanted("paper")) == sorted([*stocks, "BTC", "ETH", "SPY"])


def test_a_task_with_labels_needs_their_training_window_and_what_they_look_ahead_to() -> None:
    (stock,) = wanted("trading_r1/nvda")
    assert (stock.symbol, stock.asset_class) == ("NVDA", "stock")
    assert (str(stock.first), str(stock.last)) == ("2022-01-02", "2024-09-29")
    (fund,) = wanted("trading_r1/spy-2023")
    assert fund.asset_class == "etf" and str(fund.first) < "2021-01-04"


def test_a_portfolio_needs_each_of_its_assets_by_its_own_class_and_several_each_once() -> None:
    assert wanted("portfolio/ib7") == wanted("IB7")
    classes = {each.symbol: each.asset_class for each in wanted("portfolio/r1")}
    assert (classes["SPY"], classes["NVDA"], len(classes)) == ("etf", "stock", 14)
    both = {each.symbol: each for each in wanted("portfolio")}
    assert len(wanted("portfolio")) == len(both) == 17
    ends = wanted("stock/msft")[0].first, wanted("R1")[0].last
    assert (both["MSFT"].first, both["MSFT"].last) == ends


def test_a_symbol_of_no_task_is_fetched_up_to_yesterday() -> None:
    (nvidia,) = wanted("nvda")
    assert (nvidia.symbol, nvidia.asset_class) == ("NVDA", "stock")
    (doge,) = wanted("crypto/doge", first=date(2021, 1, 1), last=date(2021, 1, 2))
    assert (doge.asset_class, doge.first, doge.last) == (
        "crypto",
        date(2021, 1, 1),
        date(2021, 1, 2),
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("stok/tsla", "unknown asset class 'stok'; valid, nearest first: stock"),
        ("stok*", "unknown task"),
        ("stock/sim", "needs no data"),
        ("Stocks-SIM", "needs no data"),
    ],
)
def test_names_that_need_nothing_or_mean_nothing_are_refused(name: str, reason: str) -> None:
    with pytest.raises(InvestorBenchError, match=reason):
        wanted(name)


def test_a_class_that_contradicts_a_task_is_refused() -> None:
    with pytest.raises(InvestorBenchError, match="is of the class 'stock'"):
        wanted("stock/tsla", "crypto")


def test_prices_are_there_when_every_session_has_one(tmp_path: Path) -> None:
    bars(tmp_path, *WEEK)
    found = plan(request(tmp_path), [], [tmp_path])

    assert found.held["prices"].is_whole
    assert "prices" not in found.asked
    assert found.lacking.kinds == {"news"}


def test_a_session_without_a_price_is_lacking(tmp_path: Path) -> None:
    bars(tmp_path, *WEEK[:2], *WEEK[3:])
    found = plan(request(tmp_path), [], [tmp_path])

    assert found.held["prices"].missing == 1
    assert found.asked["prices"][0].name == "yahoo"


def test_texts_are_there_for_the_days_between_the_first_and_the_last(tmp_path: Path) -> None:
    days = [f"2021-01-{day:02} 12:00:00" for day in (9, 12, 16)]
    news = pd.DataFrame({"timestamp": days, "symbol": "ABC", "headline": ["a", "b", "c"]})
    news.to_csv(tmp_path / "news.csv", index=False)
    found = plan(request(tmp_path), [], [tmp_path])

    assert (found.held["news"].rows, found.held["news"].missing) == (3, 1)


def test_filings_of_the_year_before_are_wanted_too(tmp_path: Path) -> None:
    asked = request(tmp_path)
    assert asked.first_of("news") == asked.first
    assert (asked.first - asked.first_of("filings")).days == 400


def test_a_file_that_cannot_be_read_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "ABC.csv").write_text("date,close\n2021-01-14,ten\n")
    assert not plan(request(tmp_path), [], [tmp_path]).held["prices"].names


def test_a_source_that_may_be_asked_alone_is_the_only_one(tmp_path: Path) -> None:
    found = plan(request(tmp_path), ["stooq"], [tmp_path])
    assert [source.name for source in found.asked["prices"]] == ["stooq"]
    assert found.asked["news"] == ()
    with pytest.raises(UnknownNameError, match="unknown source 'stoq'"):
        plan(request(tmp_path), ["stoq"], [tmp_path])


def test_a_folder_that_is_read_before_the_one_that_is_filled_is_named(tmp_path: Path) -> None:
    (mine := tmp_path / "mine").mkdir()
    bars(mine, *WEEK)
    into = tmp_path / "cache"

    assert plan(request(into), [], [mine, into]).read_before == mine
    assert plan(request(into), [], [into, mine]).read_before is None


def test_a_dry_run_shows_days_sources_and_terms_and_fetches_nothing(tmp_path: Path) -> None:
    result = run("fetch", "stock/tsla", "--dry-run", "--into", tmp_path / "new")

    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    assert "2020-04-06..2021-05-06" in shown
    assert "no redistribution" in shown
    assert "edgar (INVESTORBENCH_CONTACT)" in shown
    assert not (tmp_path / "new").exists()


def test_what_is_all_there_is_not_fetched(tmp_path: Path) -> None:
    bars(tmp_path, *WEEK)
    days = ("--from", "2021-01-09", "--to", "2021-01-17")
    result = run("fetch", "ABC", "--kind", "prices", "--into", tmp_path, *days)

    assert result.exit_code == 0
    assert result.stdout.strip().endswith("✓ all there")


def test_what_no_source_has_ends_with_one(tmp_path: Path) -> None:
    days = ("--from", "1989-01-01", "--to", "1990-01-01")
    result = run("fetch", "ABC", "--kind", "news", "--into", tmp_path, *days)

    assert result.exit_code == 1
    assert "no source has the rest" in result.stdout


def test_a_kind_that_does_not_exist_is_refused_with_those_that_do() -> None:
    result = run("fetch", "ABC", "--kind", "pries")

    assert result.exit_code == 1
    assert "unknown kind of data 'pries'; valid, nearest first: prices" in result.stderr


def test_a_folder_of_ones_own_that_has_all_needs_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars(tmp_path, *WEEK)
    monkeypatch.setenv("INVESTORBENCH_DATA", str(tmp_path))
    days = ("--from", "2021-01-09", "--to", "2021-01-17")
    result = run("fetch", "ABC", "--kind", "prices", *days)

    assert result.exit_code == 0
    assert f"in {tmp_path}" in result.stdout.replace("\n", "")
    assert result.stdout.strip().endswith("✓ all there")


def test_a_saved_market_has_all_that_it_is_of(tmp_path: Path) -> None:
    bars(tmp_path, *WEEK)
    save(find_market("ABC", "stock", tmp_path), tmp_path / "saved")
    found = plan(request(tmp_path / "saved"), [], [tmp_path])

    assert found.held["prices"].is_whole
    assert found.held["news"].missing == 4  # of the days before and after its sessions


@pytest.mark.parametrize("covers", ["7", '{"first": "soon"}', '{"first": "2021-01-01"}', "null"])
def test_what_another_program_wrote_beside_a_file_breaks_no_plan(
    tmp_path: Path, covers: str
) -> None:
    bars(tmp_path, *WEEK)
    (tmp_path / "ABC.csv.provenance.json").write_text(f'{{"covers": {covers}}}')
    assert plan(request(tmp_path), [], [tmp_path]).held["prices"].is_whole


def test_a_slip_of_the_pen_in_a_tasks_name_is_shown_with_the_task() -> None:
    for first in (None, date(2020, 1, 1)):
        (each,) = wanted("stock/tlsa", first=first)
        assert each.why.endswith("; no task is about it: is stock/tsla meant?")
    assert [each.why for name in ("tsla", "nvda") for each in wanted(name)] == [
        "up to yesterday",
        "up to yesterday",
    ]


def test_days_that_are_not_over_are_refused(tmp_path: Path) -> None:
    today = date.today().isoformat()

    result = run("fetch", "TSLA", "--to", today, "--into", tmp_path)

    assert result.exit_code == 1
    assert f"--to {today} is not over yet" in result.stderr


def test_no_price_on_any_of_the_days_ends_with_one(tmp_path: Path) -> None:
    bars(tmp_path, *WEEK)
    days = ("--from", "1990-01-02", "--to", "1990-01-05", "--kind", "prices")

    result = run("fetch", "ABC", *days, "--source", "stooq", "--into", tmp_path)

    assert result.exit_code == 1
    assert "0, 4 days lacking" in result.stdout


def test_a_plan_that_no_source_can_serve_yet_says_what_to_set_up(tmp_path: Path) -> None:
    result = run("fetch", "stock/tsla", "--source", "alpaca", "--dry-run", "--into", tmp_path)

    assert "once set up" in result.stdout
    assert "needs a key" not in result.stdout


def test_a_stop_in_the_middle_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("investorbench.scripts.data_fetching.fetching.fetch", stopped)
    result = run("fetch", "stock/tsla", "--yes", "--into", tmp_path)

    assert result.exit_code == 130
    assert result.stdout.endswith(
        "stopped: what is complete stays, and the same command fetches the rest\n"
    )


def test_a_bundle_from_or_into_what_is_no_place_for_it_is_one_line(tmp_path: Path) -> None:
    bars(tmp_path, *WEEK)
    made = tmp_path / "data.zip"
    assert run("bundle", "stock/abc", "-o", made, "--data", tmp_path).exit_code == 0

    for arguments in (
        ("bundle", "stock/abc", "-o", tmp_path, "--data", tmp_path),
        ("bundle", "stock/abc", "-o", tmp_path / "ABC.csv" / "data.zip", "--data", tmp_path),
        ("add", made, "--into", tmp_path / "ABC.csv"),
    ):
        result = run(*arguments)

        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert result.stderr.startswith("✗ ")
        assert result.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [tmp_path / "ABC.csv", made]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--source", "yahoo", "--use", "publishing"), "its terms forbid publishing: personal use"),
        (("--source", "nifty"), "has no stock TSLA"),
        (("--source", "tiingo", "--kind", "news"), "which is not wanted"),
        (("--source", "fnspid", "--from", "2024-01-01", "--to", "2024-02-01"), "has 1999-01-01.."),
    ],
)
def test_a_named_source_that_cannot_serve_says_why(
    tmp_path: Path, options: tuple[str, ...], why: str
) -> None:
    result = run("fetch", "TSLA", *options, "--yes", "--into", tmp_path)

    assert result.exit_code == 1
    assert why in " ".join(result.stdout.split())


def test_the_terms_of_every_source_that_may_be_asked_are_shown_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in {key for source in SOURCES.values() for key in source.keys}:
        monkeypatch.setenv(name, "key")
    monkeypatch.setenv("INVESTORBENCH_CONTACT", "Ann Example ann@example.org")

    for task in ("stock/tsla", "crypto/btc", "etf/spy"):
        shown = " ".join(run("fetch", task, "--dry-run", "--into", tmp_path).stdout.split())
        (each,) = wanted(task)
        asked = [
            source
            for source in SOURCES.values()
            if source.has(each.symbol, each.asset_class) and source.name in shown
        ]
        assert len(asked) > 1
        assert [source.name for source in asked if source.terms not in shown] == []
