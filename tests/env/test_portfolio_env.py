"""The portfolio environment: weights and orders over several assets, on small and real markets."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env

from tests.env.test_portfolio_sessions import DECIDED

each_action = pytest.mark.parametrize("action", ["weights", "orders"])
each_split = pytest.mark.parametrize("split", ["warmup", "test"])


@each_action
@each_split
def test_every_universe_passes_the_check_of_gymnasium(action: str, split: str) -> None:
    for name in ("IB7", "R1", "SIM"):
        env = gym.make(
            f"InvestorBench/Portfolio-{name}",
            data="simulated",
            action=action,
            split=split,
            window=5,
        )
        check_env(env.unwrapped)


def test_the_golden_sequence_comes_out_of_the_environment_as_worked_out_by_hand(
    data_folder: Path,
) -> None:
    env: Any = gym.make(
        "InvestorBench/Portfolio", symbols=["AAPL", "MSFT", "JNJ"], action="orders",
        data=str(data_folder), start="2020-08-03", end="2021-02-26",
    )  # fmt: skip
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
