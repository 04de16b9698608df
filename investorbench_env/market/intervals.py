"""Lengths of bars: how they are written, and whether the ends of bars fit one.

A bar belongs to a length that is written as a number and a unit: ``"3m"``, ``"1h"``, ``"1d"``,
``"1w"``. Its end is what counts: a decision is taken when it is complete.
"""

import re

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError
from investorbench_env.market.sessions import TimeArray

DAILY = "1d"
DAY = np.timedelta64(1, "D")
UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
"""Seconds in each unit."""
WEEKS_A_YEAR = 52
LEAST_SHARE = 0.7
"""Days are as short as 23 hours and trading weeks end on a Thursday; half a bar is no bar."""
FEW = 3
"""So many gaps of daily bars are not all across a weekend or a holiday."""
SHORTEST_SESSION = np.timedelta64(5, "h")
"""No exchange trades less a day; shorter bars come several a session."""


def length_of(interval: str, option: str = "interval") -> np.timedelta64:
    """How long a bar is, in seconds.

    Args:
        interval: as it is written.
        option: what it was given as, for the message.

    Raises:
        MarketError: it is not written as a number and a unit.
    """
    found = re.fullmatch(r"([1-9]\d*)([mhdw])", interval)
    if found is None:
        raise MarketError(
            f"{option}={interval!r} is no length of a bar; write a number and m, h, d or w, such "
            "as '3m', '1h', '1d' or '1w'"
        )
    return np.timedelta64(int(found[1]) * UNITS[found[2]], "s")


def periods_a_year(interval: str, days_a_year: float) -> float:
    """How many returns a year: one a session for bars of up to a session, one a bar beyond.

    Args:
        interval: the length of a bar.
        days_a_year: sessions a year.
    """
    number, unit = int(interval[:-1]), interval[-1]
    if unit == "w":
        return WEEKS_A_YEAR / number
    return days_a_year / max(float(length_of(interval) / DAY), 1.0)


def refuse_contradiction(interval: str, times: TimeArray, sessions: TimeArray) -> None:
    """See that ends of bars [T] in their sessions [T] are as far apart as bars of this length.

    A bar that is missing or shorter, as the last one before a close may be, is no contradiction;
    most of them are.

    Raises:
        MarketError: they are not.
    """
    length = length_of(interval)
    apart, again = np.diff(times), sessions[1:] == sessions[:-1]
    if length >= DAY and again.any():
        raise MarketError(
            f"interval={interval!r}, but {sessions[1:][again][0]} has several bars: give the "
            "length of one, such as interval='3m'"
        )
    if again.any():
        # The last bar of a session ends with it, however long it is.
        is_last = np.append(~again[1:], True)
        whole, rest = apart[again & ~is_last], apart[again & is_last]
        fits = _usual(whole) == _seconds(length) if len(whole) else _usual(rest) <= _seconds(length)
        apart = whole if len(whole) else rest
    elif len(apart):
        fits = _usual(apart) >= LEAST_SHARE * _seconds(length)
        if len(apart) >= FEW:
            nearest = LEAST_SHARE * _seconds(apart.min())
            is_near = nearest <= _seconds(max(length, DAY))
            fits = fits and is_near and bool(length >= SHORTEST_SESSION)
    else:
        return
    if not fits:
        raise MarketError(f"interval={interval!r}, but most bars end {_words(_usual(apart))} apart")


def _seconds(length: np.timedelta64) -> float:
    return float(length / np.timedelta64(1, "s"))


def _usual(apart: npt.NDArray[np.timedelta64]) -> float:
    return float(np.median(apart.astype("timedelta64[ns]").astype(np.int64)) / 1e9)


def _words(seconds: float) -> str:
    unit = max(
        (unit for unit in UNITS if UNITS[unit] <= seconds), key=UNITS.__getitem__, default=None
    )
    return f"{seconds:g} seconds" if unit is None else f"{seconds / UNITS[unit]:g}{unit}"
