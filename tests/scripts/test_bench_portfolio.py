"""`investorbench bench portfolio`: what it measures and prints."""

import pytest

from investorbench.scripts.bench import environment, portfolio
from investorbench.scripts.main import main


def test_it_prints_what_portfolios_cost_beside_yardsticks_measured_in_the_same_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(environment, "ROUNDS", 1)
    for name, value in {"ASSETS": 3, "MANY": 4, "TRIED": 2}.items():
        monkeypatch.setattr(portfolio, name, value)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "portfolio", "--seconds", "0.001"])
    output = capfd.readouterr()
    assert (ended.value.code, output.err) == (0, "")
    assert "3 assets by weights" in output.out
    rows = [line for line in output.out.splitlines() if line.strip()]
    (cartpole,) = [line.split() for line in rows if "CartPole-v1" in line]
    assert cartpole[1] == "1.00"
    for words in (" one ", "× 4 ", "× 4, no windows ", "× 4, random starts "):
        assert any(words in line for line in rows)
    assert "4 at once: market" in output.out and max(map(len, rows)) <= 80
