"""Means over tasks: the same dates for all agents and tasks, tested as a single task is."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.tasks.metrics import performance
from investorbench.tasks.statistics import ReturnsError, TaskRuns, compare_agents, over_tasks
from investorbench.tasks.statistics.agents import RUINED
from investorbench.tasks.statistics.estimate import CONSTANT
from investorbench.tasks.statistics.one_task import OneTask
from investorbench.tasks.statistics.several_tasks import ONE_MARKET, SeveralTasks
from investorbench.tasks.statistics.yearly import Yearly

FloatArray = npt.NDArray[np.float64]
NAMES = ("a", "b", "hold")
YEARLY = Yearly(periods_a_year=252, convention="simple")


def task(first: str, days: int, *, seed: int = 1, every: int = 1, repeats: int = 2) -> TaskRuns:
    rng = np.random.default_rng(seed)
    dates = np.datetime64(first) + np.arange(days) * every
    runs = {name: 0.001 + 0.01 * rng.standard_t(6, (repeats, days)) for name in NAMES}
    return TaskRuns({**runs, "hold": runs["hold"][:1]}, dates, 252)


TASKS = [task("2020-01-01", 40), task("2020-01-21", 50, seed=2), task("2020-01-02", 30, every=2)]


@pytest.mark.parametrize("convention", ["simple", "log"])
def test_figures_are_means_over_tasks_of_means_over_repeats(convention: Any) -> None:
    found = over_tasks(TASKS, "hold", convention, draws=99)
    for name in NAMES:
        every = [performance(np.array(each.runs[name]), convention, 252) for each in TASKS]
        agent = found.agents[name]
        for cell, key in ((agent.sr, "SR"), (agent.cr, "CR")):
            assert cell.value == pytest.approx(np.mean([each[key].mean() for each in every]))
            assert cell.low < cell.value < cell.high  # type: ignore[operator]
    alone = [
        compare_agents(each.runs, "hold", 252, convention, jointly=False, draws=99)
        for each in TASKS
    ]
    alphas = [each.agents["a"].alpha.value for each in alone]
    assert found.against["a"].difference.value == pytest.approx(np.mean(alphas))  # type: ignore[arg-type]
    assert found.agents["hold"].scope == "run" and found.agents["a"].scope == "agent"
    assert found.days == 70 and set(found.rank_sets) == set(NAMES)


def test_scores_predict_what_a_date_that_counts_twice_does_to_the_mean() -> None:
    tasks = [OneTask(each.runs, "hold", "day", YEARLY) for each in TASKS]
    dates = [each.dates for each in TASKS if each.dates is not None]
    figure = SeveralTasks(tasks, dates).own("a", "sharpe")
    calendar = np.unique(np.concatenate(dates))
    assert figure.scores.sum() == pytest.approx(0.0, abs=1e-9)

    def mean_with(weights: FloatArray) -> float:
        means = []
        for each, days in zip(TASKS, dates, strict=True):
            own = weights[np.searchsorted(calendar, days)]
            for run in each.runs["a"]:
                mean = np.average(run, weights=own)
                spread = np.average((run - mean) ** 2, weights=own)
                scale = math.sqrt(252 * (len(run) - 1) / len(run))
                means.append(mean / math.sqrt(spread) * scale)
        return float(np.mean(means))

    for place in (0, 30, 69):
        weights = np.ones(len(calendar))
        weights[place] += 1e-6
        slope = (mean_with(weights) - figure.value) / 1e-6 * len(calendar)
        assert slope == pytest.approx(figure.scores[place], rel=0.02, abs=0.3)


def test_one_task_twice_says_what_it_says_once() -> None:
    (first,) = TASKS[:1]
    twice = over_tasks([first, first], "hold", draws=199)
    once = compare_agents(first.runs, "hold", 252, jointly=False, draws=199)
    # The same days count for both; only what repeats differ in is averaged as if it were new.
    assert first.runs["hold"].shape[0] == 1 and twice.days == once.days  # type: ignore[union-attr]
    hold = (each.agents["hold"].sr for each in (once, twice))
    one, two = ([cell.low, cell.value, cell.high] for cell in hold)
    assert two == pytest.approx(one)


def test_an_agent_that_is_better_on_every_task_is_distinguishable_and_an_equal_one_is_not() -> None:
    better = [
        each._replace(runs={**each.runs, "c": np.array(each.runs["a"]) + 0.012}) for each in TASKS
    ]
    found = over_tasks(better, "hold", draws=399)
    pairs = {pair.names: pair.adjusted_p for pair in found.pairs}
    assert pairs["a", "c"] == found.smallest_p == 1 / 400
    assert pairs["a", "b"] > 0.05  # type: ignore[operator]
    assert found.rank_sets["c"] == (1, 1)


def test_an_agent_without_a_ratio_or_a_growth_has_the_reason() -> None:
    idle = [each._replace(runs={**each.runs, "cash": np.zeros((1, len(each.dates)))})  # type: ignore[arg-type]
            for each in TASKS]  # fmt: skip
    found = over_tasks(idle, "hold", draws=99)
    assert found.agents["cash"].sr.reason == found.against["cash"].difference.reason == CONSTANT
    # Idle on one task of three: it counts as 0 there.
    some = [idle[0]._replace(runs={**idle[0].runs, "a": idle[0].runs["cash"]}), *idle[1:]]
    assert over_tasks(some, "hold", draws=99).agents["a"].sr.reason is None
    ruined = np.array(TASKS[0].runs["b"])
    ruined[0, 5] = -1.2
    lost = [TASKS[0]._replace(runs={**TASKS[0].runs, "b": ruined}), *TASKS[1:]]
    agent = over_tasks(lost, "hold", draws=99).agents["b"]
    assert agent.cr.reason == RUINED and agent.cr.value is not None and agent.sr.low is not None


def test_markets_of_all_tasks_are_drawn_where_repeats_have_their_own() -> None:
    rng = np.random.default_rng(4)

    def drawn(markets: int) -> TaskRuns:
        runs = {name: [0.01 * rng.normal(size=40) for _ in range(markets)] for name in NAMES}
        return TaskRuns(runs, None, 252)

    found = over_tasks([drawn(2), drawn(3)], "hold", draws=299)
    assert (found.markets, found.days) == (5, 200)
    assert found.agents["a"].sr.low is not None and found.pairs[0].adjusted_p is not None
    few = over_tasks([drawn(3)], "hold", draws=299)
    assert few.agents["a"].sr.reason == "3 markets, at least 4 are needed"
    one = over_tasks([drawn(1), drawn(5)], "hold", draws=299)
    assert one.agents["a"].sr.reason == one.pairs[0].difference.reason == ONE_MARKET


@pytest.mark.parametrize(("tasks", "markets", "t"), [(2, 2, 4.303), (2, 3, 2.776), (10, 2, 2.228)])
def test_markets_of_each_task_are_as_wide_as_they_lie_around_its_own_mean(
    tasks: int, markets: int, t: float
) -> None:
    rng = np.random.default_rng([73_500, tasks, markets])
    runs = 0.01 * rng.normal(rng.normal(size=(tasks, 1, 1)), 1.0, (tasks, markets, 40))
    found = over_tasks([TaskRuns({"a": list(own)}, None, 252) for own in runs], None)
    ratios = runs.mean(-1) / runs.std(-1, ddof=1) * math.sqrt(252)
    error = math.sqrt(np.sum(ratios.var(axis=1, ddof=1) / markets)) / tasks
    cell = found.agents["a"].sr
    assert cell.value == pytest.approx(ratios.mean())
    assert cell.high - cell.value == pytest.approx(t * error, rel=0.06)  # type: ignore[operator]


def test_tasks_of_days_and_of_markets_do_not_mix() -> None:
    runs = {"a": TASKS[0].runs["a"]}
    with pytest.raises(ReturnsError, match="cannot be drawn"):
        SeveralTasks([OneTask(runs, None, unit, YEARLY) for unit in ("day", "market")], [])
