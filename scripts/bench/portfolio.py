"""What a step of a portfolio costs, one and 1,024 at once, beside yardsticks in the same run.

Yardsticks: Gymnasium's CartPole-v1 and, where it is installed, FinRL's StockTradingEnv.
"""

import time
import tracemalloc
from typing import Any

import gymnasium as gym
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from investorbench.scripts.bench.environment import Measure, best_of, scalar
from investorbench_env.market import Market
from investorbench_env.registration import market_of

PORTFOLIO = "InvestorBench/Portfolio"
ASSETS, MANY, WINDOW, LENGTH = 30, 1_024, 20, 100
CARTPOLE, FINRL = "CartPole-v1", "FinRL StockTradingEnv"
BARS, NONE = ("bars", "account"), ("account",)
TRIED = 12
"""Sets of weights that steps take in turn: how they are drawn is not measured."""


def market() -> Market:
    """One market of simulated stocks, with splits and dividends."""
    symbols = [f"S{number:02}" for number in range(1, ASSETS + 1)]
    return market_of(PORTFOLIO, 0, symbols=symbols, data="simulated", markets=[0])


def drawn(shape: tuple[int, ...]) -> Any:
    """Weights that leave some cash [..., A]."""
    weights = np.random.default_rng(0).dirichlet(np.ones(shape[-1] + 1), shape[:-1])
    return weights[..., :-1].astype(np.float32)


def stepped(env: Any, actions: Any, episodes: int) -> Measure:
    """Measure steps of one environment with actions that were drawn before, resets included."""
    env.reset(seed=0)

    def measure(seconds: float) -> float:
        steps, ended = 0, False
        begin = time.perf_counter()
        while (spent := time.perf_counter() - begin) < seconds or not steps:
            for action in actions:
                if ended:
                    env.reset()
                _, _, terminated, truncated, _ = env.step(action)
                # Many begin again by themselves.
                ended = episodes == 1 and (terminated or truncated)
            steps += len(actions) * episodes
        return spent / steps

    return measure


def many(given: Market, **options: Any) -> Any:
    """Portfolios side by side."""
    return gym.make_vec(PORTFOLIO, num_envs=MANY, data=given, window=WINDOW, **options)


def contestants(given: Market) -> dict[str, Measure]:
    """Ours, and the yardsticks."""
    alone = gym.make(PORTFOLIO, data=given, window=WINDOW, modalities=BARS)
    weights, one = drawn((TRIED, MANY, ASSETS)), drawn((1_000, ASSETS))
    named = {
        f"× {MANY:,}": many(given, modalities=BARS),
        f"× {MANY:,}, no windows": many(given, modalities=NONE),
        f"× {MANY:,}, random starts": many(given, modalities=BARS, episode_length=LENGTH),
        f"× {MANY:,}, no windows, random starts": many(
            given, modalities=NONE, episode_length=LENGTH
        ),
    }
    measures = {CARTPOLE: scalar(gym.make(CARTPOLE), 2), "one": stepped(alone, one, 1)}
    measures |= {name: stepped(env, weights, MANY) for name, env in named.items()}
    if (other := finrl(given)) is not None:
        measures[FINRL] = other
    return measures


def finrl(given: Market) -> Measure | None:
    """FinRL's environment on the same prices, without windows, where it is installed."""
    try:
        from finrl.meta.env_stock_trading.env_stocktrading import StockTradingEnv
    except ImportError:
        return None
    import pandas as pd

    close = given.bars[:, :, 3]
    rows = np.repeat(np.arange(len(close)), ASSETS)
    frame = pd.DataFrame(
        {
            "date": np.repeat(given.sessions.astype(str), ASSETS),
            "tic": list(given.symbols) * len(close),
            "close": close.ravel(),
            "indicator": 0.0,  # it takes at least one
        },
        index=rows,
    )
    env = StockTradingEnv(
        frame, ASSETS, 100, 100_000, [0] * ASSETS, [1e-3] * ASSETS, [1e-3] * ASSETS, 1e-4,
        1 + 3 * ASSETS, ASSETS, ["indicator"], print_verbosity=10**9,
    )  # fmt: skip
    return stepped(env, 2.0 * drawn((1_000, ASSETS)) - 0.02, 1)


def memory(given: Market) -> tuple[float, float, float]:
    """MB of the market, of what one step returns, and the most that lanes and a step hold."""
    weights = drawn((MANY, ASSETS))
    many(given, modalities=BARS)  # what is made once for all environments of a market
    tracemalloc.start()
    try:
        env = many(given, modalities=BARS)
        env.reset(seed=0)
        for _ in range(3):
            result = None  # an agent that is done with a step
            result = env.step(weights)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    returned = _bytes(result)
    own = sum(
        getattr(given, name).nbytes
        for name in ("bars", "adjusted_close", "dividends", "share_splits", "sessions", "times")
    )
    return own / 1e6, returned / 1e6, most / 1e6


def _bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, dict):
        return sum(_bytes(part) for part in value.values())
    return sum(map(_bytes, value)) if isinstance(value, list | tuple) else 0


def report(seconds: float) -> None:
    """Measure portfolios and print what each costs."""
    console, given = Console(), market()
    times = best_of(contestants(given), seconds, console)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("portfolios", overflow="fold")
    for name in ("× CartPole", "µs a step"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, step in times.items():
        table.add_row(name, f"{times[CARTPOLE] / step:.2f}", f"{step * 1e6:,.3f}")
    console.print(
        f"[bold]{ASSETS} assets by weights[/], windows of {WINDOW} × 5 fields; a step is that of "
        "one episode"
    )
    console.print(table)
    own, returned, most = memory(given)
    console.print(
        f"{MANY:,} at once: market {own:.1f} MB, a step returns {returned:.1f} MB, memory at most "
        f"{most:.1f} MB, {most / (own + returned):.2f} times both"
    )
