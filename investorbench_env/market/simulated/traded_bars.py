"""Prices as traded: log returns of paths become bars with dividends, splits and cents."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.market.asset_classes import Simulated
from investorbench_env.market.market import FloatArray
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.elementary import exp
from investorbench_env.market.simulated.process import SimulatedPaths

DIVIDEND_MONTHS = (3, 6, 9, 12)
SPLIT_PRICES = np.array([5.0, 300.0, 1000.0])
SPLIT_RATIOS = np.array([0.1, 1.0, 4.0, 10.0])
"""New shares for an old one at the next start of a month after a close below the first price, from
the first on, and so forth."""

IndexArray = npt.NDArray[np.intp]


class ExDates(NamedTuple):
    """The sessions on which a path may pay a dividend or split, of all paths [E] or each [N, E]."""

    days: IndexArray
    """Indices of the sessions, ascending; beyond the last session where a path has fewer."""
    may_split: npt.NDArray[np.bool_]
    pays: npt.NDArray[np.bool_]


class TradedBars(NamedTuple):
    """N paths of an asset as they traded."""

    bars: FloatArray
    """Open, high, low, close, volume [N, T, 5]."""
    adjusted_close: FloatArray
    """Grows by the total return of each session, from the first close [N, T]."""
    dividends: FloatArray
    """Cash per share on the ex-dates [N, E]."""
    splits: FloatArray
    """New shares for an old one on the ex-dates, else 1 [N, E]."""


def ex_dates_of(sessions: TimeArray, profile: Simulated) -> ExDates:
    """Splits come with the first session of a month, dividends with the tenth of each third one."""
    splitting = _days(sessions, 1, range(1, 13) if profile.share_splits else ())
    paying = _days(sessions, 10, DIVIDEND_MONTHS if profile.dividend_yield else ())
    days = np.union1d(splitting, paying)
    return ExDates(days, np.isin(days, splitting), np.isin(days, paying))


def traded_bars(paths: SimulatedPaths, ex_dates: ExDates, profile: Simulated) -> TradedBars:
    """Bars of paths, beginning at the price of their profile.

    A close follows from the one before by ``(close_before / split − dividend) · exp(return)``, so
    the log return of the model is the total return of a holder who reinvests, as in the factors
    of CRSP and Yahoo. All prices are rounded to a cent.
    """
    gross = exp(np.cumsum(paths.overnight + paths.intraday, axis=1)) * profile.level
    length = gross.shape[1]
    ex_dividends, ex_splits, scale = _actions(gross, ex_dates, profile)
    dividends = on_sessions(ex_dividends, ex_dates.days, length, 0.0)
    splits = on_sessions(ex_splits, ex_dates.days, length, 1.0)
    traded = gross * _on_each_session(scale, ex_dates.days, length)
    before = np.concatenate([np.full_like(gross[:, :1], profile.level), traded[:, :-1]], axis=1)
    opened = np.maximum(before / splits - dividends, 0.01) * exp(paths.overnight)
    bars = np.empty((*gross.shape, 5))
    for column, rise in enumerate((None, paths.high, paths.low, paths.intraday)):
        price = opened if rise is None else opened * exp(rise)
        # Rounding is monotonic, so low ≤ open, close ≤ high survives it.
        bars[..., column] = np.maximum(np.round(price, 2), 0.01)
    bars[..., 4] = np.round(profile.units_a_day * exp(paths.volume + paths.log_volatility / 2))
    return TradedBars(bars, _adjust(bars[..., 3], dividends, splits), ex_dividends, ex_splits)


def on_sessions(
    values: FloatArray, ex_dates: IndexArray, length: int, otherwise: float
) -> FloatArray:
    """Values of ex-dates [N, E] among those of all sessions [N, T]."""
    spread = np.full((len(values), length + 1), otherwise)
    if ex_dates.ndim == 1:
        spread[:, ex_dates] = values
    else:
        np.put_along_axis(spread, ex_dates, values, axis=1)
    return spread[:, :length]


def _on_each_session(scale: FloatArray, ex_dates: IndexArray, length: int) -> FloatArray:
    """What holds before the first ex-date and after each [N, E + 1], by session [N, T]."""
    sessions = np.arange(length)
    if ex_dates.ndim == 1:
        return scale[:, np.searchsorted(ex_dates, sessions, "right")]
    passed = (ex_dates[:, :, None] <= sessions).sum(axis=1)
    return np.take_along_axis(scale, passed, axis=1)


def _adjust(close: FloatArray, dividends: FloatArray, splits: FloatArray) -> FloatArray:
    """Closes chained forwards by total returns: later actions change nothing before [N, T]."""
    growth = np.ones_like(close)
    growth[:, 1:] = close[:, 1:] / (close[:, :-1] / splits[:, 1:] - dividends[:, 1:])
    chained: FloatArray = close[:, :1] * np.cumprod(growth, axis=1)
    return chained


def _actions(
    gross: FloatArray, ex_dates: ExDates, profile: Simulated
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Dividends and splits of the ex-dates [N, E], and what they leave of a reinvestor's price.

    The last is a factor [N, E + 1], before the first ex-date and after each.

    Args:
        gross: value of a holding that reinvests, per first share [N, T].
        ex_dates: when there may be any.
        profile: says how much.
    """
    yielded = profile.dividend_yield / len(DIVIDEND_MONTHS)
    paths, events = np.arange(len(gross)), ex_dates.days.shape[-1]
    dividends, splits, scale = (
        np.full((len(paths), count), value)
        for count, value in ((events, 0.0), (events, 1.0), (events + 1, 1.0))
    )
    for number in range(events):
        t, may_split, pays = (each[..., number] for each in ex_dates)
        before = gross[paths, t - 1] * scale[:, number]
        if may_split.any():
            ratios = SPLIT_RATIOS[np.searchsorted(SPLIT_PRICES, before, side="right")]
            splits[:, number] = np.where(may_split, ratios, 1.0)
        if pays.any():
            dividends[:, number] = np.where(pays, np.floor(before * yielded * 100) / 100, 0.0)
        factor = 1 / splits[:, number] - dividends[:, number] / before
        scale[:, number + 1] = scale[:, number] * factor
    return dividends, splits, scale


def _days(sessions: TimeArray, ordinal: int, months: Sequence[int]) -> IndexArray:
    """The n-th session of each of the months, never the first session of all."""
    month = sessions.astype("datetime64[M]")
    starts = np.flatnonzero(month[1:] != month[:-1]) + 1
    days = starts + ordinal - 1
    days = days[days < len(sessions)]
    wanted = np.isin(month[days].astype(int) % 12 + 1, list(months))
    return days[wanted]
