"""The study of power at a twentieth of its size: the order, and what expected returns spare."""

import numpy as np
import pytest

from investorbench.scripts.bench.power import SAMPLES, orders_on, page
from investorbench.scripts.bench.power_episodes import pairs_of_episodes
from investorbench.scripts.bench.power_pairs import by_score, plain
from investorbench.scripts.bench.snapshot_pool import ACTIONS, POLICIES, draw_pool
from investorbench.tasks.snapshots.scores import edge


def test_decisions_are_counted_in_observations_of_their_size():
    gaps = np.random.default_rng(0).normal(1.0, 10.0, 4_000)
    alone, together = by_score(gaps, 1.0, SAMPLES), by_score(gaps, 1.0, SAMPLES, each=2)
    # (1.959964 + .841621)² = 7.848880 times a variance of 100.
    assert alone.decisions == pytest.approx(785, rel=0.05)
    assert together.decisions == pytest.approx(2 * alone.decisions)
    assert alone.found > 0.95 > together.found > 0.65


@pytest.mark.heavy
def test_policies_come_in_their_order_and_expected_returns_need_fewer_decisions():
    pool = draw_pool(5, range(91_000, 91_500))
    mirrored = draw_pool(5, range(91_000, 91_040), antithetic=True)
    orders = orders_on([pool], mirrored, SAMPLES)
    for order in orders:
        for pair in order.pairs:
            assert pair.difference > 0.0 and pair.fewer > 4.0, pair
            assert pair.controlled.decisions < 1.02 * pair.expected.decisions
        assert min(pair.expected.found for pair in list(order.pairs)[:3]) > 0.8
        _, low, high = order.figures["best constant"]["skill"]
        assert low < 0.0 < high
        assert order.figures["random"]["skill"][0] < 0.0
        assert order.figures["oracle"]["loss"] == (0.0, 0.0, 0.0)
    for action in ACTIONS:
        decided = [pool.decisions(name, action, 1.0) for name in POLICIES]
        ceiling, *others = (edge(each) for each in decided)
        assert all((ceiling >= other - 1e-15).all() for other in others)
        # At its sign and full weight the filter has less than at the weight that it chooses.
        whole = decided[1]._replace(weight=np.sign(decided[1].weight), by_weight=True)
        if action == "weight":
            assert edge(whole).mean() < others[0].mean()
    episodes = pairs_of_episodes(range(91_000, 91_004))
    assert np.median([each.fewer for each in episodes]) > 1.0
    assert "oracle − filter" in page(orders, episodes, "all of it")
    assert plain(orders)[0]["pairs"][0]["better"] == "oracle"
