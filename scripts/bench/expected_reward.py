"""Does a reward without luck teach faster, and does an evaluation give its secret away?

``python -m investorbench.scripts.bench.expected_reward --seeds 5 --steps 50000 100000 200000``
trains agents of Stable-Baselines3 by target weights on numbers, with the reward that came and with
the one that was expected, and prints their skill on markets that none was trained on. Then it lets
an agent read the drift from its rewards.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from investorbench.agents.simulated.filter import Filter
from investorbench.scripts.bench.generalisation import (
    BATCH,
    ID,
    LANES,
    OPTIONS,
    ROLLOUT,
    SCORED,
    SCORED_FROM,
)
from investorbench.scripts.bench.simulated_order import FloatArray, MeanOverSeeds, mean_over_seeds
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.whole_files import write_atomically
from investorbench_env.wrappers import NumericVectorObservation

REWARDS = ("return", "expected")
BPS = 1e4
DRAWS = 10_000
"""Resamples of the seeds behind an interval."""
FILTERED = 48
"""Markets on which the filter is scored, which reads every text."""

Policy = Callable[[Any, FloatArray, dict[str, Any]], FloatArray]
"""Weights [N, 1] from observations, the rewards of the step before, and infos."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillBars:
    """What skill lies between, in basis points expected a decision.

    Attributes:
        constant: the best constant weight, or nothing at all.
        filter: the agent that knows the law and infers the state.
    """

    constant: float
    filter: float

    def skill(self, edge: FloatArray) -> FloatArray:
        """0 for the constant, 1 for the filter."""
        return (edge - self.constant) / (self.filter - self.constant)


def lanes(count: int, reward: str) -> NumericVectorObservation:
    """Episodes of the test split side by side, on markets to train on."""
    return NumericVectorObservation(
        gym.make_vec(ID, count, markets="train", reward=reward, **OPTIONS)
    )


def edges(policy: Policy, shown: str = "return", first: int = SCORED_FROM) -> FloatArray:
    """The mean expected return of a policy on each market, in basis points a decision [N].

    The same episode is played twice, step by step: one gives the agent its rewards, the other
    scores it.

    Args:
        policy: chooses the weights.
        shown: the reward that it is shown.
        first: the first of the seeds, of which training has none.
    """
    own, scored = lanes(SCORED, shown), lanes(SCORED, "expected")
    observation, info = own.reset(seed=first)
    scored.reset(seed=first)
    rewards, total, steps, over = np.zeros(SCORED), np.zeros(SCORED), 0, False
    while not over:
        weights = policy(observation, rewards, info)
        observation, rewards, terminated, truncated, info = own.step(weights)
        total += scored.step(weights)[1]
        steps += 1
        over = bool((terminated | truncated).any())
    return BPS * total / steps


