"""How far a choice among configurations, or a single success, carries."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb

import numpy as np

from investorbench.tasks.days import ROUNDING
from investorbench.tasks.statistics.comparison import Overfitting
from investorbench.tasks.statistics.estimate import Estimate, FloatArray, ReturnsError

BLOCKS = 10
FEWEST_DAYS_IN_BLOCKS = 100
"""Below it a block has fewer than ten days."""


def overfitting_probability(configurations: Sequence[FloatArray], blocks: int = BLOCKS) -> Estimate:
    """PBO: how often the best configuration of half of the days is below the median in the others.

    Combinatorially symmetric cross-validation (Bailey, Borwein, López de Prado and Zhu 2017): the
    days are cut into blocks, and every half of the blocks is once the one to choose by. The figure
    of a configuration is the mean over its repeats of their Sharpe ratios. A place in the middle
    counts half, so that without skill it is 1/2 for any number of configurations.

    Args:
        configurations: returns of the repeats of each [R, T]; R may differ, T may not.
        blocks: how many the days are cut into, an even number.
    """
    if (count := len(configurations)) < 2:
        return Estimate(reason=f"{count} configurations, at least 2 are needed")
    if (days := configurations[0].shape[-1]) < FEWEST_DAYS_IN_BLOCKS:
        return Estimate(reason=f"{days} days, at least {FEWEST_DAYS_IN_BLOCKS} are needed")
    halves = list(combinations(range(blocks), blocks // 2))
    chosen = np.zeros((len(halves), blocks))
    np.put_along_axis(chosen, np.array(halves), 1.0, axis=1)
    inside, outside = (
        np.array([_ratios(own, half) for own in configurations]) for half in (chosen, 1.0 - chosen)
    )
    if not (inside.any() or outside.any()):
        return Estimate(reason="no configuration ever invested")
    best = np.argmax(inside, axis=0)
    reached = np.take_along_axis(outside, best[None], axis=0)[0]
    worse, equal = (
        np.sum(each, axis=0)
        for each in (outside < reached - ROUNDING, np.abs(outside - reached) <= ROUNDING)
    )
    # Twice its rank less that of the middle; equal ones share the mean of their places.
    place = 2 * worse + equal - count
    return Estimate(value=float(np.mean(np.where(place == 0, 0.5, place < 0))))


def overfitting_among(
    runs: Mapping[str, FloatArray], configuration_of: Mapping[str, str]
) -> tuple[Overfitting, ...]:
    """PBO of each group of at least two agents that are configurations of the same.

    Args:
        runs: returns of the repeats of each agent by name [R, T]; of those that are equal the first
            counts.
        configuration_of: what each is a configuration of; one of nothing known is in no group.
    """
    groups: dict[str, dict[bytes, str]] = {}
    for name, own in runs.items():
        if group := configuration_of.get(name):
            groups.setdefault(group, {}).setdefault(own.tobytes(), name)
    return tuple(
        Overfitting(
            group=group,
            configurations=tuple(names.values()),
            pbo=overfitting_probability([runs[name] for name in names.values()]),
        )
        for group, names in groups.items()
        if len(names) > 1
    )


def _ratios(runs: FloatArray, chosen: FloatArray) -> FloatArray:
    """Mean over runs [R, T] of the Sharpe ratio a day in each choice [choices, blocks]."""
    parts = np.array_split(np.arange(runs.shape[-1]), chosen.shape[1])
    days, sums, squares = (
        chosen @ np.array([of(part) for part in parts])
        for of in (
            lambda part: np.full(len(runs), len(part)),
            lambda part: runs[:, part].sum(axis=-1),
            lambda part: (runs[:, part] ** 2).sum(axis=-1),
        )
    )
    means = sums / days
    variances = (squares - days * means**2) / (days - 1)
    vary = variances > ROUNDING * squares / days
    ratios = np.where(vary, means / np.sqrt(np.where(vary, variances, 1.0)), 0.0)
    return np.asarray(ratios.mean(axis=-1))


def all_succeed(successes: int, repeats: int, attempts: int) -> float:
    """pass^k: how probable it is that k repeats drawn among these all succeed.

    C(c, k)/C(n, k), an unbiased estimate for k that are still to come (Yao and others 2024).

    Args:
        successes: how many did, c.
        repeats: how many there are, n.
        attempts: how many must, k.

    Raises:
        ReturnsError: more attempts than repeats, or none.
    """
    if not 1 <= attempts <= repeats:
        raise ReturnsError(f"pass^{attempts} of {repeats} repeats: give 1 to {repeats}")
    return comb(successes, attempts) / comb(repeats, attempts)
