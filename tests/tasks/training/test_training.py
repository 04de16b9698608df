"""GRPO on this machine: what is learned, and what is seen when it is not."""

import json
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from investorbench.tasks.trading_r1.corpus.rows import read_rows
from investorbench.tasks.training.settings import TrainingPlaces, TrainingSettings
from tests.tasks.training.planted import DEVIATION, make_model, phrases_of, plant
from tests.tasks.training.processes import begin, finish, report_of

pytestmark = [
    pytest.mark.long,
    # Looked for and not imported, which takes seconds wherever tests are collected.
    pytest.mark.skipif(find_spec("trl") is None, reason="needs the extra train"),
]

SEEDS = (200, 201, 202)
"""Chosen before any of them was trained: the recipe was tuned on 100 to 103."""
QUANTILE = 4.303
"""Of Student's law with two degrees of freedom, .975."""
RECIPE = TrainingSettings(
    stage="III",
    phases=("supervised", "rewards"),
    supervised_steps=150,
    supervised_rate=2e-3,
    rewards_steps=60,
    rewards_rate=4e-4,
    batch=32,
    tokens=16,
    unseen=300,
    save_every=1_000,
)
SIDES = {"STRONG_BUY": 1, "BUY": 1, "HOLD": 0, "SELL": -1, "STRONG_SELL": -1}


def planted(folder: Path, seed: int, **how: Any) -> TrainingPlaces:
    plant(folder / "corpus", seed=seed, **how)
    phrases = phrases_of(folder / "corpus")
    make_model(folder / "model", folder / "corpus", seed=seed, phrases=phrases, deviation=DEVIATION)
    return TrainingPlaces(model=folder / "model", corpus=folder / "corpus", into=folder / "into")


def interval(values: list[float]) -> tuple[float, float]:
    half = QUANTILE * stdev(values) / len(values) ** 0.5
    return fmean(values) - half, fmean(values) + half


def test_rewards_teach_a_model_what_its_briefings_say_or_the_report_shows_that_they_did_not(
    tmp_path: Path,
) -> None:
    trained = [planted(tmp_path / str(seed), seed) for seed in SEEDS]
    blind = planted(tmp_path / "blind", SEEDS[0], reads=False)
    every = [*trained, blind]
    for pair in (every[:2], every[2:]):  # a core each
        finish(*(begin(places, RECIPE, places.into.with_name("updates")) for places in pair))
    reports = [report_of(places.into) for places in trained]
    before, reward = (
        [report[name]["reward"]["value"] for report in reports]
        for name in ("supervised", "rewards")
    )
    always_buy = [report["rewards"]["constants"]["always buy"] for report in reports]
    print("greedy", before, "then", reward, "always buy", always_buy)
    assert interval(reward)[0] > interval(always_buy)[1]
    assert all(after > own for own, after in zip(before, reward, strict=True))
    assert all(report["rewards"]["reads"] for report in reports)
    unread = report_of(blind.into)["rewards"]
    print("blind", unread["reward"], unread["shuffled"], unread["decisions"])
    assert not unread["reads"]
    assert max(unread["decisions"], key=unread["decisions"].get) == "BUY"
    assert abs(unread["reward"]["value"] - unread["constants"]["always buy"]) < 0.1


def test_a_model_learns_from_its_own_theses_that_pass_and_its_curves_are_read_back(
    tmp_path: Path,
) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    places = planted(tmp_path, 0, rows=400)
    settings = replace(
        RECIPE,
        phases=("supervised", "distillation"),
        supervised_steps=60,
        supervised_rate=3e-3,
        distillation_steps=4,
        distillation_rate=1e-3,
        briefings=24,
        batch=16,
        group=4,
        unseen=20,
    )
    finish(begin(places, settings, tmp_path / "updates"))
    labels = {row["id"]: row["label"] for row in read_rows(places.corpus, "train")}
    pages = sorted((places.into / "distillation" / "own").iterdir())
    assert len(pages) == 24 * 4 / 32
    own = [each for page in pages for each in json.loads(page.read_text())["theses"]]
    assert 0 < len(own) < 24 * 4
    for each in own:
        (decided,) = set(re.findall(r"\[\[\[(\w+)\]\]\]", each["completion"]))
        assert SIDES[decided] == SIDES[labels[each["id"]]]
    assert list(report_of(places.into)) == ["start", "supervised", "distillation"]
    assert (places.into / "distillation" / "model" / "model.safetensors").exists()
    for phase in settings.phases:
        read = events.EventAccumulator(str(places.into / "tensorboard" / phase)).Reload()
        shown = {each.step: each.value for each in read.Scalars("train/loss")}
        steps = json.loads((places.into / phase / "steps.json").read_text())["steps"]
        logged = {each["step"]: each["loss"] for each in steps if "loss" in each}
        assert shown == pytest.approx(logged, rel=1e-4)
        assert len(shown) == settings.steps(phase)
