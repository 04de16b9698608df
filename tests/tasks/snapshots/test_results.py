"""What is shown of a result on snapshots, from its decisions to its skill."""

from itertools import product

import numpy as np
import pytest

from investorbench.agents.baselines import BuyAndHold
from investorbench.agents.simulated.snapshots import SnapshotFilter
from investorbench.tasks import Task, evaluate
from investorbench.tasks.snapshots.results import decisions_in, figures_in, reference_for
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.simulated import dynamics_of

TASK = Task.of("InvestorBench/Snapshot-SIM", data="simulated")


@pytest.fixture(scope="module")
def results():
    """The filter and Buy & Hold on the same 25 markets."""
    filtered = evaluate(lambda: SnapshotFilter(dynamics_of()), TASK, repeats=1, seed=7)
    return filtered, evaluate(BuyAndHold, TASK, repeats=1, seed=7)


def test_figures_are_those_of_the_decisions_on_record(results):
    _, held = results
    decided = decisions_in(held)
    assert decided.weight.tolist() == [1.0] * 25 and decided.cost_rate == 0.001
    found = figures_in(held)
    rewards = np.concatenate([each.rewards for each in held.episodes])
    assert found.realised.value == pytest.approx(rewards.mean() * 1e4)
    assert found.edge.value == pytest.approx((decided.mean.mean() - 0.001) * 1e4)
    assert found.edge == found.linear
    known = reference_for(TASK)
    assert found.skill.value == pytest.approx(
        (decided.mean.mean() - 0.001 - known.floor) / (known.filter - known.floor)
    )


def test_the_filter_beside_itself_has_skill_1(results):
    filtered, held = results
    itself = figures_in(filtered, filtered).skill
    assert (itself.value, itself.low, itself.high) == pytest.approx((1.0, 1.0, 1.0))
    alone, beside = figures_in(held).edge, figures_in(held, filtered).edge
    assert beside.high - beside.low < 1.2 * (alone.high - alone.low)


def test_a_control_variate_of_other_markets_is_refused(results):
    elsewhere = evaluate(BuyAndHold, TASK, repeats=1, seed=8)
    with pytest.raises(InvestorBenchError, match="met other markets"):
        figures_in(elsewhere, results[0])


def test_a_task_without_a_reference_has_edges_and_says_why_there_is_no_skill():
    held = evaluate(BuyAndHold, Task.of(TASK, options={"horizon": 7}), repeats=1, seed=7)
    found = figures_in(held)
    assert found.edge.low < found.edge.value < found.edge.high
    assert found.skill.value is None and "horizon=7" in found.skill.reason


def test_what_is_no_snapshot_has_no_edge():
    task = Task.of("stock/sim", data="simulated", start="2021-01-04", end="2021-01-15")
    stock = evaluate(BuyAndHold, task, repeats=1, seed=7)
    with pytest.raises(InvestorBenchError, match="is no task of snapshots"):
        figures_in(stock)


def test_references_are_of_20_000_markets_and_in_their_order():
    for action, horizon in product(("trade", "weight"), (1, 5, 10)):
        known = reference_for(Task.of(TASK, options={"action": action, "horizon": horizon}))
        assert known.markets == 20_000
        assert 0.0 <= known.floor < known.filter < known.ceiling
        # Costs exceed the premium of one session.
        assert (known.constant == 0.0) == (horizon == 1)
    with pytest.raises(InvestorBenchError, match="snapshots with horizon=7"):
        reference_for(Task.of(TASK, options={"horizon": 7}))
