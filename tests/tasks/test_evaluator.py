"""Who may be evaluated, what an agent is shown and when, and what a result holds."""

import asyncio
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks import Result, Task, evaluate
from investorbench.tasks.seeds import agent_seed
from investorbench.tasks.step import Step
from investorbench_env.errors import (
    DataNotFoundError,
    DateRangeError,
    InvestorBenchError,
    UnknownNameError,
)
from investorbench_env.facts import Facts
from investorbench_env.market import Market
from investorbench_env.wrappers import NumericObservation
from tests.env.small_markets import document, random_market, small_market

SELL, HOLD, BUY = 0, 1, 2
LENGTH = 500
"""Days from 2020-01-01: they hold the warm-up and the test split of stocks."""
RISING = small_market([100.0 * 1.001**t * (1 + 0.01 * (t % 3)) for t in range(LENGTH)])
WARMUP_STEPS, TEST_STEPS = 91, 217
"""2020-07-01 to 09-30 has 92 days, 2020-10-01 to 2021-05-06 has 218."""
FREE = {"commission_bps": 0.0, "slippage_bps": 0.0}


def score(agent: Any, market: Market = RISING, **options: Any) -> Result:
    return evaluate(agent, "InvestorBench/Stock", data=market, **options)


def always(action: Any) -> Any:
    return lambda observation, info: action


class Diary:
    """Buys, and writes down all that it is shown."""

    def __init__(self, pages: list[tuple[Any, ...]]) -> None:
        self.pages = pages

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        self.pages.append(("begin", facts.family, split, seed))

    def act(self, observation: Any, info: Mapping[str, Any]) -> int:
        self.pages.append(("act", info["session"], info.get("label")))
        return BUY

    def learn(self, reward: float, info: Mapping[str, Any]) -> None:
        self.pages.append(("learn", info["session"], reward))


def test_an_agent_is_told_of_nothing_that_was_found_in_the_data_to_come() -> None:
    received: list[Facts] = []

    class Listening(Diary):
        def begin(self, facts: Facts, split: str, seed: int) -> None:
            received.append(facts)

    jump = "close jumps from 48.7 to 4868 on 2021-01-20: looks like another unit"
    market = small_market([100.0 + t % 7 for t in range(LENGTH)], findings=(jump,))
    result = score(partial(Listening, []), market)
    assert [facts.findings for facts in received] == [(), ()]
    assert "2021-01-20" not in repr(received)
    assert jump in result.findings


def test_a_function_an_object_and_a_coroutine_are_agents_and_score_the_same() -> None:
    class Acting:
        def act(self, observation: Any, info: Any) -> int:
            return BUY

    class Waiting:
        async def act(self, observation: Any, info: Any) -> int:
            await asyncio.sleep(0)
            return BUY

    class Predicting:
        def predict(self, observation: Any, state: Any = None, deterministic: bool = False) -> Any:
            return np.array(BUY), None

    results = [score(agent) for agent in (always(BUY), Acting(), Waiting(), Predicting())]
    assert len({result.metrics["CR"] for result in results}) == 1
    assert [result.agent for result in results[1:]] == ["Acting", "Waiting", "Predicting"]


def test_an_asynchronous_agent_lives_in_one_event_loop() -> None:
    class Connected:
        async def begin(self, facts: Any, split: str, seed: int) -> None:
            loops.add(asyncio.get_running_loop())

        async def act(self, observation: Any, info: Any) -> int:
            loops.add(asyncio.get_running_loop())
            return BUY

        async def learn(self, reward: float, info: Any) -> None:
            loops.add(asyncio.get_running_loop())

    loops: set[Any] = set()
    score(Connected, repeats=2)
    (loop,) = loops
    assert loop.is_closed()


