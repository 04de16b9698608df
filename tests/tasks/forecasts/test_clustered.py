"""Errors by clusters, checked in worlds whose truth is known."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.forecasts import clustered_mean, rank_correlation
from investorbench.tasks.statistics.estimate import Estimate

REPEATS = 400
SPREAD = 3 * np.sqrt(0.95 * 0.05 / REPEATS)
"""Three standard errors of a share of 95 in 100."""


def holds(estimate: Estimate, truth: float) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


def test_a_rank_correlation_has_ties_at_their_mean_rank() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    for levels in (3, 10, 10_000):
        first = rng.integers(0, levels, 300).astype(float)
        second = rng.normal(size=300).round(1) + 0.1 * first
        found = rank_correlation(first, second, np.arange(300)).value
        assert found == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)


def test_intervals_hold_the_truth_though_a_day_moves_all_of_its_symbols() -> None:
    of_ranks = of_means = naive = 0
    # Both have a share of their day in common: the grade correlation of bivariate normals is
    # 6/π·asin(ρ/2), with ρ = .3/√(1 + .3²) here.
    truth = 6 / np.pi * np.arcsin(0.3 / np.sqrt(1.09) / 2)
    days = np.repeat(np.arange(40), 6)
    for seed in range(REPEATS):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=(2, 40))[:, days] * np.sqrt(0.5)
        own = rng.normal(size=(2, 240)) * np.sqrt(0.5)
        first, noise = common + own
        second = 0.3 * first + noise
        of_ranks += holds(rank_correlation(first, second, days), truth)
        of_means += holds(clustered_mean(second, days), 0.0)
        naive += holds(clustered_mean(second, np.arange(240)), 0.0)
    assert of_ranks / REPEATS == pytest.approx(0.95, abs=SPREAD)
    assert of_means / REPEATS == pytest.approx(0.95, abs=SPREAD)
    assert naive / REPEATS < 0.8


def test_days_whose_horizons_overlap_are_not_taken_as_independent() -> None:
    apart = together = 0
    days = np.arange(250)
    for seed in range(REPEATS):
        daily = np.random.default_rng(seed).normal(size=254)
        summed = np.convolve(daily, np.ones(5), mode="valid")
        together += holds(clustered_mean(summed, days, overlap=5), 0.0)
        apart += holds(clustered_mean(summed, days), 0.0)
    assert 0.88 < together / REPEATS < 0.97
    assert apart / REPEATS < 0.7


@given(st.sets(st.integers(0, 40), min_size=2, max_size=10), st.integers(1, 9))
@settings(max_examples=40)
def test_days_that_overlap_count_as_many_as_can_be_chosen_apart(
    days: set[int], overlap: int
) -> None:
    most = max(
        size
        for size in range(1, len(days) + 1)
        if any(
            all(later - day >= overlap for day, later in pairwise(chosen))
            for chosen in combinations(sorted(days), size)
        )
    )
    twice = np.array(sorted(days) * 2)
    values = np.arange(len(twice), dtype=float)
    for found in (
        clustered_mean(values, twice, overlap),
        rank_correlation(values, values, twice, overlap),
    ):
        plural = "s" if most > 1 else ""
        assert found.reason == f"{most} independent observation{plural}, at least 20 are needed"


def test_gaps_between_days_end_an_overlap() -> None:
    values = np.random.default_rng(0).normal(size=60)
    far = np.arange(60) * 5
    assert clustered_mean(values, far, overlap=5) == clustered_mean(values, far)


def test_observations_in_another_order_have_the_same_interval() -> None:
    rng = np.random.default_rng(3)
    values, days = rng.normal(size=200), rng.integers(0, 50, 200)
    order = rng.permutation(200)
    one, other = (clustered_mean(values[way], days[way], 3) for way in (np.arange(200), order))
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-12)


def test_few_clusters_have_a_value_and_the_reason_for_no_interval() -> None:
    found = clustered_mean(np.arange(100.0), np.repeat(np.arange(5), 20))
    assert (found.value, found.low) == (49.5, None)
    assert found.reason == "5 independent observations, at least 20 are needed"


def test_what_does_not_vary_has_no_rank() -> None:
    found = rank_correlation(np.full(30, 0.5), np.arange(30.0), np.arange(30))
    assert found == Estimate(reason="what is ranked does not vary")


def test_equal_ranks_have_no_interval() -> None:
    found = rank_correlation(np.arange(30.0), np.arange(30.0), np.arange(30))
    assert found.value == pytest.approx(1.0)
    assert found.low is None
