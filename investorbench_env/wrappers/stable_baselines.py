"""A vectorised environment as the ``VecEnv`` that Stable-Baselines3 trains on."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from stable_baselines3.common.vec_env import VecEnv

from investorbench_env.errors import InvestorBenchError


class StableBaselinesVecEnv(VecEnv):  # type: ignore[misc, unused-ignore]
    """Lanes as Stable-Baselines3 wants them; an episode that ended begins again at the same step.

    Its last observation is in ``infos[lane]["terminal_observation"]``. The end of a split is no
    end of the world: ``infos[lane]["TimeLimit.truncated"]`` is True there, so that a learner
    bootstraps the value of what would have come.

    Args:
        envs: made with ``autoreset_mode="SAME_STEP"``, and wrapped so that it shows arrays, such as
            by ``NumericVectorObservation``.

    Raises:
        InvestorBenchError: it has another autoreset mode.
    """

    def __init__(self, envs: VectorEnv[Any, Any, Any]) -> None:
        if envs.metadata.get("autoreset_mode") is not AutoresetMode.SAME_STEP:
            raise InvestorBenchError(
                'Stable-Baselines3 resets at once: make_vec(..., autoreset_mode="SAME_STEP")'
            )
        self.envs = envs
        self._next_seed: int | None = None
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def reset(self) -> Any:
        observation, _ = self.envs.reset(seed=self._next_seed)
        self._next_seed = None
        return observation

    def seed(self, seed: int | None = None) -> list[int | None]:
        """Seeds for the lanes of the next reset."""
        self._next_seed = seed
        return [None if seed is None else seed + lane for lane in range(self.num_envs)]

    def step_async(self, actions: Any) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        observation, rewards, terminated, truncated, info = self.envs.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for lane in np.flatnonzero(terminated | truncated).tolist():
            infos[lane] = {
                "terminal_observation": info["final_obs"][lane],
                "TimeLimit.truncated": bool(truncated[lane]),
            }
        return observation, rewards.astype(np.float32), terminated | truncated, infos

    def close(self) -> None:
        self.envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        # A wrapper of vectorised environments hands nothing on.
        holder = self.envs if hasattr(self.envs, attr_name) else self.envs.unwrapped
        return [getattr(holder, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"{attr_name} of a lane cannot be set: they are one environment")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        raise AttributeError(f"no lane has a {method_name}() of its own: they are one environment")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]
