"""Labels and rewards beside an episode: read without a market, verified, not altered unseen."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.labelled import LabelledEpisode
from investorbench.tasks.labels_again import other_labels, rewards_again, wrong_labels
from investorbench.tasks.leaderboard.label_boards import label_boards
from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.record.job_folder import JobFolder
from investorbench.tasks.record.reading import RecordedJob, recorded_entry
from investorbench.tasks.record.run_folder import jobs_in
from investorbench.tasks.record.verifying import verify_job
from investorbench.tasks.result import Entry, Result
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.trading_r1 import marking
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.market import Market
from tests.env.small_markets import small_market
from tests.tasks.trading_r1.theses import BRIEFING
from tests.tasks.trading_r1.writing import CLOSES, DAYS, LABELS, MARKET, Writer, small_task

LABELS_FILE = "labels.json"


def recorded(path: Path, agent: Any = Writer, **changes: Any) -> tuple[Result, RecordedJob]:
    with JobFolder(path, "a: 1\n") as folder:
        task = small_task(196, 329, **changes)
        result = evaluate(agent, task, warmup=False, seed=7, watch=folder)
        folder.finish(result)
    seeds = tuple(Seeds(each.market_seed, each.seed) for each in result.episodes)
    job = RecordedJob(
        path=path, name=result.agent, task=result.task, seed=7, seeds=seeds, warmup=False,
        place=path.name,
    )  # fmt: skip
    return result, job


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, RecordedJob]:
    """One run that nothing alters."""
    return recorded(tmp_path_factory.mktemp("kept") / "writer")


@pytest.fixture
def copied(kept: tuple[Result, RecordedJob], tmp_path: Path) -> RecordedJob:
    """Its record in a folder of its own."""
    _, job = kept
    shutil.copytree(job.path, tmp_path / "writer")
    return dataclasses.replace(job, path=tmp_path / "writer")


def altered(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = read_json(path)
    change(content)
    write_json(path, content)


def test_labels_come_out_of_a_record_without_a_market(
    kept: tuple[Result, RecordedJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    result, job = kept

    def refused(*_: object) -> Market:
        raise AssertionError("the market was asked for")

    monkeypatch.setattr("investorbench.tasks.task.market_of", refused)
    again = recorded_entry(job).result
    (was,), (now,) = ([each.labelled for each in one.episodes] for one in (result, again))
    assert was is not None and now is not None and repr(was) == repr(now)
    assert now.days[-1].why == "fewer than 15 sessions after it" and now.days[0].label


def test_what_a_run_wrote_follows_from_it_and_from_the_market(
    kept: tuple[Result, RecordedJob],
) -> None:
    _, job = kept
    assert [each for each in verify_job(job) if each.is_wrong] == []
    assert [*wrong_labels(job), *other_labels(job)] == []
    assert "repeat-0/labels.json" in read_json(job.path / "manifest.json")["files"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda own: own["days"][3].update(decision=0.123), "decision"),
        (lambda own: own["days"][3].update(structure=0.123), "structure"),
        (lambda own: own["days"][3].update(evidence=0.123), "evidence"),
        (lambda own: own["days"][3].update(graded=9.0), "graded"),
        (lambda own: own["days"][3].update(decided=None), "decided"),
        (lambda own: own["days"][3].update(label=None, why="it was hard"), "label"),
        (lambda own: own["days"][3].update(score=99.0, label="SELL"), "label"),
        (lambda own: own["days"][3].update(session="2020-01-01"), "days"),
        (lambda own: own["thresholds"].update(window=["2019-01-01", "2020-02-02"]), "window"),
        (lambda own: own.update(round_trip_rate=0.0), "round_trip_rate"),
        (lambda own: own.update(thresholds=None), "thresholds"),
        (lambda own: own.pop("days"), "days"),
        (lambda own: own["days"].pop(), "days"),
        (lambda own: own["days"][0].pop("label"), "day"),
    ],
)  # fmt: skip
def test_a_change_is_found_without_a_market(
    copied: RecordedJob, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    job = copied
    altered(job.path / "repeat-0" / LABELS_FILE, change)
    (found, *_) = [each for each in wrong_labels(job) if each.is_wrong]
    assert words in found.what and found.path.name == LABELS_FILE
    assert any(each.is_wrong for each in verify_job(job))  # its digest, or its length


def test_labels_of_another_market_are_found(kept: tuple[Result, RecordedJob]) -> None:
    """Scores, classes and rewards forged together are consistent with themselves."""
    _, job = kept
    other = small_market([*CLOSES[:200], *(close * 1.5 for close in CLOSES[200:])])
    elsewhere = dataclasses.replace(job, task=dataclasses.replace(job.task, data=other))
    assert [*wrong_labels(elsewhere)] == []
    (found, *_) = other_labels(elsewhere)
    assert found.level == 2 and found.kind == "market" and "here" in found.what


def test_a_missing_file_is_named(copied: RecordedJob) -> None:
    job = copied
    (job.path / "repeat-0" / LABELS_FILE).unlink()
    (found,) = wrong_labels(job)
    assert "missing" in found.what
    assert recorded_entry(job).result.episodes[0].labelled is None


def test_rewards_are_computed_again_from_the_recorded_theses(
    kept: tuple[Result, RecordedJob], copied: RecordedJob
) -> None:
    result, _ = kept
    path = copied.path / "repeat-0"
    altered(path / LABELS_FILE, lambda own: own["days"][3].update(decision=1.0, decided="SELL"))
    again = rewards_again(path)
    assert again is not None and result.episodes[0].labelled is not None
    assert again["days"] == result.episodes[0].labelled.plain()["days"]


def test_agents_that_decide_no_classes_are_labelled_and_not_paid(tmp_path: Path) -> None:
    result, job = recorded(tmp_path / "momentum", "momentum")
    labelled = result.episodes[0].labelled
    assert labelled is not None and not labelled.decides and labelled.days[0].label
    assert all(each.decided is None and each.decision is None for each in labelled.days)
    assert [*wrong_labels(job)] == []


def test_a_task_without_labels_keeps_no_file_of_them(tmp_path: Path) -> None:
    result, job = recorded(tmp_path / "momentum", "momentum", labels=None)
    assert result.episodes[0].labelled is None
    assert not (job.path / "repeat-0" / LABELS_FILE).exists() and [*wrong_labels(job)] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": {"train": [DAYS[40], DAYS[190]]}}, "begin the test on"),
        ({"labels": {"train": [DAYS[40], DAYS[50]]}}, "make it longer"),
        ({"labels": {"test": []}}, "unknown setting of labels"),
        ({"labels": LABELS | {"direction": "sideways"}}, "direction"),
    ],
)
def test_labels_that_cannot_be_taken_end_a_run_before_its_first_step(
    changes: dict[str, Any], words: str
) -> None:
    steps: list[object] = []
    with pytest.raises(InvestorBenchError, match=words):
        evaluate(Writer, small_task(**changes), warmup=False, watch=steps.append)
    assert steps == []


def test_snapshots_have_no_labels() -> None:
    from investorbench.tasks import Task

    task = Task.of("snapshot/sim", labels=LABELS)
    with pytest.raises(InvestorBenchError, match=r"leave task\.labels out"):
        marking.truths_for(task, 0)


def test_an_agent_sees_the_same_whatever_its_days_are_labelled_by() -> None:
    """No label enters an observation, an info, or what the agent begins with."""
    seen: list[list[str]] = []

    class Watching(Writer):
        def begin(self, facts: Any, split: str, seed: int) -> None:
            super().begin(facts, split, seed)
            seen.append([repr(facts)])

        def act(self, observation: Any, info: Any) -> int:
            with np.printoptions(threshold=10_000):
                seen[-1].append(repr((observation, sorted(info.items(), key=str))))
            return super().act(observation, info)

    for labels in (None, LABELS, {"train": [DAYS[60], DAYS[150]]}):
        evaluate(Watching, small_task(196, 230, labels=labels), warmup=False, seed=1)
    assert seen[0] == seen[1] == seen[2] and len(seen[0]) > 30


@pytest.mark.heavy
def test_an_episode_that_was_killed_is_labelled_as_one_that_was_not(tmp_path: Path) -> None:
    whole = evaluate(Writer, small_task(), warmup=False, seed=2).episodes[0].labelled

    def until(number: int) -> Any:
        def watch(step: Any) -> None:
            if step.number == number:
                raise KeyboardInterrupt

        return watch

    folder = tmp_path / "run"
    for number in (17, 60):
        with pytest.raises(KeyboardInterrupt):
            evaluate(Writer, small_task(), warmup=False, seed=2, folder=folder, watch=until(number))
    again = evaluate(Writer, small_task(), warmup=False, seed=2, folder=folder).episodes[0].labelled
    assert whole is not None and again is not None and repr(whole) == repr(again)
    (job,) = jobs_in(folder)
    kept = json.loads((job / "repeat-0" / LABELS_FILE).read_text())
    assert repr(LabelledEpisode.of(kept)) == repr(whole)
    assert MARKET.sessions[196] == np.datetime64(whole.days[0].session)


class Forger(Writer):
    """Says that it was given other words than those whose hash it records."""

    name = "forger"

    def record(self) -> dict[str, Any]:
        said = super().record()
        return {**said, "question": {"system": "Write.", "user": f"{BRIEFING} All is well."}}


def test_a_briefing_that_is_not_the_one_of_its_hash_is_found(tmp_path: Path) -> None:
    _, job = recorded(tmp_path / "forger", Forger)
    (found,) = wrong_labels(job)
    assert found.what == f"on {DAYS[196]} the briefing is not the one that its hash is of"


def test_a_table_says_who_wrote_about_briefings_of_its_own(
    kept: tuple[Result, RecordedJob],
) -> None:
    result, _ = kept
    (board,) = label_boards([Entry(result=result, planned=1)])
    assert "form and evidence by a briefing of its own making: writer" in board.notes
