"""Many portfolios at once are, to the bit, what each of them is alone."""

import copy
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from investorbench_env.errors import InvalidActionError, InvestorBenchError
from investorbench_env.market import Market
from tests.env.joint_markets import random_joint_market

PORTFOLIO = "InvestorBench/Portfolio"
FIRST, LAST = "2020-01-05", "2020-01-22"
COSTS = {"commission_bps": 30.0, "slippage_bps": 20.0}


def options_of(seed: int, **more: Any) -> dict[str, Any]:
    """A random market in which one asset begins late and another ends early."""
    rng = np.random.default_rng(seed)
    market = random_joint_market(rng, tuple("ABCD"))
    if seed % 2:
        market = without_bars(market, 1, slice(0, int(rng.integers(1, 9))))
        market = without_bars(market, 2, slice(int(rng.integers(12, 23)), None))
    return {"data": market, "start": FIRST, "end": LAST, "window": 6, **COSTS, **more}


def without_bars(market: Market, asset: int, sessions: slice) -> Market:
    """The same, but for an asset that does not trade in some sessions."""
    bars, adjusted = market.bars.copy(), market.adjusted_close.copy()
    bars[sessions, asset], adjusted[sessions, asset] = np.nan, np.nan
    return replace(market, bars=bars, adjusted_close=adjusted)


def weights_of(rng: np.random.Generator, least: float, assets: int) -> Any:
    """Weights, often of few assets, sometimes of too much."""
    some = rng.uniform(least, 1.0, assets) * (rng.random(assets) < 0.6)
    return (some / max(np.abs(some).sum(), 1e-9) * rng.uniform(0.2, 1.3)).clip(least, 1.0)


def orders_of(env: Any) -> Any:
    return env.single_action_space.sample()


def names_of(info: Any, lane: int, key: str, symbols: Sequence[str]) -> Any:
    """What an info of lanes has for one, as that of a single portfolio says it."""
    if not info.get(f"_{key}", np.zeros(lane + 1, bool))[lane]:
        return None
    found = info[key]
    if isinstance(found, np.ndarray) and found.dtype == bool:
        return tuple(np.array(symbols)[found[lane]].tolist())
    return found[lane] if isinstance(found, np.ndarray) else found


def same_account(info: Any, lane: int, alone: Any) -> None:
    account, symbols = info["account"], alone["symbols"]
    assert tuple(info["symbols"][lane].tolist()) == symbols
    for name in ("cash", "equity", "costs"):
        assert info[name][lane] == account[name][lane] == alone[name]
    held = {position.symbol: position for position in alone["account"].positions}
    columns = {
        "quantities": "quantity", "entry_prices": "entry_price", "prices": "price",
        "weights": "weight", "unrealised_pnl": "unrealised_pnl",
    }  # fmt: skip
    for asset, symbol in enumerate(symbols):
        row = {one: account[many][lane, asset] for many, one in columns.items()}
        if symbol in held:
            assert row == {one: getattr(held[symbol], one) for one in columns.values()}
        else:
            assert row["quantity"] == row["weight"] == row["unrealised_pnl"] == 0.0


def same_events(info: Any, lane: int, alone: Any) -> None:
    """Fills, rejections and distributions of target weights."""
    symbols, fills = alone["symbols"], info["fills"]
    expected = {fill.symbol: fill for fill in alone["fills"]}
    for asset, symbol in enumerate(symbols):
        if fills["notional"][lane, asset] and fills["quantity"][lane, asset]:
            assert expected.pop(symbol)[1:] == tuple(
                fills[name][lane, asset] for name in ("quantity", "price", "notional", "cost")
            )
    assert not expected
    rejected = {each.order.symbol for each in alone["rejections"]}
    assert set(names_of(info, lane, "rejections", symbols)) == rejected, alone["rejections"]
    assert names_of(info, lane, "stale", symbols) == alone["stale"]
    assert names_of(info, lane, "scaled", symbols) == alone["scaled"]
    paid = {each.symbol: (each.cash, each.ratio) for each in alone["distributions"]}
    if names_of(info, lane, "distributions", symbols) is None:
        assert not paid
        return
    got = info["distributions"]
    for asset, symbol in enumerate(symbols):
        found = got["cash"][lane, asset], got["ratio"][lane, asset]
        assert found == paid.get(symbol, (0.0, 1.0))


def same_view(observation: Any, info: Any, lane: int, seen: Any, alone: Any) -> None:
    for name, values in observation.items():
        assert values.dtype == seen[name].dtype
        assert np.array_equal(values[lane], seen[name]), name
    assert str(info["session"][lane]) == alone["session"]
    same_account(info, lane, alone)
    if "label" in alone:
        assert np.array_equal(info["label"][lane], alone["label"])


