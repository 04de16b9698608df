"""Prices as traded: log returns of one path become bars with dividends, splits and cents."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.market.asset_classes import Simulated
from investorbench_env.market.market import FloatArray
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.process import SimulatedPaths

DIVIDEND_MONTHS = (3, 6, 9, 12)
SPLITS_FROM_PRICE = ((1000.0, 10.0), (300.0, 4.0), (5.0, 1.0), (0.0, 0.1))
"""From which close a stock is split at the next start of a month, and new shares for an old."""


class TradedBars(NamedTuple):
    """One asset as it traded."""

    bars: FloatArray
    """Open, high, low, close, volume [T, 5]."""
    adjusted_close: FloatArray
    """Grows by the total return of each session, from the first close [T]."""
    dividends: FloatArray
    """Cash per share on the ex-date [T]."""
    splits: FloatArray
    """New shares for an old one, else 1 [T]."""


def traded_bars(path: SimulatedPaths, sessions: TimeArray, profile: Simulated) -> TradedBars:
    """Bars of the first path of ``path``, beginning at the price of its profile.

    A close follows from the one before by ``(close_before / split − dividend) · exp(return)``, so
    the log return of the model is the total return of a holder who reinvests, as in the factors
    of CRSP and Yahoo. All prices are rounded to a cent.
    """
    gross = np.exp(np.cumsum(path.overnight[0] + path.intraday[0])) * profile.level
    dividends, splits, scale = _actions(gross, sessions, profile)
    before = np.concatenate(([profile.level], gross[:-1] * scale[:-1]))
    base = np.maximum(before / splits - dividends, 0.01)
    opened = base * np.exp(path.overnight[0])
    prices = np.stack(
        [
            opened,
            opened * np.exp(path.high[0]),
            opened * np.exp(path.low[0]),
            opened * np.exp(path.intraday[0]),
        ],
        axis=1,
    )
    # Rounding is monotonic, so low ≤ open, close ≤ high survives it.
    prices = np.maximum(np.round(prices, 2), 0.01)
    volume = np.round(profile.units_a_day * np.exp(path.volume[0] + path.log_volatility[0] / 2))
    bars = np.concatenate([prices, volume[:, None]], axis=1)
    return TradedBars(bars, _adjust(prices[:, 3], dividends, splits), dividends, splits)


def _adjust(close: FloatArray, dividends: FloatArray, splits: FloatArray) -> FloatArray:
    """Closes chained forwards by total returns, so that later actions change nothing before [T]."""
    growth = np.ones_like(close)
    growth[1:] = close[1:] / (close[:-1] / splits[1:] - dividends[1:])
    chained: FloatArray = close[0] * np.cumprod(growth)
    return chained


def _actions(
    gross: FloatArray, sessions: TimeArray, profile: Simulated
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Dividends and splits, and the factor that they leave on the price of a reinvestor [T] each.

    Args:
        gross: value of a holding that reinvests, per first share [T].
        sessions: dates [T].
        profile: says whether there are splits and dividends.
    """
    dividends, splits = np.zeros_like(gross), np.ones_like(gross)
    factor = np.ones_like(gross)
    for t in _ex_dates(sessions, 1, tuple(range(1, 13))) if profile.share_splits else ():
        splits[t] = 0.0  # a candidate, settled below in order of time
    for t in _ex_dates(sessions, 10, DIVIDEND_MONTHS) if profile.dividend_yield else ():
        dividends[t] = profile.dividend_yield / len(DIVIDEND_MONTHS)
    scale = 1.0
    for t in np.flatnonzero((splits == 0) | (dividends > 0)):
        before = gross[t - 1] * scale
        splits[t] = _split_ratio(before) if splits[t] == 0 else 1.0
        dividends[t] = np.floor(before * dividends[t] * 100) / 100
        factor[t] = 1 / splits[t] - dividends[t] / before
        scale *= factor[t]
    return dividends, splits, np.asarray(np.cumprod(factor), dtype=np.float64)


def _split_ratio(price: float) -> float:
    return next(ratio for least, ratio in SPLITS_FROM_PRICE if price >= least)


def _ex_dates(sessions: TimeArray, ordinal: int, months: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """The n-th session of each of the months, never the first session of all."""
    month = sessions.astype("datetime64[M]")
    starts = np.flatnonzero(month[1:] != month[:-1]) + 1
    days = starts + ordinal - 1
    days = days[days < len(sessions)]
    wanted = np.isin(month[days].astype(int) % 12 + 1, months)
    return days[wanted]
