"""A portfolio as a Gymnasium environment: ids, seeds, copies, secrets, and the golden sequence."""

import copy
import pickle
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from investorbench_env import registration
from investorbench_env.envs.portfolio_setup import PortfolioSetup
from investorbench_env.errors import (
    UnknownNameError,
)
from investorbench_env.market import Market
from investorbench_env.market.joining import join
from investorbench_env.market.joint_history import JointHistory
from tests.env.joint_markets import random_joint_market
from tests.env.portfolios import each_action, portfolio
from tests.env.small_markets import date, random_market
from tests.env.test_no_future import canonical
from tests.env.test_portfolio_sessions import DECIDED
from tests.env.test_secrecy import handed_out, seeds_in


@cache
def market_of(id: str) -> Market:
    """A simulated market of a universe, made once."""
    return registration.market_of(id, seed=0, data="simulated")


each_split = pytest.mark.parametrize("split", ["warmup", "test"])


@each_action
@each_split
def test_every_universe_passes_the_check_of_gymnasium(action: str, split: str) -> None:
    ids = list(registration.FAMILIES["Portfolio"].ids())
    for id in ids if split == "test" else ids[-1:]:
        env = gym.make(id, data=market_of(id), action=action, split=split, window=5)
        check_env(env.unwrapped)


def three_stocks(data_folder: Path, **options: Any) -> Any:
    """The environment of the golden sequence, whose orders are decided in ``DECIDED``."""
    return gym.make(
        "InvestorBench/Portfolio", symbols=["AAPL", "MSFT", "JNJ"], action="orders",
        data=str(data_folder), start="2020-08-03", end="2021-02-26", **options,
    )  # fmt: skip


def test_without_costs_and_in_cents_the_golden_sequence_is_that_of_the_lab(
    data_folder: Path,
) -> None:
    for options in (
        {"terms": "lab"},
        {"terms": {"in_cents": True, "orders_first": True}, "commission_bps": 0, "slippage_bps": 0},
    ):
        env = three_stocks(data_folder, modalities=["account"], **options)
        _, info = env.reset()
        while info["session"] < "2021-02-26":
            orders = [order._asdict() for order in DECIDED.get(info["session"], [])]
            info = env.step(orders)[-1]
        assert info["equity"] == pytest.approx(103_144.6003, abs=1e-4) and info["costs"] == 0.0
        assert env.unwrapped.facts.cost_rate == 0.0


def test_the_golden_sequence_comes_out_of_the_environment_as_worked_out_by_hand(
    data_folder: Path,
) -> None:
    env = three_stocks(data_folder)
    _, info = env.reset()
    fills, rejected, paid, growth, ended = [], [], [], 1.0, False
    while not ended:
        orders = [order._asdict() for order in DECIDED.get(info["session"], [])]
        _, reward, terminated, truncated, info = env.step(orders)
        growth, ended = growth * (1.0 + reward), terminated or truncated
        day = info["session"]
        fills += [(day, each.symbol, each.quantity, round(each.price, 6)) for each in info["fills"]]
        rejected += [(day, each.order.symbol) for each in info["rejections"]]
        paid += [(each.symbol, each.cash) for each in info["distributions"] if each.cash]
    assert fills == [
        ("2020-08-04", "AAPL", 50, 436.748265),
        ("2020-08-04", "MSFT", 100, 212),
        ("2020-08-21", "AAPL", 10, 477.288513),
        ("2020-09-02", "AAPL", -100, 137.521201),
        ("2020-09-21", "AAPL", -140, 104.487731),
        ("2020-10-28", "JNJ", 100, 140),
        ("2020-10-29", "MSFT", -100, 203.967972),
    ]
    assert rejected == [("2020-10-02", "MSFT")]
    assert paid == [("AAPL", 41.0), ("MSFT", 51.0), ("JNJ", 101.0), ("JNJ", 101.0)]
    account = info["account"]
    assert account.cash == pytest.approx(87_205.607511, abs=1e-6)
    assert account.equity == pytest.approx(103_051.608211, abs=1e-6)
    assert account.costs == pytest.approx(55.293749, abs=1e-6)
    assert growth == pytest.approx(account.equity / 100_000.0, rel=1e-12)