WAYS: list[dict[str, Any]] = [
    {},
    {"strict": True, "cash_rate": 0.05},
    {"long_short": True, "max_gross": 1.5, "borrow_bps": 300.0, "cash_rate": 0.1},
    {"episode_length": 5, "modalities": ["bars", "account"]},
    {"data": "simulated", "symbols": ["AAPL", "MSFT", "JNJ", "UVV"], "pool": 2},
    {"data": "simulated", "symbols": ["AAPL", "MSFT", "JNJ", "UVV"], "episode_length": 4},
]


@pytest.mark.parametrize(
    ("way", "seed"),
    [(way, seed) for way in WAYS for seed in (1, 14) if seed == 1 or "data" not in way],
)
def test_weights_of_many_do_to_the_bit_what_those_of_one_do(way: dict[str, Any], seed: int) -> None:
    lanes, rng = 3, np.random.default_rng([seed, 7])
    options = {**options_of(seed), **way}
    if options["data"] == "simulated":
        options |= {"start": "2020-10-01", "end": "2020-10-20"}
    many: Any = gym.make_vec(PORTFOLIO, num_envs=lanes, **options)
    least = many.single_action_space.low.item(0)
    # A pool of lanes follows from the seed of the first.
    seeds = [seed if way.get("pool") else seed + lane for lane in range(lanes)]
    singles: list[Any] = [gym.make(PORTFOLIO, **options) for _ in range(lanes)]
    observation, info = many.reset(seed=seed)
    alone = [env.reset(seed=own) for env, own in zip(singles, seeds, strict=True)]
    ended = np.zeros(lanes, bool)
    lanes_shown = range(1 if way.get("pool") else lanes)
    for _ in range(24):
        for lane in lanes_shown:
            same_view(observation, info, lane, *alone[lane])
        actions = np.stack([weights_of(rng, least, 4) for _ in range(lanes)])
        actions = actions.astype(np.float32) if seed else actions
        observation, rewards, terminated, truncated, info = many.step(actions)
        for lane in lanes_shown:
            if ended[lane]:
                alone[lane] = singles[lane].reset()
                assert rewards[lane] == 0.0
                continue
            seen, reward, *over, own = singles[lane].step(actions[lane])
            assert (rewards[lane], terminated[lane], truncated[lane]) == (reward, *over)
            same_events(info, lane, own)
            alone[lane] = seen, own
        ended = terminated | truncated


@pytest.mark.parametrize("seed", [2, 3])
def test_orders_of_many_do_to_the_bit_what_those_of_one_do(seed: int) -> None:
    options = options_of(seed, action="orders", constraints={"max_weight": 0.6})
    many: Any = gym.make_vec(PORTFOLIO, num_envs=2, **options)
    singles: list[Any] = [gym.make(PORTFOLIO, **options) for _ in range(2)]
    observation, info = many.reset(seed=seed)
    alone = [env.reset(seed=seed + lane) for lane, env in enumerate(singles)]
    many.single_action_space.seed(seed)
    ended, filled = np.zeros(2, bool), 0
    for _ in range(30):
        for lane in range(2):
            same_view(observation, info, lane, *alone[lane])
        actions = [orders_of(many) for _ in range(2)]
        observation, rewards, terminated, truncated, info = many.step(actions)
        for lane in range(2):
            if ended[lane]:
                alone[lane] = singles[lane].reset()
                continue
            seen, reward, *_, own = singles[lane].step(actions[lane])
            assert rewards[lane] == reward
            for name in ("fills", "rejections", "distributions", "open_orders"):
                assert info[name][lane] == own[name]
            filled += len(own["fills"])
            alone[lane] = seen, own
        ended = terminated | truncated
    assert filled


def test_texts_and_histories_of_a_step_are_those_of_each_lane() -> None:
    options = {
        "symbols": ["AAPL", "JNJ"], "data": "simulated", "start": "2020-10-01",
        "end": "2020-10-09", "window": 3,
    }  # fmt: skip
    many: Any = gym.make_vec(PORTFOLIO, num_envs=2, **options)
    _, info = many.reset(seed=5)
    alone: Any = gym.make(PORTFOLIO, **options)
    _, own = alone.reset(seed=6)
    assert many.texts(info)[1] == own["documents"]
    _, *_, info = many.step(np.zeros((2, 2)))
    *_, own = alone.step(np.zeros(2))
    assert many.texts(info)[1] == own["documents"]
    assert many.histories(info)[1]["JNJ"] == own["history"]["JNJ"]


