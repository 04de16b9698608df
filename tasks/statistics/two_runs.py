"""Two agents beside each other, as two runs have them."""

from dataclasses import dataclass, replace
from math import isfinite

from investorbench.tasks.statistics.agents import RUINED
from investorbench.tasks.statistics.comparison import Scope, scope_of
from investorbench.tasks.statistics.contrasts import NO_DIFFERENCE
from investorbench.tasks.statistics.estimate import (
    DRAWS,
    IDENTICAL,
    ONE_RATIO,
    SEED,
    Estimate,
)
from investorbench.tasks.statistics.families import intervals
from investorbench.tasks.statistics.lineup import Own
from investorbench.tasks.statistics.one_task import OneTask, Runs
from investorbench.tasks.statistics.pairs import jobson_korkie_of
from investorbench.tasks.statistics.scores import DrawnUnit
from investorbench.tasks.statistics.yearly import Yearly
from investorbench_env.protocols import Convention

BOTH = FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoCompared:
    """One agent less another, means over their repeats.

    Attributes:
        sr: difference of the Sharpe ratios a year, with interval and p-value.
        cr: difference of the cumulative returns, with interval and p-value.
        jobson_korkie: the same for independent, normal returns, of two with one run each.
        scope: what they speak of; of runs, where either has one alone.
    """

    sr: Estimate
    cr: Estimate
    jobson_korkie: Estimate
    scope: Scope


def compare_two(
    first: Runs,
    second: Runs,
    periods_a_year: float,
    convention: Convention = "simple",
    *,
    unit: DrawnUnit = "day",
    days_of_markets: int | None = None,
    cash_rate: float = 0.0,
    draws: int = DRAWS,
    seed: int = SEED,
) -> TwoCompared:
    """Differences of two agents, the same days or markets drawn for both.

    Args:
        first: its runs, as for ``compare_agents``.
        second: the same of the other.
        periods_a_year: how many returns are a year.
        convention: how returns add up.
        unit: what is drawn.
        days_of_markets: as for ``compare_agents``.
        cash_rate: what cash earns a year.
        draws: how often.
        seed: of the draws.
    """
    if len(first) == len(second) == 1:
        unit = "day"
    yearly = Yearly(periods_a_year=periods_a_year, convention=convention, cash_rate=cash_rate)
    lineup = OneTask({FIRST: first, SECOND: second}, None, unit, yearly, days_of_markets)
    return TwoCompared(
        sr=_difference(lineup, "sharpe", draws, seed),
        cr=_difference(lineup, "growth", draws, seed),
        jobson_korkie=jobson_korkie_of(lineup, BOTH),
        scope=scope_of(min(len(first), len(second))),
    )


def _difference(lineup: OneTask, kind: Own, draws: int, seed: int) -> Estimate:
    if len(lineup.distinct) < 2 or (kind == "growth" and not all(map(lineup.compounds, BOTH))):
        value = lineup.value(FIRST, kind) - lineup.value(SECOND, kind)
        known = value if isfinite(value) else None
        alike = IDENTICAL if len(lineup.distinct) < 2 else RUINED
        return Estimate(value=known, reason=next(iter(lineup.reasons.values()), alike))
    figure = lineup.own(FIRST, kind) - lineup.own(SECOND, kind)
    (found,) = intervals([figure], lineup.resampling(lineup.block.days, draws, seed))
    return replace(found, reason=ONE_RATIO) if found.reason == NO_DIFFERENCE else found
