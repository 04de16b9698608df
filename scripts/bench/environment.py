"""Steps per second of the environments, as ratios to yardsticks measured in the same run.

Yardsticks: Gymnasium's CartPole-v1, an environment that does nothing but return a constant, and,
where it is installed, gym-anytrading's StocksEnv. Measurements of all contestants take turns, and
the best of each counts, so that a moment of load falls on all of them alike.
"""

import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

import investorbench_env  # noqa: F401

ROUNDS = 9
STOCK = "InvestorBench/Stock-SIM"
NUMERIC = ("bars", "account")
CONSTANT = "Constant-v0"
ANYTRADING = "gym-anytrading StocksEnv"

Measure = Callable[[float], float]
"""Seconds to spend, to seconds a step of one episode."""


class Constant(gym.Env[Any, Any]):
    """The least an environment can do."""

    observation_space = gym.spaces.Discrete(2)
    action_space = gym.spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return a constant."""
        return 0, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Return constants."""
        return 0, 0.0, False, False, {}


def scalar(env: gym.Env[Any, Any], actions: int) -> Measure:
    """Measure one episode at a time, with random actions that were drawn before."""
    chosen: list[int] = np.random.default_rng(0).integers(actions, size=10_000).tolist()
    env.reset(seed=0)

    def measure(seconds: float) -> float:
        steps = 0
        begin = time.perf_counter()
        while (spent := time.perf_counter() - begin) < seconds:
            for action in chosen:
                _, _, terminated, truncated, _ = env.step(action)
                if terminated or truncated:
                    env.reset()
            steps += len(chosen)
        return spent / steps

    return measure


def within_episodes(env: gym.Env[Any, Any], actions: int) -> Measure:
    """Measure steps as ``scalar`` does, the time of resets apart, which draw a market each."""
    chosen: list[int] = np.random.default_rng(0).integers(actions, size=10_000).tolist()
    env.reset(seed=0)

    def measure(seconds: float) -> float:
        steps, spent = 0, 0.0
        while spent < seconds:
            env.reset()
            # What is made at the first visit of a decision is made once for a pool.
            begin = time.perf_counter()
            for action in chosen:
                _, _, terminated, truncated, _ = env.step(action)
                steps += 1
                if terminated or truncated:
                    break
            spent += time.perf_counter() - begin
        return spent / steps

    return measure


def resets(env: gym.Env[Any, Any]) -> Measure:
    """Measure resets, each of which draws a market: seconds a reset."""

    def measure(seconds: float) -> float:
        count = 0
        begin = time.perf_counter()
        while (spent := time.perf_counter() - begin) < seconds or not count:
            env.reset()
            count += 1
        return spent / count

    return measure


def vectorised(env: gym.vector.VectorEnv[Any, Any, Any]) -> Measure:
    """Measure many episodes at a time; the time is that of one step of one of them.

    Whole episodes and their new starts, which may take longer than all of their steps.
    """
    steps: int = env.unwrapped.facts.steps + 1  # type: ignore[attr-defined]
    chosen = np.random.default_rng(0).integers(3, size=(steps, env.num_envs))
    env.reset(seed=0)

    def measure(seconds: float) -> float:
        steps = 0
        begin = time.perf_counter()
        while (spent := time.perf_counter() - begin) < seconds:
            for actions in chosen:
                env.step(actions)
            steps += chosen.size
        return spent / steps

    return measure


def anytrading() -> Measure | None:
    """gym-anytrading's StocksEnv with a window of 30, where it is installed."""
    try:
        import gym_anytrading  # noqa: F401
        from gym_anytrading.datasets import STOCKS_GOOGL
    except ImportError:
        return None
    frame = STOCKS_GOOGL
    env = gym.make("stocks-v0", df=frame, window_size=30, frame_bound=(30, len(frame)))
    with warnings.catch_warnings():  # it shows its observations uncopied; said at the first steps
        warnings.simplefilter("ignore")
        env.reset(seed=0)
        for _ in range(3):
            env.step(0)
    return scalar(env, 2)


