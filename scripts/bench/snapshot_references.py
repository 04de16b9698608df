"""What the yardsticks earn on tasks of snapshots, over markets that no suite plays.

``python -m investorbench.scripts.bench.snapshot_references --markets 20000`` writes
``tasks/snapshots/references.json``, with which suites are frozen.
"""

import argparse
import json
from collections.abc import Iterator, Sequence

import numpy as np

from investorbench.scripts.bench.snapshot_pool import ACTIONS, HORIZONS, Pool, draw_pool, task_of
from investorbench.tasks.snapshots.references import FILE, SnapshotReference
from investorbench.tasks.snapshots.scores import edge
from investorbench_env.whole_files import write_atomically

FIRST = 1_000_000
"""The first seed."""


def references(
    markets: int, horizons: Sequence[int], first: int = FIRST
) -> Iterator[SnapshotReference]:
    """Those of each horizon and action, on the same markets."""
    for horizon in horizons:
        pool = draw_pool(horizon, range(first, first + markets))
        for action in ACTIONS:
            yield reference(pool, action, first)


def reference(pool: Pool, action: str, first: int) -> SnapshotReference:
    """That of one task."""
    constant = pool.best_constant(action)
    yardsticks = ("best constant", "filter", "oracle")
    scores = [edge(pool.decisions(policy, action, constant)) for policy in yardsticks]
    task = task_of(pool.horizon, action)
    return SnapshotReference.of_scores(task, first, constant, np.array(scores))


def main() -> None:
    """Run the yardsticks from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=20_000)
    parser.add_argument("--horizons", type=int, nargs="+", default=HORIZONS)
    given = parser.parse_args()
    found = [each.plain() for each in references(given.markets, given.horizons)]
    write_atomically(FILE, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
