"""What the yardsticks earn on a task of snapshots: runs over many markets, frozen in a file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.snapshots import AVERSION
from investorbench_env.envs.snapshot_options import SnapshotOptions
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

FILE = Path(__file__).with_name("references.json")
YARDSTICKS = ("constant", "filter", "oracle")
"""From skill 0 over skill 1 to the ceiling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotReference:
    """Mean edges of the yardsticks on one task, over markets that no suite plays.

    Attributes:
        task: what decides them, see ``key_of``.
        first, markets: the first seed, and how many follow one another.
        constant: the best constant weight.
        means: of the edges of ``YARDSTICKS``, as shares of equity a decision [3].
        covariance: of these means [3, 3].
    """

    task: Mapping[str, Any]
    first: int
    markets: int
    constant: float
    means: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]

    @classmethod
    def of_scores(
        cls,
        task: Mapping[str, Any],
        first: int,
        constant: float,
        scores: npt.NDArray[np.float64],
    ) -> "SnapshotReference":
        """From the edges of ``YARDSTICKS`` on each market [3, n]."""
        n = scores.shape[1]
        return cls(
            task=task,
            first=first,
            markets=n,
            constant=constant,
            means=scores.mean(axis=1),
            covariance=np.cov(scores) / n,
        )

    @property
    def floor(self) -> float:
        """The edge of the best constant weight: skill 0."""
        return float(self.means[0])

    @property
    def filter(self) -> float:
        """The edge of the filter: skill 1."""
        return float(self.means[1])

    @property
    def ceiling(self) -> float:
        """The edge of the oracle, which no agent exceeds."""
        return float(self.means[2])

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "task": dict(self.task),
            "first": self.first,
            "markets": self.markets,
            "constant": self.constant,
            "means": dict(zip(YARDSTICKS, self.means.tolist(), strict=True)),
            "covariance": self.covariance.tolist(),
        }


def key_of(facts: Facts, options: Mapping[str, Any], aversion: float = AVERSION) -> dict[str, Any]:
    """What decides the edges of the yardsticks on a task, whatever its markets are drawn for.

    Args:
        facts: of its environment.
        options: keywords of ``gym.make`` that were set.
        aversion: γ, where weights are chosen.
    """
    chosen = SnapshotOptions.of(options)
    return {
        "law": facts.fingerprint,
        "horizon": facts.horizon,
        "window": chosen.window,
        "document_sessions": chosen.document_sessions,
        "action": facts.action,
        "long_only": facts.long_only,
        "cost_rate": facts.cost_rate,
        "aversion": aversion if facts.action == "weight" else None,
    }


def reference_of(task: Mapping[str, Any], file: Path = FILE) -> SnapshotReference:
    """The frozen reference of a task.

    Args:
        task: see ``key_of``.
        file: where references stand.

    Raises:
        InvestorBenchError: there is none of this task.
    """
    for each in _all_in(file):
        if each.task == task:
            return each
    raise InvestorBenchError(
        f"no reference run of snapshots with horizon={task['horizon']}, window={task['window']}, "
        f"document_sessions={task['document_sessions']} and action={task['action']!r} stands in "
        f"{file.name}, so nothing has skill there: play a task of a suite, or add one with "
        "python -m investorbench.scripts.bench.snapshot_references"
    )


def references_hash(file: Path = FILE) -> str:
    """SHA-256 of the file, with which a suite freezes it."""
    return sha256(file.read_bytes()).hexdigest()


@cache
def _all_in(file: Path) -> tuple[SnapshotReference, ...]:
    return tuple(
        SnapshotReference(
            task=each["task"],
            first=each["first"],
            markets=each["markets"],
            constant=each["constant"],
            means=np.array([each["means"][name] for name in YARDSTICKS]),
            covariance=np.array(each["covariance"]),
        )
        for each in json.loads(file.read_text())
    )