def contestants() -> dict[str, Measure]:
    """The two of ours that have a target, and the yardsticks."""
    if CONSTANT not in gym.registry:
        gym.register(
            CONSTANT, lambda **_: Constant(), disable_env_checker=True, order_enforce=False
        )
    measures = {
        "CartPole-v1": scalar(gym.make("CartPole-v1"), 2),
        "constant environment": scalar(gym.make(CONSTANT), 2),
        "Stock-SIM, window 30, text": within_episodes(gym.make(STOCK, window=30, pool=16), 3),
        "Stock-SIM × 1,024, one market": vectorised(many(1024, window=20, markets="one")),
        "Stock-SIM × 1,024, pool 256": vectorised(many(1024, window=20, pool=256)),
        "Stock-SIM × 1,024, pool 1,024": vectorised(many(1024, window=20, pool=1024)),
        "Stock-SIM × 1,024, fresh": vectorised(many(1024, window=20)),
    }
    if (other := anytrading()) is not None:
        measures[ANYTRADING] = other
    return measures


def many(count: int, **options: Any) -> gym.vector.VectorEnv[Any, Any, Any]:
    """A vectorised environment with numeric observations."""
    return gym.make_vec(STOCK, num_envs=count, modalities=NUMERIC, **options)


def growth() -> dict[str, Measure]:
    """How cost grows with window, episode length and number of episodes."""
    measures: dict[str, Measure] = {}
    for window in (5, 30, 120):
        env = gym.make(STOCK, window=window, pool=16)
        measures[f"Stock-SIM, window {window}"] = within_episodes(env, 3)
    for length in (20, 500, 2000):
        dates: dict[str, Any] = {"start": "2016-01-04", "end": "2024-06-28"}
        env = gym.make(STOCK, episode_length=length, markets="one", **dates)
        measures[f"Stock-SIM, episodes of {length:,} steps"] = scalar(env, 3)
    for count in (1, 16, 256, 4096):
        measures[f"Stock-SIM × {count:,}, pool"] = vectorised(many(count, window=20, pool=256))
    return measures


def best_of(measures: dict[str, Measure], seconds: float, console: Console) -> dict[str, float]:
    """The least seconds a step of each, over rounds in which they take turns."""
    best = dict.fromkeys(measures, float("inf"))
    share = seconds / ROUNDS
    rounds = [name for _ in range(ROUNDS) for name in measures]
    for name in track(
        rounds, "measuring", console=console, transient=True, disable=not console.is_terminal
    ):
        best[name] = min(best[name], measures[name](share))
    return best


def report(seconds: float) -> None:
    """Measure everything and print it as steps a second and as ratios to the yardsticks."""
    console = Console()
    for title, measures in (
        ("Beside yardsticks", contestants()),
        ("How cost grows", {"CartPole-v1": scalar(gym.make("CartPole-v1"), 2), **growth()}),
    ):
        times = best_of(measures, seconds, console)
        console.print(
            f"[bold]{title}[/]; of Stock-SIM × N, N episodes are stepped at once, window 20"
        )
        console.print(_table(times), "")
    reset = min(resets(gym.make(STOCK))(seconds / ROUNDS) for _ in range(3))
    console.print(f"reset of Stock-SIM with a fresh market and its texts: {1000 * reset:.1f} ms")
    console.print(f"import investorbench_env: {import_ms():.0f} ms beyond gymnasium and numpy")


def import_ms() -> float:
    """What importing the environments costs a new interpreter that has Gymnasium already."""
    program = (
        "import gymnasium, numpy, time; begin = time.perf_counter(); import investorbench_env\n"
        "print(1000 * (time.perf_counter() - begin))"
    )
    command = [sys.executable, "-c", program]
    return min(
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(3)
    )


def _table(times: dict[str, float]) -> Table:
    yardsticks = {"CartPole": "CartPole-v1", "StocksEnv": ANYTRADING}
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("environment", overflow="fold")
    for name, key in yardsticks.items():
        if key in times:
            table.add_column(f"× {name}", justify="right", no_wrap=True, style="bold")
    for column in ("steps/s", "ns a step"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, step in times.items():
        ratios = [f"{times[key] / step:.2f}" for key in yardsticks.values() if key in times]
        table.add_row(name, *ratios, f"{1 / step:,.0f}", f"{step * 1e9:,.0f}")
    return table
