"""What a decision on a snapshot is worth, and what is known of a mean of such scores."""

import json
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.simulated.snapshots import best_side, best_weight
from investorbench.tasks.snapshots.controlled import controlled
from investorbench.tasks.snapshots.figures import figures_of, skill_of
from investorbench.tasks.snapshots.power import decisions_needed, smallest_difference
from investorbench.tasks.snapshots.references import (
    SnapshotReference,
    reference_of,
    references_hash,
)
from investorbench.tasks.snapshots.scores import (
    SnapshotDecisions,
    certainty_equivalent,
    edge,
    in_pairs,
    linear_edge,
    loss,
    realised,
    realised_edge,
)
from investorbench.tasks.statistics.sequential.spending import in_students
from investorbench_env.errors import InvestorBenchError

weights = st.floats(-1, 1)
means = st.floats(-0.1, 0.1)
variances = st.floats(1e-5, 0.05)
costs = st.floats(0, 0.01)


def decided(weight, mean, variance, cost_rate=0.001, *, earned=0.0, by_weight=True):
    parts = np.broadcast_arrays(*np.atleast_1d(weight, mean, variance, earned))
    return SnapshotDecisions(*(part.astype(float) for part in parts), cost_rate, by_weight)


def test_scores_are_those_worked_out_by_hand():
    # .5·.01 = .005, its cost .0005, its risk ½·5·.25·.0024 = .0015; .5·.02 = .01 was realised.
    one = decided(0.5, 0.01, 0.0024, earned=0.02)
    assert linear_edge(one) == pytest.approx([0.0045])
    assert certainty_equivalent(one) == edge(one) == pytest.approx([0.003])
    assert realised(one) == pytest.approx([0.0095])
    assert realised_edge(one) == pytest.approx([0.0095 - 0.0015])
    by_trade = one._replace(by_weight=False)
    assert edge(by_trade) == linear_edge(one) and realised_edge(by_trade) == realised(one)


@given(weights, means, variances, costs)
def test_no_weight_is_worth_more_than_the_best_one(weight, mean, variance, cost):
    any_weight = decided(weight, mean, variance, cost)
    best = any_weight._replace(weight=best_weight(*any_weight[1:3], cost))
    assert certainty_equivalent(any_weight) <= certainty_equivalent(best) + 1e-15
    assert loss(any_weight) >= -1e-15 and loss(best) == 0.0
    side = any_weight._replace(weight=best_side(any_weight.mean, cost), by_weight=False)
    whole = any_weight._replace(weight=np.sign(any_weight.weight), by_weight=False)
    assert edge(whole) <= edge(side) + 1e-15
    assert loss(side) == 0.0


@given(weights, st.floats(-0.9, 0.9), variances, st.floats(0.5, 20.0))
def test_a_loss_grows_with_the_square_of_the_distance_where_trading_is_free(
    weight, best, variance, aversion
):
    mean = best * aversion * variance
    lost = loss(decided(weight, mean, variance, 0.0), aversion)
    assert lost == pytest.approx([aversion / 2 * variance * (weight - best) ** 2], abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "because"), [(1.5, r"lie in \[-1, 1\]"), (np.nan, "without a decision")]
)
def test_a_weight_that_is_none_is_refused(wrong, because):
    with pytest.raises(InvestorBenchError, match=because):
        decided([0.0, wrong], 0.01, 0.002).require_sound()


def test_a_pair_is_one_observation():
    assert in_pairs(np.array([1.0, 3.0, -2.0, 2.0])).tolist() == [2.0, 0.0]
    with pytest.raises(InvestorBenchError, match="3 snapshots are no antithetic pairs"):
        in_pairs(np.zeros(3))


# --- means ------------------------------------------------------------------------------------


def intercept(scores, control, known):
    """Of a regression on the control less its known mean, by least squares."""
    design = np.stack([np.ones(len(scores)), control - known], axis=1)
    return np.linalg.lstsq(design, scores)[0]


@given(st.integers(0, 2**32), st.floats(-1, 1), st.integers(20, 60), st.booleans())
@settings(max_examples=20)
def test_a_controlled_mean_is_the_jackknife_of_a_regression(seed, known, n, sparse):
    rng = np.random.default_rng(seed)
    scores, control = rng.standard_normal((2, n))
    control = np.where(rng.random(n) < 0.8, 0.0, control) if sparse else control
    if np.count_nonzero(control) < 2:  # without one of them nothing would be known of a slope
        control[:2] = 1.0, -1.0
    own = controlled(scores, control, known)
    whole, slope = intercept(scores, control, known)
    without = np.array(
        [intercept(np.delete(scores, i), np.delete(control, i), known)[0] for i in range(n)]
    )
    assert own.slope == pytest.approx(slope)
    assert own.mean == pytest.approx(n * whole - (n - 1) * without.mean())
    spread = ((without - without.mean()) ** 2).sum()
    assert own.error == pytest.approx(np.sqrt((n - 1) / n * spread))
    alone = controlled(scores)
    assert (alone.mean, alone.slope) == pytest.approx((scores.mean(), 0.0))
    assert alone.error == pytest.approx(scores.std(ddof=1) / np.sqrt(n))


