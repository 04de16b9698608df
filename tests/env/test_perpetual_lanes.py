"""Many accounts of perpetuals at once are, to the bit, what each of them is alone."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from investorbench_env.accounting.signal_arrays import CODES, NUMBERS
from investorbench_env.envs.perpetuals_features import FEATURES
from investorbench_env.envs.perpetuals_lane_infos import TABLES
from investorbench_env.errors import InvalidActionError, InvestorBenchError
from tests.env.random_perpetuals import COINS, random_perpetuals

PERPETUALS = "InvestorBench/Perpetuals"
WORDS = {code: word for word, code in CODES.items()}
SPAN = {"start": "2025-07-15", "end": "2025-07-15", "interval": "15m"}


@pytest.fixture(scope="module")
def market() -> Any:
    return random_perpetuals(8, days=2)


ODDS = [0.01, 0.01, 0.2, 0.25, 0.25, 0.25, 0.02, 0.01]
"""Of shares of the cash that an entry sets aside."""


def options_of(market: Any, **more: Any) -> dict[str, Any]:
    return {"data": market, "symbols": list(COINS), **SPAN, **more}


def buys(info: Any) -> dict[str, Any]:
    """Long positions in every coin."""
    prices = info["account"]["prices"]
    signal = np.ones(prices.shape, np.int64)
    return {"signal": signal, "quantity": 8_000.0 / prices, "leverage": signal * 10.0}


def decisions(rng: np.random.Generator, info: Any, lanes: int) -> dict[str, Any]:
    """Arrays of signals, of which most can be carried out and some break a rule."""
    prices, cash = info["account"]["prices"], info["cash"][:, None]
    shape = lanes, prices.shape[1]
    signal = rng.choice([0, 1, -1, 2], shape, p=[0.5, 0.2, 0.2, 0.1])
    leverage = rng.choice(
        [0.0, 3.0, 5.0, 10.0, 20.0, 10.5], shape, p=[0.03, 0.04, 0.4, 0.3, 0.2, 0.03]
    )
    side, far = np.where(signal < 0, -1.0, 1.0), rng.uniform(0.01, 0.06, (2, *shape))
    far *= rng.choice([1.0, -1.0], far.shape, p=[0.95, 0.05])
    said = rng.random((4, *shape)) < 0.7
    share = rng.choice([-1.0, 0.0, 0.01, 0.08, 0.2, 0.6, 1e14, 1e300], shape, p=ODDS)
    quantity = cash * leverage / prices * share
    return {
        "signal": signal,
        "quantity": np.where(signal == 2, np.nan, quantity),
        "leverage": leverage,
        "profit_target": np.where(said[0], prices * (1 + side * far[0]), np.nan),
        "stop_loss": np.where(said[1], prices * (1 - side * far[1]), np.nan),
        "confidence": np.where(said[2], rng.random(shape), np.nan),
        "risk_usd": np.where(said[3], rng.uniform(1, 99, shape), np.nan),
    }


def as_signals(arrays: dict[str, Any], lane: int) -> dict[str, Any]:
    """What arrays say of one lane, as an agent writes it."""
    found = {}
    for coin, symbol in enumerate(COINS):
        numbers = {name: float(arrays[name][lane, coin]) for name in NUMBERS}
        found[symbol] = {"signal": WORDS[int(arrays["signal"][lane, coin])]} | {
            name: value for name, value in numbers.items() if value == value
        }
    return found


def rows(info: Any, name: str, lane: int, coins: Any = COINS) -> list[tuple[Any, ...]]:
    """The events of a lane, without its number, the coins by their symbols."""
    table = dict(info[name])
    own = table.pop("lane") == lane
    found = [
        tuple(row) for row in zip(*(column[own].tolist() for column in table.values()), strict=True)
    ]
    return [(coins[coin] if coin >= 0 else None, *rest) for coin, *rest in found]


def same_view(observation: Any, info: Any, lane: int, seen: Any, alone: Any) -> None:
    for name, values in observation.items():
        assert values.dtype == seen[name].dtype, name
        same = values[lane].tobytes() == seen[name].tobytes()
        assert same, (name, values[lane] - seen[name])
    account = info["account"]
    for name in ("cash", "equity", "costs"):
        assert info[name][lane] == account[name][lane] == alone[name]
    held = {each.symbol: each for each in alone["positions"]}
    for coin, symbol in enumerate(COINS):
        quantity = account["quantities"][lane, coin]
        assert quantity == (held[symbol].quantity if symbol in held else 0.0)
        if symbol in held:
            position = held[symbol]
            assert account["entry_prices"][lane, coin] == position.entry_price
            assert account["prices"][lane, coin] == position.mark
            assert account["unrealised_pnl"][lane, coin] == position.unrealised_pnl
    assert str(info["session"][lane]) == alone["session"]
    assert tuple(np.array(COINS)[info["outage"][lane]].tolist()) == alone["outage"]
    if "label" in alone:
        assert np.array_equal(info["label"][lane], alone["label"])


def same_events(info: Any, lane: int, alone: Any) -> None:
    assert rows(info, "fills", lane) == [tuple(each) for each in alone["fills"]]
    assert rows(info, "funding", lane) == [tuple(each) for each in alone["funding"]]
    closed = []
    for coin, *rest in rows(info, "closed", lane):
        quantity, entry, price, reason, opened, ended, *money = rest
        closed.append(
            (coin, quantity, entry, price, reason, opened // 10**9, ended // 10**9, *money)
        )
    assert closed == [
        (
            each.symbol, each.quantity, each.entry_price, each.exit_price, each.reason,
            int(each.opened.timestamp()), int(each.closed.timestamp()),
            each.pnl, each.fees, each.funding, each.margin, each.leverage,
        )
        for each in alone["closed"]
    ]  # fmt: skip
    kinds = [(each.order.symbol, each.reason.partition(":")[0]) for each in alone["rejections"]]
    assert sorted(rows(info, "rejections", lane)) == sorted(kinds)


WAYS: list[dict[str, Any]] = [
    {},
    {"rules": "monk", "episode_length": 40, "slippage_bps": 0.0},
    {"rules": "baseline", "every": 3, "modalities": ["features", "account"]},
    {"rules": "max_leverage", "every": 2, "episode_length": 30, "backstop": True},
    {"rules": {"most_positions": 2, "entries_a_day": 6}, "margin": "cross", "context": None},
]


QUICK = {("arrays", 0), ("arrays", 2), ("signals", 4)}


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        pytest.param(kind, way, marks=() if (kind, number) in QUICK else pytest.mark.heavy)
        for kind in ("arrays", "signals")
        for number, way in enumerate(WAYS)
    ],
)
def test_many_do_to_the_bit_what_each_does_alone(kind: str, way: dict[str, Any]) -> None:
    lanes, seed = 3, len(kind) + WAYS.index(way)
    market = random_perpetuals(seed, days=2, with_marks=seed % 2 == 0)
    options, rng = options_of(market, **way), np.random.default_rng(seed)
    many: Any = gym.make_vec(PERPETUALS, num_envs=lanes, **options)
    singles: list[Any] = [gym.make(PERPETUALS, **options) for _ in range(lanes)]
    observation, info = many.reset(seed=seed)
    alone = [env.reset(seed=seed + lane) for lane, env in enumerate(singles)]
    ended, happened = np.zeros(lanes, bool), set[str]()
    for _ in range(70):
        for lane in range(lanes):
            same_view(observation, info, lane, *alone[lane])
        arrays = decisions(rng, info, lanes)
        each = [as_signals(arrays, lane) for lane in range(lanes)]
        observation, rewards, terminated, truncated, info = many.step(
            arrays if kind == "arrays" else each
        )
        for lane in range(lanes):
            if ended[lane]:
                alone[lane] = singles[lane].reset()
                assert rewards[lane] == 0.0
                continue
            seen, reward, *over, own = singles[lane].step(each[lane])
            assert (rewards[lane], terminated[lane], truncated[lane]) == (reward, *over)
            same_events(info, lane, own)
            happened |= {trade.reason for trade in own["closed"]}
            alone[lane] = seen, own
        ended = terminated | truncated
    assert happened and (way or happened == {"stop", "target", "liquidation", "close"})


def test_what_is_observed_in_a_warm_up_is_what_each_observes(market: Any) -> None:
    options = {
        "data": market, "symbols": list(COINS), "interval": "15m", "split": "warmup", "every": 4,
        "start": "2025-07-15", "end": "2025-07-15", "modalities": ["series", "features"],
    }  # fmt: skip
    many: Any = gym.make_vec(PERPETUALS, num_envs=2, **options)
    alone: Any = gym.make(PERPETUALS, **options)
    same_view(*many.reset(seed=1), 0, *alone.reset(seed=1))
    for _ in range(3):
        seen, *_, info = many.step([{}, []])
        expected, *_, own = alone.step({})
        same_view(seen, info, 0, expected, own)
        assert info["label"].any()


@pytest.mark.parametrize("length", [3, None])
def test_lanes_of_simulated_markets_have_one_each_to_the_bit(length: int | None) -> None:
    options: dict[str, Any] = {
        "every": 60, "episode_length": length, "modalities": ["features", "account"]
    }  # fmt: skip
    many: Any = gym.make_vec("InvestorBench/Perpetuals-SIM", num_envs=2, **options)
    alone: Any = gym.make("InvestorBench/Perpetuals-SIM", **options)
    seen, info = many.reset(seed=4)
    expected, own = alone.reset(seed=5)
    for _ in range(3):
        for name, values in expected.items():
            assert seen[name][1].tobytes() == values.tobytes(), name
        assert many.texts(info)[1] == own["documents"]
        signal = {"signal": "buy_to_enter", "leverage": 10}
        action = {
            symbol: {**signal, "quantity": 5_000.0 / price}
            for symbol, price in zip(own["symbols"], info["account"]["prices"][1], strict=True)
        }
        seen, rewards, *_, info = many.step([action, action])
        expected, reward, *_, own = alone.step(action)
        assert rewards[1] == reward
        assert rows(info, "fills", 1, own["symbols"]) == [tuple(each) for each in own["fills"]]
    if length is not None:
        assert info["market_seed"][1] == own["market_seed"]


@pytest.mark.parametrize("mode", ["SAME_STEP", "DISABLED"])
def test_episodes_that_end_begin_again_as_the_mode_says(market: Any, mode: str) -> None:
    options = options_of(market, episode_length=2, rules={})
    many: Any = gym.make_vec(PERPETUALS, num_envs=2, autoreset_mode=mode, **options)
    _, info = many.reset(seed=1)
    act = buys(info)
    *_, first = many.step(act)
    assert rows(first, "fills", 0) and rows(first, "fills", 1)
    _, _, _, truncated, info = many.step(act)
    assert truncated.all()
    if mode == "SAME_STEP":
        assert (info["final_info"]["equity"] != 10_000.0).all()
        assert (info["equity"] == 10_000.0).all()
        held = FEATURES.index("quantity")
        assert info["final_obs"][0]["features"][:, held].any()
        assert not info["account"]["quantities"].any() and not len(info["fills"]["lane"])
        return
    with pytest.raises(ResetNeeded, match="2 episode"):
        many.step(act)
    _, info = many.reset(options={"reset_mask": np.array([True, False])})
    assert info["equity"][0] == 10_000.0 != info["equity"][1]
    assert info["account"]["quantities"][1].any() and not info["account"]["quantities"][0].any()
    assert rows(info, "rejections", 1) and not rows(info, "rejections", 0)


def test_nothing_that_a_reader_writes_into_comes_back(market: Any) -> None:
    many, other = (gym.make_vec(PERPETUALS, num_envs=2, **options_of(market)) for _ in range(2))
    (_, info), _ = many.reset(seed=3), other.reset(seed=3)
    rng = np.random.default_rng(1)
    for _ in range(12):
        act = decisions(rng, info, 2)
        seen, _, _, _, info = many.step(act)
        expected, _, _, _, there = other.step(act)
        for name, values in seen.items():
            assert np.array_equal(values, expected[name])
            values[:] = 1
        assert np.array_equal(info["equity"], there["equity"])
        for part in (info, info["account"], *(info[name] for name in TABLES)):
            for values in part.values():
                if isinstance(values, np.ndarray) and values.flags.writeable:
                    values[...] = np.zeros(1, values.dtype)
        info = there


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_of_lanes_goes_on_as_they_do(market: Any, copied: Callable[[Any], Any]) -> None:
    many: Any = gym.make_vec(PERPETUALS, num_envs=2, **options_of(market))
    _, info = many.reset(seed=1)
    *_, info = many.step(decisions(np.random.default_rng(2), info, 2))
    other, rng = copied(many), np.random.default_rng(3)
    for _ in range(9):
        act = decisions(rng, info, 2)
        seen, rewards, _, _, info = many.step(act)
        expected, theirs, *_ = other.step(act)
        assert np.array_equal(rewards, theirs)
        assert all(np.array_equal(values, expected[name]) for name, values in seen.items())


ZEROS = np.zeros((2, 3), np.int64)


@pytest.mark.parametrize(
    "given",
    [
        None, "hold", [{}], [{}, 3], {}, {"signal": ZEROS[:1]}, {"signal": ZEROS + 3},
        {"signal": ZEROS * 1.0}, {"signal": ZEROS, "size": ZEROS},
        {"signal": ZEROS, "quantity": [[1.0], [1.0, 2.0]]},
        {"signal": ZEROS, "quantity": np.full((2, 3), "1")},
    ],
)  # fmt: skip
def test_actions_that_are_none_change_nothing(market: Any, given: Any) -> None:
    many: Any = gym.make_vec(PERPETUALS, num_envs=2, **options_of(market))
    _, before = many.reset(seed=0)
    with pytest.raises(InvalidActionError, match="nothing was traded"):
        many.step(given)
    _, after = many.reset(options={"reset_mask": np.array([True, False])})
    assert before["time"][1] == after["time"][1] and before["equity"][1] == after["equity"][1]


def test_numbers_that_are_not_finite_reject_an_entry_and_are_nothing_to_others(market: Any) -> None:
    many: Any = gym.make_vec(PERPETUALS, num_envs=2, **options_of(market))
    _, info = many.reset(seed=0)
    act = buys(info)
    act["quantity"][0] = [np.inf, np.nan, 1.0]
    act["signal"][1] = 0
    act["quantity"][1] = np.inf
    *_, info = many.step(act)
    assert rows(info, "rejections", 0)[:2] == [("BTC", "number"), ("ETH", "missing")]
    assert not rows(info, "rejections", 1)


def test_texts_and_pictures_are_refused_and_so_is_no_number_of_lanes(market: Any) -> None:
    for wrong in ({"modalities": ["text"]}, {"render_mode": "ansi"}, {"num_envs": 0}):
        with pytest.raises(InvestorBenchError):
            gym.make_vec(PERPETUALS, **{"num_envs": 2, **options_of(market), **wrong})
