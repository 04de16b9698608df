"""How many decisions does it take? By expected and realised returns, by snapshots and by episodes.

``python -m investorbench.scripts.bench.power --json docs/power.json`` prints one page and keeps its
figures, from which the figure of ``docs/power.md`` is drawn.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from investorbench.scripts.bench.power_episodes import PairOfEpisodes, pairs_of_episodes
from investorbench.scripts.bench.power_pairs import (
    ByScore,
    Pair,
    PolicyOrder,
    Samples,
    order_of,
    plain,
)
from investorbench.scripts.bench.snapshot_pool import (
    ACTIONS,
    HORIZONS,
    Pool,
    draw_pool,
    task_of,
)
from investorbench.tasks.snapshots.references import reference_of
from investorbench_env.whole_files import write_atomically

FIRST, SNAPSHOTS, EPISODES = 91_000, 10_000, 400
SAMPLES = Samples(200, 2_000)
MAIN = 5
"""The horizon of ``sim-core``."""


def orders_on(pools: Sequence[Pool], mirrored: Pool, samples: Samples) -> list[PolicyOrder]:
    """The policies on each pool, by trade and by weight.

    Args:
        pools: one a horizon.
        mirrored: antithetic pairs of one of the horizons.
        samples: to draw from each.
    """
    found = []
    for pool in pools:
        for action in ACTIONS:
            known = reference_of(task_of(pool.horizon, action))
            twins = mirrored if pool.horizon == mirrored.horizon else None
            found.append(order_of(pool, action, known, samples, twins))
    return found


def page(orders: Sequence[PolicyOrder], episodes: Sequence[PairOfEpisodes], title: str) -> str:
    """All of it as text."""
    lines = [title]
    for order in orders:
        if order.horizon == MAIN:
            lines += [*_figures(order), *_neighbours(order)]
    for action in ACTIONS:
        lines += _by_horizon([order for order in orders if order.action == action])
    lines += ["", f"  {'episodes of 150 days, trade: days':38}{'realised | expected':>28}"]
    lines += [f"  {each.name:38}{_fewer_days(each):>28}" for each in episodes]
    return "\n".join(lines)


def _figures(order: PolicyOrder) -> list[str]:
    first, *_ = order.figures.values()
    heads = "".join(f"{key:>25}" for key in first)
    lines = ["", f"{f'{order.action}, {order.horizon} sessions':28}{heads}"]
    for name, cells in order.figures.items():
        shown = f"{name} (w = {order.constant:.2f})" if name == "best constant" else name
        figures = "".join(f"{_interval(*cell):>25}" for cell in cells.values())
        lines.append(f"  {shown:26}{figures}")
    return lines


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None:
        return "–"
    digits = 1 if abs(value) > 3.0 else 2
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _neighbours(order: PolicyOrder) -> list[str]:
    kinds = ("expected", "controlled", "antithetic", "realised")
    heads = "".join(f"{kind:>16}" for kind in kinds)
    lines = ["", f"  {'decisions needed (found by samples)':38}{'bps':>8}{heads}"]
    for pair in order.pairs:
        cells = "".join(f"{_needed(getattr(pair, kind)):>16}" for kind in kinds)
        lines.append(f"  {pair.name:38}{pair.difference:8.1f}{cells}")
    return lines


def _needed(by: ByScore | None) -> str:
    return "–" if by is None else f"{by.decisions:,.0f} ({by.found:.0%})"


def _by_horizon(orders: Sequence[PolicyOrder]) -> list[str]:
    heads = "".join(f"{f'{order.horizon} session(s)':>28}" for order in orders)
    lines = ["", f"  {f'{orders[0].action}: realised | expected':38}{heads}"]
    for pairs in zip(*(order.pairs for order in orders), strict=True):
        cells = "".join(f"{_fewer(pair):>28}" for pair in pairs)
        lines.append(f"  {pairs[0].name:38}{cells}")
    return lines


def _fewer(pair: Pair) -> str:
    needed = f"{pair.realised.decisions:,.0f} | {pair.expected.decisions:,.0f}"
    return f"{needed} ({pair.fewer:.1f} ×)"


def _fewer_days(pair: PairOfEpisodes) -> str:
    return f"{pair.realised_days:,.0f} | {pair.expected_days:,.0f} ({pair.fewer:.1f} ×)"


def _in_lines(figures: Mapping[str, Any]) -> str:
    """JSON with a line for each task, as people compare it."""
    parts = []
    for name, value in figures.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in value) + "\n ]"
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", type=int, default=SNAPSHOTS)
    parser.add_argument("--episodes", type=int, default=EPISODES)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    seeds = range(FIRST, FIRST + given.snapshots)
    pools = [draw_pool(horizon, seeds) for horizon in HORIZONS]
    mirrored = draw_pool(MAIN, seeds, antithetic=True)
    orders = orders_on(pools, mirrored, SAMPLES)
    episodes = pairs_of_episodes(seeds[: given.episodes])
    title = (
        f"{given.snapshots:,} snapshots a horizon and {given.episodes:,} episodes, seeds "
        f"{FIRST:,} on; {SAMPLES.number} samples of {SAMPLES.decisions:,} snapshots"
    )
    print(page(orders, episodes, title))
    if given.json:
        figures = {"title": title, "snapshots": plain(orders), "episodes": plain(episodes)}
        write_atomically(given.json, _in_lines(figures))


if __name__ == "__main__":
    main()
