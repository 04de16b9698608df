"""`investorbench baselines`: simulated markets always, real ones where there is data."""

from pathlib import Path

import pytest

from investorbench.scripts.choices import Choices
from investorbench.scripts.main import main
from investorbench_env.market.library import save
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
    assert "no real market data found; set INVESTORBENCH_DATA" in output.err
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
