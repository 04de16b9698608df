"""Figures of runs as tables have them: beyond what cash earns, and of a year."""

from dataclasses import dataclass

import numpy as np

from investorbench.tasks.statistics.alpha import Regression, excess, information_ratio
from investorbench.tasks.statistics.estimate import FloatArray, a_year
from investorbench.tasks.statistics.scores import Scored, growth, sharpe
from investorbench_env.protocols import Convention


@dataclass(frozen=True, slots=True, kw_only=True)
class Yearly:
    """How figures of steps become those of a table.

    All take runs [R, T], and most the benchmark's run [1, T] on the same days.

    Attributes:
        periods_a_year: how many returns are a year.
        convention: how returns add up.
        cash_rate: what cash earns a year; ratios and alpha are of returns beyond it.
    """

    periods_a_year: float
    convention: Convention
    cash_rate: float = 0.0

    def sharpe(self, returns: FloatArray) -> Scored:
        return sharpe(self.beyond_cash(returns)).times(self.root(returns.shape[-1]))

    def growth(self, returns: FloatArray) -> Scored:
        """Cumulative return, which is not of a year."""
        return growth(returns, self.convention)

    def alpha(self, returns: FloatArray, benchmark: FloatArray) -> Scored:
        return self._regression(returns, benchmark).alpha.times(self.periods_a_year)

    def beta(self, returns: FloatArray, benchmark: FloatArray) -> Scored:
        return self._regression(returns, benchmark).beta

    def correlation(self, returns: FloatArray, benchmark: FloatArray) -> Scored:
        return self._regression(returns, benchmark).correlation

    def appraisal(self, returns: FloatArray, benchmark: FloatArray) -> Scored:
        return self._regression(returns, benchmark).appraisal.times(self.root(returns.shape[-1]))

    def excess(self, returns: FloatArray, benchmark: FloatArray) -> Scored:
        return excess(returns, benchmark).times(self.periods_a_year)

    def information_ratio(self, returns: FloatArray, benchmark: FloatArray) -> Scored:
        return information_ratio(returns, benchmark).times(self.root(returns.shape[-1]))

    def root(self, days: int) -> float:
        """What ratios a step of so many days are multiplied with."""
        return a_year(days, self.periods_a_year, self.convention)

    def total(self, returns: FloatArray) -> FloatArray:
        """Cumulative return [R], that of a ruin as well."""
        if self.convention == "log":
            return np.asarray(returns.sum(axis=-1))
        return np.asarray(np.prod(1.0 + returns, axis=-1) - 1.0)

    def beyond_cash(self, returns: FloatArray) -> FloatArray:
        """Returns less what cash earned."""
        return np.asarray(returns - ((1.0 + self.cash_rate) ** (1.0 / self.periods_a_year) - 1.0))

    def compounds(self, returns: FloatArray) -> bool:
        """Whether none of these returns is a ruin."""
        return self.convention == "log" or bool((returns > -1.0).all())

    def _regression(self, returns: FloatArray, benchmark: FloatArray) -> Regression:
        return Regression(returns=self.beyond_cash(returns), benchmark=self.beyond_cash(benchmark))
