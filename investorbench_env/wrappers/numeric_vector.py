"""Observations of many episodes as flat vectors of numbers: the twin of ``NumericObservation``."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from investorbench_env.wrappers.features import Array, Float32Array, features_of
from investorbench_env.wrappers.units import LIMIT


class NumericVectorObservation(VectorWrapper):
    """What ``NumericObservation`` shows of each lane, to the bit, float32 [N, F].

    Args:
        env: a vectorised environment that shows parts of the observation of one of ours.

    Raises:
        InvestorBenchError: the environment shows none of the modalities that there are features of.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        super().__init__(env)
        shown = getattr(env.single_observation_space, "spaces", {})
        self._features = features_of(shown, getattr(env.unwrapped, "facts", None), env)
        self.feature_names = self._features.names
        self.single_observation_space = gym.spaces.Box(
            -LIMIT, LIMIT, (len(self.feature_names),), np.float32
        )
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        self._first: Array
        self._ended = np.zeros(env.num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        everyone = np.ones(self.num_envs, dtype=np.bool_)
        which = (options or {}).get("reset_mask", everyone)
        if which.all():
            self._first = self._features.first(observation, self.num_envs)
        self._begin(observation, which)
        self._ended &= ~which
        return self._features.of(observation, self._first), info

    def step(self, actions: Any) -> tuple[Float32Array, Any, Any, Any, dict[str, Any]]:
        observation, rewards, terminated, truncated, info = self.env.step(actions)
        ended = terminated | truncated
        mode = self.metadata["autoreset_mode"]
        if mode is AutoresetMode.SAME_STEP and ended.any():
            info = {**info, "final_obs": self._final(info["final_obs"], ended)}
            self._begin(observation, ended)
        elif mode is AutoresetMode.NEXT_STEP and self._ended.any():
            self._begin(observation, self._ended)
        self._ended = ended
        features = self._features.of(observation, self._first)
        return features, rewards, terminated, truncated, info

    def _begin(self, observation: dict[str, Array], which: Array) -> None:
        """Measure the accounts of episodes that have just begun against this one."""
        fresh = self._features.first(observation, self.num_envs)
        self._first = np.where(which[:, None], fresh, self._first)

    def _final(self, observations: Array, ended: Array) -> Array:
        """The features of last observations, for the lanes that have one; None for the others."""
        found = np.full(len(ended), None, dtype=object)
        for lane in np.flatnonzero(ended).tolist():
            one = {name: value[None] for name, value in observations[lane].items()}
            found[lane] = self._features.of(one, self._first[lane, None])[0]
        return found
