"""`bench.generalisation`: that it runs and what it prints. What its figures are is no test."""

import re
import sys

import pytest

from investorbench.scripts.bench import generalisation


@pytest.mark.heavy
def test_agents_trained_on_many_markets_and_on_one_are_scored_on_both_kinds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("stable_baselines3")
    monkeypatch.setattr(sys, "argv", ["generalisation", "--seeds", "2", "--steps", "5000"])
    generalisation.main()
    head, columns, *rows = capsys.readouterr().out.splitlines()
    assert head == "PPO, 5,000 steps, 2 seeds, Sharpe ratio, mean [95 %]"
    assert columns.split() == ["trained", "on", "as", "trained", "held", "out", "gap"]
    figures = {row.split()[0]: [*map(float, re.findall(r"-?\d+\.\d+", row))] for row in rows}
    assert figures.keys() == {"train", "one"}
    for seen, low, high, held_out, _, _, gap, _, _ in figures.values():
        assert low <= seen <= high
        assert gap == pytest.approx(seen - held_out, abs=0.02)
