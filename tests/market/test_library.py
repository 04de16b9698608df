"""Where a market is looked for, and the message where there is none."""

import json
import os
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from investorbench_env.errors import (
    CorruptDataError,
    DataNotFoundError,
    MarketError,
    MissingDependencyError,
    SimulatedDataWarning,
    UnknownNameError,
)
from investorbench_env.market import Market, library
from investorbench_env.market.asset_classes import ASSET_CLASSES, AssetClass
from investorbench_env.market.files import index, tables
from investorbench_env.market.library import find_market
from investorbench_env.market.sessions import sessions_between
from investorbench_env.market.simulated import simulate
from tests.env.small_markets import small_market

HEADER = "date,symbol,open,high,low,close\n"


def put(folder: Path, close: float = 10.0, symbol: str = "TSLA") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bars.csv"
    path.write_text(f"{HEADER}2021-01-14,{symbol},{close},{close},{close},{close}\n")
    return folder


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVESTORBENCH_DATA", raising=False)


def test_a_market_is_returned_as_it_is(tmp_path: Path) -> None:
    market = find_market("TSLA", "stock", put(tmp_path))

    assert find_market("TSLA", "stock", market) is market


def test_a_market_without_the_symbol_is_refused(tmp_path: Path) -> None:
    market = find_market("TSLA", "stock", put(tmp_path))

    with pytest.raises(UnknownNameError, match="'AAPL'; valid, nearest first: TSLA"):
        find_market("AAPL", "stock", market)


@pytest.mark.parametrize("data", ["auto", "real"])
def test_the_variable_comes_first_and_then_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    put(library.cache_folder(), 20)
    assert find_market("TSLA", "stock", data).bars[0, 0, 3] == 20

    monkeypatch.setenv("INVESTORBENCH_DATA", str(put(tmp_path / "mine", 10)))
    assert find_market("TSLA", "stock", data).bars[0, 0, 3] == 10


def test_the_variable_may_name_several_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [put(tmp_path / "one", 1, "AAPL"), put(tmp_path / "two", 2)]
    monkeypatch.setenv("INVESTORBENCH_DATA", os.pathsep.join(map(str, folders)))

    assert find_market("TSLA", "stock", "real").bars[0, 0, 3] == 2


def test_auto_falls_back_to_a_simulation_with_a_warning_that_names_both_ways() -> None:
    with pytest.warns(SimulatedDataWarning) as caught:
        market = find_market("TSLA", "stock", "auto")

    assert market.simulated
    message = str(caught[0].message)
    assert "export INVESTORBENCH_DATA=" in message
    assert "investorbench data fetch stock/tsla" in message
    assert str(library.cache_folder()) in message


def test_a_corrupt_file_is_never_swallowed_into_a_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (put(tmp_path) / "bars.csv").write_text(f"{HEADER}2021-01-14,TSLA,0,0,0,0\n")
    monkeypatch.setenv("INVESTORBENCH_DATA", str(tmp_path))

    with pytest.raises(CorruptDataError, match=r"bars\.csv, row 1"):
        find_market("TSLA", "stock", "auto")


def test_a_simulation_that_is_asked_for_needs_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_market("TSLA", "stock", "simulated").simulated


def test_a_path_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"nowhere' does not exist; give a folder"):
        find_market("TSLA", "stock", tmp_path / "nowhere")


def test_a_folder_without_bars_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"no daily bars in .* data fetch stock/tsla"):
        find_market("TSLA", "stock", tmp_path)


def test_a_path_may_be_one_file(tmp_path: Path) -> None:
    assert find_market("TSLA", "stock", put(tmp_path) / "bars.csv").bars[0, 0, 3] == 10


def test_a_second_search_takes_no_time_and_gives_the_same_market(tmp_path: Path) -> None:
    put(tmp_path)
    first = find_market("TSLA", "stock", tmp_path)
    started = time.process_time()
    second = find_market("TSLA", "stock", tmp_path)

    assert second is first
    assert time.process_time() - started < 0.005


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    before = find_market("TSLA", "stock", put(tmp_path, 10))
    after = find_market("TSLA", "stock", put(tmp_path, 12.25))

    assert (before.bars[0, 0, 3], after.bars[0, 0, 3]) == (10, 12.25)


