"""Means over tasks, against a plain loop over the dates that were drawn."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.tasks.metrics import performance
from investorbench.tasks.statistics import Path, over_tasks, stationary_days
from investorbench.tasks.statistics.estimate import CONSTANT, IDENTICAL
from investorbench.tasks.statistics.resampling import RUINED

FloatArray = npt.NDArray[np.float64]


def path(first: str, days: int, *, agents: int = 3, seed: int = 1, every: int = 1) -> Path:
    rng = np.random.default_rng(seed)
    dates = np.datetime64(first) + np.arange(days) * every
    return Path(dates, 0.001 + 0.01 * rng.standard_t(6, (agents, days)), 252)


PATHS = [path("2020-01-01", 40), path("2020-01-21", 50, seed=2), path("2020-01-02", 30, every=2)]


def plainly(paths: list[Path], draws: int, convention: Any) -> FloatArray:
    """Mean SR and CR [draws, 2, A] of each draw, day by day."""
    calendar = sorted({str(day) for each in paths for day in each.dates})
    indices = stationary_days(len(calendar), 3, draws, np.random.default_rng(7))
    found = []
    for each in indices:
        drawn = [calendar[index] for index in each]
        figures = []
        for task in paths:
            place = {str(day): at for at, day in enumerate(task.dates)}
            days = [place[day] for day in drawn if day in place]
            of_task = performance(task.returns[:, days], convention, task.periods_a_year)
            share = len(task.dates) / len(days)
            sharpe, total = of_task["SR"], of_task["CR"]
            if convention == "log":  # counts prices, of which there is one more than of days
                ours, theirs = len(task.dates), len(days)
                sharpe = sharpe * (ours / (ours + 1)) / (theirs / (theirs + 1))
                figures.append([sharpe, total * share])
            else:
                figures.append([sharpe, (1.0 + total) ** share - 1.0])
        found.append(np.mean(figures, axis=0))
    return np.array(found)


@pytest.mark.parametrize("convention", ["simple", "log"])
def test_a_draw_takes_the_same_dates_for_all_agents_and_tasks(convention: Any) -> None:
    means = over_tasks(PATHS, convention, block_days=3, draws=60, seed=7)
    expected = plainly(PATHS, 60, convention)
    assert means.drawn_sr == pytest.approx(expected[:, 0], rel=1e-9)
    assert means.drawn_cr == pytest.approx(expected[:, 1], rel=1e-9)
    observed = [performance(each.returns, convention, 252) for each in PATHS]
    assert means.sr == pytest.approx(np.mean([each["SR"] for each in observed], axis=0))
    assert means.cr == pytest.approx(np.mean([each["CR"] for each in observed], axis=0))


def test_intervals_and_p_values_follow_from_the_draws() -> None:
    means = over_tasks(PATHS, block_days=3, draws=200, seed=7)
    sharpe = means.sharpe(1)
    ends = np.quantile(means.drawn_sr[:, 1], [0.025, 0.975])
    assert (sharpe.low, sharpe.high) == pytest.approx(tuple(ends))
    apart = means.drawn_sr[:, 0] - means.drawn_sr[:, 2]
    seen = float(means.sr[0] - means.sr[2])
    beyond = sum(abs(each - seen) >= abs(seen) for each in apart)
    difference = means.difference(0, 2)
    assert difference.value == pytest.approx(seen)
    assert difference.p_value == (beyond + 1) / 201
    assert (difference.low <= 0.0 <= difference.high) is (difference.p_value > 0.05)  # type: ignore[operator]


def test_an_agent_that_is_better_on_every_task_is_distinguishable_and_an_equal_one_is_not() -> None:
    better = [
        Path(each.dates, np.vstack([each.returns, each.returns[0] + 0.01]), 252) for each in PATHS
    ]
    means = over_tasks(better, block_days=2, draws=400)
    assert means.difference(3, 0).p_value == 1 / 401
    assert means.difference(0, 3).value == pytest.approx(-means.difference(3, 0).value)  # type: ignore[operator]
    assert means.difference(0, 1).p_value > 0.05  # type: ignore[operator]
    assert means.growth_difference(3, 0).p_value == 1 / 401
    assert means.difference(0, 0).reason == IDENTICAL


def test_an_agent_without_a_ratio_or_a_growth_has_the_reason() -> None:
    still = [Path(p.dates, np.vstack([p.returns[:1], 0.0 * p.returns[:1]]), 252) for p in PATHS]
    means = over_tasks(still, block_days=2, draws=50)
    assert means.sharpe(1).reason == means.growth(1).reason == CONSTANT
    assert means.difference(0, 1).reason == CONSTANT
    returns = PATHS[0].returns.copy()
    returns[0, 5] = -1.2
    ruined = over_tasks([PATHS[0]._replace(returns=returns), PATHS[1]], block_days=2, draws=50)
    assert ruined.growth(0).reason == ruined.growth_difference(0, 1).reason == RUINED
    assert ruined.sharpe(0).reason is None and ruined.growth(1).reason is None


def test_a_task_none_of_whose_dates_is_drawn_counts_as_nothing_earned() -> None:
    far = path("2030-01-01", 20, seed=4)
    means = over_tasks([path("2020-01-01", 400), far], block_days=200, draws=200, seed=3)
    assert np.isfinite(means.drawn_sr).all() and np.isfinite(means.drawn_cr).all()
    assert math.isfinite(means.sharpe(0).low)  # type: ignore[arg-type]
