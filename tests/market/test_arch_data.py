"""Two indices from the files of the package arch: real, long, and without a download."""

import gzip
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.scripts.main import main
from investorbench_env.errors import CorruptDataError, DataNotFoundError, MissingDependencyError
from investorbench_env.market.library import find_market
from investorbench_env.market.market import CLOSE, OPEN
from investorbench_env.market.sources import arch_data
from investorbench_env.registration import facts_of

IDS = ("InvestorBench/Index-SP500", "InvestorBench/Index-NASDAQ")
needs_arch = pytest.mark.skipif(
    find_spec("arch") is None, reason="needs the extra: pip install 'investorbench[stats]'"
)


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVESTORBENCH_DATA", raising=False)


@needs_arch
@pytest.mark.parametrize(
    ("symbol", "day", "close"),
    [  # as the newspapers had them
        ("SP500", "1999-01-04", 1228.10),
        ("SP500", "2000-01-03", 1455.22),
        ("SP500", "2007-10-09", 1565.15),
        ("SP500", "2009-03-09", 676.53),
        ("SP500", "2018-12-31", 2506.85),
        ("NASDAQ", "2000-03-10", 5048.62),
        ("NASDAQ", "2002-10-09", 1114.11),
        ("NASDAQ", "2018-12-31", 6635.28),
    ],
)
def test_closes_are_those_of_the_day(symbol: str, day: str, close: float) -> None:
    market = find_market(symbol, "index", "real")
    t = int(np.searchsorted(market.sessions, np.datetime64(day)))
    assert str(market.sessions[t]) == day
    assert market.bars[t, 0, CLOSE] == pytest.approx(close, abs=0.005)


@needs_arch
@pytest.mark.parametrize("data", ["auto", "real"])
@pytest.mark.parametrize("symbol", ["SP500", "NASDAQ"])
def test_every_session_of_twenty_years_has_a_bar(symbol: str, data: str) -> None:
    market = find_market(symbol, "index", data)
    assert not market.simulated
    assert len(market.sessions) == 5031
    assert np.isfinite(market.bars[:, 0, CLOSE]).all()
    assert (market.dividends == 0).all() and (market.share_splits == 1).all()
    assert np.isnan(market.bars[:, 0, OPEN]).all()


@needs_arch
@pytest.mark.parametrize("id", IDS)
def test_orders_fill_at_the_close_after_and_the_facts_say_what_is_missing(id: str) -> None:
    facts = facts_of(id, data="real")
    assert facts.window == ("2000-01-03", "2018-12-31")
    assert (facts.fills, facts.periods_a_year, facts.steps) == ("next_close", 252, 4778)
    assert facts.source.endswith("of the package arch (NCSA licence)")
    assert facts.cost_rate == pytest.approx(0.001)
    dividends, cash, opens = facts.findings
    assert dividends.endswith(f"lacks some {2 if 'SP500' in id else 1} % of dividends a year")
    assert cash.startswith("cash earns nothing")
    assert opens.startswith("opens are left out")
    assert opens.endswith("to the cent") is ("SP500" in id)
    assert facts_of(id, data="real", split="warmup").window == ("1999-01-04", "1999-12-31")


@needs_arch
def test_holding_the_index_through_the_crisis_loses_57_percent() -> None:
    env: Any = gym.make(
        IDS[0], data="real", start="2007-10-08", end="2009-03-09",
        commission_bps=0.0, slippage_bps=0.0,
    )  # fmt: skip
    env.reset()
    ended = False
    while not ended:
        _, _, terminated, ended, info = env.step(2)
        assert not terminated
    # Bought at the close of 9 October 2007, the highest before the crisis.
    assert info["equity"] == pytest.approx(100_000 * 676.53 / 1565.15, rel=1e-5)


@pytest.mark.parametrize("data", ["auto", "real"])
def test_without_the_package_the_error_has_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    monkeypatch.setattr(arch_data, "find_spec", lambda name: None)
    monkeypatch.setattr("investorbench_env.market.library._installed", uncached)
    with pytest.raises(MissingDependencyError, match=r"'arch'.*'investorbench\[stats\]'"):
        gym.make(IDS[0], data=data)


def uncached(reader: str, symbol: str) -> Any:
    return arch_data.read(symbol)


def test_an_index_that_the_package_has_not_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no real data for DAX"):
        find_market("DAX", "index", "auto")


def test_a_folder_of_ones_own_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "SP500.csv").write_text("date,close\n2001-01-02,1283.27\n")
    monkeypatch.setenv("INVESTORBENCH_DATA", str(tmp_path))
    assert find_market("SP500", "index", "real").source == "SP500.csv"


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "Date,Close\n1/4/1999,1228.1\n",
        "Date,Open,High,Low,Close,Volume\n1999-01-04,1,1,1,1,1\n",
        "Date,Open,High,Low,Close,Volume\n1/4/1999,1,1,1,many,1\n",
    ],
)
def test_a_file_of_another_form_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    refused(tmp_path, monkeypatch, gzip.compress(lines.encode()))


@pytest.mark.parametrize("kept", [0, 5, -9])
def test_a_file_that_is_cut_off_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    whole = gzip.compress(b"Date,Open,High,Low,Close,Volume\n1/4/1999,1,1,1,1,1\n")
    refused(tmp_path, monkeypatch, whole[:kept])


def refused(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """A file with this content is refused by name."""
    (folder / "sp500.csv.gz").write_bytes(content)
    monkeypatch.setattr(arch_data, "_folder", lambda symbol: folder)
    with pytest.raises(CorruptDataError, match=r"sp500\.csv\.gz: not the file that arch 7"):
        arch_data.read("SP500")


@pytest.mark.heavy
@needs_arch
def test_reading_does_not_import_the_package() -> None:
    program = (
        "import sys; from investorbench_env.market.library import find_market\n"
        "find_market('SP500', 'index', 'real'); print('arch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]


def test_there_is_nothing_to_fetch_for_an_index(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", "fetch", "SP500", "--into", str(tmp_path)])
    printed = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "SP500 – skipped, no source has index SP500; an installed package may:" in printed
    assert "investorbench data describe SP500" in printed
    assert "nothing to fetch" in printed
