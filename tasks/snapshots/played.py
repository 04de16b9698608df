"""Edges of several agents on the snapshots that all of them played."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from investorbench.tasks.snapshots.results import decisions_in
from investorbench.tasks.snapshots.scores import edge

if TYPE_CHECKING:
    from investorbench.tasks.result import Result


def paired_edges(results: Sequence["Result"]) -> dict[str, npt.NDArray[np.float64]]:
    """By agent [n] each, in the order in which the first played the snapshots that all share.

    Raises:
        InvestorBenchError: one has no edges, see ``decisions_in``.
    """
    edges = {
        each.agent: dict(zip(_seeds(each), edge(decisions_in(each)).tolist(), strict=True))
        for each in results
    }
    every = list(edges.values())
    shared = [seed for seed in every[0] if all(seed in own for own in every)] if every else []
    return {agent: np.array([own[seed] for seed in shared]) for agent, own in edges.items()}


def _seeds(result: "Result") -> list[int]:
    return [seed for each in result.episodes if each.scored for seed in each.scored.market_seeds]