def test_a_simulation_that_was_saved_is_not_found_under_a_real_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market = simulate(symbol="TSLA", asset_class="stock", start="2021-01-04", end="2021-02-26")
    library.save(market, library.cache_folder())

    with pytest.raises(DataNotFoundError):
        find_market("TSLA", "stock", "real")
    assert find_market("TSLA", "stock", library.cache_folder()).fingerprint == market.fingerprint


# --- what an installed package carries ---------------------------------------------------


def carried(symbol: str) -> Market | None:
    """Stands for a package that carries one symbol."""
    if symbol != "CARRIED":
        return None
    return small_market([1.0, 2.0], symbols=("CARRIED",), asset_class="parcel")


def not_installed(symbol: str) -> Market | None:
    raise MissingDependencyError("parcel", "stats", f"the market of {symbol}")


def class_with(reader: str) -> AssetClass:
    """A class whose markets a package may carry, and which cannot be simulated."""
    return replace(
        ASSET_CLASSES["stock"],
        name="parcel",
        simulated=None,
        installed=f"tests.market.test_library:{reader}",
    )


@pytest.mark.parametrize("data", ["auto", "real"])
def test_what_an_installed_package_carries_comes_after_the_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    monkeypatch.setitem(ASSET_CLASSES, "parcel", class_with("carried"))
    assert find_market("CARRIED", "parcel", data).source == "made for a test"
    with pytest.raises(DataNotFoundError, match="no real data for OTHER"):
        find_market("OTHER", "parcel", data)

    monkeypatch.setenv("INVESTORBENCH_DATA", str(put(tmp_path, 10, "CARRIED")))
    assert find_market("CARRIED", "parcel", data).source == "bars.csv"


@pytest.mark.parametrize("data", ["auto", "real"])
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    monkeypatch.setitem(ASSET_CLASSES, "parcel", class_with("not_installed"))
    with pytest.raises(MissingDependencyError, match=r"pip install 'investorbench\[stats\]'"):
        find_market("CARRIED", "parcel", data)


# --- what was looked at and did not serve ------------------------------------------------


def test_an_error_names_every_file_that_was_looked_at_and_why_it_did_not_serve(
    tmp_path: Path,
) -> None:
    put(tmp_path, symbol="AAPL")
    files = {
        "TSLA_news.csv": "date,headline\n2021-01-14,words\n",
        "notes.txt": "words\n",
        "other.json": "[]",
        "sub/shapes.csv": "colour,size\nred,1\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)

    with pytest.raises(UnknownNameError) as caught:
        find_market("TSLA", "stock", tmp_path)

    message = str(caught.value)
    assert f"looked at {tmp_path}" in message
    assert "bars.csv has daily bars of AAPL" in message
    assert "TSLA_news.csv has news and no bars of TSLA" in message
    assert "notes.txt is no " in message
    for name in ("other.json", "sub/shapes.csv"):
        assert f"{name} has " in message
    assert str(library.cache_folder()) not in message


@pytest.mark.filterwarnings("ignore::investorbench_env.errors.DataWarning")
def test_what_is_no_file_is_never_opened_and_named_as_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tsla.csv")
    (tmp_path / "tsla_link.csv").symlink_to(tmp_path / "nowhere")

    for place in (tmp_path, tmp_path / "tsla.csv"):
        with pytest.raises(DataNotFoundError, match=r"tsla\.csv is no file but a pipe"):
            find_market("TSLA", "stock", place)
    with pytest.raises(DataNotFoundError, match=r"tsla_link\.csv leads nowhere"):
        find_market("TSLA", "stock", tmp_path)


def test_real_never_falls_back_and_names_every_place_with_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVESTORBENCH_DATA", str(put(tmp_path, symbol="AAPL")))

    with pytest.raises(DataNotFoundError) as caught:
        find_market("TSLA", "stock", "real")

    message = str(caught.value)
    assert f"{tmp_path} (bars.csv has daily bars of AAPL)" in message
    assert f"{library.cache_folder()} (does not exist)" in message


@pytest.mark.parametrize("name", ["", "\0", "x" * 5000, "~nobody-at-all/x"])
def test_a_name_that_leads_nowhere_is_said(name: str) -> None:
    with pytest.raises(DataNotFoundError, match="does not exist; give a folder"):
        find_market("TSLA", "stock", name)


def test_a_text_over_a_bound_is_not_read_to_find_out_what_it_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path)
    (tmp_path / "huge.csv").write_text(HEADER + "2021-01-14,TSLA,1,1,1,1\n" * 3000)
    monkeypatch.setattr(index, "LARGEST_TEXT", 1 << 14)
    read = tables.text_table
    monkeypatch.setattr(
        tables,
        "text_table",
        lambda path, *given: read(path, *given) if path.stem == "bars" else 1 / 0,
    )

    assert find_market("TSLA", "stock", tmp_path).source == "bars.csv"
    with pytest.raises(UnknownNameError, match=r"huge\.csv has 0 MiB of text, which is not read"):
        find_market("AAPL", "stock", tmp_path)