def test_the_state_of_a_recurrent_model_is_passed_along_and_starts_anew_with_each_split() -> None:
    class Recurrent:
        def __init__(self) -> None:
            self.states: list[int | None] = []

        def predict(
            self, observation: Any, state: int | None = None, deterministic: bool = False
        ) -> tuple[int, int]:
            assert deterministic
            self.states.append(state)
            return HOLD, 0 if state is None else state + 1

    model = Recurrent()
    score(model)
    expected = [None, *range(WARMUP_STEPS - 1), None, *range(TEST_STEPS - 1)]
    assert model.states == expected


@pytest.mark.parametrize("agent", [None, 3, object(), ["buy"], dict])
def test_what_is_no_agent_is_refused_with_what_would_be(agent: object) -> None:
    with pytest.raises(InvestorBenchError, match=r"is no agent: give an object with act\("):
        score(agent)


def test_an_unknown_agent_is_answered_with_those_there_are_nearest_first() -> None:
    with pytest.raises(UnknownNameError, match="'momentm'; valid, nearest first: momentum, "):
        score("momentm")


def test_an_agent_begins_acts_and_learns_in_this_order_first_in_the_warmup() -> None:
    pages: list[tuple[Any, ...]] = []
    result = score(partial(Diary, pages), seed=7)
    words = [page[0] for page in pages]
    assert words == [
        "begin", *["act", "learn"] * WARMUP_STEPS, "begin", *["act", "learn"] * TEST_STEPS,
    ]  # fmt: skip
    begins = [page for page in pages if page[0] == "begin"]
    assert begins == [
        ("begin", "Stock", "warmup", result.median.seed),
        ("begin", "Stock", "test", result.median.seed),
    ]
    acted = [page[1] for page in pages if page[0] == "act"]
    assert (acted[0], acted[WARMUP_STEPS - 1]) == ("2020-07-01", "2020-09-29")
    assert (acted[WARMUP_STEPS], acted[-1]) == ("2020-10-01", "2021-05-05")
    learned = [page[2] for page in pages if page[0] == "learn"]
    np.testing.assert_array_equal(learned[WARMUP_STEPS:], result.median.rewards)


def test_the_label_is_the_return_from_the_next_open_in_the_warmup_and_nowhere_else() -> None:
    pages: list[tuple[Any, ...]] = []
    closes = RISING.bars[:, 0, 3].tolist()
    opens = [close * (1 + 0.002 * (t % 5 - 2)) for t, close in enumerate(closes)]
    score(partial(Diary, pages), small_market(closes, opens=opens))
    labels = [page[2] for page in pages if page[0] == "act"]
    first = int(np.flatnonzero(RISING.sessions == np.datetime64("2020-07-01"))[0])
    held = slice(first + 1, first + 1 + WARMUP_STEPS)
    expected = np.array(closes[held]) / np.array(opens[held]) - 1
    np.testing.assert_allclose(labels[:WARMUP_STEPS], expected, rtol=1e-9)
    assert labels[WARMUP_STEPS:] == [None] * TEST_STEPS


class BySeed:
    """Another side in each repeat, of those that begin with these seeds."""

    name = "by seed"

    def __init__(self, actions: dict[int, int], begun: list[int]) -> None:
        self.actions, self.begun = actions, begun

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self.begun.append(seed)
        self.action = self.actions[seed]

    def act(self, observation: Any, info: Any) -> int:
        return self.action


def score_by_seed(*actions: int) -> tuple[Result, list[int]]:
    """The result of one repeat an action, and the seeds with which they began."""
    task = Task.of("InvestorBench/Stock", data=RISING)
    seeds = [agent_seed(10, task, BySeed.name, "", n) for n in range(len(actions))]
    begun: list[int] = []
    agent = partial(BySeed, dict(zip(seeds, actions, strict=True)), begun)
    return score(agent, repeats=len(actions), seed=10), begun


def test_each_repeat_has_a_seed_of_its_own_through_both_splits() -> None:
    result, begun = score_by_seed(BUY, SELL, HOLD)
    first, second, third = [episode.seed for episode in result.episodes]
    assert begun == [first, first, second, second, third, third]
    assert len({first, second, third}) == 3


