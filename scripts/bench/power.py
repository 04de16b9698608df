"""How many decisions does it take? By expected and realised returns, by snapshots and by episodes.

``python -m investorbench.scripts.bench.power`` prints one page, and ``--json FILE`` keeps its
figures, from which the figure of ``docs/power.md`` is drawn.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.scripts.bench.snapshot_pool import (
    ACTIONS,
    HORIZONS,
    ID,
    POLICIES,
    Pool,
    draw_pool,
)
from investorbench.tasks.snapshots.controlled import controlled
from investorbench.tasks.snapshots.figures import figures_of
from investorbench.tasks.snapshots.power import SIZE, decisions_needed
from investorbench.tasks.snapshots.references import SnapshotReference, key_of, reference_of
from investorbench.tasks.snapshots.scores import BPS, SnapshotDecisions, edge, realised_edge

FloatArray = npt.NDArray[np.float64]

FIRST, SNAPSHOTS = 91_000, 10_000
SAMPLES, WITHIN = 200, 2_000
"""How many samples are drawn from the pool, and of how many decisions each."""
MAIN = 5
"""The horizon of ``sim-core``."""
Z = NormalDist().inv_cdf(1 - SIZE / 2)


class ByScore(NamedTuple):
    """What one kind of score says of two agents.

    Attributes:
        spread: standard deviation of their difference over decisions, in basis points.
        decisions: for 80 % power at 5 %.
        found: the share of samples that distinguish them.
    """

    spread: float
    decisions: float
    found: float


class Pair(NamedTuple):
    """Two neighbours in the order, on the same snapshots.

    Attributes:
        better, worse: their names.
        difference: of their mean edges, in basis points a decision.
        expected, realised: by either return.
        controlled: by expected ones, with the filter's edge as a control variate.
    """

    better: str
    worse: str
    difference: float
    expected: ByScore
    realised: ByScore
    controlled: ByScore

    @property
    def fewer(self) -> float:
        """By what factor expected returns need fewer decisions than realised ones."""
        return self.realised.decisions / self.expected.decisions


class PolicyOrder(NamedTuple):
    """The policies on one task: figures by name, and neighbours."""

    horizon: int
    action: str
    constant: float
    figures: Mapping[str, Mapping[str, Any]]
    pairs: Sequence[Pair]


def order_of(
    pool: Pool, action: str, reference: SnapshotReference, samples: int, within: int
) -> PolicyOrder:
    """The policies on a pool.

    Args:
        pool: of snapshots.
        action: one of ``ACTIONS``.
        reference: of the task.
        samples, within: how many samples are drawn, and of how many decisions.
    """
    all_of_them = {name: pool.decisions(name, action, reference.constant) for name in POLICIES}
    drawn = np.random.default_rng(FIRST).integers(len(pool.snapshots.mean), size=(samples, within))
    figures = {
        name: {
            key: cell.value if cell.reason else [cell.value, cell.low, cell.high]
            for key, cell in figures_of(own, reference, all_of_them["filter"])._asdict().items()
        }
        for name, own in all_of_them.items()
    }
    pairs = [
        pair_of((better, worse), all_of_them, reference, drawn)
        for better, worse in pairwise(POLICIES)
    ]
    return PolicyOrder(pool.horizon, action, reference.constant, figures, pairs)


def pair_of(
    names: tuple[str, str],
    decisions: Mapping[str, SnapshotDecisions],
    reference: SnapshotReference,
    drawn: npt.NDArray[np.int64],
) -> Pair:
    """Two policies by each kind of score, on all snapshots and on samples of them [S, n]."""
    better, worse = (decisions[name] for name in names)
    gap, noisy = edge(better) - edge(worse), realised_edge(better) - realised_edge(worse)
    control = edge(decisions["filter"])
    difference = float(gap.mean())
    own = controlled(gap, control, reference.filter)
    rest = gap - own.slope * (control - reference.filter)

    def by(scores: FloatArray) -> ByScore:
        spread = float(scores.std(ddof=1))
        sampled = scores[drawn]
        errors = sampled.std(axis=1, ddof=1) / np.sqrt(drawn.shape[1])
        found = float((sampled.mean(axis=1) > Z * errors).mean())
        return ByScore(spread * BPS, decisions_needed(difference, spread), found)

    return Pair(*names, difference * BPS, by(gap), by(noisy), by(rest))


def page(orders: Sequence[PolicyOrder], snapshots: int, samples: int, within: int) -> str:
    """All of it as text."""
    main = [order for order in orders if order.horizon == MAIN]
    lines = [f"{snapshots:,} snapshots, seeds {FIRST:,} on; {samples} samples of {within:,}"]
    for order in main:
        lines += [*_figures(order), *_pairs(order)]
    lines += ["", "decisions needed, realised | expected | times fewer, by horizon"]
    for action in ACTIONS:
        chosen = [order for order in orders if order.action == action]
        heads = (f"{order.horizon} sessions" for order in chosen)
        lines.append(f"  {action:32}" + "".join(f"{head:>26}" for head in heads))
        for pairs in zip(*(order.pairs for order in chosen), strict=True):
            lines.append(
                f"  {_name(pairs[0]):32}" + "".join(f"{_fewer(each):>26}" for each in pairs)
            )
    return "\n".join(lines)


def _figures(order: PolicyOrder) -> list[str]:
    head = f"{order.action}, horizon {order.horizon}: bps a decision and skill, 95 % intervals"
    lines = ["", head]
    for name, cells in order.figures.items():
        shown = (f"{key} {_cell(cell)}" for key, cell in cells.items())
        constant = f" (w = {order.constant:.2f})" if name == "best constant" else ""
        lines.append(f"  {name + constant:26}" + "  ".join(shown))
    return lines


def _cell(cell: Any) -> str:
    value, low, high = cell
    return f"{value:6.2f} [{low:.2f}, {high:.2f}]"


def _pairs(order: PolicyOrder) -> list[str]:
    lines = ["  decisions needed (share of samples that distinguish them)"]
    for pair in order.pairs:
        cells = (
            f"{kind} {by.decisions:8,.0f} ({by.found:4.0%})"
            for kind, by in pair._asdict().items()
            if isinstance(by, ByScore)
        )
        lines.append(f"  {_name(pair):32}{pair.difference:7.1f} bps  " + "  ".join(cells))
    return lines


def _fewer(pair: Pair) -> str:
    realised, expected = pair.realised.decisions, pair.expected.decisions
    return f"{realised:8,.0f} |{expected:6,.0f} |{pair.fewer:5.1f} ×"


def _name(pair: Pair) -> str:
    return f"{pair.better} − {pair.worse}"


def plain(value: Any) -> Any:
    """Named tuples as JSON values."""
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def main() -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", type=int, default=SNAPSHOTS)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--within", type=int, default=WITHIN)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    orders = []
    for horizon in HORIZONS:
        pool = draw_pool(horizon, range(FIRST, FIRST + given.snapshots))
        for action in ACTIONS:
            reference = reference_of(key_of(ID, {"horizon": horizon, "action": action}))
            orders.append(order_of(pool, action, reference, given.samples, given.within))
    print(page(orders, given.snapshots, given.samples, given.within))
    if given.json:
        given.json.write_text(json.dumps({"snapshots": plain(orders)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
