"""`investorbench bench perpetuals`: what it measures and prints."""

import pytest

from investorbench.scripts.bench import environment, perpetuals
from investorbench.scripts.main import main


@pytest.mark.heavy
def test_it_prints_what_perpetuals_cost_beside_a_yardstick_measured_in_the_same_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(environment, "ROUNDS", 1)
    monkeypatch.setattr(perpetuals, "MANY", 2)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "perpetuals", "--seconds", "0.001"])
    output = capfd.readouterr()
    assert (ended.value.code, output.err) == (0, "")
    assert "six coins in bars of 3 minutes" in output.out
    rows = [line for line in output.out.splitlines() if line.strip()]
    (cartpole,) = [line.split() for line in rows if "CartPole-v1" in line]
    assert cartpole[1] == "1.00"
    for words in (" one, indicators and text ", "× 2 ", "× 2, series of ", "× 2, random starts "):
        assert any(words in line for line in rows)
    assert "2 at once: market" in output.out and max(map(len, rows)) <= 80
