"""Many snapshots at once: the vectorised twin of ``SnapshotEnv``."""

from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.account import Amounts, TradeAmounts
from investorbench_env.envs.lane_arguments import without_text
from investorbench_env.envs.lane_infos import Info, LaneInfos
from investorbench_env.envs.lanes_tape import LanesTape
from investorbench_env.envs.setup import Setup
from investorbench_env.envs.single_asset_vector import SingleAssetVectorEnv
from investorbench_env.envs.snapshot_options import SnapshotOptions
from investorbench_env.envs.snapshot_setup import prepare_snapshots
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
        if "," in self._setup.symbol:
            info["symbol"] = self._lanes.tape.symbols.take(self._lanes.paths)
        return info


class SnapshotVectorEnv(SingleAssetVectorEnv):
    """N snapshots side by side; see :class:`~investorbench_env.envs.snapshot.SnapshotEnv`.

    Lanes, infos and arguments are those of
    :class:`~investorbench_env.envs.single_asset_vector.SingleAssetVectorEnv`. Under
    ``AutoresetMode.SAME_STEP`` each step is a decision.
    """

    INFOS = SnapshotLaneInfos

    @staticmethod
    def _prepare(options: dict[str, Any]) -> tuple[Setup, type[LanesTape]]:
        return prepare_snapshots(without_text(options, SnapshotOptions)), SnapshotTape
