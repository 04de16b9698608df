"""All agents of a table at once: whether any is superior, and which may be the best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from investorbench.tasks.statistics.estimate import FEWEST_DAYS, Estimate, FloatArray
from investorbench.tasks.statistics.lineup import NO_BENCHMARK
from investorbench.tasks.statistics.pairs import Families
from investorbench.tasks.statistics.scores import MeanFigure
from investorbench.tasks.statistics.selection import confidence_set, superiority
from investorbench_env.errors import MissingDependencyError

NOT_ASKED_FOR = "tests over all agents were not asked for"


@dataclass(frozen=True, kw_only=True, eq=False)
class Jointly:
    """Tests over all distinct agents, by their Sharpe ratios; without ``arch`` there is none.

    Attributes:
        families: of the table.
        asked_for: whether to compute them. Loading what they need takes longer than all else.
    """

    families: Families
    asked_for: bool

    @cached_property
    def best(self) -> dict[str, Estimate]:
        """Of each agent, that it may be the best; those that are the same share theirs."""
        lineup, figures = self.families.lineup, self.families.sharpes

        def found() -> list[Estimate]:
            return confidence_set(_gains(list(figures.values())), **self._drawn)

        if (reason := self._why_not()) is not None:
            cells = dict.fromkeys(figures, Estimate(reason=reason))
        else:
            cells = dict(zip(figures, _where_installed(found, len(figures)), strict=True))
        return {
            name: cells[lineup.same_as[name]]
            if name in lineup.same_as
            else Estimate(reason=lineup.reasons[name])
            for name in lineup.names
        }

    @property
    def superior(self) -> Estimate:
        """That none is better than the benchmark."""
        figures, benchmark = self.families.sharpes, self.families.lineup.benchmark
        if (reason := self._why_not()) is not None:
            return Estimate(reason=reason)
        if benchmark not in figures:
            why = self.families.lineup.reasons.get(benchmark or "", NO_BENCHMARK)
            return Estimate(reason=why)
        leads = [each - figures[benchmark] for name, each in figures.items() if name != benchmark]
        if not leads:
            return Estimate(reason="there is nothing to compare the benchmark with")
        return _where_installed(lambda: [superiority(_gains(leads), **self._drawn)], 1)[0]

    @property
    def _drawn(self) -> dict[str, int]:
        resampling = self.families.resampling
        return {"block": resampling.block, "seed": resampling.seed}

    def _why_not(self) -> str | None:
        if not self.asked_for:
            return NOT_ASKED_FOR
        units = self.families.resampling.units
        return (
            f"{units} markets, at least {FEWEST_DAYS} are needed" if units < FEWEST_DAYS else None
        )


def _gains(figures: Sequence[MeanFigure]) -> FloatArray:
    """What each day or market counts [A, U]; their mean is the figure."""
    return np.array([figure.value + figure.scores for figure in figures])


def _where_installed(found: Callable[[], list[Estimate]], number: int) -> list[Estimate]:
    try:
        return found()
    except MissingDependencyError as missing:
        return [Estimate(reason=str(missing))] * number
