"""A result from its record is the result that was recorded."""

import hashlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import Result, evaluate
from investorbench.tasks.record.files import read_json
from investorbench.tasks.record.job_folder import JobFolder
from investorbench.tasks.record.reading import RecordedJob, recorded_entry
from investorbench.tasks.record.replaying import replay
from investorbench.tasks.record.verifying import verify_job
from investorbench.tasks.result import Episode
from investorbench.tasks.seeds import Seeds
from tests.env.small_markets import document, small_market
from tests.tasks.plain_records import lines_of

CLOSES = [100.0 + t % 7 for t in range(500)]
TEXTS = [document(274.5, "good", sentiment="positive")]
MARKET = small_market(CLOSES, documents=TEXTS, dividends={300: 2.0}, splits={320: 2.0})
DOUBLES = small_market([100.0 * 1.02 ** max(0, t - 280) for t in range(500)])


def recorded(path: Path, agent: Any, market: Any, **options: Any) -> tuple[Result, RecordedJob]:
    """What was evaluated, and where it is recorded."""
    with JobFolder(path, "a: 1\n") as folder:
        result = evaluate(
            agent, "InvestorBench/Stock", data=market, repeats=2, watch=folder, **options
        )
        folder.finish(result)
    seeds = tuple(Seeds(episode.market_seed, episode.seed) for episode in result.episodes)
    job = RecordedJob(
        path=path,
        name=result.agent,
        task=result.task,
        seed=0,
        seeds=seeds,
        warmup=True,
        place=path.name,
    )
    return result, job


def weighing(observation: Any, info: Any) -> Any:
    return np.array([0.1 * (info["session"][-1] != "5") - 0.05], np.float32)


@pytest.mark.parametrize(
    ("agent", "market", "options"),
    [
        ("random", MARKET, {}),
        ("random", MARKET, {"protocol": "paper"}),
        ("cash", MARKET, {}),
        (weighing, MARKET, {"action": "weight"}),
        ("random", MARKET, {"initial_cash": 500.0, "long_only": True}),
        ("always_sell", DOUBLES, {}),
    ],
    ids=["standard", "paper", "cash", "weights", "options", "ruined"],
)
def test_a_result_is_the_same_from_its_record(
    tmp_path: Path, agent: Any, market: Any, options: dict[str, Any]
) -> None:
    result, job = recorded(tmp_path / "random", agent, market, **options)
    again = recorded_entry(job).result
    for was, now in zip(result.episodes, again.episodes, strict=True):
        for field in fields(Episode):
            one, other = (getattr(episode, field.name) for episode in (was, now))
            assert repr(one) == repr(other), field.name  # to the bit, NaN too
            if isinstance(one, np.ndarray):
                assert one.tobytes() == other.tobytes(), field.name
    assert again.facts == result.facts
    assert [replay(job, number).difference for number in (0, 1)] == [None, None]


def test_a_job_that_ended_in_ruin_is_whole(tmp_path: Path) -> None:
    result, job = recorded(tmp_path / "always_sell", "always_sell", DOUBLES)
    assert result.median.ended_early
    assert [found for found in verify_job(job) if found.is_wrong] == []


class Numbering:
    """Records a mapping whose keys JSON writes as words, and then sorts otherwise."""

    def act(self, observation: Any, info: Any) -> int:
        return 1

    def record(self) -> dict[str, Any]:
        return {"stored": {99: "a", 100: "b"}, "pair": (1, float("nan"))}


def test_a_thought_is_hashed_as_it_will_be_read(tmp_path: Path) -> None:
    _, job = recorded(tmp_path / "Numbering", Numbering(), MARKET)
    lines = lines_of(job.episodes[0] / "decisions.jsonl")
    assert lines[0]["thought"] == {"stored": {"99": "a", "100": "b"}, "pair": [1, None]}


def test_figures_name_the_lines_that_they_follow_from(tmp_path: Path) -> None:
    _, job = recorded(tmp_path / "random", "random", MARKET)
    heads = []
    for path in job.episodes:
        files = {"warmup": "warmup.jsonl", "test": "decisions.jsonl"}
        lines = {split: (path / name).read_bytes().splitlines() for split, name in files.items()}
        heads.append(
            {
                split: {"lines": len(own) - 1, "head": hashlib.sha256(own[-1]).hexdigest()}
                for split, own in lines.items()
            }
        )
    assert [read_json(path / "metrics.json")["records"] for path in job.episodes] == heads
    manifest = read_json(job.path / "manifest.json")
    assert manifest["records"] == heads
    assert manifest["config_sha256"] == hashlib.sha256(b"a: 1\n").hexdigest()
