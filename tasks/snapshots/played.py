"""Snapshots that were played, as what they are scored by."""

from collections.abc import Sequence

import numpy as np

from investorbench.tasks.result import Episode, Result
from investorbench.tasks.snapshots.scores import SnapshotDecisions, edge
from investorbench_env.facts import Facts


def decisions_of(episodes: Sequence[Episode], facts: Facts) -> SnapshotDecisions:
    """All decisions of an agent in the order of their numbers, block by block.

    Args:
        episodes: blocks of snapshots.
        facts: of their task.
    """
    scored = [each.scored for each in episodes if each.scored is not None]
    weight, mean, variance, realised = (
        np.concatenate([getattr(each, name) for each in scored] or [np.empty(0)])
        for name in ("weights", "means", "variances", "returns")
    )
    by_weight = facts.action == "weight"
    return SnapshotDecisions(weight, mean, variance, realised, facts.cost_rate, by_weight)


def paired_edges(results: Sequence[Result]) -> dict[str, np.ndarray]:
    """The edges of agents on the snapshots that all of them played, by agent [n] each."""
    blocks = [
        {each.scored.market_seeds: each for each in result.episodes if each.scored}
        for result in results
    ]
    shared = [seeds for seeds in blocks[0] if all(seeds in own for own in blocks)] if blocks else []
    return {
        result.agent: edge(decisions_of([own[seeds] for seeds in shared], result.facts))
        for result, own in zip(results, blocks, strict=True)
    }
