"""Indicators over bars, oldest first: whole series, each value from its own bar and earlier ones.

Series may have any axes behind that of time. An unknown bar (NaN) is left out: it repeats the value
before it, and a series is NaN until its first bar.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def ema(values: FloatArray, span: int) -> FloatArray:
    """Exponential moving average, α = 2/(span + 1), recursive from the first value [T, ...]."""
    return _over_known(lambda known: _smoothed(known, 2.0 / (span + 1.0)), values)


def macd(closes: FloatArray, fast: int = 12, slow: int = 26) -> FloatArray:
    """The MACD line, EMA(fast) − EMA(slow) [T, ...]."""
    return ema(closes, fast) - ema(closes, slow)


def rsi(closes: FloatArray, period: int = 14) -> FloatArray:
    """Wilder's relative strength index, 0 to 100; 50 as long as nothing has changed [T, ...]."""
    return _over_known(lambda known: _relative_strength(known, period), closes)


def atr(high: FloatArray, low: FloatArray, close: FloatArray, period: int = 14) -> FloatArray:
    """Wilder's average true range, in the unit of prices [T, ...]."""
    return _over_known(
        lambda *known: _smoothed(_true_range(*known), 1.0 / period), high, low, close
    )


def _relative_strength(closes: FloatArray, period: int) -> FloatArray:
    changes = np.diff(closes, axis=0)
    rise = _smoothed(np.maximum(changes, 0.0), 1.0 / period)
    total = _smoothed(np.maximum(-changes, 0.0), 1.0 / period)
    total += rise
    strength = np.full(closes.shape, 50.0)
    np.divide(100.0 * rise, total, out=strength[1:], where=total != 0.0)
    return strength


def _true_range(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """How far a price moved, the step from the close before included [T, ...]."""
    high, low = high.copy(), low.copy()
    np.maximum(high[1:], close[:-1], out=high[1:])
    np.minimum(low[1:], close[:-1], out=low[1:])
    return high - low


def _smoothed(values: FloatArray, share: float) -> FloatArray:
    """y₀ = x₀, y_t = y_{t−1} + share·(x_t − y_{t−1}) [T, ...].

    Each pass sums over twice as many steps as the one before (Hillis & Steele 1986, Communications
    of the ACM 29). A longer series begins with the shorter one to the bit.
    """
    if not len(values):
        return np.empty(values.shape)
    # Of differences from the first value, so that a series without a change stays as it is.
    average: FloatArray = share * (values - values[0])
    keep, back = 1.0 - share, 1
    while back < len(values) and keep:
        average[back:] += keep * average[:-back]
        keep, back = keep * keep, 2 * back
    average += values[0]
    return average


def _over_known(calculate: Callable[..., FloatArray], *series: FloatArray) -> FloatArray:
    """A calculation over the bars of which all series are known, column by column."""
    unknown = np.isnan(series[0])
    for other in series[1:]:
        unknown = unknown | np.isnan(other)
    if not unknown.any():
        return calculate(*series)
    result = np.full(series[0].shape, np.nan)
    for column in np.ndindex(result.shape[1:]):
        at = (slice(None), *column)
        rows = np.flatnonzero(~unknown[at])
        if len(rows):
            known = calculate(*(each[at][rows] for each in series))
            result[(slice(rows[0], None), *column)] = np.repeat(
                known, np.diff(rows, append=len(result))
            )
    return result