@pytest.mark.parametrize("agent", ["nearly right", "by chance"])
def test_few_decisions_are_held_as_often_as_many_although_scores_are_skewed(agent):
    """The best one loses most to the filter where moves are large: curved, of unequal spread.

    A regression with one spread for all holds 85 %, and its mean is a quarter of its error low.
    """
    rng = np.random.default_rng(515_401)
    held, found = [], []

    def edges(n):
        mean = rng.normal(0.0, 0.02, n)
        seen = np.sign(mean + rng.normal(0.0, 0.025, n))
        side = np.sign(mean) if agent == "nearly right" else rng.choice([-1.0, 1.0], n)
        return side * mean, seen * mean

    truth, known = (each.mean() for each in edges(1_000_000))
    for _ in range(1_000):
        scores, control = edges(25)
        own = controlled(scores, control, known)
        found.append(own.mean)
        held.append(abs(own.mean - truth) <= in_students(1.96, 25) * own.error)
    assert 0.89 <= np.mean(held) <= 0.97
    assert abs(np.mean(found) - truth) <= 3.3 * np.std(found) / np.sqrt(1_000)


def test_decisions_needed_and_the_smallest_difference_are_each_other_s_inverse():
    # 1.959964 + .841621 = 2.801585, whose square is 7.848880.
    assert decisions_needed(1.0, 10.0) == pytest.approx(784.888, abs=0.001)
    assert smallest_difference(784.888, 10.0) == pytest.approx(1.0, abs=1e-6)
    assert decisions_needed(0.0, 10.0) == float("inf")


# --- skill ------------------------------------------------------------------------------------


def reference(markets=20_000, seed=0):
    """Constant, filter, oracle, of which the latter two go together."""
    rng = np.random.default_rng(seed)
    common, *own = rng.standard_normal((4, markets)) * 0.01
    scores = np.array([0.002 + own[0], 0.005 + common, 0.009 + common / 2 + own[1]])
    return SnapshotReference.of_scores({"action": "trade"}, 0, 1.0, scores)


def test_the_filter_has_skill_1_and_the_best_constant_weight_0():
    known = reference()
    rng = np.random.default_rng(1)
    filters = decided(rng.uniform(-1, 1, 400), rng.normal(0.003, 0.02, 400), 0.002)
    itself = figures_of(filters, known, filters).skill
    assert (itself.value, itself.low, itself.high) == pytest.approx((1.0, 1.0, 1.0))
    exact = controlled(np.full(400, known.floor))
    assert skill_of(exact, known).value == pytest.approx(0.0)


def test_intervals_of_skill_hold_the_truth_as_often_as_they_say():
    held = []
    for seed in range(300):
        rng = np.random.default_rng([seed, 1])
        common = rng.standard_normal(500) * 0.01
        # Its true edge is half way from .002 to .005.
        scores = 0.0035 + common * 0.7 + rng.standard_normal(500) * 0.007
        known = reference(2_000, seed)
        own = controlled(scores, 0.005 + common, known.filter)
        found = skill_of(own, known)
        held.append(found.low <= 0.5 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_no_skill_is_said_where_the_filter_has_nothing_ahead():
    none = SnapshotReference.of_scores({}, 0, 0.0, np.array([[0.0, 0.1], [0.0, 0.1], [0.2, 0.3]]))
    assert "no more than the best constant" in str(skill_of(controlled(np.zeros(30)), none).reason)


def test_a_few_decisions_have_a_mean_and_no_interval():
    few = figures_of(decided(np.ones(5), 0.01, 0.002), reference())
    assert few.edge.value is not None and few.edge.low is None
    assert few.edge.reason == "5 decisions, at least 20 are needed"


# --- references -------------------------------------------------------------------------------


def test_a_reference_comes_back_from_its_file_and_another_task_has_none(tmp_path):
    file, known = tmp_path / "references.json", reference()
    task = {"horizon": 5, "window": 30, "document_sessions": 5, "action": "trade"}
    file.write_text(json.dumps([{**known.plain(), "task": task}]))
    found = reference_of(task, file)
    assert found.means.tolist() == known.means.tolist()
    assert found.covariance.tolist() == known.covariance.tolist()
    assert references_hash(file) == sha256(file.read_bytes()).hexdigest()
    with pytest.raises(InvestorBenchError, match="no reference run of snapshots with horizon=7"):
        reference_of({**task, "horizon": 7}, file)
