"""What agents share that decide on one asset: which action it takes, which closes are known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.market import CLOSE


def takes_weight(facts: Facts, agent: str) -> bool:
    """Whether an action is a target weight [1]; if not, it is 0 sell, 1 hold, 2 buy.

    Args:
        facts: of the environment.
        agent: whose actions these would be, for the error.

    Raises:
        InvestorBenchError: an action is neither, or there are several assets.
    """
    if len(facts.symbols) != 1 or facts.action not in ("trade", "weight"):
        several = "; agents of several assets are those of portfolio/, see run --help"
        raise InvestorBenchError(
            f"{agent} decides on one asset, by sell, hold or buy (action='trade') or by a target "
            f"weight (action='weight'); {facts.family} has {len(facts.symbols)} asset(s), "
            f"{facts.symbol}, and action={facts.action!r}{several * (len(facts.symbols) > 1)}"
        )
    return facts.action == "weight"


def known_closes(observation: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """The closes in the window that exist, oldest first."""
    closes = observation["bars"][observation["mask"] == 1, CLOSE]
    return np.asarray(closes, dtype=np.float64)
