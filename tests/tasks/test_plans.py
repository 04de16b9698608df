"""What a suite is expected to cost and to show, before it is run."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from investorbench.agents.llm.models import Limits, Model
from investorbench.agents.llm.spending import Price
from investorbench.scripts.main import main
from investorbench.tasks.result import Horizons
from investorbench.tasks.snapshots.played import paired_edges
from investorbench.tasks.snapshots.references import SnapshotReference
from investorbench.tasks.suites.estimates import (
    AnswerSize,
    DifferenceSpread,
    TaskEstimate,
    between_yardsticks,
    model_estimate,
    spread_of,
)

TASK = TaskEstimate(
    task="snapshot/sim",
    decisions=1_000,
    independent=1_000,
    at_once=40,
    spread=DifferenceSpread(100.0, 160.0, "a pilot"),
)


def test_the_difference_that_is_seen_follows_from_spread_and_decisions() -> None:
    # 1.959964 + 0.841621 standard errors, of which one is 160 / sqrt(1,000).
    assert TASK.differences() == pytest.approx((8.8594, 14.1750), abs=1e-3)
    # Of 13 agents there are 78 pairs: 3.413986 in the place of 1.959964.
    assert TASK.differences(13) == pytest.approx((13.457, 21.532), abs=2e-2)


def test_a_difference_of_that_size_is_found_in_four_of_five_samples() -> None:
    _, most = TASK.differences() or (0.0, 0.0)
    scores = np.random.default_rng(1).normal(most, 160.0, (2_000, 1_000))
    found = scores.mean(axis=1) > 1.959964 * scores.std(axis=1, ddof=1) / np.sqrt(1_000)
    assert found.mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("limits", "hours"),
    [
        (Limits(), 1_000 * 5 / 40 / 3_600),
        (Limits(concurrency=10), 1_000 * 5 / 10 / 3_600),
        (Limits(requests_per_minute=60.0), 1_000 / 60 / 60),
    ],
)
def test_a_model_takes_what_its_price_and_its_limits_say(limits: Limits, hours: float) -> None:
    model = Model(
        name="m", provider="openai", id="m", price=Price(input=2.0, output=8.0), limits=limits
    )
    found = model_estimate("m", model, [TASK], AnswerSize(2_500, 200, 5.0))
    assert (found.decisions, found.read, found.written) == (1_000, 2_500_000, 200_000)
    assert found.usd == pytest.approx(6.6)
    assert found.hours == pytest.approx(hours)


def test_the_spread_between_yardsticks_is_that_of_their_differences() -> None:
    scores = np.random.default_rng(2).normal(0.0, [[0.01], [0.02], [0.03]], (3, 500))
    reference = SnapshotReference.of_scores({}, 0, 0.2, scores)
    steps = [(scores[n + 1] - scores[n]).std(ddof=1) * 1e4 for n in (0, 1)]
    assert between_yardsticks(reference)[:2] == pytest.approx((min(steps), max(steps)))


def played(agent: str, blocks: dict[int, list[float]]) -> Any:
    """A result of snapshots: weights by the seed of each block, on markets that return 1 %."""
    episodes = [
        SimpleNamespace(
            scored=Horizons(
                tuple(range(seed, seed + len(weights))),
                np.array(weights),
                np.zeros(len(weights)),
                np.full(len(weights), 0.01) + seed / 1e4,
                np.zeros(len(weights)),
            )
        )
        for seed, weights in blocks.items()
    ]
    facts = SimpleNamespace(action="trade", cost_rate=0.001, horizon=5, simulated=True)
    return SimpleNamespace(agent=agent, episodes=episodes, facts=facts)


def test_a_pilot_pairs_the_blocks_that_all_of_its_agents_played() -> None:
    one = played("one", {0: [1.0, 0.0], 10: [1.0, 1.0]})
    other = played("other", {10: [-1.0, 1.0], 20: [0.0, 0.0]})
    edges = paired_edges([one, other])
    assert edges["one"] == pytest.approx([0.010, 0.010])
    assert edges["other"] == pytest.approx([-0.012, 0.010])
    spread = spread_of(edges, "here")
    assert spread is not None
    assert spread.most == pytest.approx(220 / np.sqrt(2))


def test_agents_that_decided_alike_have_no_spread() -> None:
    alike = [played(name, {0: [1.0, 0.0]}) for name in ("one", "other")]
    assert spread_of(paired_edges(alike), "here") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models=gpt-4o"], "a plan needs suite=…"),
        (["suite=quick"], "a plan needs models=…"),
        (["suite=quick", "models=gpt-4o", "pilots=x"], "unknown option of plan 'pilots'"),
        (["suite=quick", "models=gpt-4o", "seconds=fast"], "'fast' should be a number"),
        (["suite=quick", "models=gpt-4o", "seconds=0"], "seconds=0 must be above 0"),
        (["suite=quick", "models=no-such"], "unknown model 'no-such'"),
        (["suite=quack", "models=gpt-4o"], "unknown suite 'quack'"),
        (["suite=quick", "models=gpt-4o", "--seal"], "--seal needs the agent"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_one_sentence(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["plan", *arguments])
    assert message in capsys.readouterr().err


def test_a_plan_says_what_each_model_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["plan", "suite=quick", "models=gpt-4o,gpt-4.1", "--json"])
    plan = json.loads(capsys.readouterr().out)
    assert [each["decisions"] for each in plan["models"]] == [200, 200]
    # gpt-4.1 reads 2,500 and writes 200 tokens a decision, at 2 and 8 USD a million.
    assert plan["models"][1]["usd"] == pytest.approx(200 * (2_500 * 2.0 + 200 * 8.0) / 1e6)


def test_a_folder_without_a_run_is_no_pilot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["plan", "suite=quick", "models=gpt-4o", f"pilot={tmp_path}"])
    assert str(tmp_path) in capsys.readouterr().err
