"""One figure with what is known of it; or no figure, and why."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from investorbench.tasks.days import varies
from investorbench_env.errors import InvestorBenchError
from investorbench_env.protocols import Convention

FloatArray = npt.NDArray[np.float64]

FEWEST_DAYS = 20
"""Below it neither a normal approximation nor an estimated block length means anything."""
DRAWS = 9_999
SEED = 20201001
LEVEL = 0.95
CONSTANT = "the returns do not vary"
ONE_RATIO = "one's returns are a multiple of the other's: their Sharpe ratio is one"
IDENTICAL = "the returns are identical"


class ReturnsError(InvestorBenchError, ValueError):
    """Returns that cannot be compared: their shapes, or an option outside its range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A cell of a table: figures, and the reason where some are missing.

    Attributes:
        value: the point estimate.
        low: lower end of its interval.
        high: upper end of its interval.
        p_value: of the hypothesis that the function which made this names.
        reason: why there is no interval; without a value, why there is no figure at all.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str | None = None

    def times(self, factor: float) -> "Estimate":
        """In another unit; a p-value has none."""
        value, low, high = (
            None if figure is None else figure * factor
            for figure in (self.value, self.low, self.high)
        )
        return Estimate(value=value, low=low, high=high, p_value=self.p_value, reason=self.reason)


def require_same_days(*series: FloatArray) -> None:
    """Refuse returns [..., T] that are not of equally many days."""
    days = [returns.shape[-1] for returns in series]
    if len(set(days)) > 1:
        raise ReturnsError(
            f"returns of {', '.join(map(str, days))} days cannot be compared: give those of the "
            "same days"
        )


def why_not(*series: FloatArray, varying: bool = True) -> str | None:
    """Why no statistic can be had of these returns [..., T] each; None if it can."""
    require_same_days(*series)
    days = series[0].shape[-1]
    if not all(np.isfinite(returns).all() for returns in series):
        return "a return is missing or not finite"
    if days < FEWEST_DAYS:
        return f"{days} returns, at least {FEWEST_DAYS} are needed"
    if varying and not all(varies(returns).all() for returns in series):
        return CONSTANT
    return None


def a_year(days: int, periods_a_year: float, convention: Convention) -> float:
    """What a Sharpe ratio a step is multiplied with; the published convention counts prices."""
    return float(np.sqrt(periods_a_year)) * (days / (days + 1) if convention == "log" else 1.0)


def sharpe_of(returns: FloatArray) -> FloatArray:
    """Sharpe ratio a step of returns [..., T], which vary."""
    return np.asarray(returns.mean(axis=-1) / returns.std(axis=-1, ddof=1))
