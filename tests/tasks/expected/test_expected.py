"""What positions were expected to return, beside what they returned."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from investorbench import evaluate
from investorbench.tasks.expected import expected_episode
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.simulated import dynamics_of
from tests.env.small_markets import small_market

STOCK = "InvestorBench/Stock-SIM"


def test_each_step_has_its_night_its_day_and_its_costs() -> None:
    result = evaluate("random", STOCK, seed=1, warmup=False, episode_length=30)
    (episode,) = result.episodes
    (said,) = result.expected().episodes
    market = result.task.market(episode.market_seed)
    assert market.hidden_state is not None
    c = dynamics_of().jump_compensation
    before = 0.0
    for t, session in enumerate(episode.sessions[:-1]):
        at = int(np.searchsorted(market.sessions, session))
        e = np.log1p(market.hidden_state["expected_return"][at, 0])
        equity, opened = episode.equity[t], market.bars[at + 1, 0, 0]
        # What was held over the night was worth its close, what was held by day its open.
        night = before * episode.marks[t] / equity * (np.exp(0.3 * e + 0.7 * c) - 1)
        day = episode.position[t] * opened / equity * (np.exp(0.7 * (e - c)) - 1)
        assert said.night[t] == pytest.approx(night, abs=1e-14)
        assert said.day[t] == pytest.approx(day, abs=1e-14)
        assert said.rest[t] == pytest.approx(-episode.costs[t] / equity, abs=1e-12)
        assert said.realised[t] == episode.equity[t + 1] / equity - 1
        before = episode.position[t]


@pytest.mark.parametrize(
    ("id", "options"),
    [
        (STOCK, {"action": "weight", "cash_rate": 0.05}),
        pytest.param("InvestorBench/Crypto-SIM", {"protocol": "paper"}, marks=pytest.mark.heavy),
    ],
)
def test_realised_less_expected_is_nothing_but_chance(id: str, options: dict[str, Any]) -> None:
    # So many observations that an interval of 95 % is one of nearly all once it is doubled.
    expected = evaluate("random", id, 20, seed=3, warmup=False, **options).expected()
    gap = expected.surprise
    assert gap.value is not None
    assert gap.high is not None
    assert abs(gap.value) < 2 * (gap.high - gap.value)
    assert expected.edge.high is not None
    assert expected.realised.high is not None
    assert expected.edges.mean() == pytest.approx(expected.edge.value)
    spread = expected.realised.high - (expected.realised.value or 0.0)
    assert expected.edge.high - (expected.edge.value or 0.0) < spread


def test_repeats_in_one_market_are_one_observation() -> None:
    named = evaluate("random", STOCK, 5, seed=1, warmup=False, markets=[3, 4], episode_length=5)
    assert "2 independent observations" in (named.expected().edge.reason or "")
    expected = evaluate("random", STOCK, 3, seed=1, warmup=False, markets="one").expected()
    assert "1 independent observation," in (expected.edge.reason or "")
    assert expected.surprise.low is not None
    assert repr(expected).startswith("random, 3 episodes, basis points a decision: expected ")


def test_no_other_market_says_what_was_expected() -> None:
    real = evaluate(
        "buy_and_hold",
        "InvestorBench/Stock",
        data=small_market([1.0, 2.0, 3.0]),
        start="2020-01-01",
        end="2020-01-03",
        warmup=False,
    )
    with pytest.raises(InvestorBenchError, match="drawn from a law alone"):
        real.expected()
    several = evaluate("equal_weight", "InvestorBench/Portfolio-SIM", warmup=False)
    with pytest.raises(InvestorBenchError, match="not one asset held from session to session"):
        several.expected()


def test_an_episode_of_another_market_is_refused() -> None:
    result = evaluate("buy_and_hold", STOCK, seed=1, warmup=False, episode_length=5)
    (episode,) = result.episodes
    other = replace(episode, market_seed=episode.market_seed + 1)
    with pytest.raises(InvestorBenchError, match="is not the one in which this episode"):
        expected_episode(result.task, result.facts, other)


class Listener:
    """Buys and sells in turn, and keeps all that it is shown."""

    def __init__(self) -> None:
        self.rewards: list[float] = []
        self.shown: set[str] = set()

    def act(self, observation: dict[str, Any], info: dict[str, Any]) -> int:
        self.shown |= {*observation, *info}
        return len(self.rewards) % 3

    def learn(self, reward: float, info: dict[str, Any]) -> None:
        self.shown |= {*info}
        self.rewards.append(reward)


def test_an_agent_learns_what_came_and_nothing_of_what_was_expected() -> None:
    listeners: list[Listener] = []

    def agent() -> Listener:
        listeners.append(Listener())
        return listeners[-1]

    result = evaluate(agent, STOCK, seed=1, warmup=False, episode_length=20)
    (said,) = result.expected().episodes
    listener = listeners[-1]
    assert listener.rewards == said.realised.tolist()
    assert not {name for name in listener.shown if "expected" in name or "hidden" in name}