def played(env: Any, seed: int | None, steps: int = 4) -> list[Any]:
    observation, info = env.reset(seed=seed)
    env.action_space.seed(7)
    seen = [canonical((observation, {**info, "history": None}))]
    for _ in range(steps):
        observation, reward, _, _, info = env.step(env.action_space.sample())
        seen.append(canonical((observation, reward, {**info, "history": None})))
    return seen


@each_action
def test_a_seed_fixes_everything_and_another_one_nothing(action: str) -> None:
    id, options = "InvestorBench/Portfolio-SIM", {"action": action, "episode_length": 8}
    env: Any = gym.make(id, **options)
    one, next_one = played(env, 5), played(env, None)
    assert one == played(env, 5) == played(gym.make(id, **options), 5)
    assert next_one == played(env, None) and one != next_one
    assert one != played(env, 6)


@each_action
def test_a_copy_goes_on_as_the_original_does(action: str) -> None:
    env: Any = gym.make("InvestorBench/Portfolio-SIM", action=action)
    env.reset(seed=1)
    env.action_space.seed(1)
    for _ in range(3):
        env.step(env.action_space.sample())
    action_taken = env.action_space.sample()
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env.unwrapped))]
    expected = env.step(action_taken)
    for other in copies:
        step = other.step(action_taken)
        for before, after in zip(expected[:4], step[:4], strict=True):
            assert canonical(before) == canonical(after)
        assert canonical(step[-1]["account"]) == canonical(expected[-1]["account"])


def test_nothing_public_of_a_portfolio_leads_to_its_market_or_seed() -> None:
    env: Any = gym.make("InvestorBench/Portfolio-SIM", window=5)
    observation, info = env.reset(seed=123_456_789)
    for _ in range(3):
        observation, *_, info = env.step(env.action_space.sample())
    values = list(handed_out(env, observation, {**info, "history": dict(info["history"])}))
    engine = (Market, JointHistory, PortfolioSetup)
    assert not [value for value in values if isinstance(value, engine)]
    assert 123_456_789 not in seeds_in(iter(values))
    assert not {"hidden_state", "market_seed"} & info.keys()
    assert env.unwrapped.np_random_seed == -1


def test_the_end_of_a_drawn_episode_names_its_market() -> None:
    env: Any = gym.make("InvestorBench/Portfolio-SIM", episode_length=2)
    env.reset(seed=5)
    env.step(env.action_space.sample())
    info = env.step(env.action_space.sample())[-1]
    assert info["market_seed"] == 5
    market = registration.market_of("InvestorBench/Portfolio-SIM", seed=5)
    np.testing.assert_array_equal(
        info["hidden_state"]["regime"], (market.hidden_state or {})["regime"]
    )


def test_a_past_of_each_asset_holds_its_own_bars_and_texts() -> None:
    market = random_joint_market(np.random.default_rng(2), ("A", "B", "C"))
    env = portfolio(market, symbols=["C", "A"])
    _, info = env.reset()
    while info["session"] < date(15):
        info = env.step([0.0, 0.0])[-1]
    row = market.sessions.tolist().index(np.datetime64(info["session"]).item())
    for symbol in ("C", "A"):
        past = info["history"][symbol]
        closes = market.bars[: row + 1, market.asset(symbol), 3]
        np.testing.assert_array_equal(past.bars(adjusted=False)["close"], closes)
        known = [each.id for each in market.until(row).documents() if each.symbol == symbol]
        assert [each.id for each in reversed(past.documents())] == known
    assert list(info["history"]) == ["C", "A"]
    with pytest.raises(UnknownNameError, match="unknown symbol 'B'"):
        info["history"]["B"]
    elsewhere = pickle.loads(pickle.dumps(info["history"]))
    assert elsewhere["A"].time == info["history"]["A"].time


@pytest.mark.parametrize("interval", ["3m", "4h", "1w"])
@each_action
def test_bars_of_any_length_make_a_portfolio(action: str, interval: str) -> None:
    rng = np.random.default_rng(5)
    parts = {
        symbol: replace(random_market(rng, interval=interval), symbols=(symbol,)) for symbol in "AB"
    }
    market = join(parts, "stock")
    start, end = (str(market.sessions[n]) for n in (6, -1))
    env: Any = gym.make(
        "InvestorBench/Portfolio", data=market, action=action, start=start, end=end, window=3
    )
    check_env(env.unwrapped)
    assert env.unwrapped.facts.interval == interval
