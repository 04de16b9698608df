"""Indicators over closing prices, oldest first; each looks at no more than what it is given."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def ema(values: FloatArray, span: int) -> FloatArray:
    """Exponential moving average, α = 2/(span + 1), recursive from the first value [n]."""
    alpha = 2.0 / (span + 1.0)
    result = np.empty(len(values))
    average = values[0] if len(values) else 0.0
    for i, value in enumerate(values):
        average += alpha * (value - average)
        result[i] = average
    return result


def macd(closes: FloatArray, fast: int = 12, slow: int = 26) -> FloatArray:
    """The MACD line, EMA(fast) − EMA(slow) [n]."""
    return ema(closes, fast) - ema(closes, slow)


def rsi(closes: FloatArray, period: int = 14) -> float:
    """Wilder's relative strength index of the last close, 0 to 100; 50 without any change."""
    changes = np.diff(closes)
    rise = _wilder(np.maximum(changes, 0.0), period)
    fall = _wilder(np.maximum(-changes, 0.0), period)
    return 50.0 if rise + fall == 0.0 else 100.0 * rise / (rise + fall)


def _wilder(values: FloatArray, period: int) -> float:
    """The last value of Wilder's smoothing, α = 1/period."""
    average = float(values[0]) if len(values) else 0.0
    for value in values[1:]:
        average += (float(value) - average) / period
    return average
