"""What a suite is expected to cost and to show, before it is run."""

import json
from pathlib import Path

import numpy as np
import pytest

from investorbench.agents.llm.models import Limits, Model
from investorbench.agents.llm.spending import Price
from investorbench.scripts.main import main
from investorbench.scripts.run import run_with
from investorbench.tasks.planning.estimates import (
    AnswerSize,
    DifferenceSpread,
    TaskEstimate,
    between_yardsticks,
    model_estimate,
    spread_of,
    task_estimates,
)
from investorbench.tasks.planning.pilots import pilot_of
from investorbench.tasks.record.reading import recorded_entry
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.snapshots.references import SnapshotReference
from investorbench.tasks.snapshots.results import decisions_in
from investorbench.tasks.snapshots.scores import edge
from investorbench.tasks.suites import find_suite

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


def test_the_spread_of_a_pilot_is_that_of_its_agents_differences() -> None:
    scores = {"one": np.array([10.0, -20.0, 0.0]), "other": np.zeros(3), "twin": np.zeros(3)}
    spread = spread_of(scores, "here")
    assert spread is not None
    assert spread[:2] == pytest.approx((15.2753, 15.2753), abs=1e-3)


def test_agents_that_decided_alike_have_no_spread() -> None:
    assert spread_of({"one": np.ones(3), "twin": np.ones(3)}, "here") is None


@pytest.mark.heavy
def test_a_pilot_shows_how_much_scores_vary(tmp_path: Path) -> None:
    run = ["task=snapshot/sim", "block=20", "output=json", f"folder={tmp_path}/first", "seed=3"]
    run_with(["-m", "agent=momentum,always_sell", *run])
    suite = find_suite("quick")
    pilot = pilot_of(tmp_path / "first", suite)
    found = pilot.tasks["snapshot/sim"]
    edges = [
        edge(decisions_in(recorded_entry(job_in(path)).result)) * 1e4
        for path in jobs_in(tmp_path / "first")
    ]
    assert found.spread.most == pytest.approx((edges[0] - edges[1]).std(ddof=1))
    assert found.decisions == 1.0
    assert pilot.answering is None
    (task,) = task_estimates(suite, pilot.tasks)
    assert (task.independent, task.spread) == (200, found.spread)


def test_repeats_of_one_real_market_are_one_observation_and_need_no_data() -> None:
    tasks = {each.task: each for each in task_estimates(find_suite("paper"))}
    tesla = tasks["stock/tsla"]
    # 149 steps of the test split and 63 of the warm-up; a Sharpe ratio over a year of 252 days.
    assert (tesla.decisions, tesla.independent) == (5 * (149 + 63), 1)
    assert tesla.spread is not None
    assert tesla.spread.least == pytest.approx((252 / 149) ** 0.5)
    assert tesla.unit == "Sharpe ratio"


def test_of_real_snapshots_a_pilot_alone_knows_the_spread() -> None:
    (panel,) = task_estimates(find_suite("panel"))
    assert panel.decisions == 1_000
    assert panel.differences() is None and "pilot=RUN" in panel.why_not
    # The benchmark's 149 days, every fifth of which share no session of their horizons.
    assert panel.independent == 30 and "30 days, each one observation" in panel.why_not


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


@pytest.mark.parametrize("models", ["gpt-4o", "gpt-4o,gpt-4.1", "gpt-4o,gpt-4.1,gpt-4"])
def test_what_all_pairs_show_counts_those_with_the_agents_of_every_table(
    models: str, capsys: pytest.CaptureFixture[str]
) -> None:
    agents = len(models.split(",")) + len(find_suite("quick").references)
    for how in ([], ["--json"]):
        with pytest.raises(SystemExit, match="0"):
            main(["plan", "suite=quick", f"models={models}", *how])
    shown, _, plain = capsys.readouterr().out.partition("{")
    (task,) = json.loads("{" + plain)["tasks"]
    (estimate,) = task_estimates(find_suite("quick"))
    assert task["of_all"] == list(estimate.differences(agents))
    assert f"any two of {agents}" in shown


def test_a_folder_without_a_run_is_no_pilot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["plan", "suite=quick", "models=gpt-4o", f"pilot={tmp_path}"])
    assert str(tmp_path) in capsys.readouterr().err
