"""Many snapshots at once: the vectorised twin of ``SnapshotEnv``."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.account import Amounts, TradeAmounts
from investorbench_env.envs.lane_arguments import without_text
from investorbench_env.envs.lane_infos import Info, LaneInfos
from investorbench_env.envs.lanes_tape import LanesTape
from investorbench_env.envs.setup import Setup
from investorbench_env.envs.single_asset_vector import Array, Observation, SingleAssetVectorEnv
from investorbench_env.envs.snapshot_options import SnapshotOptions
from investorbench_env.envs.snapshot_setup import SnapshotSetup, prepare_snapshots
from investorbench_env.envs.snapshot_tape import SnapshotTape


class SnapshotLaneInfos(LaneInfos):
    """Infos of lanes that may each be of another asset."""

    def report(
        self,
        amounts: Amounts,
        trade: TradeAmounts | None,
        ended: npt.NDArray[np.bool_],
        held: npt.NDArray[Any] | None = None,
    ) -> Info:
        """The info of a step, see ``LaneInfos``."""
        info = super().report(amounts, trade, ended, held)
        if len(cast(SnapshotSetup, self._setup).markets.symbols) > 1:
            info["symbol"] = self._lanes.tape.symbols.take(self._lanes.paths)
        return info


class SnapshotVectorEnv(SingleAssetVectorEnv):
    """N snapshots side by side; see :class:`~investorbench_env.envs.snapshot.SnapshotEnv`.

    Lanes, infos and arguments are those of
    :class:`~investorbench_env.envs.single_asset_vector.SingleAssetVectorEnv`. Under
    ``AutoresetMode.SAME_STEP`` each step is a decision.
    """

    INFOS = SnapshotLaneInfos

    def step(self, actions: Array) -> tuple[Observation, Array, Array, Array, Info]:
        """Hold positions over their horizons, which ends all episodes as terminated.

        Raises:
            InvalidActionError: an action is not in the action space; nothing has changed.
            ResetNeeded: see ``SingleAssetVectorEnv``.
        """
        observation, rewards, terminated, truncated, info = super().step(actions)
        return observation, rewards, terminated | truncated, np.zeros_like(truncated), info

    @staticmethod
    def _prepare(options: dict[str, Any]) -> tuple[Setup, type[LanesTape]]:
        return prepare_snapshots(without_text(options, SnapshotOptions)), SnapshotTape