@pytest.mark.parametrize("actions", [(BUY, HOLD, SELL), (BUY, SELL, HOLD, BUY)])
def test_figures_are_means_over_repeats_and_curves_are_of_the_median_one(actions: Any) -> None:
    # The market rises: selling is below nothing, buying above. Of four, the lower of the two in
    # the middle is shown, which is again the one that did nothing.
    result, _ = score_by_seed(*actions)
    ratios = [episode.metrics["SR"] for episode in result.episodes]
    assert min(ratios) < 0 < max(ratios)
    assert result.median is result.episodes[actions.index(HOLD)]
    for name in ("CR", "SR", "AV", "MDD", "trades", "exposure"):
        each = [episode.metrics[name] for episode in result.episodes]
        assert result.metrics[name] == pytest.approx(np.mean(each), rel=1e-12)
    invested = [each.metrics["sortino"] for each in result.episodes if each.actions[0] != HOLD]
    assert result.metrics["sortino"] == pytest.approx(np.mean(invested), rel=1e-12)
    assert set(result.actions) == {HOLD}
    np.testing.assert_array_equal(result.equity, 100_000.0)


@pytest.mark.parametrize("repeats", [0, -1, 1.5, "two"])
def test_repeats_that_make_no_sense_are_refused(repeats: Any) -> None:
    with pytest.raises(InvestorBenchError, match="whole number of at least 1"):
        score(always(BUY), repeats=repeats)


def test_a_test_that_starts_inside_the_warmup_is_refused() -> None:
    with pytest.raises(DateRangeError, match=r"inside the warm-up split 2020-07-01..2020-09-30"):
        score(always(BUY), start="2020-09-30")


def test_a_test_may_start_anywhere_without_a_warmup() -> None:
    result = score(always(BUY), start="2020-02-01", end="2020-02-29", warmup=False)
    assert result.window == ("2020-02-01", "2020-02-29")
    assert len(result.actions) == 28


def test_dates_in_place_of_the_splits_own_leave_the_warmup_as_it_is() -> None:
    pages: list[tuple[Any, ...]] = []
    score(partial(Diary, pages), start="2021-01-01", end="2021-01-31")
    acted = [page[1] for page in pages if page[0] == "act"]
    assert acted[0] == "2020-07-01"
    days = np.arange("2021-01-01", "2021-01-31", dtype="datetime64[D]")
    assert acted[WARMUP_STEPS:] == days.astype(str).tolist()


@pytest.mark.parametrize("data", [None, "real"])
def test_a_real_task_never_falls_back_to_a_simulated_market(data: str | None) -> None:
    with pytest.raises(DataNotFoundError, match="investorbench data fetch stock/tsla"):
        evaluate("cash", "InvestorBench/Stock-TSLA", data=data)


@pytest.mark.parametrize(
    "id", ["InvestorBench/Crypto-SIM", "crypto/sim", "investorbench/crypto-sim"]
)
def test_a_simulated_task_needs_no_data_and_says_what_it_is(id: str) -> None:
    result = evaluate("buy_and_hold", id)
    assert result.simulated
    assert "simulated" in result.data_source
    assert result.task.id == "InvestorBench/Crypto-SIM"
    assert result.window == ("2023-04-05", "2023-11-05")


def test_an_unknown_task_is_answered_with_those_there_are_nearest_first() -> None:
    with pytest.raises(UnknownNameError, match="nearest first: stock/tsla"):
        evaluate("cash", "stock/tssla")


def test_an_unknown_option_is_answered_with_those_there_are_nearest_first() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown option 'windw'; valid, .* first: window"):
        score("cash", windw=5)


def test_an_unknown_protocol_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="nearest first: paper, standard"):
        score("cash", protocol="papr")


