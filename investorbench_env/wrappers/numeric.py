"""Observations as one flat vector of numbers around 1, for learners such as Stable-Baselines3."""

from typing import Any

import gymnasium as gym
import numpy as np

from investorbench_env.wrappers.features import Float32Array, features_of
from investorbench_env.wrappers.units import LIMIT


class NumericObservation(
    gym.ObservationWrapper[Float32Array, Any, dict[str, Any]], gym.utils.RecordConstructorArgs
):
    """A flat float32 ``Box`` of finite numbers that no scale of prices or cash changes.

    In order, each part only where the environment shows its modality; ``feature_names`` has all:

    ``bars``: for each bar of the window, oldest first, the logarithms of open, high, low and close
    relative to the last close in units of 0.1 for daily bars (times the square root of their length
    in days for others), then the logarithm of volume relative to its mean over the window; 0 where
    unknown. Then the mask: 1 where a bar is known.

    ``account``: weight, cash / equity, ln(equity / first equity), unrealised profit / equity, and
    the share of the episode's steps that is left.

    ``sentiment``: ln(1 + number) of positive, neutral and negative news since the last decision.

    Of a portfolio, ``bars`` has the numbers of each asset one after the other, then their masks;
    ``account`` has cash / equity, ln(equity / first equity), the share of steps that is left, then
    for each asset its weight, then unrealised profit / equity, then whether it can be bought.

    Of perpetuals, ``features`` has for each coin its indicators relative to its price, volumes
    relative to their averages, funding, and of the position its levels relative to the mark and its
    amounts as shares of equity; ``series`` has the last bars in the same units, and ``account``
    shares of equity.

    Every number is cut to -10 to 10. Texts and the date are left out.

    Args:
        env: an environment that shows parts of the observation of one of ours, wrapped or not.

    Raises:
        InvestorBenchError: the environment shows none of these modalities.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        gym.utils.RecordConstructorArgs.__init__(self)
        super().__init__(env)
        shown = getattr(env.observation_space, "spaces", {})
        self._features = features_of(shown, getattr(env.unwrapped, "facts", None), env)
        self.feature_names = self._features.names
        self.observation_space = gym.spaces.Box(
            -LIMIT, LIMIT, (len(self.feature_names),), np.float32
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        observation: Any  # what the inner environment shows
        observation, info = self.env.reset(seed=seed, options=options)
        self._first = self._features.first(_one(observation), 1)
        return self.observation(observation), info

    def observation(self, observation: dict[str, Any]) -> Float32Array:
        """The features of one observation."""
        features: Float32Array = self._features.of(_one(observation), self._first)[0]
        return features


def _one(observation: dict[str, Any]) -> dict[str, Any]:
    """The arrays of an observation, with an axis for it alone."""
    return {
        name: value[None] for name, value in observation.items() if isinstance(value, np.ndarray)
    }
