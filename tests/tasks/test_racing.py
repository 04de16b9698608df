"""Races on record: they stop, are killed and resumed, verified, and refused where they are none."""

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from investorbench.agents.llm import Budget
from investorbench.agents.simulated.oracle import Oracle
from investorbench.scripts.racing import print_races
from investorbench.tasks import Job, Task, load, run
from investorbench.tasks.leaderboard.snapshot_rows import snapshot_boards
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.record.settings import read_settings
from investorbench.tasks.report.markup import text_of
from investorbench.tasks.report.race_tables import race_tables
from investorbench.tasks.running.observed import RepeatScores
from investorbench.tasks.running.raced import raced
from investorbench.tasks.running.racing import Affords, pairs_again, racing
from investorbench.tasks.running.stops_again import wrong_stops
from investorbench.tasks.seeds import BLOCK
from investorbench_env.errors import InvestorBenchError

TASK = Task.of("InvestorBench/Snapshot-SIM", data="simulated", options={"modalities": ("bars",)})
SIZE, MOST = 10, 60
RULE = {"until": "best", "reference": None}
SELL, HOLD, BUY = range(3)


class Contrary(Oracle):
    """Does the opposite of what is best."""

    def act(self, observation: Any, info: Any) -> int:
        return BUY - int(super().act(observation, info))


class Dies(Oracle):
    """Raises as its machine dies, once so many decisions are taken."""

    left = 0

    def act(self, observation: Any, info: Any) -> int:
        Dies.left -= 1
        if Dies.left == 0:
            raise KeyboardInterrupt
        return int(super().act(observation, info))


def jobs(first: Callable[..., Any] = Oracle, most: int = MOST, **rule: Any) -> list[Job]:
    """Two agents that race on blocks of ten snapshots."""
    own = [
        Job.of(agent, TASK, 1, name=name, seed=5)
        for agent, name in ((first, "oracle"), (Contrary, "contrary"))
    ]
    own = [replace(job, settings={**job.settings, BLOCK: SIZE}) for job in own]
    return racing(own, {**RULE, **rule}, max_decisions=most)


