"""`bench.expected_reward` at a small size: what it prints, and what rewards give away."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from investorbench.scripts.bench import expected_reward
from investorbench.scripts.bench.expected_reward import interquartile_mean


@pytest.mark.heavy
def test_agents_are_trained_with_both_rewards_and_scored_by_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("torch").set_num_threads(1)
    monkeypatch.setattr(expected_reward, "FILTERED", 4)
    file = tmp_path / "figures.json"
    picture = tmp_path / "curves.png"
    arguments = ["--seeds", "2", "--steps", "4096", "8192", "--json", str(file)]
    monkeypatch.setattr(sys, "argv", ["expected_reward", *arguments, "--picture", str(picture)])
    expected_reward.main()
    lines = capsys.readouterr().out.splitlines()
    assert "2 seeds" in lines[0]
    assert [line.split()[0] for line in lines[3:5]] == ["4,096", "8,192"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    figures = json.loads(file.read_text())
    assert np.shape(figures["edges"]["expected"]) == (2, 2)
    # What is scored is the same: the agent that reads what came trades on a coin toss, and pays.
    assert figures["read"]["expected"] > 30.0
    assert figures["read"]["return"] < 2.0 < figures["bars"]["constant"] < figures["bars"]["filter"]


def test_an_interquartile_mean_of_five_leaves_out_the_lowest_and_the_highest() -> None:
    found = interquartile_mean(np.array([9.0, 1.0, 2.0, -5.0, 3.0]))
    assert found.mean == 2.0
    assert -5.0 <= found.low < 2.0 < found.high <= 9.0
