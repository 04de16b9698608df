"""A baseline as it comes is none of the configurations that somebody chose between."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.baselines import BASELINES, Momentum
from investorbench.tasks import Task, evaluate, load
from investorbench.tasks.running.job import Job


class Own(Momentum):
    """An agent that bears the name of a baseline."""

    name = "momentum"


def hold(observation: Any, info: Any) -> int:
    return 1


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_is_one_as_it_comes(name: str) -> None:
    job = Job.of(name, "stock/sim")
    assert (job.configuration_of, job.is_baseline) == (name, True)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (Momentum, True),
        (partial(Momentum, sessions=3), True),
        (partial(Momentum, sessions=5), False),
        (Own, False),
        (hold, False),
    ],
)
def test_what_was_changed_or_is_somebodys_own_is_no_baseline(agent: Any, expected: bool) -> None:
    assert Job.of(agent, "stock/sim").is_baseline is expected


def test_a_result_says_so_whether_it_was_recorded_or_not(tmp_path: Path) -> None:
    task = Task.of("stock/sim", end="2020-11-30")
    agents = {"as it comes": Momentum, "changed": partial(Momentum, sessions=5)}
    for name, agent in agents.items():
        folder = tmp_path / name
        run = evaluate(agent, task, seed=0, folder=folder, warmup=False)
        (recorded,) = load(folder).results
        alone = evaluate(agent, task, seed=0, warmup=False)
        for result in (run, recorded, alone):
            assert result.configuration_of == "momentum"
            assert result.is_baseline is (name == "as it comes")
