"""Blocks: a repeat of many snapshots, each on a market of its own with a new agent."""

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks import Task, evaluate, load
from investorbench.tasks.record.replaying import replay
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.record.verifying import verify_job
from investorbench.tasks.running.job import Job, of_block
from investorbench.tasks.seeds import snapshot_seed
from investorbench_env.errors import InvestorBenchError

TASK = Task.of("InvestorBench/Snapshot-SIM", data="simulated")
SEED, SIZE = 7, 25


class Noting:
    """Buys, and records how often this very agent has decided."""

    def __init__(self) -> None:
        self.decided, self.learned = 0, 0

    def act(self, observation: Any, info: Any) -> int:
        self.decided += 1
        return 2

    def learn(self, reward: float, info: Any) -> None:
        self.learned += 1

    def record(self) -> dict[str, Any]:
        return {"decided": self.decided, "learned": self.learned}

    def describe(self) -> dict[str, Any]:
        return {"patience": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blocks") / "run"
    evaluate(Noting, TASK, repeats=2, seed=SEED, folder=folder)
    return folder


def lines_in(run: Path, repeat: int) -> list[dict[str, Any]]:
    (path,) = run.glob(f"*/*/repeat-{repeat}/decisions.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()][1:]


def without_times(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{n: v for n, v in line.items() if n not in ("written_at", "before")} for line in lines]


def test_a_block_has_a_line_for_each_snapshot_on_a_market_of_its_own(run: Path) -> None:
    lines = [*lines_in(run, 0), *lines_in(run, 1)]
    assert [line["number"] for line in lines] == [*range(SIZE), *range(SIZE)]
    assert [line["market_seed"] for line in lines] == [snapshot_seed(SEED, k) for k in range(50)]
    assert len({line["marks"]["SIM"] for line in lines}) > 40
    assert [line["is_last"] for line in lines[:SIZE]] == [False] * (SIZE - 1) + [True]
    assert not list(run.glob("*/*/*/warmup.jsonl"))


def test_a_line_holds_what_its_snapshot_is_scored_by(run: Path) -> None:
    for line in lines_in(run, 0):  # each of them bought
        scored = line["scored"]
        assert line["reward"] == pytest.approx(scored["return"] - 0.001, abs=1e-12)
        assert 0.0 < scored["variance"] < 0.1
        assert abs(scored["mean"]) < 0.2
    (found,) = load(run).results
    scored_by = found.episodes[0].scored
    assert scored_by is not None
    assert scored_by.means.tolist() == [line["scored"]["mean"] for line in lines_in(run, 0)]
    assert set(scored_by.weights.tolist()) == {1.0}


class Boasts(gym.Wrapper):
    """Says that it drew other markets than it did, and that they went up."""

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = self.env.step(action)
        state = {name: np.abs(values) + 1.0 for name, values in info["hidden_state"].items()}
        forged = {**info, "hidden_state": state, "symbol": "TSLA"}
        return observation, abs(reward), terminated, truncated, forged

    @property
    def earned(self) -> float:
        return 1.0


def test_a_wrapper_changes_nothing_of_what_a_snapshot_is_scored_by() -> None:
    def found(**more: Any) -> Any:
        return evaluate("buy_and_hold", TASK, 1, seed=5, **more).episodes[0].scored

    honest, forged = found(), found(wrapper=Boasts)
    for name in ("returns", "means", "variances"):
        assert getattr(honest, name).tolist() == getattr(forged, name).tolist()


def test_every_snapshot_has_an_agent_of_its_own_that_is_not_shown_what_came(run: Path) -> None:
    thoughts = [line["thought"] for line in lines_in(run, 0)]
    assert thoughts == [{"decided": 1, "learned": 0}] * SIZE


def test_a_block_is_scored_from_its_record_as_it_was_when_it_ran(run: Path) -> None:
    (found,) = load(run).results
    rewards = [line["reward"] for repeat in (0, 1) for line in lines_in(run, repeat)]
    assert [each for own in found.episodes for each in own.rewards.tolist()] == rewards
    assert found.metrics["realised"] == pytest.approx(sum(rewards) / len(rewards), abs=1e-15)
    assert found.described == {"patience": 3}


def test_a_block_is_verified_and_replayed(run: Path) -> None:
    (path,) = jobs_in(run)
    job = job_in(path)
    assert not [each for each in verify_job(job) if each.is_wrong]
    assert [replay(job, number).difference for number in (0, 1)] == [None, None]


@pytest.mark.parametrize(
    ("name", "what"), [("market_seed", "market_seed"), ("reward", "return of the horizon")]
)
def test_an_edited_snapshot_is_found(tmp_path: Path, name: str, what: str) -> None:
    folder = tmp_path / "run"
    evaluate(Noting, TASK, seed=SEED, folder=folder)
    (path,) = folder.glob("*/*/repeat-0/decisions.jsonl")
    texts = path.read_text().splitlines()
    line = json.loads(texts[-1])
    line[name] += 1
    path.write_text("\n".join([*texts[:-1], json.dumps(line, ensure_ascii=False)]) + "\n")
    (job,) = map(job_in, jobs_in(folder))
    assert any(what in each.what for each in verify_job(job) if each.is_wrong)


def test_a_block_that_broke_off_goes_on_with_the_next_snapshot(run: Path, tmp_path: Path) -> None:
    calls: list[int] = []

    class Failing(Noting):
        name = "Noting"

        def act(self, observation: Any, info: Any) -> int:
            calls.append(1)
            if len(calls) in (8, 20, 40):  # the first two in one run, a block each
                raise RuntimeError("killed")
            return super().act(observation, info)

    folder = tmp_path / "run"
    for _ in range(2):
        with pytest.raises(RuntimeError, match="killed"):
            evaluate(Failing, TASK, repeats=2, seed=SEED, folder=folder)
    evaluate(Failing, TASK, repeats=2, seed=SEED, folder=folder)
    assert len(calls) == 2 * SIZE + 3
    for repeat in (0, 1):
        assert without_times(lines_in(folder, repeat)) == without_times(lines_in(run, repeat))
    figures = [
        json.loads(next(each.glob("*/*/repeat-1/metrics.json")).read_text())
        for each in (run, folder)
    ]
    for each in figures:
        del each["records"]
    assert figures[0] == figures[1]


def test_a_block_without_its_figures_gets_those_it_would_have_had(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    evaluate(Noting, TASK, seed=SEED, folder=folder)
    (path,) = folder.glob("*/*/repeat-0/metrics.json")
    before = path.read_text()
    path.unlink()
    evaluate(Noting, TASK, seed=SEED, folder=folder)
    assert path.read_text() == before


def test_more_blocks_go_on_with_those_that_are_there(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    evaluate(Noting, TASK, seed=SEED, folder=folder)
    result = evaluate(Noting, TASK, repeats=2, seed=SEED, folder=folder)
    assert len(result.episodes) == 2
    assert without_times(lines_in(folder, 1)) == without_times(lines_in(run, 1))


def test_other_tasks_have_no_blocks() -> None:
    settings = Job.of("momentum", "stock/sim").settings
    assert "block" not in settings
    assert settings["warmup"] is True
    assert Job.of("momentum", TASK).settings["block"] == SIZE


@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_a_block_of_no_size_is_refused(size: Any) -> None:
    with pytest.raises(InvestorBenchError, match="block"):
        of_block(TASK, True, size)


def test_antithetic_pairs_follow_one_another() -> None:
    result = evaluate(Noting, TASK, repeats=2, seed=SEED, antithetic=True)
    seeds = [seed for each in result.episodes if each.scored for seed in each.scored.market_seeds]
    assert [seed % 2 for seed in seeds] == [0, 1] * SIZE
    assert [seed // 2 for seed in seeds[::2]] == [seed // 2 for seed in seeds[1::2]]
    assert len(set(seeds)) == 2 * SIZE
    returns = [value for each in result.episodes if each.scored for value in each.scored.returns]
    first, second = returns[::2], returns[1::2]
    assert sum(one * other < 0.0 for one, other in zip(first, second, strict=True)) > 0.6 * SIZE
