"""Seeds follow from what an episode is, and from nothing else; that of a run is drawn or named."""

import hashlib
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from investorbench.tasks import evaluate, load
from investorbench.tasks.running.episodes import run
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.run_seed import seeded
from investorbench.tasks.seeds import agent_seed, market_seed, snapshot_seed
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError

SIM = Task.of("stock/sim", end="2020-10-09")


def test_an_agents_seed_is_a_hash_of_run_task_agent_model_and_repeat() -> None:
    identity = '[5, "InvestorBench/Stock-SIM", "SIM", "finmem", "gpt-4o", 2]'
    by_hand = int(hashlib.sha256(identity.encode()).hexdigest()[:16], 16) % 2**31
    assert agent_seed(5, SIM, "finmem", "gpt-4o", 2) == by_hand


def test_a_markets_seed_is_a_hash_of_run_and_repeat_alone() -> None:
    by_hand = int(hashlib.sha256(b'["market", 5, 2]').hexdigest()[:32], 16)
    assert market_seed(5, 2) == by_hand


def test_the_seeds_of_snapshots_are_those_of_one_deal_by_their_numbers() -> None:
    by_hand = int(hashlib.sha256(b'["market", 5, 0]').hexdigest()[:24], 16)
    assert [snapshot_seed(5, k) for k in (0, 7)] == [by_hand << 32, (by_hand << 32) + 7]


def test_no_two_episodes_of_a_sweep_share_a_seed_of_the_agent() -> None:
    tasks = [Task.of(f"stock/{name}") for name in ("sim", "tsla", "msft")]
    models = [f"model-{number}" for number in range(13)]
    episodes = product(range(2), tasks, ("finmem", "random"), models, range(5))
    seeds = [agent_seed(*episode) for episode in episodes]
    assert len(set(seeds)) == len(seeds) == 3 * 2 * 13 * 5 * 2
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    "change", [{"protocol": "paper"}, {"end": "2020-11-30"}, {"options": {"window": 5}}]
)
def test_an_agents_seed_is_the_same_under_another_protocol_window_or_observation(
    change: Any,
) -> None:
    assert agent_seed(0, Task.of(SIM, **change), "random", "", 0) == agent_seed(
        0, SIM, "random", "", 0
    )


def test_an_evaluation_uses_them() -> None:
    result = evaluate("random", SIM, repeats=2, seed=3, warmup=False)
    assert result.seed == 3
    assert [episode.seed for episode in result.episodes] == [
        agent_seed(3, SIM, "random", "", repeat) for repeat in (0, 1)
    ]
    assert [episode.market_seed for episode in result.episodes] == [
        market_seed(3, repeat) for repeat in (0, 1)
    ]


def test_without_a_seed_one_is_drawn_that_cannot_be_guessed_and_gives_the_same_again() -> None:
    first, second = (evaluate("random", SIM, warmup=False) for _ in range(2))
    assert first.seed != second.seed
    assert min(first.seed, second.seed) > 2**64  # of 128 bits but once in 2**63 times
    again = evaluate("random", SIM, warmup=False, seed=first.seed)
    assert again.actions == first.actions
    assert again.median.market_seed == first.median.market_seed != second.median.market_seed


def test_agents_of_one_run_meet_the_same_markets_and_each_has_a_seed_of_its_own() -> None:
    jobs = [Job.of(agent, SIM, 2, warmup=False) for agent in ("random", "momentum")]
    one, other = run(jobs, shows="nothing").results
    assert one.seed == other.seed
    markets = [[episode.market_seed for episode in each.episodes] for each in (one, other)]
    assert markets[0] == markets[1] and len(set(markets[0])) == 2
    assert not {each.seed for each in one.episodes} & {each.seed for each in other.episodes}


def test_a_run_that_goes_on_takes_the_seed_that_is_recorded(tmp_path: Path) -> None:
    first = evaluate("random", SIM, warmup=False, folder=tmp_path / "run")
    assert int((tmp_path / "run" / "seed.txt").read_text()) == first.seed
    more = evaluate("random", SIM, 2, warmup=False, folder=tmp_path / "run")
    other = evaluate("momentum", SIM, warmup=False, folder=tmp_path / "run")
    assert more.seed == other.seed == first.seed
    assert more.episodes[0].actions == first.actions
    assert {result.seed for result in load(tmp_path / "run").results} == {first.seed}


def test_a_seed_that_was_named_holds_for_what_names_none_in_its_folder(tmp_path: Path) -> None:
    evaluate("random", SIM, warmup=False, folder=tmp_path, seed=7)
    assert not (tmp_path / "seed.txt").exists()
    assert evaluate("random", SIM, 2, warmup=False, folder=tmp_path).seed == 7
    assert evaluate("cash", SIM, warmup=False, folder=tmp_path).seed == 7


def test_the_record_holds_both_seeds_of_an_episode(tmp_path: Path) -> None:
    result = evaluate("random", SIM, folder=tmp_path, seed=7)
    (job,) = tmp_path.glob("*/*")
    assert yaml.safe_load((job / "config.yaml").read_text())["seed"] == 7
    for name in ("warmup", "decisions"):
        with (job / "repeat-0" / f"{name}.jsonl").open() as file:
            header = json.loads(file.readline())
        assert (header["seed"], header["market_seed"]) == (
            result.median.seed, market_seed(7, 0),
        )  # fmt: skip
    assert load(tmp_path).results[0].median.market_seed == market_seed(7, 0)


@pytest.mark.parametrize("seed", ["x", -1, 1.5, True, [1]])
def test_a_seed_that_is_none_is_refused_and_leaves_nothing(seed: Any, tmp_path: Path) -> None:
    with pytest.raises(InvestorBenchError, match="must be a whole number of at least 0"):
        evaluate("cash", SIM, seed=seed, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_which_nothing_is_recorded_keeps_no_seed(tmp_path: Path) -> None:
    with pytest.raises(InvestorBenchError, match="no real data"):
        evaluate("cash", "stock/tsla", data="real", folder=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_seed_that_another_process_has_read_stays(tmp_path: Path) -> None:
    jobs = [Job.of("cash", SIM)]
    with seeded(jobs, tmp_path / "run") as (first,), seeded(jobs, tmp_path / "run") as (second,):
        pass
    with seeded(jobs, tmp_path / "run") as (third,):
        pass
    assert {job.settings["seed"] for job in (first, second, third)} == {
        int((tmp_path / "run" / "seed.txt").read_text())
    }
    with seeded(jobs, tmp_path / "alone"):
        pass
    assert not (tmp_path / "alone").exists()


def test_a_damaged_seed_is_named(tmp_path: Path) -> None:
    (tmp_path / "seed.txt").write_text("seven\n")
    with pytest.raises(InvestorBenchError, match=r"seed\.txt holds no seed"):
        evaluate("cash", SIM, folder=tmp_path)
