"""What the vectorised environments have alike: N episodes, each in a lane, and how they begin."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from investorbench_env.envs.lane_arguments import (
    batched,
    mask_of,
    mode_of,
    require_lanes,
    seeds_of,
)
from investorbench_env.envs.lane_infos import Info, masked, of_each
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.lanes_tape import LanesTape
from investorbench_env.envs.split_setup import SplitSetup
from investorbench_env.envs.starts import UNKNOWN_SEED, shown_seed
from investorbench_env.facts import Facts
from investorbench_env.market.documents import Document

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Observation = dict[str, Array]


class LanesEnv(VectorEnv[Observation, Any, Array], ABC):
    """N episodes side by side, over arrays.

    Lane i of ``reset(seed=s)`` is the scalar environment of ``reset(seed=s + i)``.

    Args:
        setup: what options lead to.
        tape: the class of what holds the markets of all lanes.
        num_envs: N.
        autoreset_mode: what becomes of an episode that ended.
        render_mode: None; one episode at a time can be rendered.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": [],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        setup: SplitSetup,
        tape: type[LanesTape],
        num_envs: int,
        autoreset_mode: str | AutoresetMode,
        render_mode: str | None,
    ) -> None:
        require_lanes(num_envs, render_mode)
        self._setup = setup
        self._mode = mode_of(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self._mode}  # type: ignore[misc]
        self.num_envs = num_envs
        self.render_mode = None
        self.single_observation_space = setup.observation_space()
        self.single_action_space = setup.action_space()
        self.observation_space = batched(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._reward = setup.reward
        self._shows_account = "account" in setup.modalities
        self._lanes: Lanes[Any] = Lanes(
            setup, num_envs, partial(tape, setup), partial(tape.of_one, setup)
        )
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        self._any_ended = False

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        return self._setup.facts

    @property
    def np_random_seed(self) -> int | None:
        """The seed of ``np_random``; -1 where it would lead to the markets."""
        return UNKNOWN_SEED if self._setup.markets.name else super().np_random_seed

    def texts(self, info: Mapping[str, Any]) -> tuple[tuple[Document, ...], ...]:
        """The documents of each lane behind an info, as the scalar environment has them.

        Args:
            info: of a reset or a step of the episodes that are under way.

        Raises:
            InvestorBenchError: another episode has begun since.
        """
        return self._lanes.texts(info)

    def histories(self, info: Mapping[str, Any]) -> tuple[Any, ...]:
        """All that was known to each lane behind an info, as the scalar environment has it.

        Args:
            info: of a reset or a step of the episodes that are under way.

        Raises:
            InvestorBenchError: another episode has begun since.
        """
        return self._lanes.pasts(info)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, Info]:
        """Start new episodes.

        Args:
            seed: of the first lane, those after it having the next ones; or one for each lane.
                Without one a lane goes on from the seed that it had.
            options: with ``reset_mask`` bool [N], where only some lanes start again.

        Raises:
            InvestorBenchError: seeds or mask that are not one a lane; or a pool would change under
                lanes that go on.
            ResetNeeded: there is a mask, and there was no reset before.
        """
        which = mask_of(options, self.num_envs, self._lanes.started)
        seeds = seeds_of(seed, which, has_pool=self._setup.markets.pool is not None)
        super().reset(seed=shown_seed(seeds[0], self._setup.markets))
        self._lanes.seed(seeds)
        self._begin(which)
        self._any_ended = bool(self._ended.any())
        return self._observe(), self._report()

    @abstractmethod
    def _begin(self, which: Flags) -> None:
        """Begin some new episodes, with accounts that have not traded."""

    @abstractmethod
    def _observe(self) -> Observation:
        """What is observed where the lanes stand."""

    @abstractmethod
    def _report(self) -> Info:
        """The info of where the lanes stand."""

    def _final(self, observation: Observation, info: Info) -> Info:
        """What an info adds about the episodes that ended where others begin in their place."""
        ended = self._ended
        return {
            "final_obs": of_each(observation, ended),
            "final_info": masked(info, ended),
            "_final_obs": ended.copy(),
            "_final_info": ended.copy(),
        }
