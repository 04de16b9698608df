"""How much of an agent's variance is the market's path, and how much its own randomness."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from investorbench.tasks.statistics.lineup import Lineup
from investorbench.tasks.statistics.one_task import OneTask
from investorbench.tasks.statistics.scores import over_repeats, variance_of_mean

NOT_SHARED = "repeats do not share the days of one task"


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceSplit:
    """Variance of an agent's Sharpe ratio a year: what the market and what the agent adds.

    Attributes:
        path: over other days like these, with an agent's own randomness averaged out.
        repeat: over repeats on the same days.
        error: standard error of the mean over these repeats, √(path + repeat/R).
        repeats: how many there are, R.
        reason: why there is no split; then the figures are None.
    """

    path: float | None = None
    repeat: float | None = None
    error: float | None = None
    repeats: int
    reason: str | None = None


def variance_split(lineup: Lineup, name: str) -> VarianceSplit:
    """The split of an agent.

    The variance of the mean over repeats is path + repeat/R; the repeat's part is estimated from
    the spread on the days that there were.
    """
    repeats = lineup.repeats(name)
    if (reason := lineup.reasons.get(name)) is not None:
        return VarianceSplit(repeats=repeats, reason=reason)
    if not isinstance(lineup, OneTask) or lineup.unit == "market":
        return VarianceSplit(repeats=repeats, reason=NOT_SHARED)
    if repeats < 2:
        return VarianceSplit(repeats=repeats, reason=f"{repeats} repeat, at least 2 are needed")
    scored = lineup.yearly.sharpe(np.array(lineup.runs[name]))
    mean = over_repeats(scored)
    repeat = float(scored.values.var(ddof=1))
    of_mean = float(variance_of_mean(mean.scores, "day")) + mean.between
    path = max(of_mean - repeat / repeats, 0.0)
    return VarianceSplit(
        path=path, repeat=repeat, error=sqrt(path + repeat / repeats), repeats=repeats
    )
