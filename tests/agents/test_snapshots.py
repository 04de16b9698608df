"""The yardsticks of snapshots: what each makes of what it knows."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from investorbench.agents.forecasts import NormalForecast
from investorbench.agents.simulated.snapshots import (
    ConstantWeight,
    SnapshotFilter,
    SnapshotOracle,
    SnapshotReader,
    by_session,
)
from investorbench.scripts.bench.snapshot_pool import DrawnSnapshot, draw_pool
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.market.simulated.conditional import conditional
from investorbench_env.registration import facts_in, market_of
from tests.agents.facts import facts

ID = "InvestorBench/Snapshot-SIM"
SNAPSHOT = facts(family="Snapshot", horizon=5, cost_rate=0.001, steps=1)


@pytest.fixture(scope="module")
def shown():
    """An environment, and what it shows at the decision of market 3."""
    env = gym.make(ID)
    return env, *env.reset(seed=3)


def begun(agent, **changes):
    agent.begin(replace(SNAPSHOT, **changes), "test", 1)
    return agent


def test_an_oracle_buys_what_is_expected_to_earn_its_cost(shown):
    _, observation, info = shown
    agent = begun(SnapshotOracle(market_of(ID, 3)))
    mean, variance, doubt = agent.expected(observation, info)
    assert doubt == 0.0
    drawn = begun(SnapshotOracle(market_of(ID, 3)), action="weight").act(observation, info)
    said = agent.act(observation, info)
    assert said.forecast == NormalForecast(mean=mean, sd=variance**0.5, horizon=5)
    assert said.action == 1 + np.sign(mean) * (abs(mean) > 0.001)
    ideal = np.clip((abs(mean) - 0.001) / (5 * variance), 0, 1) * np.sign(mean)
    assert drawn.action == pytest.approx([ideal])
    assert drawn.action.shape == (1,) and drawn.action.dtype == np.float32


def test_a_filter_is_the_same_for_the_same_seed_and_believes_more_by_all_than_by_bars(shown):
    _, observation, info = shown
    agent = SnapshotFilter(dynamics_of())
    first = begun(agent).expected(observation, info)
    assert begun(agent).expected(observation, info) == first
    blind = begun(agent).expected(observation, {**info, "documents": ()})
    assert blind != first and blind.variance > 0


def test_a_filter_says_that_it_does_not_know_the_state(shown):
    _, observation, info = shown
    agent = begun(SnapshotFilter(dynamics_of()))
    known, particles = agent.expected(observation, info), agent.particles(observation, info)
    shares, law = particles.shares(), conditional(dynamics_of(), particles.state(), 5)
    # The variance of a mixture is the mean of its variances and the variance of its means.
    square = shares @ (law.variance + law.mean**2)
    total = square - (shares @ law.mean) ** 2
    assert agent.act(observation, info).forecast.sd == pytest.approx(total**0.5, rel=1e-12)
    assert 0.0 < known.doubt < known.variance


def test_each_text_is_read_as_of_the_session_in_which_it_came(shown):
    _, _, info = shown
    times = info["history"].bars(last=30)["time"]
    found = by_session(info["documents"], times)
    assert [each for documents in found for each in documents] == list(info["documents"])
    for before, until, documents in zip(times[:-1], times[1:], found[1:], strict=True):
        at = [np.datetime64(each.available_at.replace(tzinfo=None)) for each in documents]
        assert all(before < moment <= until for moment in at)
    assert not any(found[:-5]), "texts of the last five sessions alone are shown"


def test_a_reader_counts_good_and_bad_statements():
    good, bad = "SIM's orders rose.", "SIM's orders fell again."

    def act(*texts, **changes):
        agent = begun(SnapshotReader(), **changes)
        return agent.act({"news": texts, "filings": ()}, {"symbol": "SIM"})

    assert (act(good, good), act(good), act(), act(bad, bad)) == (2, 1, 1, 0)
    assert act(good, good, bad, bad, bad, action="weight") == pytest.approx([-0.2])
    assert act(*[good] * 9, action="weight") == pytest.approx([1.0])
    assert act(bad, bad, action="weight", long_only=True) == pytest.approx([0.0])


def test_a_constant_weight_is_what_it_is():
    assert begun(ConstantWeight(-0.5)).act({}, {}) == 0
    assert begun(ConstantWeight(0.25), action="weight").act({}, {}) == pytest.approx([0.25])
    with pytest.raises(InvestorBenchError, match=r"weight=2 must lie in \[-1, 1\]"):
        ConstantWeight(2)


def test_yardsticks_of_snapshots_refuse_other_tasks():
    with pytest.raises(InvestorBenchError, match="Stock has no horizon"):
        SnapshotReader().begin(facts(), "test", 0)
    with pytest.raises(InvestorBenchError, match="aversion=0 must be above 0"):
        SnapshotFilter(dynamics_of(), aversion=0)


def test_a_pool_holds_what_the_environment_pays_and_what_is_expected_of_it(shown):
    env, _, _ = shown
    pool = draw_pool(5, range(3, 5))
    env.reset(seed=3)
    _, reward, *_ = env.step(0)
    assert pool.snapshots.realised[0] == pytest.approx(-(reward + facts_in(env).cost_rate))
    agent = begun(SnapshotOracle(market_of(ID, 3)))
    observation, info = env.reset(seed=3)
    known = DrawnSnapshot(*(values[0] for values in pool.snapshots))
    assert agent.expected(observation, info)[:2] == (known.mean, known.variance)
    believed = SnapshotFilter(dynamics_of())
    believed.begin(SNAPSHOT, "test", 3)
    own = believed.expected(observation, info)
    assert own[:2] == (known.believed_mean, known.believed_variance)
