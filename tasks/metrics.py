"""Scores of equity curves, vectorised over any leading axes; knows arrays only.

Two conventions, never mixed in a table. ``simple``: that of the protocol ``standard``. ``log``:
that of InvestorBench's tables (Li et al., 2025), where step returns are added up although a
drawdown compounds them. Figures are fractions, not percent; a drawdown is positive.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import UnknownNameError
from investorbench_env.protocols import Convention

FloatArray = npt.NDArray[np.float64]
Figure = Any
"""A float, or an array of the leading axes."""

NORMAL_95 = 1.959963984540054


def performance(
    returns: FloatArray, convention: Convention, days_a_year: float, risk_free: float = 0.0
) -> dict[str, Figure]:
    """CR, SR, AV, MDD and their relatives of step returns [..., T].

    Args:
        returns: what each step returned; under ``log`` the weight times the log return.
        convention: ``"simple"`` or ``"log"``.
        days_a_year: steps a year, 252 or 365.
        risk_free: yearly risk-free rate; the published convention has none.

    Returns:
        CR cumulative return, SR Sharpe ratio a year, AV volatility a year, MDD largest drawdown,
        sortino and calmar ratio, SR_low and SR_high the 95 % interval of SR. A ratio whose
        denominator is 0 is 0 for SR and NaN for the others.
    """
    returns = np.asarray(returns, dtype=np.float64)
    if convention not in ("simple", "log"):
        raise UnknownNameError("convention", convention, ["simple", "log"])
    steps = returns.shape[-1]
    rate = (1.0 + risk_free) ** (1.0 / days_a_year) - 1.0
    excess = returns - rate
    deviation = _deviation(returns)
    volatility = deviation * np.sqrt(days_a_year)
    total: Figure
    if convention == "simple":
        total = np.prod(1.0 + returns, axis=-1) - 1.0
        sharpe = _ratio(excess.mean(axis=-1), deviation, 0.0) * np.sqrt(days_a_year)
        a_year = _power(1.0 + total, days_a_year / steps) - 1.0
    else:
        total = returns.sum(axis=-1)
        # The number of prices, one more than of steps, stands for the length of the window.
        a_year = total / ((steps + 1) / days_a_year)
        sharpe = _ratio(a_year, volatility, 0.0)
    drawdown = max_drawdown(equity_of(returns))
    downside = np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2, axis=-1))
    margin = NORMAL_95 * sharpe_error(returns) * np.sqrt(days_a_year)
    figures = {
        "CR": total,
        "SR": sharpe,
        "SR_low": sharpe - margin,
        "SR_high": sharpe + margin,
        "AV": volatility,
        "MDD": drawdown,
        "sortino": _ratio(excess.mean(axis=-1), downside, np.nan) * np.sqrt(days_a_year),
        "calmar": _ratio(a_year, drawdown, np.nan),
    }
    return {name: _plain(figure) for name, figure in figures.items()}


def activity(
    returns: FloatArray, weights: FloatArray, notional: FloatArray, equity: FloatArray
) -> dict[str, Figure]:
    """How an agent traded.

    Args:
        returns: step returns [..., T].
        weights: position as a share of equity during each step [..., T].
        notional: value traded in each step [..., T].
        equity: equity at each decision, the first included [..., T + 1].

    Returns:
        hit_ratio: share of the steps with a position that gained (NaN without any); turnover:
        value traded over mean equity; exposure: mean absolute weight; time_in_market: share of
        steps with a position.
    """
    held = weights != 0.0
    figures = {
        "hit_ratio": _ratio((held & (returns > 0.0)).sum(-1), held.sum(-1), np.nan),
        "turnover": notional.sum(axis=-1) / equity.mean(axis=-1),
        "exposure": np.abs(weights).mean(axis=-1),
        "time_in_market": held.mean(axis=-1),
    }
    return {name: _plain(figure) for name, figure in figures.items()}


def equity_of(returns: FloatArray) -> FloatArray:
    """Equity that compounds returns [..., T], starting at 1 [..., T + 1]."""
    start = np.ones((*returns.shape[:-1], 1))
    return np.concatenate([start, np.cumprod(1.0 + returns, axis=-1)], axis=-1)


def max_drawdown(equity: FloatArray) -> Figure:
    """Largest fall from a peak so far, as a share of the peak; the start value is a peak."""
    peaks = np.maximum.accumulate(equity, axis=-1)
    return np.max(1.0 - equity / peaks, axis=-1)


def sharpe_error(returns: FloatArray) -> Figure:
    """Standard error of the Sharpe ratio a step, with skew and kurtosis.

    var(SR) = (1 − γ3·SR + (γ4 − 1)/4·SR²)/T (Bailey and López de Prado, 2012). It is NaN where the
    returns do not vary.
    """
    steps = returns.shape[-1]
    deviation = _deviation(returns)
    sharpe = _ratio(returns.mean(axis=-1), deviation, np.nan)
    centred = returns - returns.mean(axis=-1, keepdims=True)
    squares = centred * centred
    scale = np.sqrt(np.mean(squares, axis=-1))
    # Products: third and fourth powers of so many numbers take longer than all else here.
    skew = _ratio(np.mean(squares * centred, axis=-1), scale**3, np.nan)
    kurtosis = _ratio(np.mean(squares * squares, axis=-1), scale**4, np.nan)
    variance = (1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2) / steps
    return np.sqrt(np.maximum(variance, 0.0))


def _deviation(returns: FloatArray) -> FloatArray:
    """Sample standard deviation; exactly 0 for constant returns, whose sum may round."""
    if returns.shape[-1] < 2:
        return np.zeros(returns.shape[:-1])
    varies = returns.max(axis=-1) > returns.min(axis=-1)
    deviation: FloatArray = returns.std(axis=-1, ddof=1) * varies
    return deviation


def _ratio(numerator: Figure, denominator: Figure, otherwise: float) -> Figure:
    """Quotient, or ``otherwise`` where the denominator is 0."""
    denominator = np.asarray(denominator, dtype=np.float64)
    defined = denominator != 0.0
    return np.where(defined, numerator / np.where(defined, denominator, 1.0), otherwise)


def _power(growth: Figure, exponent: float) -> Figure:
    """Growth a year; a growth below nothing has none and counts as all lost."""
    return np.maximum(growth, 0.0) ** exponent


def _plain(figure: Figure) -> Figure:
    """A zero-dimensional array as a float, so that a single curve has plain figures."""
    return float(figure) if np.ndim(figure) == 0 else figure
