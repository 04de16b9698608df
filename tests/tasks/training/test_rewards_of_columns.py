"""Rewards over the columns of a corpus, and a short trade, without TRL."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks import evaluate
from investorbench.tasks.integrations.trl import ShortTrade, stage_rewards
from investorbench.tasks.task import Task
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.rewards import rewards, staged
from investorbench_env.errors import DateRangeError, InvestorBenchError, UnknownNameError
from tests.env.small_markets import small_market

BRIEFING = "[n1] Orders at the plant in Ohio rose 12 percent in the spring."
THESIS = """<news>
- Demand is firmer than the price allows for *orders at the plant in Ohio rose* `n1`
</news>
<conclusion>More speaks for the share than against it.</conclusion>
[[[BUY]]]"""
CLOSES = [100.0, 110.0, 99.0, 104.0, 130.0, 117.0, 120.0, 126.0]


def columns(number: int, text: str = THESIS) -> dict[str, Any]:
    prompt = [{"role": "system", "content": "s"}, {"role": "user", "content": BRIEFING}]
    return {
        "prompts": [prompt] * number,
        "completions": [[{"role": "assistant", "content": text}]] * number,
        "completion_ids": [[1, 2]] * number,
        "ids": [["n1"]] * number,
        "label": (CLASSES * number)[:number],
        "horizon_return": [0.05] * number,
        "expected_return": [0.01] * number,
        "daily_volatility": [0.02] * number,
        "round_trip_rate": [0.002] * number,
        "trainer_state": None,
    }


@pytest.mark.parametrize("stage", ["I", "II", "III"])
def test_weighted_rewards_of_columns_sum_to_the_reward_of_a_stage(stage: str) -> None:
    given = columns(5)
    functions, weights = stage_rewards(stage)
    parts = np.array([function(**given) for function in functions])
    citable = Citable.of(BRIEFING, ["n1"])
    wanted = [staged(rewards(THESIS, citable, truth), stage) for truth in given["label"]]
    assert np.array(weights) @ parts == pytest.approx(wanted, abs=1e-12)


def test_a_stage_that_does_not_weigh_a_part_has_no_function_for_it() -> None:
    assert [f.__name__ for f in stage_rewards("I").reward_funcs] == ["structure_reward"]
    assert len(stage_rewards("III", paid_by="money").reward_funcs) == 3


def test_what_came_and_what_was_to_be_expected_pay_by_their_own_columns() -> None:
    given = columns(1)
    came, expected = (
        stage_rewards("III", paid_by=kind).reward_funcs[-1](**given)
        for kind in ("money", "expected")
    )
    scale = 0.02 * 7**0.5
    assert came == pytest.approx([(0.5 * 0.05 - 0.5 * 0.002) / scale])
    assert expected == pytest.approx([(0.5 * 0.01 - 0.5 * 0.002) / scale])


@pytest.mark.parametrize("text", ["", "[[[BUY|SELL]]]", "<news>", "\u202e[[[", "🙂" * 99])
def test_any_completion_earns_numbers(text: str) -> None:
    for function in stage_rewards("III").reward_funcs:
        assert np.isfinite(function(**columns(1, text))).all()


def test_a_stage_or_a_payment_that_there_is_not_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="IV"):
        stage_rewards("IV")
    with pytest.raises(UnknownNameError, match="gold"):
        stage_rewards("I", paid_by="gold")


def small_task(**changes: Any) -> Task:
    labels = {"train": ["2020-01-01", "2020-01-04"]}
    given = {"start": "2020-01-05", "end": "2020-01-08", "labels": labels}
    options = {"symbol": "TEST", "window": 1, "action": "weight"}
    market = small_market(CLOSES)
    return Task(id="InvestorBench/Stock", data=market, **{**given, "options": options, **changes})


def replayed(weights: Sequence[float]) -> Any:
    left = iter(weights)
    return lambda observation, info: next(left)


@pytest.mark.parametrize("day", ["2020-01-02", "2020-01-04"])
def test_a_trade_earns_what_an_evaluation_of_its_actions_does(day: str) -> None:
    trade = ShortTrade(tasks={"T": small_task()}, sessions=3)
    trade.reset(market="T", date=day)
    for decision in ("strong buy", "SELL", "strong_sell"):
        trade.decide(decision)
    last = str(np.datetime64(day) + np.timedelta64(3, "D"))
    task = small_task(start=day, end=last, labels=None)
    result = evaluate(replayed([1.0, -0.5, -1.0]), task, warmup=False, seed=0)
    equity = result.episodes[0].equity
    assert trade.get_reward() == pytest.approx(
        float(np.sum(equity[1:] / equity[:-1] - 1)), abs=1e-12
    )


def test_a_task_of_words_is_traded_by_the_nearest_word_as_an_agent_of_theses_does() -> None:
    options = {"symbol": "TEST", "window": 1, "action": "trade"}
    words = ("sell", "hold", "buy")
    decided = ("strong buy", "hold", "SELL", "buy")
    trade = ShortTrade(tasks={"T": small_task(options=options)}, sessions=4)
    trade.reset(market="T", date="2020-01-02")
    for decision in decided:
        trade.decide(decision)
    task = small_task(options=options, start="2020-01-02", end="2020-01-06", labels=None)
    meant = [words.index(word) for word in ("buy", "hold", "sell", "buy")]
    equity = evaluate(replayed(meant), task, warmup=False, seed=0).episodes[0].equity
    assert trade.get_reward() == pytest.approx(
        float(np.sum(equity[1:] / equity[:-1] - 1)), abs=1e-12
    )


def test_a_trade_that_could_not_begin_leaves_none_to_be_paid_for() -> None:
    trade = ShortTrade(tasks={"T": small_task()}, sessions=3)
    trade.reset(market="T", date="2020-01-02")
    trade.decide("buy")
    with pytest.raises(DateRangeError):
        trade.reset(market="T", date="1999-01-01")
    with pytest.raises(InvestorBenchError, match="no trade has begun"):
        trade.decide("buy")
    assert trade.get_reward() == -1.0


@pytest.mark.parametrize("decision", [None, 5, ["buy"], {"decision": "buy"}, "", "ＢＵＹ", "🙂"])
def test_whatever_a_model_calls_its_tool_with_is_a_decision_or_refused(decision: Any) -> None:
    trade = ShortTrade(tasks={"T": small_task()})
    trade.reset(market="T", date="2020-01-03")
    with pytest.raises(UnknownNameError, match="unknown decision"):
        trade.decide(decision)


@pytest.mark.parametrize("seed", [-1, 0.5, "x", float("inf")])
def test_a_column_of_seeds_that_holds_none_is_refused_by_name(seed: Any) -> None:
    trade = ShortTrade(tasks={"T": small_task()})
    text = trade.reset(market="T", date="2020-01-03", seed=float("nan"))  # a table's missing value
    assert text == trade.reset(market="T", date="2020-01-03")
    with pytest.raises(InvestorBenchError, match="market_seed="):
        trade.reset(market="T", date="2020-01-03", market_seed=seed)


def test_the_rows_of_a_group_share_their_state_in_one_environment() -> None:
    trade = ShortTrade(tasks={"T": small_task()}, sessions=2)
    first = trade.reset(market="T", date="2020-01-03", seed=5)
    made = dict(trade._made)
    trade.decide("buy")
    again = trade.reset(market="T", date="2020-01-03", seed=5)
    assert first == again and trade.get_reward() == -1.0
    assert list(trade._made.values()) == list(made.values()) and len(made) == 1


def test_a_prompt_that_holds_the_briefing_is_not_given_it_twice() -> None:
    trade = ShortTrade(tasks={"T": small_task()})
    shown = trade.reset(market="T", date="2020-01-03")
    prompt = [{"role": "user", "content": shown}]
    assert "decide" in trade.reset(market="T", date="2020-01-03", prompt=prompt)
    assert len(trade.reset(market="T", date="2020-01-03", prompt=prompt)) < 100 < len(shown)


def test_a_trade_says_when_it_has_ended_and_earns_no_more() -> None:
    trade = ShortTrade(tasks={"T": small_task()})
    trade.reset(market="T", date="2020-01-03")
    assert "ended" in trade.decide("hold")
    assert "ended" in trade.decide("strong buy")
    assert trade.get_reward() == 0.0


def test_a_decision_that_is_none_is_refused_with_those_that_there_are() -> None:
    trade = ShortTrade(tasks={"T": small_task()})
    trade.reset(market="T", date="2020-01-03")
    with pytest.raises(UnknownNameError, match="strong_buy"):
        trade.decide("to the moon")
    assert trade.get_reward() == -1.0


def test_a_short_trade_has_one_tool_and_begins_where_a_row_says() -> None:
    public = {name for name in vars(ShortTrade) if not name.startswith("_")}
    assert public == {"reset", "decide", "get_reward"}
    trade = ShortTrade(tasks={"T": small_task()})
    with pytest.raises(InvestorBenchError, match="task"):
        trade.reset()
    with pytest.raises(InvestorBenchError, match="reset"):
        trade.decide("buy")
    with pytest.raises(DateRangeError, match="2020-01-01 to 2020-01-07"):
        trade.reset(market="T", date="2020-01-08")


@pytest.mark.heavy
def test_a_trade_on_a_simulated_market_may_be_paid_by_what_was_to_be_expected() -> None:
    trade = ShortTrade(options={"reward": "expected", "markets": "train"})
    text = trade.reset(task="snapshot/sim", seed=3)
    assert "SIM" in text and text == trade.reset(task="snapshot/sim", seed=3)
    trade.decide("strong buy")
    up = trade.get_reward()
    trade.reset(task="snapshot/sim", seed=3)
    trade.decide("strong sell")
    assert up + trade.get_reward() < 0.0  # costs
    assert abs(up) < 0.2
