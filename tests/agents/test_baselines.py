"""Baselines on observations made by hand."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from investorbench.agents.agent import as_agent
from investorbench.agents.baselines import (
    BASELINES,
    MACD,
    RSI,
    AlwaysSell,
    Baseline,
    BuyAndHold,
    Cash,
    Momentum,
    NewsSentiment,
    PromptRule,
    Random,
    baseline,
)
from investorbench.agents.single_asset import known_closes
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from tests.agents.facts import facts

SELL, HOLD, BUY = 0, 1, 2
NAN = float("nan")
RISING = [100.0 + t for t in range(30)]
FALLING = RISING[::-1]


def observation(closes: Sequence[float] = (), news: Sequence[float] = (0, 0, 0)) -> dict[str, Any]:
    """A window of closes, NaN for a missing bar, and the number of good, plain and bad news."""
    known = ~np.isnan(closes)
    bars = np.zeros((len(closes), 5), np.float32)
    bars[:, 3] = np.where(known, closes, 0.0)
    counts = np.array(news, np.float32)
    return {"bars": bars, "mask": known.astype(np.int8), "sentiment": counts}


def act(agent: Baseline, seen: dict[str, Any], action: str = "trade", seed: int = 0) -> Any:
    agent.begin(facts(action=action), "test", seed)
    return agent.act(seen, {})


@pytest.mark.parametrize(
    ("agent", "seen", "expected"),
    [
        (BuyAndHold(), observation(), BUY),
        (AlwaysSell(), observation(), SELL),
        (Cash(), observation(), HOLD),
        (Momentum(), observation([10.0, 9.0, 8.0, 11.0]), BUY),
        (Momentum(), observation([10.0, 19.0, 18.0, 9.0]), SELL),
        (Momentum(), observation([10.0, 9.0, 8.0, 10.0]), HOLD),
        (Momentum(), observation([99.0, 10.0, 9.0, 8.0, 11.0]), BUY),
        (Momentum(sessions=1), observation([10.0, 20.0, 19.0]), SELL),
        (MACD(), observation(RISING), BUY),
        (MACD(), observation(FALLING), SELL),
        (MACD(), observation([7.0] * 30), HOLD),
        # The line is still above zero, but has fallen below its average.
        (MACD(), observation([*RISING, 120.0, 112.0]), SELL),
        (RSI(), observation(RISING), SELL),
        (RSI(), observation(FALLING), BUY),
        (RSI(), observation([100.0, 101.0] * 15), HOLD),
        (NewsSentiment(), observation(news=(3, 9, 2)), BUY),
        (NewsSentiment(), observation(news=(1, 0, 2)), SELL),
        (NewsSentiment(), observation(news=(2, 5, 2)), HOLD),
        (PromptRule(), observation(FALLING, news=(1, 0, 0)), BUY),
        (PromptRule(), observation(RISING, news=(0, 0, 1)), BUY),
        (PromptRule(), observation(FALLING, news=(0, 0, 1)), SELL),
        (PromptRule(), observation([5.0] * 9), SELL),
    ],
)
def test_a_rule_wants_what_it_says(agent: Baseline, seen: dict[str, Any], expected: int) -> None:
    assert act(agent, seen) == expected


@pytest.mark.parametrize("agent", [Momentum(), MACD(), RSI()], ids=lambda agent: agent.name)
@pytest.mark.parametrize("closes", [[], [NAN], [NAN, NAN, 5.0]])
def test_a_rule_of_prices_holds_while_it_knows_too_few(
    agent: Baseline, closes: list[float]
) -> None:
    assert act(agent, observation(closes)) == HOLD


@pytest.mark.parametrize(
    ("rise", "expected"), [(0.18, SELL), (0.17, HOLD), (0.035, HOLD), (0.03, BUY)]
)
def test_rsi_acts_beyond_70_and_30_only(rise: float, expected: int) -> None:
    # A rise by a, then a fall by 1: they are smoothed to 13a/14 and 1/14, so RSI is
    # 1300a/(13a + 1), which is 70.1, 68.8, 31.3 and 28.1.
    closes = [100.0, 100.0 + rise, 99.0 + rise]
    assert act(RSI(), observation(closes)) == expected


def test_a_missing_bar_is_no_price() -> None:
    seen = observation([10.0, NAN, 12.0, NAN, 11.0, 13.0])
    assert known_closes(seen).tolist() == [10.0, 12.0, 11.0, 13.0]
    assert act(Momentum(), seen) == BUY


@pytest.mark.parametrize(
    ("agent", "weight"), [(BuyAndHold(), 1.0), (AlwaysSell(), -1.0), (Cash(), 0.0)]
)
def test_where_the_action_is_a_weight_a_side_is_one(agent: Baseline, weight: float) -> None:
    action = act(agent, observation(), "weight")
    assert action.shape == (1,) and action.dtype == np.float32
    assert action[0] == weight


def sides(change_rate: float, seed: int = 0, split: str = "test", count: int = 4000) -> Any:
    agent = Random(change_rate)
    agent.begin(facts(), split, seed)
    return np.array([agent.side(observation()) for _ in range(count)])


def test_random_takes_each_side_a_third_of_the_time() -> None:
    chosen = sides(1.0)
    for side in (-1, 0, 1):
        assert (chosen == side).mean() == pytest.approx(1 / 3, abs=0.03)  # four standard errors


def test_random_is_set_by_its_seed_and_differs_between_splits() -> None:
    assert (sides(1.0, seed=4) == sides(1.0, seed=4)).all()
    assert (sides(1.0, seed=4) != sides(1.0, seed=5)).any()
    assert (sides(1.0, seed=4, split="warmup") != sides(1.0, seed=4)).any()


@pytest.mark.parametrize("change_rate", [0.0, 0.1, 0.5, 1.0])
def test_random_changes_as_often_as_its_rate_says(change_rate: float) -> None:
    # A new choice is another side in two of three cases.
    chosen = sides(change_rate)
    assert (np.diff(chosen) != 0).mean() == pytest.approx(change_rate * 2 / 3, abs=0.035)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"action": "orders"}, "Stock has 1 asset(s), SIM, and action='orders'"),
        ({"symbols": ("A", "B"), "action": "weight"}, "Stock has 2 asset(s), A,B, and"),
    ],
)
def test_actions_other_than_those_of_one_asset_are_refused(changes: Any, why: str) -> None:
    with pytest.raises(InvestorBenchError, match=re.escape(why)) as caught:
        Momentum().begin(facts(**changes), "test", 0)
    assert str(caught.value).startswith("momentum decides on one asset, by sell, hold or buy")


def test_baselines_are_found_by_their_names() -> None:
    assert len(BASELINES) == 9
    for name in BASELINES:
        assert as_agent(baseline(name)).name == name


def test_an_unknown_baseline_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'buy_hold'; valid, nearest first: buy_and_hold"):
        baseline("buy_hold")
