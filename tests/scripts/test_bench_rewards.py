"""`investorbench bench rewards`: what it measures and prints."""

import random

import pytest

from investorbench.scripts.bench import rewards
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.rewards import rewards as rewards_of
from tests.scripts.calling import Call


def test_it_prints_what_rewards_cost_beside_splitting(
    monkeypatch: pytest.MonkeyPatch, command: Call
) -> None:
    monkeypatch.setattr(rewards, "ROUNDS", 1)
    monkeypatch.setattr(rewards, "LENGTH", 1_000)
    output = command("bench", "rewards")
    assert output.code == 0
    assert "words, all three rewards: " in output.out and "× its split()" in output.out
    assert "right to left" in output.out and max(map(len, output.out.splitlines())) <= 80


def test_the_thesis_that_is_measured_is_read_in_full() -> None:
    rng = random.Random(1)
    briefing = rewards.briefing_of(rng)
    text = rewards.thesis_of(rng, briefing)
    citable = Citable.of(briefing, [f"n{number}" for number in range(200)])
    assert len(text.split()) >= rewards.WORDS
    assert rewards_of(text, citable, "BUY")[1:] == pytest.approx((1.0, 1.0))
