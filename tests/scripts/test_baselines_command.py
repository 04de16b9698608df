"""`investorbench baselines`: simulated markets always, real ones where there is data."""

from pathlib import Path

import pytest

from investorbench.scripts.choices import Choices
from investorbench.scripts.main import main
from investorbench_env.market import library
from investorbench_env.market.library import save
from investorbench_env.market.sources import arch_data
from tests.env.small_markets import small_market

AGENTS = ["buy_and_hold", "cash", "oracle"]


@pytest.fixture(autouse=True)
def few_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three agents on two tasks, in an empty folder, on a terminal of 80 columns."""
    chosen = {"agent": AGENTS, "task": ["stock/msft", "stock/sim"]}
    monkeypatch.setattr(Choices, "names", lambda _, group: chosen.get(group, []))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def test_without_data_the_simulated_markets_are_scored_and_the_way_to_data_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["baselines"])
    output = capfd.readouterr()
    assert ended.value.code == 0
    assert "SIMULATED InvestorBench/Stock-SIM" in output.out
    assert all(agent in output.out for agent in AGENTS)
    assert "Stock-MSFT" not in output.out
    first = output.err.splitlines()[0]
    assert first.startswith("no market data of your own found. To download what the tasks of")
    assert "investorbench data fetch paper. Or set INVESTORBENCH_DATA" in first
    assert len(list((tmp_path / "runs").rglob("manifest.json"))) == 3


def test_real_markets_with_data_are_scored_without_the_oracle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    save(small_market([100.0 + t % 9 for t in range(500)], symbols=("MSFT",)), tmp_path / "data")
    monkeypatch.setenv("INVESTORBENCH_DATA", str(tmp_path / "data"))
    with pytest.raises(SystemExit) as ended:
        main(["baselines"])
    simulated, _, real = capfd.readouterr().out.partition("InvestorBench/Stock-MSFT · standard")
    assert ended.value.code == 0
    assert "oracle" in simulated and "oracle" not in real
    assert "buy_and_hold" in real and "SIMULATED" not in real


@pytest.mark.heavy
def test_real_markets_in_an_installed_package_come_first_and_in_a_run_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("arch", reason="the indices are read from the package of the extra stats")
    chosen = {"agent": AGENTS, "task": ["index/sp500", "stock/sim"]}
    monkeypatch.setattr(Choices, "names", lambda _, group: chosen.get(group, []))
    with pytest.raises(SystemExit) as ended:
        main(["baselines"])
    first, _, second = capfd.readouterr().out.partition("SIMULATED ")
    assert ended.value.code == 0
    assert first.startswith("InvestorBench/Index-SP500 · standard · 2000-01-03 to 2018-12-31\n")
    assert "lacks some 2 % of dividends a year" in first and "cash earns nothing" in first
    assert "InvestorBench/Stock-SIM" in second and "mean over" not in second
    assert len(list((tmp_path / "runs").glob("*/*"))) == 2


def test_where_the_package_is_missing_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    chosen = {"agent": AGENTS, "task": ["index/nasdaq", "index/sp500", "stock/sim"]}
    monkeypatch.setattr(Choices, "names", lambda _, group: chosen.get(group, []))
    monkeypatch.setattr(arch_data, "find_spec", lambda name: None)
    library._installed.cache_clear()
    with pytest.raises(SystemExit) as ended:
        main(["baselines"])
    output = capfd.readouterr()
    assert ended.value.code == 0
    assert output.err.count("pip install 'investorbench[stats]'") == 1
    assert output.out.startswith("SIMULATED InvestorBench/Stock-SIM")


def test_data_that_cannot_be_read_is_reported_after_the_simulated_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "msft.json").write_text('{"2020-07-01": {"prices": 1')
    monkeypatch.setenv("INVESTORBENCH_DATA", str(folder))
    with pytest.raises(SystemExit) as ended:
        main(["baselines"])
    output = capfd.readouterr()
    assert ended.value.code == 1
    assert "SIMULATED InvestorBench/Stock-SIM" in output.out
    assert "msft.json" in output.err and "error: " in output.err
