"""`investorbench bench snapshots`: what it measures and prints."""

import gymnasium as gym
import numpy as np
import pytest

from investorbench.scripts.bench import environment, snapshots
from investorbench.scripts.main import main
from investorbench.tasks.snapshots.scores import realised


@pytest.mark.heavy
def test_it_prints_what_snapshots_cost_and_what_their_markets_are_drawn_from(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(environment, "ROUNDS", 1)
    monkeypatch.setattr(snapshots, "MANY", 2)
    monkeypatch.setattr(snapshots, "WITH_TEXT", 3)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "snapshots", "--seconds", "0.001"])
    output = capfd.readouterr()
    assert (ended.value.code, output.err) == (0, "")
    for words in ("× 2, fresh; pool of 2 ", "× 2, fresh ", "× 2, train; pool of 2"):
        assert words in output.out
    assert "3 with their texts, read by the word-list reader and scored" in output.out
    assert max(map(len, output.out.splitlines())) <= 80


def test_what_a_rule_is_scored_by_is_what_the_environment_paid() -> None:
    decisions = snapshots.play_texts(4, first=60)
    env = gym.make(snapshots.SNAPSHOT)
    rewards = []
    for seed, weight in enumerate(decisions.weight.tolist(), 60):
        env.reset(seed=seed)
        rewards.append(env.step(int(weight) + 1)[1])
    assert np.allclose(realised(decisions), rewards, rtol=0, atol=1e-15)
    assert len(set(decisions.mean.tolist())) == 4
