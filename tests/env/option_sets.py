"""Random sets of options, good and bad, and what an environment makes of them."""

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd

from investorbench_env.errors import InvestorBenchError
from tests.env.joint_markets import random_joint_market
from tests.env.perpetual_markets import random_perpetual_market
from tests.env.small_markets import random_market

MARKET = random_market(np.random.default_rng(1))
PORTFOLIO = random_joint_market(np.random.default_rng(4), ("A", "B"))
PERPETUALS = random_perpetual_market(
    np.random.default_rng(5), ("BTC", "ETH"), minutes=60, context=4, count=72
)
STEPS = 4
ODD = [
    None, True, False, 0, -1, 1, 7203, 10**30, -(10**400), 0.5, math.nan, math.inf, 1e308, "", " ",
    "NaN", "\0", "x" * 300, "../..", "~nobody/x", b"bytes", [], [1], ["news"], {}, {"a": 1}, (),
    {"news"}, object(), np.nan, np.int64(3), np.float32(2), np.bool_(True),
    np.array([1.0]), np.array(["bars"]), np.datetime64("NaT", "D"), np.datetime64("2020-01-05"),
    pd.NaT, pd.NA, pd.Timestamp("2020-01-06"), Decimal(3), Fraction(1, 3), 1j, "standard", "SIM",
]  # fmt: skip
"""Values that no option of most names takes."""
GOOD: dict[str, list[Any]] = {
    "symbol": ["TEST"],
    "asset_class": ["stock"],
    "universe": ["Stocks", "Stocks-SIM"],
    "split": ["test", "warmup"],
    "protocol": ["standard", "paper"],
    "data": [MARKET, MARKET, "simulated", "no-such-place"],
    "dates": [None, "day-first", "Europe/Berlin"],
    "data_tolerance": [0, 0.05, 1.0],
    "window": [1, 5, 1000, 10**12],
    "start": ["2020-01-02", date(2020, 1, 3), datetime(2020, 1, 4), np.datetime64("2020-01-02")],
    "end": ["2020-01-20", pd.Timestamp("2020-01-22"), date(2020, 1, 2), "2020-01-01"],
    "action": ["trade", "weight"],
    "reward": ["return", "log_return", "pnl", "expected", lambda before, after: after - before],
    "long_only": [True, False],
    "modalities": [None, ["bars"], ("account", "time"), {"news"}],
    "commission_bps": [None, 0, 3.5, 9_999],
    "slippage_bps": [None, 0.0, 2, 9_999.9],
    "cash_rate": [0, 0.04, 1.0, Fraction(1, 30)],
    "initial_cash": [1, 1e5, 1e15, Fraction(7, 3), 1e-9],
    "episode_length": [None, 1, 3, 1000],
    "markets": ["fresh", "train", "held_out", "one", [1, 2]],
    "pool": [None, 1, 8],
}


GOOD_OF_PORTFOLIOS: dict[str, list[Any]] = {
    **{name: values for name, values in GOOD.items() if name not in ("symbol", "long_only")},
    "data": [PORTFOLIO, PORTFOLIO, "simulated"],
    "symbols": [["A"], ("B", "A")],
    "universe": ["Stocks", None],
    "protocol": ["standard"],
    "action": ["weights", "orders"],
    "long_short": [True, False],
    "max_gross": [1, 0.5, 3.0],
    "borrow_bps": [0, 250.0],
    "strict": [True, False],
    "constraints": [None, {}, {"max_weight": 0.4, "whole_shares": True, "max_positions": 1}],
    "terms": ["standard", "lab", {"limit_fill": "through"}],
}


GOOD_OF_PERPETUALS: dict[str, list[Any]] = {
    **{name: values for name, values in GOOD.items() if name not in ("symbol", "long_only")},
    "data": [PERPETUALS, PERPETUALS, "simulated"],
    "asset_class": ["perpetual"],
    "symbols": [["BTC"], ("ETH", "BTC"), ["SIM-U"]],
    "universe": ["ARENA6", "Perpetuals-SIM", None],
    "start": ["2025-07-14", "2025-07-15", date(2025, 7, 15)],
    "end": ["2025-07-15", "2025-07-16", np.datetime64("2025-07-14")],
    "protocol": ["standard"],
    "action": ["signals"],
    "window": [1, 5, 100],
    "modalities": [None, ["features"], ("account", "text"), {"series"}],
    "cash_rate": [0, 0.0],
    "interval": ["1h", "1h", "3m"],
    "context": ["4h", None],
    "every": [1, 2, 10],
    "rules": ["season1", "monk", "situational", {"adding": True, "most_margin": 0.3}, {}],
    "venue": ["hyperliquid"],
    "margin": ["isolated", "cross"],
    "backstop": [True, False],
}
MARKETS_AND_OPTIONS = {
    "InvestorBench/Stock": (MARKET, GOOD, {"start": "2020-01-02", "end": "2020-01-20"}),
    "InvestorBench/Portfolio": (
        PORTFOLIO, GOOD_OF_PORTFOLIOS, {"start": "2020-01-02", "end": "2020-01-20"}
    ),
    "InvestorBench/Perpetuals": (
        PERPETUALS,
        GOOD_OF_PERPETUALS,
        {"start": "2025-07-14", "end": "2025-07-16", "interval": "1h", "context": "4h"},
    ),
}  # fmt: skip


def option_set(seed: int, id: str = "InvestorBench/Stock") -> dict[str, Any]:
    """Good options, of which some are odd, missing or of no such name."""
    market, good, usual = MARKETS_AND_OPTIONS[id]
    rng = np.random.default_rng(seed)

    def one(values: list[Any]) -> Any:
        return values[rng.integers(len(values))]

    given = {"data": market, **usual}
    for name in rng.permutation(sorted(good))[: rng.integers(1, 9)].tolist():
        given[name] = one(ODD) if rng.random() < 0.25 else one(good[name])
    if rng.random() < 0.02:
        given[str(one(["windw", "ticker", "seed"]))] = one(ODD)
    return given


def outcome(options: dict[str, Any], id: str = "InvestorBench/Stock", within_s: int = 10) -> str:
    """How an environment with these options fares: ``"refused"``, or ``"ran"`` with finite numbers.

    Raises:
        TimeoutError: it took longer.
        AssertionError: a number that an agent is shown is not finite.
        Exception: anything but an error of this package.
    """
    with _at_most(within_s):
        try:
            env = gym.make(id, **options)
            observation, info = env.reset(seed=0)
            env.action_space.seed(0)
            ended, steps = False, 0
            while not ended and steps < STEPS:
                _refuse_infinite(observation, info, 0.0)
                action = env.action_space.sample()
                observation, reward, terminated, truncated, info = env.step(action)
                _refuse_infinite(observation, info, reward)
                ended, steps = terminated or truncated, steps + 1
        except InvestorBenchError:
            return "refused"
    return "ran"


def _refuse_infinite(observation: Any, info: dict[str, Any], reward: Any) -> None:
    numbers = {
        **{name: value for name, value in observation.items() if isinstance(value, np.ndarray)},
        **{name: value for name, value in info.items() if isinstance(value, float)},
        "reward": reward,
    }
    for name, value in numbers.items():
        assert np.isfinite(value).all(), f"{name} is {value}"


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