def test_a_market_is_scored_as_it_is() -> None:
    result = score("buy_and_hold")
    assert result.data_source == "made for a test"
    assert result.market_fingerprint == RISING.fingerprint
    assert result.task.symbol == "TEST"


def test_a_family_without_a_symbol_asks_for_one() -> None:
    with pytest.raises(InvestorBenchError, match="symbol="):
        evaluate("cash", "InvestorBench/Stock", data="simulated")


def test_a_wrapper_shows_the_agent_something_else() -> None:
    class Looking:
        def predict(self, observation: Any, state: Any = None, deterministic: bool = False) -> Any:
            assert isinstance(observation, np.ndarray) and observation.dtype == np.float32
            return np.int64(BUY), None

    assert score(Looking(), wrapper=NumericObservation).metrics == score(always(BUY)).metrics


def test_every_step_of_both_splits_is_watched() -> None:
    steps: list[Step] = []
    score("momentum", watch=steps.append, repeats=2)
    seen = [(step.repeat, step.split, step.number) for step in steps]
    assert seen == [
        (repeat, split, number)
        for repeat in range(2)
        for split, count in (("warmup", WARMUP_STEPS), ("test", TEST_STEPS))
        for number in range(count)
    ]


def test_buying_once_earns_what_is_left_after_the_costs_from_the_next_open() -> None:
    closes = [100.0, 110.0, 132.0, 99.0]
    market = small_market(closes, opens=[100.0, 105.0, 120.0, 130.0])
    result = evaluate(
        "buy_and_hold", "InvestorBench/Stock", data=market, start="2020-01-01", end="2020-01-04",
        warmup=False, commission_bps=10.0, slippage_bps=15.0, initial_cash=1000.0,
    )  # fmt: skip
    # 1000 buys shares at the open of day 2 and pays a quarter of a percent of their value.
    shares = 1000.0 / (105.0 * 1.0025)
    expected = [1000.0, shares * 110.0, shares * 132.0, shares * 99.0]
    np.testing.assert_allclose(result.equity, expected, rtol=1e-14)
    assert result.metrics["CR"] == pytest.approx(shares * 99.0 / 1000.0 - 1, rel=1e-13)
    assert result.metrics["MDD"] == pytest.approx(0.25, rel=1e-13)
    assert result.metrics["costs"] == pytest.approx(shares * 105.0 * 0.0025, rel=1e-13)
    assert result.metrics["hit_ratio"] == pytest.approx(2 / 3)
    assert result.metrics["time_in_market"] == 1.0
    assert result.metrics["steps"] == 3


def test_a_frame_has_a_row_for_each_step_that_adds_up_to_the_equity() -> None:
    market = random_market(np.random.default_rng(2), LENGTH)
    result = score("momentum", market, long_only=True)
    frame = result.to_frame()
    assert list(frame.columns) == [
        "action", "fill_price", "position", "weight", "notional", "cost", "reward", "return",
        "equity", "marked_on",
    ]  # fmt: skip
    assert frame.index.name == "decided_on"
    assert (str(frame.index[0].date()), len(frame)) == (result.window[0], len(result.actions))
    assert str(frame["marked_on"].iloc[-1].date()) == result.window[1]
    assert (frame.index[1:] == frame["marked_on"][:-1]).all()
    assert list(frame["action"]) == list(result.actions)
    growth = np.cumprod(1.0 + frame["return"]) * result.equity[0]
    np.testing.assert_allclose(growth, frame["equity"], rtol=1e-12)
    assert frame["cost"].sum() == pytest.approx(result.metrics["costs"])


def test_a_frame_of_target_weights_has_the_weights_as_actions() -> None:
    result = score(always(np.array([0.25], np.float32)), action="weight")
    assert set(result.to_frame()["action"]) == {0.25}
    assert result.metrics["exposure"] == pytest.approx(0.25, abs=0.01)


