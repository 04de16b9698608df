"""Kills amid a training: it ends at the same step, with the same weights."""

import json
from hashlib import sha256
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from investorbench.tasks.training.figures import figures_of
from investorbench.tasks.training.settings import TrainingPlaces, TrainingSettings
from tests.tasks.training.planted import make_model, plant
from tests.tasks.training.processes import begin, finish, kill_at, report_of, updates_in

pytestmark = [
    pytest.mark.long,
    # Looked for and not imported, which takes seconds wherever tests are collected.
    pytest.mark.skipif(find_spec("trl") is None, reason="needs the extra train"),
]

KILLED = TrainingSettings(
    stage="III",
    phases=("supervised", "rewards"),
    supervised_steps=6,
    rewards_steps=8,
    batch=8,
    group=4,
    tokens=16,
    unseen=20,
    save_every=2,
    supervised_rate=1e-3,
    rewards_rate=1e-3,
)


def test_a_training_that_was_killed_three_times_ends_at_the_same_step_with_the_same_weights(
    tmp_path: Path,
) -> None:
    plant(tmp_path / "corpus", seed=0, rows=200)
    make_model(tmp_path / "model", tmp_path / "corpus")
    whole = TrainingPlaces(
        model=tmp_path / "model", corpus=tmp_path / "corpus", into=tmp_path / "into"
    )
    killed = TrainingPlaces(model=whole.model, corpus=whole.corpus, into=tmp_path / "killed")
    finish(begin(whole, KILLED, tmp_path / "updates"))
    followed = tmp_path / "followed"
    for line in (3, 9, 15):
        kill_at(begin(killed, KILLED, followed), followed, line)
    finish(begin(killed, KILLED, followed))
    made = updates_in(followed)
    assert set(made) == set(updates_in(tmp_path / "updates"))
    assert made[-1] == ("rewards", KILLED.rewards_steps)
    for (phase, step), (later, following) in pairwise(made):
        if following <= step and phase == later:  # it went on from a checkpoint
            assert following % KILLED.save_every == 1 and step - following < KILLED.save_every
    for phase in KILLED.phases:
        assert curve(killed.into / phase) == curve(whole.into / phase)
        assert weights(killed.into / phase) == weights(whole.into / phase)
        assert not list((killed.into / phase).glob("checkpoint-*"))
    assert report_of(killed.into) == report_of(whole.into)


def curve(phase: Path) -> list[dict[str, float]]:
    steps = json.loads((phase / "steps.json").read_text())["steps"]
    return [figures_of(each) for each in steps if "train_runtime" not in each]


def weights(phase: Path) -> str:
    return sha256((phase / "model" / "model.safetensors").read_bytes()).hexdigest()