def blocks(folder: Path) -> dict[str, int]:
    """How many repeats of each agent there are."""
    return {path.name: len(list(path.glob("repeat-*"))) for path in jobs_in(folder)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A race that has stopped."""
    folder = tmp_path_factory.mktemp("race") / "run"
    run(jobs(), folder=folder, shows="nothing")
    return folder


def findings(folder: Path) -> list[tuple[bool, str]]:
    found = wrong_stops(job_in(path) for path in jobs_in(folder))
    return [(each.is_wrong, each.what) for each in found]


def test_a_race_stops_when_the_answer_is_known_and_its_record_is_whole(whole: Path) -> None:
    played = blocks(whole)
    assert played["oracle"] == played["contrary"] < MOST // SIZE
    for path in jobs_in(whole):
        assert read_settings(path)["repeats"] == played[path.name]
        assert (path / "manifest.json").exists()
    assert findings(whole) == []


def test_what_a_race_has_shown_is_found_again_without_running_it(whole: Path) -> None:
    outcome = run(jobs(), folder=whole, shows="nothing")
    (race,) = raced(outcome.entries)
    assert race.look.end == "answered"
    best, worst = race.rows
    assert (best.agent, worst.agent) == ("oracle", "contrary")
    assert worst.left == "worse than oracle"
    assert worst.pair is not None and worst.pair.high < 0.0 < worst.pair.observations
    share = 1 - best.played / MOST
    assert f"{2 * best.played} decisions of {2 * MOST} played, {share:.0%}"[:-1] in race.summary
    assert race.saved_usd == 0.0
    assert raced(load(whole).entries)[0].summary == race.summary
    console = Console(file=StringIO(), width=110)
    print_races([race], console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "worse than oracle" in text and "50 % saved" in text


def test_a_round_has_to_cost_no_more_than_is_left_and_its_last_call_to_fit() -> None:
    budget = Budget(max_usd=5.0)
    affords = Affords(budget)
    pay(budget, 0.5, at_most=1.0)
    pay(budget, 0.5, at_most=1.5)
    assert affords()  # 1 + 1 + 1.5
    pay(budget, 0.9, at_most=0.9)
    assert affords()  # 1.9 + .9 + 1.5
    pay(budget, 0.9, at_most=0.9)
    assert not affords()  # 2.8 + .9 + 1.5


def pay(budget: Budget, usd: float, at_most: float) -> None:
    """Have a call cost something."""
    reservation = asyncio.run(budget.set_aside(at_most))
    with budget.settling(reservation):
        reservation.cost(usd)


@pytest.mark.heavy
def test_a_race_that_is_killed_goes_on_to_the_same_end(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for left in (3, 14, 9):
        Dies.left = left
        run(jobs(Dies), folder=folder, shows="nothing")
    Dies.left = 10_000
    run(jobs(Dies), folder=folder, shows="nothing")
    assert blocks(folder) == blocks(whole)
    assert actions(folder) == actions(whole)


def actions(folder: Path) -> dict[str, list[Any]]:
    """What was decided, by file."""
    return {
        path.relative_to(folder).as_posix(): [
            json.loads(line).get("action") for line in path.read_text().splitlines()
        ]
        for path in sorted(folder.rglob("decisions.jsonl"))
    }


def test_a_repeat_that_was_added_or_left_out_is_found(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    last = blocks(folder)["oracle"] - 1
    for path in jobs_in(folder):
        if path.name == "contrary":
            shutil.rmtree(path / f"repeat-{last}")
    assert (True, f"{last + 1} repeats are finished, and {last + 1} follow") not in findings(folder)
    shutil.rmtree(folder / path.parent.name / "contrary" / "repeat-0")
    ((is_wrong, what), (is_note, other)) = sorted(findings(folder), reverse=True)
    assert is_wrong and what.startswith(f"{last + 1} repeats are finished, and 1 follow")
    assert not is_note and "its race is not over: 0 repeats" in other
    shutil.rmtree(folder / path.parent.name / "contrary")
    assert findings(folder) == [
        (False, "its race is not checked: the record of contrary is not here")
    ]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"until": "winner"}, "unknown goal"),
        ({"alpha": 0.7}, "between 0 and .5"),
        ({"until": "distinguished", "reference": "filter"}, "'filter' did not run"),
        ({"most": 10}, "at least 20"),
    ],
)
def test_a_race_that_is_none_is_refused_before_it_begins(given: Any, what: str) -> None:
    with pytest.raises(InvestorBenchError, match=what):
        jobs(**given)


def test_repeats_on_one_market_are_no_observations() -> None:
    task = Task.of("InvestorBench/Stock-SIM", data="simulated", options={"markets": "one"})
    own = [Job.of(lambda observation, info: HOLD, task, 30, name=name) for name in ("a", "b")]
    with pytest.raises(InvestorBenchError, match="no independent observations"):
        racing(own, RULE)


def test_a_race_needs_a_folder_and_one_process(tmp_path: Path) -> None:
    with pytest.raises(InvestorBenchError, match=r"give folder=\.\.\."):
        run(jobs(), shows="nothing")
    with pytest.raises(InvestorBenchError, match="play in one process"):
        run(jobs(), folder=tmp_path / "run", shard="1/2", shows="nothing")


def test_all_pairs_of_a_table_are_tested_by_the_design_of_its_race(whole: Path) -> None:
    outcome = run(jobs(), folder=whole, shows="nothing")
    (race,) = raced(outcome.entries)
    rng = np.random.default_rng(4)
    scores = {"left": rng.normal(0, 1, 20), "aside": rng.normal(0, 1, 60)}
    repeats = {
        name: [RepeatScores(each) for each in own.reshape(-1, SIZE)] for name, own in scores.items()
    }
    (pair,) = pairs_again(race.setting, repeats).pairs
    assert (pair.observations, pair.standing) == (20, "open")  # .3 of the error is spent by then
    margin = (pair.high - pair.low) / 2
    assert margin > 2.5 * np.std(scores["left"] - scores["aside"][:20], ddof=1) / 20**0.5
    (board,) = snapshot_boards(outcome.entries)
    assert board.look is not None
    assert board.look.pairs[0].worse == "contrary"
    assert any("agents raced" in note for note in board.notes)
    shown, words = map(text_of, race_tables(board))
    assert "worse than oracle" in shown and "saved" in words
