"""What is refused, with which words, and that nothing has changed by it."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from investorbench_env.errors import (
    DataNotFoundError,
    DateRangeError,
    InvalidActionError,
    InvestorBenchError,
    UnknownNameError,
)
from tests.env.small_markets import date, random_market, small_market

MARKET = random_market(np.random.default_rng(1))
RANGE = {"start": date(4), "end": date(23)}

BAD_TRADES = [
    3, -1, 1.5, 1.0, np.float32(1.0), np.float64(2.0), "buy", "1", b"1", None, [1], [1, 2],
    np.array([1]), np.array([1, 2]), np.array(1.0), {}, float("nan"), 1 + 0j, 10**30,
]  # fmt: skip
BAD_WEIGHTS = [
    1.0000001, -1.0000001, np.float32(1.0000001), float("nan"), float("inf"), "buy", "0.5", None,
    [0.5, 0.5], [], {}, 1j, np.array([0.1, 0.2]), np.array([np.nan], np.float32), [[0.1], 0.2],
    object, 10**400,
]  # fmt: skip


def make(**options: Any) -> Any:
    return gym.make("InvestorBench/Stock", **{"data": MARKET, **RANGE, **options})


@pytest.mark.parametrize(
    ("kind", "bad"),
    [("trade", bad) for bad in BAD_TRADES] + [("weight", bad) for bad in BAD_WEIGHTS],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_a_bad_action_is_refused_and_changes_nothing(kind: str, bad: Any, protocol: str) -> None:
    env, twin = make(action=kind, protocol=protocol), make(action=kind, protocol=protocol)
    good: Any = 2 if kind == "trade" else 0.75
    for one in (env, twin):
        one.reset()
        one.step(good)
    with pytest.raises(InvalidActionError, match="nothing was traded"):
        env.step(bad)
    assert repr(env.step(good)) == repr(twin.step(good))


class Odd:
    """What says that it is a number, and raises when it is asked which."""

    def __index__(self) -> int:
        raise RuntimeError

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError


class Flattering(int):
    """A number that lies between any two others."""

    def __le__(self, _: object) -> bool:
        return True

    __ge__ = __le__


@pytest.mark.parametrize("bad", [Odd(), Flattering(5), Flattering(-1)])
def test_a_number_of_an_odd_class_is_what_it_is(bad: Any) -> None:
    env = make()
    env.reset()
    with pytest.raises(InvalidActionError, match="nothing was traded"):
        env.step(bad)
    assert env.step(Flattering(2))[4]["position"] > 0


@pytest.mark.parametrize("bad", [-0.001, -1.0])
def test_a_short_weight_is_refused_where_the_task_is_long_only(bad: float) -> None:
    env = make(action="weight", long_only=True)
    env.reset()
    with pytest.raises(InvalidActionError, match=r"Box\(0\.0, 1\.0"):
        env.step(bad)


@pytest.mark.parametrize("good", [0, True, np.int64(2), np.array(1), np.uint8(0)])
def test_every_kind_of_whole_number_is_an_action(good: Any) -> None:
    env = make()
    env.reset()
    _, reward, terminated, truncated, _ = env.step(good)
    assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)


@pytest.mark.parametrize("good", [0, 1, -1.0, np.float32(0.3), [0.3], np.array([0.3]), True])
def test_every_kind_of_number_is_a_weight(good: Any) -> None:
    env = make(action="weight")
    env.reset()
    assert type(env.step(good)[1]) is float


BAD_BATCHES = [
    [1, 3], [1, -1], [1], [1, 2, 0], 1, [1.0, 1.0], [[1, 1]], ["buy", "sell"], None, [None, 1],
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_BATCHES, ids=repr)
def test_a_bad_batch_of_actions_is_refused_and_changes_nothing(bad: Any) -> None:
    envs: Any = [
        gym.make_vec("InvestorBench/Stock", num_envs=2, data=MARKET, **RANGE) for _ in range(2)
    ]
    for env in envs:
        env.reset()
        env.step(np.array([2, 0]))
    with pytest.raises(InvalidActionError):
        envs[0].step(bad)
    good = np.array([0, 1])
    assert repr(envs[0].step(good)) == repr(envs[1].step(good))


@pytest.mark.parametrize("bad", [[0.5, np.nan], [0.5, 1.0000001], [0.5], ["a", "b"], None])
def test_a_bad_batch_of_weights_is_refused(bad: Any) -> None:
    env = gym.make_vec("InvestorBench/Stock", num_envs=2, data=MARKET, action="weight", **RANGE)
    env.reset()
    with pytest.raises(InvalidActionError):
        env.step(bad)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"windw": 3}, "unknown option 'windw'; valid, nearest first: window"),
        ({"split": "tets"}, "unknown split 'tets'; valid, nearest first: test, warmup"),
        ({"protocol": "papier"}, "unknown protocol 'papier'; valid, nearest first: paper"),
        ({"symbol": "TSET"}, "unknown symbol 'TSET'; valid, nearest first: TEST"),
        ({"modalities": ["newz"]}, "unknown modality 'newz'; valid, nearest first: news"),
        ({"reward": "retrun"}, "unknown reward 'retrun'; valid, nearest first: return"),
        ({"action": "wieght"}, "unknown action 'wieght'; valid, nearest first: weight"),
        ({"asset_class": "stocks"}, "unknown asset class 'stocks'; valid, nearest first: stock"),
        ({"asset_class": "perpetual"}, "held on margin alone: use InvestorBench/Perpetuals"),
        ({"reward": ["return"]}, r"unknown reward \['return'\]"),
        ({"protocol": None}, "unknown protocol None"),
        ({"modalities": "bars"}, "modalities"),
        ({"modalities": []}, "modalities"),
    ],
)
def test_an_unknown_name_is_answered_with_the_valid_ones_nearest_first(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvestorBenchError, match=words):
        make(**options)


def test_a_class_that_is_held_for_cash_is_no_perpetual() -> None:
    with pytest.raises(InvestorBenchError, match=r"for cash, not on margin: use .*/Crypto"):
        gym.make("InvestorBench/Perpetuals", symbols=["BTC"], asset_class="crypto")


def test_an_unknown_render_mode_is_answered_with_the_valid_ones() -> None:
    with (
        pytest.warns(UserWarning, match="not in the possible render_modes"),
        pytest.raises(InvestorBenchError, match=r"unknown render mode 'ascii'.*ansi, rgb_array"),
    ):
        make(render_mode="ascii")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 0}, "window=0 must be a whole number of at least 1"),
        ({"window": 2.5}, "window=2.5 must be"),
        ({"window": True}, "window=True must be"),
        ({"episode_length": -1}, "episode_length=-1 must be"),
        ({"initial_cash": 0.0}, "initial_cash=0.0 must be a number of at least 1e-15"),
        ({"initial_cash": float("nan")}, "initial_cash=nan must be"),
        ({"initial_cash": "100"}, "initial_cash='100' must be"),
        ({"commission_bps": -1.0}, "commission_bps=-1.0 must be a number of at least 0"),
        ({"slippage_bps": float("inf")}, "slippage_bps=inf must be"),
        ({"protocol": "paper", "commission_bps": 5.0}, "the protocol paper has no costs"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvestorBenchError, match=words):
        make(**options)


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"start": "2019-01-01"}, r"outside the data.* runs from 2020-01-01 to 2020-01-24"),
        ({"end": "2021-01-01"}, r"outside the data.* runs from 2020-01-01 to 2020-01-24"),
        ({"start": "2020-01-10", "end": "2020-01-05"}, "end 2020-01-05 comes before start"),
        ({"start": "January"}, "start='January' is no date: write it as YYYY-MM-DD"),
        ({"start": "2020-13-01"}, "start='2020-13-01' is no date"),
        ({"start": date(23)}, "needs one more than its steps"),
        ({"episode_length": 50}, "an episode of 50 step"),
    ],
)
def test_dates_outside_the_data_are_answered_with_the_range_there_is(
    dates: dict[str, Any], words: str
) -> None:
    with pytest.raises(DateRangeError, match=words):
        make(**dates)


def test_a_family_without_a_symbol_says_how_to_name_one() -> None:
    with pytest.raises(InvestorBenchError, match=r'Name it: gym.make\("InvestorBench/Stock", symb'):
        gym.make("InvestorBench/Stock", data="simulated")


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"nowhere.* does not exist"):
        gym.make("InvestorBench/Stock-TSLA", data=str(tmp_path / "nowhere"))


def test_without_real_data_the_error_has_the_commands_that_would_supply_it() -> None:
    with pytest.raises(DataNotFoundError, match=r"investorbench data fetch stock/tsla"):
        gym.make("InvestorBench/Stock-TSLA", data="real")


def test_a_symbol_that_a_market_lacks_is_answered_with_those_it_has() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown symbol 'TSLA'.*TEST"):
        gym.make("InvestorBench/Stock-TSLA", data=MARKET, **RANGE)


@pytest.mark.parametrize("call", [lambda env: env.step(0), lambda env: env.render()])
def test_a_call_before_reset_raises_what_gymnasium_raises(call: Any) -> None:
    with pytest.raises(ResetNeeded):
        call(make(render_mode="ansi"))


def test_a_vectorised_step_before_reset_raises_what_gymnasium_raises() -> None:
    env = gym.make_vec("InvestorBench/Stock", num_envs=2, data=MARKET, **RANGE)
    with pytest.raises(ResetNeeded):
        env.step(np.array([1, 1]))


def test_a_step_after_the_end_warns_and_changes_nothing() -> None:
    env: Any = gym.make(
        "InvestorBench/Stock", data=small_market([1.0, 2.0, 3.0]), start=date(0), end=date(2)
    )
    env.reset()
    env.step(2)
    _, _, _, truncated, last = env.step(1)
    assert truncated
    with pytest.warns(UserWarning, match=r"already ended its episode.*reset\(\)"):
        _, reward, terminated, truncated, info = env.step(0)
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["equity"] == last["equity"]
    env.reset()
    assert env.step(1)[2:4] == (False, False)


def test_a_callable_reward_that_is_no_number_is_not_hidden() -> None:
    env = make(reward=lambda before, after: "much")
    env.reset()
    with pytest.raises(InvestorBenchError, match="'much' and must give a number"):
        env.step(1)


def starts(env: Any, seed: int, count: int) -> list[str]:
    first = env.reset(seed=seed)[1]["session"]
    return [first, *(env.reset()[1]["session"] for _ in range(count))]


def test_a_seed_fixes_where_random_episodes_start() -> None:
    env = make(episode_length=3)
    assert starts(env, 7, 20) == starts(make(episode_length=3), 7, 20) == starts(env, 7, 20)
    assert starts(env, 7, 20) != starts(env, 8, 20)


def test_random_episodes_start_everywhere_and_end_on_time() -> None:
    market = small_market(np.arange(1.0, 9.0))
    env = make(data=market, start=date(0), end=date(7), episode_length=3)
    assert set(starts(env, 0, 200)) == {date(t) for t in range(5)}
    env.reset(seed=1)
    assert [env.step(1)[3] for _ in range(3)] == [False, False, True]


def test_a_window_is_as_long_as_the_market_where_it_asks_for_more() -> None:
    observation, _ = make(window=10**12).reset(seed=0)
    assert observation["bars"].shape == (24, 5)


@pytest.mark.parametrize("costs", [(10_000, 0), (5_000, 5_000), (0, 1e6), (None, 9_996)])
def test_costs_that_take_the_whole_trade_are_refused(costs: tuple[float | None, float]) -> None:
    with pytest.raises(InvestorBenchError, match="must stay below 10,000 basis points"):
        make(commission_bps=costs[0], slippage_bps=costs[1])
    assert make(commission_bps=5_000, slippage_bps=4_999).reset(seed=0)


@pytest.mark.parametrize("symbol", [7203, float("nan"), True, 1.5, ["TEST"], b"TEST"])
def test_a_symbol_that_is_no_text_is_refused_with_the_way_to_quote_it(symbol: Any) -> None:
    with pytest.raises(InvestorBenchError, match="must be a text: quote it"):
        make(symbol=symbol)


@pytest.mark.parametrize("cash", [0, -1.0, 1e16, 10**400, float("inf"), float("nan"), "1", True])
def test_cash_that_no_account_can_hold_is_refused(cash: Any) -> None:
    with pytest.raises(
        InvestorBenchError, match="must be a number of at least 1e-15 and at most 1e"
    ):
        make(initial_cash=cash)