def train(reward: str, seed: int, steps: Sequence[int]) -> list[float]:
    """Mean edges of an agent after so many steps each, ascending."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecNormalize

    from investorbench_env.wrappers.stable_baselines import StableBaselinesVecEnv

    env = VecNormalize(StableBaselinesVecEnv(lanes(LANES, reward)))
    model = PPO("MlpPolicy", env, n_steps=ROLLOUT, batch_size=BATCH, seed=seed, device="cpu")

    def chosen(observation: Any, rewards: FloatArray, info: dict[str, Any]) -> Any:
        return model.predict(env.normalize_obs(observation), deterministic=True)[0]

    found: list[float] = []
    for more in np.diff([0, *steps]).tolist():
        model.learn(more, reset_num_timesteps=not found)
        found.append(float(edges(chosen, first=SCORED_FROM + seed * SCORED).mean()))
    return found


def bars() -> SkillBars:
    """What skill lies between, on the markets on which agents are scored."""
    held = edges(lambda observation, rewards, info: np.ones((SCORED, 1)))
    env = gym.make(ID, markets="train", reward="expected")
    filtered = [_filtered(env, SCORED_FROM + number) for number in range(FILTERED)]
    return SkillBars(constant=max(float(held.mean()), 0.0), filter=float(np.mean(filtered)))


def _filtered(env: gym.Env[Any, Any], seed: int) -> float:
    agent = Filter(dynamics_of(), seed=seed)
    observation, info = env.reset(seed=seed)
    rewards, over = [], False
    while not over:
        observation, reward, terminated, truncated, info = env.step(agent.act(observation, info))
        rewards.append(float(reward))
        over = terminated or truncated
    return BPS * float(np.mean(rewards))


class DriftReader:
    """Takes what a weight of 1 would have been rewarded with for the drift, and follows its sign.

    Args:
        count: N.
    """

    def __init__(self, count: int) -> None:
        self._weights = np.ones((count, 1))

    def __call__(self, observation: Any, rewards: FloatArray, info: dict[str, Any]) -> FloatArray:
        """The side on which the last session paid, costs apart."""
        paid = (rewards + info["cost"] / info["equity"])[:, None] * self._weights
        self._weights = np.where(paid < 0, -1.0, 1.0)
        return self._weights


def reading() -> dict[str, FloatArray]:
    """Edges of an agent that reads its rewards [N], by which they are."""
    return {shown: edges(DriftReader(SCORED), shown) for shown in REWARDS}


def interquartile_mean(values: FloatArray) -> MeanOverSeeds:
    """The mean of the middle half of runs, and its bootstrap interval of 95 %.

    Of five runs the lowest and the highest are left out (Agarwal et al., 2021, "Deep reinforcement
    learning at the edge of the statistical precipice").
    """
    count = len(values)
    cut = count // 4
    rng = np.random.default_rng(0)
    drawn = np.sort(values[rng.integers(0, count, (DRAWS, count))], axis=1)
    low, high = np.quantile(drawn[:, cut : count - cut].mean(axis=1), [0.025, 0.975])
    middle = float(np.sort(values)[cut : count - cut].mean())
    return MeanOverSeeds(mean=middle, low=float(low), high=float(high))


def report(
    steps: Sequence[int],
    found: dict[str, FloatArray],
    between: SkillBars,
    read: dict[str, FloatArray],
) -> str:
    """Both tables, as text."""
    seeds = len(found["return"])
    lines = [
        f"PPO on {ID.rpartition('/')[2]}, target weights, {seeds} seeds, skill on markets it was "
        "not trained on, interquartile mean [95 %]",
        f"0 is the best constant weight, {between.constant:.1f} bps a decision; 1 the filter, "
        f"{between.filter:.1f} bps",
        f"  {'steps':>8}  " + "  ".join(f"{f'reward={name!r}':22}" for name in REWARDS),
    ]
    for place, count in enumerate(steps):
        cells = [interquartile_mean(between.skill(found[name][:, place])) for name in REWARDS]
        lines.append(f"  {count:8,}  " + "  ".join(f"{cell!s:22}" for cell in cells))
    lines.append("an agent that takes its last reward for the drift, bps expected a decision")
    lines += [f"  shown {name!r:11}{mean_over_seeds(read[name])}" for name in REWARDS]
    return "\n".join(lines)


def draw(
    steps: Sequence[int], found: dict[str, FloatArray], between: SkillBars, path: Path
) -> None:
    """Both curves of skill over steps, with their intervals, as a picture."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for name, marker in zip(REWARDS, "os", strict=True):
        means = [interquartile_mean(values) for values in between.skill(found[name]).T]
        ends = [each.low for each in means], [each.high for each in means]
        (line,) = axes.plot(steps, [each.mean for each in means], f"{marker}-", label=f'"{name}"')
        axes.fill_between(steps, *ends, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.axhline(0.0, color="grey", linewidth=0.8, label="best constant weight")
    axes.set(xlabel="steps", ylabel="skill, 1 being the filter", xticks=steps)
    axes.set_xticklabels([f"{count:,}" for count in steps])
    axes.legend(title="reward=", frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, nargs="+", default=[50_000, 100_000, 200_000])
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--picture", type=Path, help="where to draw them")
    given = parser.parse_args()
    between, read = bars(), reading()
    trained: dict[str, list[list[float]]] = {name: [] for name in REWARDS}
    # In pairs, so that what a stopped study has printed compares as many of each.
    for seed in range(given.seeds):
        for name in REWARDS:
            trained[name].append(train(name, seed, given.steps))
            print(f"reward={name!r}, seed {seed}: {trained[name][-1]}", file=sys.stderr)
    if given.json:
        means = {name: float(values.mean()) for name, values in read.items()}
        figures = {"steps": given.steps, "edges": trained, "bars": asdict(between), "read": means}
        write_atomically(given.json, json.dumps(figures, indent=1))
    found = {name: np.array(values) for name, values in trained.items()}
    if given.picture:
        draw(given.steps, found, between, given.picture)
    print(report(given.steps, found, between, read))


if __name__ == "__main__":
    main()
