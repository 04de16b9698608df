"""Seeds follow from what an episode is, and from nothing else."""

import hashlib
from itertools import product

import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.seeds import episode_seed
from investorbench.tasks.task import Task

SIM = Task.of("stock/sim")


def test_a_seed_is_a_hash_of_run_task_agent_model_and_repeat() -> None:
    identity = '[5, "InvestorBench/Stock-SIM", "SIM", "finmem", "gpt-4o", 2]'
    by_hand = int(hashlib.sha256(identity.encode()).hexdigest()[:16], 16) % 2**31
    assert episode_seed(SIM, "finmem", "gpt-4o", 2, seed=5) == by_hand


def test_no_two_episodes_of_a_sweep_share_a_seed() -> None:
    tasks = [Task.of(f"stock/{name}") for name in ("sim", "tsla", "msft")]
    models = [f"model-{number}" for number in range(13)]
    episodes = product(tasks, ("finmem", "random"), models, range(5), range(2))
    seeds = [episode_seed(*episode) for episode in episodes]
    assert len(set(seeds)) == len(seeds) == 3 * 2 * 13 * 5 * 2
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    "change", [{"protocol": "paper"}, {"end": "2020-11-30"}, {"options": {"window": 5}}]
)
def test_a_seed_is_the_same_under_another_protocol_window_or_observation(change: dict) -> None:
    assert episode_seed(Task.of(SIM, **change), "random", "", 0) == episode_seed(
        SIM, "random", "", 0
    )


def test_an_evaluation_uses_them() -> None:
    result = evaluate("random", SIM, repeats=2, seed=3, warmup=False, end="2020-10-09")
    seeds = [episode_seed(SIM, "random", "", repeat, 3) for repeat in (0, 1)]
    assert [episode.seed for episode in result.episodes] == seeds
