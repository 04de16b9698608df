"""Constant answers, the momentum class and the label oracle as agents."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks import evaluate
from investorbench.tasks.step import Step
from investorbench.tasks.trading_r1.baseline_agents import (
    ConstantDecision,
    LabelOracle,
    MomentumClass,
)
from investorbench.tasks.trading_r1.baselines import mean_decision_reward
from investorbench.tasks.trading_r1.recorded import theses_of
from investorbench.tasks.trading_r1.truths import labelling_of, truths_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from tests.env.small_markets import date, small_market

RNG = np.random.default_rng(16)
CLOSES = (100.0 * np.exp(RNG.normal(0.0, 0.02, 300).cumsum())).tolist()
MARKET = small_market(CLOSES, dividends={230: 1.5}, splits={250: 2.0})
LABELS = {"train": [date(40), date(180)]}
TEST = (date(200), date(299))
DAYS: dict[str, Any] = {"data": MARKET, "start": TEST[0], "end": TEST[1], "warmup": False}
TRUTHS = truths_of(MARKET, TEST, labelling_of(LABELS)).days


def steps_of(agent: Any, **options: Any) -> list[Step]:
    steps: list[Step] = []
    given = {**DAYS, "action": "weight", "seed": 0, **options}
    evaluate(agent, "InvestorBench/Stock", watch=steps.append, **given)
    return steps


def decided(agent: Any, **options: Any) -> list[str | None]:
    return [found.decision for found in theses_of(steps_of(agent, **options))]


@pytest.mark.parametrize("decision", CLASSES)
def test_a_constant_answer_is_the_same_every_day_and_trades_by_the_table(decision: str) -> None:
    steps = steps_of(partial(ConstantDecision, decision.replace("_", " ").lower()))
    assert {found.decision for found in theses_of(steps)} == {decision}
    weights = (1.0, 0.5, 0.0, -0.5, -1.0)
    assert {step.action[0] for step in steps} == {weights[CLASSES.index(decision)]}
    assert {found.text for found in theses_of(steps)} == {f"[[[{decision}]]]"}


def test_the_label_oracle_decides_by_the_labels_that_are_paid() -> None:
    truths = [truth.label for truth in TRUTHS.values()][:-1]  # the last day is marked alone
    found = decided(partial(LabelOracle, MARKET, LABELS))
    assert found == [label or "HOLD" for label in truths]
    assert mean_decision_reward(found, truths) == 1.0


def test_labels_of_another_volatility_are_those_that_they_decide_by() -> None:
    other = {**LABELS, "volatility": "trailing_ewma"}
    truths = [*truths_of(MARKET, TEST, labelling_of(other)).days.values()][:-1]
    assert decided(partial(LabelOracle, MARKET, other)) == [t.label or "HOLD" for t in truths]
    assert decided(partial(MomentumClass, other)) == [t.momentum or "HOLD" for t in truths]


@pytest.mark.heavy
def test_the_momentum_class_is_the_one_that_is_shown_beside_every_agent() -> None:
    found = decided(partial(MomentumClass, LABELS))
    assert found == [truth.momentum or "HOLD" for truth in TRUTHS.values()][:-1]
    assert len(set(found)) > 2


def test_the_momentum_class_knows_nothing_of_what_comes() -> None:
    shaken = small_market([*CLOSES[:240], *(3.0 * close for close in CLOSES[240:])])
    one, other = (
        decided(partial(MomentumClass, LABELS), data=each)
        for each in (small_market(CLOSES), shaken)
    )
    assert one[:40] == other[:40] and one[40:] != other[40:]


@pytest.mark.parametrize(
    "agent",
    [ConstantDecision, partial(MomentumClass, LABELS), partial(LabelOracle, MARKET, LABELS)],
)
def test_they_trade_by_words_too(agent: Any) -> None:
    actions = {step.action for step in steps_of(agent, action="trade")}
    assert actions <= {0, 1, 2} and 2 in actions


def test_in_a_warmup_they_hold() -> None:
    steps: list[Step] = []
    evaluate(ConstantDecision, "stock/sim", seed=0, end="2020-10-05", watch=steps.append)
    warmup = [step for step in steps if step.split == "warmup"]
    assert {step.action for step in warmup} == {1} and theses_of(warmup) == ()
    assert len(theses_of(steps)) == len(steps) - len(warmup) == 2


def test_without_a_window_to_freeze_thresholds_on_they_say_how_to_name_one() -> None:
    for agent in (MomentumClass, partial(LabelOracle, MARKET)):
        with pytest.raises(InvestorBenchError, match="choose a task that has some"):
            agent(None)
    late = {"train": [date(40), date(195)]}
    with pytest.raises(InvestorBenchError, match=r"begin the test on|end it earlier"):
        decided(partial(MomentumClass, late))
    with pytest.raises(UnknownNameError, match="decision 'up'"):
        ConstantDecision("up")


@pytest.mark.heavy
def test_on_snapshots_and_shorter_bars_there_are_no_labels() -> None:
    for agent in (partial(MomentumClass, LABELS), partial(LabelOracle, MARKET, LABELS)):
        with pytest.raises(InvestorBenchError, match="single decisions, each held for a horizon"):
            evaluate(agent, "snapshot/sim", seed=0)