# --- more is missing than is taken for granted --------------------------------------------


def days_of(folder: Path, days: list[str]) -> Path:
    rows = [f"{day},TSLA,10,10,10,10\n" for day in days]
    (folder / "bars.csv").write_text(HEADER + "".join(rows))
    return folder


WEEKS = [str(day) for day in sessions_between("stock", "2021-02-16", "2021-03-31")]


def test_more_missing_sessions_than_tolerated_are_refused_with_the_option(tmp_path: Path) -> None:
    assert len(WEEKS) == 32
    days_of(tmp_path, [*WEEKS[:10], *WEEKS[11:]])
    assert "1 session without a bar" in find_market("TSLA", "stock", tmp_path).findings[0]

    days_of(tmp_path, [*WEEKS[:10], *WEEKS[14:]])
    with pytest.raises(CorruptDataError, match=r"bars\.csv: 4 sessions .* data_tolerance=0\.13"):
        find_market("TSLA", "stock", tmp_path)
    market = find_market("TSLA", "stock", tmp_path, data_tolerance=0.13)
    assert "4 sessions without a bar" in market.findings[0]


def test_more_rows_of_no_session_than_tolerated_are_refused_with_the_option(tmp_path: Path) -> None:
    every_day = [str(day) for day in np.arange("2021-02-16", "2021-03-31", dtype="M8[D]")]
    days_of(tmp_path, every_day)

    with pytest.raises(CorruptDataError, match=r"12 rows on days without a session .* 27\.9%"):
        find_market("TSLA", "stock", tmp_path)
    assert find_market("TSLA", "stock", tmp_path, data_tolerance=0.28)
    assert find_market("TSLA", "crypto", tmp_path)


def test_a_released_file_is_taken_as_it_is_with_the_finding(tmp_path: Path) -> None:
    days = {day: {"prices": 10.0, "news": [], "10k": [], "10q": []} for day in WEEKS[::2]}
    (tmp_path / "tsla.json").write_text(json.dumps(days))

    market = find_market("TSLA", "stock", tmp_path)

    assert any("15 sessions without a bar" in finding for finding in market.findings)


def test_a_market_of_another_class_is_refused(tmp_path: Path) -> None:
    market = find_market("TSLA", "stock", put(tmp_path))
    with pytest.raises(MarketError, match=r"of the class .stock. .* use InvestorBench/Stock"):
        find_market("TSLA", "etf", market)

    folder = tmp_path / "saved"
    library.save(market, folder)
    with pytest.raises(MarketError, match="of the class 'stock'"):
        find_market("TSLA", "crypto", folder)
