"""What a learner learns of markets it was not trained on: PPO on many simulated ones, and on one.

``python -m investorbench.scripts.bench.generalisation --seeds 5 --steps 200000`` trains agents of
Stable-Baselines3 by target weights on numbers, and prints their Sharpe ratios on markets that are
drawn as those of their training, and on held-out ones.
"""

import argparse
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from investorbench.scripts.bench.simulated_order import (
    FloatArray,
    MeanOverSeeds,
    sharpe,
)
from investorbench_env.wrappers import NumericVectorObservation

ID = "InvestorBench/Stock-SIM"
OPTIONS: dict[str, Any] = {"action": "weight", "window": 20, "autoreset_mode": "SAME_STEP"}
LANES, ROLLOUT, BATCH = 32, 128, 1024
"""Episodes side by side, their steps between two updates, and steps to a batch of an update."""
SCORED = 256
"""Markets on which an agent is scored."""
SCORED_FROM = 10_000_000
"""The first of their seeds, which no training has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Sharpe ratios of agents with different seeds, each a mean over markets [S].

    Attributes:
        markets: what they were trained on: ``"train"`` or ``"one"``.
        seen: on markets drawn as in training.
        held_out: on held-out ones.
    """

    markets: str
    seen: FloatArray
    held_out: FloatArray


def lanes(count: int, markets: str) -> NumericVectorObservation:
    """Episodes of the test split side by side, each with a market of its own where there are."""
    return NumericVectorObservation(gym.make_vec(ID, count, markets=markets, **OPTIONS))


def train(markets: str, seed: int, steps: int) -> Any:
    """An agent of Stable-Baselines3 with its statistics of observations and rewards."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecNormalize

    from investorbench_env.wrappers.stable_baselines import StableBaselinesVecEnv

    env = VecNormalize(StableBaselinesVecEnv(lanes(LANES, markets)))
    model = PPO("MlpPolicy", env, n_steps=ROLLOUT, batch_size=BATCH, seed=seed, device="cpu")
    return model.learn(steps)


def score(model: Any, markets: str, seed: int) -> float:
    """Mean Sharpe ratio over markets, one episode each, without exploring.

    Each agent has markets of its own, so that an interval over agents counts what markets add.
    """
    envs = lanes(1 if markets == "one" else SCORED, markets)
    normalised = model.get_vec_normalize_env()
    observation, _ = envs.reset(seed=SCORED_FROM + seed * SCORED)
    earned = []
    over = False
    while not over:
        action, _ = model.predict(normalised.normalize_obs(observation), deterministic=True)
        observation, rewards, terminated, truncated, _ = envs.step(action)
        earned.append(rewards)
        over = bool((terminated | truncated).any())
    return float(sharpe(np.array(earned).T).mean())


def trained(markets: str, seeds: int, steps: int) -> Trained:
    """Train and score agents."""
    from rich.console import Console
    from rich.progress import track

    each = track(
        range(seeds), f"Training on {markets}", transient=True, console=Console(stderr=True)
    )
    models = [train(markets, seed, steps) for seed in each]
    return Trained(
        markets=markets,
        seen=np.array([score(model, markets, seed) for seed, model in enumerate(models)]),
        held_out=np.array([score(model, "held_out", seed) for seed, model in enumerate(models)]),
    )


def report(found: list[Trained], steps: int) -> str:
    """The table, as text."""
    lines = [
        f"PPO, {steps:,} steps, {len(found[0].seen)} seeds, Sharpe ratio, mean [95 %]",
        f"  {'trained on':12}{'as trained':22}{'held out':22}gap",
    ]
    for each in found:
        columns = (each.seen, each.held_out, each.seen - each.held_out)
        cells = [_cell(values) for values in columns]
        lines.append(f"  {each.markets:12}{cells[0]:22}{cells[1]:22}{cells[2]}")
    return "\n".join(lines)


def _cell(values: FloatArray) -> str:
    """A mean with Student's interval: seeds are few."""
    from scipy.stats import t

    mean, count = float(values.mean()), len(values)
    if count == 1:
        return f"{mean:6.2f}"
    margin = float(t.ppf(0.975, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return str(MeanOverSeeds(mean=mean, low=mean - margin, high=mean + margin))


def main() -> None:
    """Run the experiment from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200_000)
    given = parser.parse_args()
    found = [trained(markets, given.seeds, given.steps) for markets in ("train", "one")]
    print(report(found, given.steps))


if __name__ == "__main__":
    main()
