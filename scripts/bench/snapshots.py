"""What a snapshot costs: 1,024 at once beside CartPole in the same run, and one with its texts.

A step is one call for one of the lanes, as of all vectorised environments here; a snapshot takes
two, one that decides and one that begins the next. Rows name what their markets are drawn from.
"""

import time
from typing import Any

import gymnasium as gym
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from investorbench.agents.simulated.snapshots import SnapshotReader
from investorbench.scripts.bench.environment import Measure, best_of, scalar, vectorised
from investorbench.tasks.snapshots.scores import BPS, SnapshotDecisions, edge
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.market.simulated.conditional import conditional

SNAPSHOT, CARTPOLE = "InvestorBench/Snapshot-SIM", "CartPole-v1"
MANY, WINDOW, NUMERIC = 1_024, 20, ("bars", "account")
WITH_TEXT = 1_000


def many(**options: Any) -> gym.vector.VectorEnv[Any, Any, Any]:
    """Snapshots side by side, in numbers."""
    given = {"num_envs": MANY, "window": WINDOW, "modalities": NUMERIC}
    return gym.make_vec(SNAPSHOT, **{**given, **options})


def contestants() -> dict[str, Measure]:
    """The yardstick, and ours, by what their markets are drawn from."""
    measures = {CARTPOLE: scalar(gym.make(CARTPOLE), 2)}
    for options in ({"pool": MANY}, {}, {"pool": MANY, "markets": "train", "reward": "expected"}):
        env: Any = many(**options)
        rewards = "" if "reward" not in options else ", expected rewards"
        measures[f"× {MANY:,}, {env.unwrapped.facts.markets}{rewards}"] = vectorised(env)
    return measures


def play_texts(count: int, first: int = 0) -> SnapshotDecisions:
    """Let the word-list reader decide on snapshots with their texts, as an evaluator scores them.

    Args:
        count: of snapshots.
        first: the seed of the first.
    """
    env: Any = gym.make(SNAPSHOT)
    facts, reader = env.unwrapped.facts, SnapshotReader()
    rows = []
    for seed in range(first, first + count):
        observation, info = env.reset(seed=seed)
        reader.begin(facts, "test", seed)
        action = reader.act(observation, info)
        _, reward, *_, info = env.step(action)
        weight = action - 1.0
        state = {name: of[-1 - facts.horizon] for name, of in info["hidden_state"].items()}
        realised = (reward + facts.cost_rate * abs(weight)) / weight if weight else 0.0
        rows.append((weight, realised, *state.values()))
    weights, came, *states = np.array(rows).T
    known = conditional(
        dynamics_of(facts.symbol, facts.asset_class),
        dict(zip(state, states, strict=True)),
        facts.horizon,
    )
    return SnapshotDecisions(weights, known.mean, known.variance, came, facts.cost_rate, False)


def report(seconds: float) -> None:
    """Measure snapshots and print what each costs."""
    console = Console()
    times = best_of(contestants(), seconds, console)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("snapshots", overflow="fold")
    for name in ("× CartPole, a step", "a snapshot", "ns a snapshot"):
        table.add_column(name, justify="right", no_wrap=True)
    cartpole = times.pop(CARTPOLE)
    for name, step in times.items():
        ratios = (f"{cartpole / step:,.2f}", f"{cartpole / (2 * step):,.2f}")
        table.add_row(name, *ratios, f"{2e9 * step:,.0f}")
    console.print(f"[bold]one decision an episode[/], numbers of {WINDOW} bars")
    console.print(table)
    begin = time.perf_counter()
    decisions = play_texts(WITH_TEXT)
    took = time.perf_counter() - begin
    console.print(
        f"{WITH_TEXT:,} with their texts, read by the word-list reader and scored: {took:.1f} s\n"
        f"its edge: {edge(decisions).mean() * BPS:.1f} basis points a decision"
    )
