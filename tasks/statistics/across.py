"""Agents over several tasks: dates drawn again, the same for all agents and tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.days import ROUNDING, varies
from investorbench.tasks.metrics import performance
from investorbench.tasks.statistics.estimate import (
    CONSTANT,
    DRAWS,
    IDENTICAL,
    LEVEL,
    SEED,
    Estimate,
    FloatArray,
)
from investorbench.tasks.statistics.resampling import (
    RUINED,
    a_year,
    percentiles,
    resampled_sharpe,
    stationary_days,
    times_drawn,
)
from investorbench_env.protocols import Convention

BoolArray = npt.NDArray[np.bool_]


class Path(NamedTuple):
    """Returns of all agents on one task.

    Attributes:
        dates: the days, in order [T].
        returns: of each agent [A, T].
        periods_a_year: how many returns are a year.
    """

    dates: npt.NDArray[np.datetime64]
    returns: FloatArray
    periods_a_year: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Means:
    """Figures of agents, means over tasks: of the days as they were, and of each draw.

    Attributes:
        sr: Sharpe ratio a year [A].
        cr: cumulative return [A].
        drawn_sr: the same of each draw [draws, A].
        drawn_cr: the same of each draw [draws, A].
        moves: whose returns vary on any task [A].
        compounds: whose returns compound on every task, none being a ruin [A].
    """

    sr: FloatArray
    cr: FloatArray
    drawn_sr: FloatArray
    drawn_cr: FloatArray
    moves: BoolArray
    compounds: BoolArray

    def sharpe(self, agent: int, level: float = LEVEL) -> Estimate:
        """Mean Sharpe ratio a year with its percentile interval."""
        if not self.moves[agent]:
            return Estimate(reason=CONSTANT)
        return percentiles(float(self.sr[agent]), self.drawn_sr[:, agent], level)

    def growth(self, agent: int, level: float = LEVEL) -> Estimate:
        """Mean cumulative return with its percentile interval."""
        if not self.moves[agent]:
            return Estimate(reason=CONSTANT)
        if not self.compounds[agent]:
            return Estimate(reason=RUINED)
        return percentiles(float(self.cr[agent]), self.drawn_cr[:, agent], level)

    def difference(self, first: int, second: int, level: float = LEVEL) -> Estimate:
        """Mean Sharpe ratio of the first less the second's; p-value of no difference, two-sided.

        The interval is symmetric: it leaves out 0 where the p-value is below 1 − level.
        """
        if not (self.moves[first] and self.moves[second]):
            return Estimate(reason=CONSTANT)
        value = float(self.sr[first] - self.sr[second])
        return _symmetric(value, self.drawn_sr[:, first] - self.drawn_sr[:, second], level)

    def growth_difference(self, first: int, second: int, level: float = LEVEL) -> Estimate:
        """The same of their mean cumulative returns."""
        if not (self.compounds[first] and self.compounds[second]):
            return Estimate(reason=RUINED)
        value = float(self.cr[first] - self.cr[second])
        return _symmetric(value, self.drawn_cr[:, first] - self.drawn_cr[:, second], level)


def _symmetric(value: float, drawn: FloatArray, level: float) -> Estimate:
    """A difference by how far those drawn [draws] lie from it."""
    distances = np.abs(drawn - value)
    if distances.max() <= ROUNDING and abs(value) <= ROUNDING:
        return Estimate(reason=IDENTICAL)
    margin = float(np.quantile(distances, level, method="higher"))
    return Estimate(
        value=value,
        low=value - margin,
        high=value + margin,
        p_value=(int(np.sum(distances >= abs(value))) + 1) / (len(distances) + 1),
    )


def over_tasks(
    paths: Sequence[Path],
    convention: Convention = "simple",
    *,
    block_days: float,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Means:
    """Means over tasks, with a stationary bootstrap of the calendar of them all.

    Each draw takes the same dates for all agents and tasks; a task counts those that it has, as
    often as they were drawn. Its cumulative return is scaled to its number of days.

    Args:
        paths: returns of the same agents on each task.
        convention: how returns add up.
        block_days: expected length of a block, in dates of the common calendar.
        draws: how often.
        seed: of the dates.
    """
    calendar = np.unique(np.concatenate([path.dates for path in paths]))
    indices = stationary_days(len(calendar), block_days, draws, np.random.default_rng(seed))
    counts = times_drawn(indices)
    observed = [performance(path.returns, convention, path.periods_a_year) for path in paths]
    drawn = [
        _redrawn(path, counts[:, np.searchsorted(calendar, path.dates)], convention)
        for path in paths
    ]
    returns = [path.returns for path in paths]
    return Means(
        sr=np.mean([figures["SR"] for figures in observed], axis=0),
        cr=np.mean([figures["CR"] for figures in observed], axis=0),
        drawn_sr=np.mean([sr for sr, _ in drawn], axis=0),
        drawn_cr=np.mean([cr for _, cr in drawn], axis=0),
        moves=np.any([varies(each) for each in returns], axis=0),
        compounds=np.all([_compounds(each, convention) for each in returns], axis=0),
    )


def _compounds(returns: FloatArray, convention: Convention) -> BoolArray:
    return np.asarray((returns > -1.0).all(axis=-1) | (convention == "log"))


def _redrawn(
    path: Path, counts: FloatArray, convention: Convention
) -> tuple[FloatArray, FloatArray]:
    """Sharpe ratio a year and cumulative return of each draw [draws, A]."""
    days = path.returns.shape[-1]
    scale = a_year(days, path.periods_a_year, convention)
    ratios = resampled_sharpe(path.returns, counts) * scale
    simple = convention == "simple"
    # A ruin has no logarithm; ``Means.growth`` gives no figure for it.
    growth = np.log1p(np.maximum(path.returns, -1.0 + ROUNDING)) if simple else path.returns
    drawn = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    added = counts @ growth.T / drawn * days
    return ratios, np.expm1(added) if simple else added