def test_a_ruined_account_ends_early_and_keeps_the_window_it_was_scored_on() -> None:
    closes = [100.0] * 280 + [100.0, 120.0, 350.0, *[400.0] * 217]
    result = score("always_sell", small_market(closes), **FREE)
    assert result.median.ended_early
    assert len(result.actions) < TEST_STEPS
    assert result.window == ("2020-10-01", "2021-05-06")
    assert result.equity[-1] <= 0.0
    assert result.metrics["CR"] <= -1.0
    assert result.metrics["MDD"] >= 1.0
    ratios = ("SR", "AV", "calmar", "sortino")
    assert all(math.isfinite(result.metrics[name]) for name in ratios)
    assert all(math.isfinite(result.metrics_in("log")[name]) for name in ratios)


def test_an_account_that_lives_to_the_end_did_not_end_early() -> None:
    assert not score("buy_and_hold").median.ended_early


def test_a_standard_run_scored_by_logs_adds_up_the_growth_of_its_equity() -> None:
    market = random_market(np.random.default_rng(4), LENGTH)
    result = score("momentum", market, long_only=True)
    logs = np.diff(np.log(result.equity))
    figures = result.metrics_in("log")
    assert figures["CR"] == pytest.approx(np.log(result.equity[-1] / result.equity[0]), rel=1e-12)
    years = (len(logs) + 1) / 252
    volatility = logs.std(ddof=1) * math.sqrt(252)
    assert figures["SR"] == pytest.approx(logs.sum() / years / volatility, rel=1e-12)
    assert result.metrics_in("simple")["SR"] == result.metrics["SR"]


def test_a_paper_run_is_scored_by_logs_and_its_rewards_are_what_it_returned() -> None:
    result = score("buy_and_hold", protocol="paper")
    closes = RISING.bars[:, 0, 3]
    sessions = RISING.sessions
    inside = (sessions >= np.datetime64("2020-10-01")) & (sessions <= np.datetime64("2021-05-06"))
    logs = np.diff(np.log(closes[inside]))
    np.testing.assert_allclose(result.median.rewards, logs, rtol=1e-9, atol=1e-15)
    assert result.metrics["CR"] == pytest.approx(logs.sum(), rel=1e-12)
    assert result.protocol == "paper" and result.fills == "close"


def test_the_days_a_year_are_those_of_the_asset_class() -> None:
    crypto = evaluate("buy_and_hold", "crypto/sim", warmup=False)
    returns = crypto.median.returns
    assert crypto.metrics["AV"] == pytest.approx(returns.std(ddof=1) * math.sqrt(365), rel=1e-12)


@pytest.mark.parametrize("agent", ["random", "momentum", "news_sentiment"])
def test_the_same_evaluation_twice_gives_the_same_result_to_the_bit(agent: str) -> None:
    rng = np.random.default_rng(8)
    texts = [document(float(day), sentiment="positive") for day in rng.integers(1, LENGTH, 50)]
    market = random_market(rng, LENGTH, documents=texts)
    first, second = (score(agent, market, repeats=2, seed=3) for _ in range(2))
    np.testing.assert_equal(first.metrics, second.metrics)
    for one, two in zip(first.episodes, second.episodes, strict=True):
        assert one.actions == two.actions
        assert one.equity.tobytes() == two.equity.tobytes()


def test_a_task_remembers_what_it_was_given_and_takes_changes() -> None:
    task = Task.of("stock/msft", protocol="paper", options={"long_only": True})
    again = Task.of(task, end="2021-01-29", options={"window": 5})
    assert again.protocol == "paper"
    assert again.options == {"long_only": True, "window": 5}
    assert again.end == "2021-01-29"
    assert task.options == {"long_only": True}


def test_the_environment_of_a_task_is_that_of_gym_make() -> None:
    env = Task.of("InvestorBench/Stock", data=RISING, options={"window": 7}).make("test")
    assert isinstance(env, gym.Env)
    assert env.reset()[0]["bars"].shape == (7, 5)
