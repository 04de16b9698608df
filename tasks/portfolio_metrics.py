"""Figures of a portfolio over months, by the formulas that LLM-Trading-Lab publishes its own with.

Where its scripts are known to be wrong, the figure here is the right one: a market return is
compounded over sessions that the account missed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.tasks.days import varies
from investorbench.tasks.statistics import Estimate
from investorbench_env.errors import InvestorBenchError

FloatArray = npt.NDArray[np.float64]
RISK_FREE = 0.045
"""A year, as the experiment has it."""
DAYS = 252
FLAT = "the returns do not vary"
NO_LOSS = "no day fell behind the risk-free rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAndReturn:
    """What an equity curve earned for its risk.

    Attributes:
        sharpe: over the whole period; excess return by deviation times the root of the days.
        sharpe_a_year: of the mean day, times the root of 252.
        sortino: likewise by downside deviation.
        sortino_a_year: likewise.
        max_drawdown: the largest fall from a peak, positive.
    """

    sharpe: Estimate
    sharpe_a_year: Estimate
    sortino: Estimate
    sortino_a_year: Estimate
    max_drawdown: float


def risk_and_return(equity: Sequence[float], risk_free: float = RISK_FREE) -> RiskAndReturn:
    """Sharpe and Sortino ratios of an equity curve, of the period and a year.

    The deviation is that of a sample, the downside the root of the mean square of what each day
    fell behind the risk-free rate, over all days.

    Args:
        equity: at the close of each session, at least three.
        risk_free: a year.

    Raises:
        InvestorBenchError: there are fewer, or equity is not positive.
    """
    returns, rate = _returns(equity), _daily(risk_free)
    days, excess = len(returns), returns - rate
    gained = np.prod(1.0 + returns) - 1.0 - ((1.0 + rate) ** days - 1.0)
    deviation = float(returns.std(ddof=1)) if varies(returns) else 0.0
    downside = float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)))
    curve = np.asarray(equity, dtype=np.float64)
    return RiskAndReturn(
        sharpe=ratio_or_reason(gained, deviation * math.sqrt(days), FLAT),
        sharpe_a_year=ratio_or_reason(excess.mean() * math.sqrt(DAYS), deviation, FLAT),
        sortino=ratio_or_reason(gained, downside * math.sqrt(days), NO_LOSS),
        sortino_a_year=ratio_or_reason(excess.mean() * math.sqrt(DAYS), downside, NO_LOSS),
        max_drawdown=float(np.max(1.0 - curve / np.maximum.accumulate(curve))),
    )


@dataclass(frozen=True, slots=True)
class MarketModel:
    """The capital asset pricing model of an account.

    Attributes:
        alpha: a year.
        beta: on the market.
        r_squared: the squared correlation.
    """

    alpha: float
    beta: float
    r_squared: float


def market_model(
    equity: Mapping[date, float], market: Mapping[date, float], risk_free: float = RISK_FREE
) -> MarketModel:
    """Ordinary least squares of excess returns on those of a market.

    Where the account has no row for a session, the return of the market is compounded over the
    gap, as that of the account is.

    Args:
        equity: at closes, by date.
        market: closes of an index, by date; dates that the account lacks may be there.
        risk_free: a year.

    Raises:
        InvestorBenchError: fewer than three returns, a date that the market lacks, or a market
            that does not move.
    """
    days = sorted(equity)
    _require_closes(market, days)
    own = _returns([equity[day] for day in days]) - _daily(risk_free)
    its = _returns([market[day] for day in days]) - _daily(risk_free)
    if len(own) < 3 or not varies(its):
        raise InvestorBenchError("a market model takes three returns of a market that moves")
    apart = its - its.mean()
    beta = float(apart @ own / (apart @ apart))
    alpha = float(own.mean() - beta * its.mean())
    correlation = float(np.corrcoef(own, its)[0, 1]) if varies(own) else 0.0
    return MarketModel((1.0 + alpha) ** DAYS - 1.0, beta, correlation**2)


def invested(
    market: Mapping[date, float], days: Sequence[date], amount: float = 100.0
) -> dict[date, float]:
    """What an amount in an index is worth on each day, put there on the first.

    Args:
        market: closes of the index, by date, such as those of the S&P 500 or the Russell 2000.
        days: of an account, oldest first.
        amount: in dollars.

    Raises:
        InvestorBenchError: a date that the index lacks.
    """
    _require_closes(market, days)
    return {day: amount * market[day] / market[days[0]] for day in days}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """How an account was spread.

    Attributes:
        concentration: mean over all days of the sum of squared weights, cash among them.
        cash_share: mean weight of cash.
        turnover: value traded by mean equity.
    """

    concentration: float
    cash_share: float
    turnover: float


def allocation(values: FloatArray, cash: FloatArray, traded: float) -> Allocation:
    """How an account was spread over all its days, those without a holding among them.

    Args:
        values: of each asset at each close [T, A].
        cash: likewise [T].
        traded: the sum of the value of all fills.
    """
    equity = values.sum(axis=1) + cash
    weights = np.column_stack([values, cash]) / equity[:, None]
    return Allocation(
        concentration=float((weights**2).sum(axis=1).mean()),
        cash_share=float(weights[:, -1].mean()),
        turnover=float(traded / equity.mean()),
    )


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A fall of equity from a peak, until it is there again.

    Attributes:
        peak: the session of the peak.
        trough: of the lowest close.
        recovered: of the first close at the peak or above; None while there was none.
        depth: the fall as a share of the peak, positive.
    """

    peak: date
    trough: date
    recovered: date | None
    depth: float


def drawdowns(equity: Mapping[date, float]) -> list[Drawdown]:
    """Every fall from a peak, oldest first."""
    found: list[Drawdown] = []
    days = sorted(equity)
    peak, low = days[0], days[0]
    for day in days[1:]:
        if equity[day] >= equity[peak]:
            if low != peak:
                found.append(Drawdown(peak, low, day, 1.0 - equity[low] / equity[peak]))
            peak = low = day
        elif equity[day] < equity[low]:
            low = day
    if low != peak:
        found.append(Drawdown(peak, low, None, 1.0 - equity[low] / equity[peak]))
    return found


def _require_closes(market: Mapping[date, float], days: Sequence[date]) -> None:
    if lacking := [day for day in days if day not in market]:
        raise InvestorBenchError(f"the market has no close on {lacking[0]}, the account has")


def _returns(levels: Sequence[float]) -> FloatArray:
    values = np.asarray(levels, dtype=np.float64)
    if len(values) < 3 or not (values > 0).all():
        raise InvestorBenchError("returns take at least three levels, all of them positive")
    return values[1:] / values[:-1] - 1.0


def _daily(risk_free: float) -> float:
    return float((1.0 + risk_free) ** (1.0 / DAYS) - 1.0)


def ratio_or_reason(numerator: Any, denominator: Any, otherwise: str) -> Estimate:
    """A ratio, or why there is none where its denominator is 0."""
    if denominator == 0.0:
        return Estimate(reason=otherwise)
    return Estimate(value=float(numerator / denominator))