@pytest.mark.parametrize("action", ["weights", "orders"])
@pytest.mark.parametrize("mode", ["SAME_STEP", "DISABLED"])
def test_episodes_that_end_begin_again_as_the_mode_says(action: str, mode: str) -> None:
    options = options_of(1, action=action, episode_length=2)
    many: Any = gym.make_vec(PORTFOLIO, num_envs=2, autoreset_mode=mode, **options)
    held = [{"symbol": "A", "side": "buy", "quantity": 1}]
    act = np.full((2, 4), 0.2) if action == "weights" else [held, held]
    many.reset(seed=1)
    many.step(act)
    _, _, _, truncated, info = many.step(act)
    assert truncated.all()
    if mode == "SAME_STEP":
        assert info["final_info"]["equity"].tolist() != [100_000.0] * 2
        assert info["equity"].tolist() == [100_000.0] * 2
        assert info["final_obs"][0]["holdings"].any() and not info["account"]["quantities"].any()
        return
    with pytest.raises(ResetNeeded, match="2 episode"):
        many.step(act)
    observation, info = many.reset(options={"reset_mask": np.array([True, False])})
    assert info["equity"][0] == 100_000.0 != info["equity"][1]
    assert observation["holdings"][1].any() and not observation["holdings"][0].any()


def test_nothing_that_a_reader_writes_into_comes_back() -> None:
    options = options_of(1)
    many, other = (gym.make_vec(PORTFOLIO, num_envs=2, **options) for _ in range(2))
    for env in (many, other):
        env.reset(seed=3)
    for step in range(6):
        actions = np.full((2, 4), 0.2 if step % 2 else 0.05)
        observation, *_, info = many.step(actions)
        expected, *_, there = other.step(actions)
        for name, values in observation.items():
            assert np.array_equal(values, expected[name])
            values[:] = 1
        assert np.array_equal(info["equity"], there["equity"])
        for part in (info, info["account"], info["fills"], info.get("distributions", {})):
            for values in part.values():
                if isinstance(values, np.ndarray) and values.flags.writeable:
                    values[...] = np.zeros(1, values.dtype)
    masked = {"reset_mask": np.array([True, False])}
    seen, expected = many.reset(options=masked)[0], other.reset(options=masked)[0]
    assert all(np.array_equal(values, expected[name]) for name, values in seen.items())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("action", ["weights", "orders"])
def test_a_copy_of_lanes_goes_on_as_they_do(copied: Callable[[Any], Any], action: str) -> None:
    many: Any = gym.make_vec(PORTFOLIO, num_envs=2, **options_of(1, action=action))
    held = [{"symbol": "A", "side": "buy", "quantity": 1}]
    act: Any = np.full((2, 4), 0.2) if action == "weights" else [held, held]
    many.reset(seed=1)
    many.step(act)
    other = copied(many)
    for _ in range(20):
        seen, rewards, *_ = many.step(act)
        expected, theirs, *_ = other.step(act)
        assert np.array_equal(rewards, theirs)
        assert all(np.array_equal(values, expected[name]) for name, values in seen.items())


@pytest.mark.parametrize(
    ("action", "given", "words"),
    [
        ("weights", np.full((2, 3), 0.1), "no 2 x 4 weights"),
        ("weights", np.full((2, 4), 1.1), "from 0 to 1"),
        ("weights", np.full((2, 4), np.nan), "nothing was traded"),
        ("weights", [[0.1] * 4, "none"], "nothing was traded"),
        ("weights", None, "nothing was traded"),
        ("orders", [[]], "no 2 lists of orders"),
        ("orders", [[], 3], "no list of orders"),
    ],
)
def test_actions_that_are_none_change_nothing(action: str, given: Any, words: str) -> None:
    many: Any = gym.make_vec(PORTFOLIO, num_envs=2, **options_of(0, action=action))
    _, before = many.reset(seed=0)
    with pytest.raises(InvalidActionError, match=words):
        many.step(given)
    _, after = many.reset(options={"reset_mask": np.array([True, False])})
    assert before["time"][1] == after["time"][1] and before["equity"][1] == after["equity"][1]


def test_texts_and_pictures_are_refused_and_so_is_no_number_of_lanes() -> None:
    for wrong in ({"modalities": ["news"]}, {"render_mode": "ansi"}, {"num_envs": 0}):
        with pytest.raises(InvestorBenchError):
            gym.make_vec(PORTFOLIO, **{"num_envs": 2, **options_of(0), **wrong})
