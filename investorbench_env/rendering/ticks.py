"""Where a scale has its ticks, and what they are called."""

import math
from itertools import pairwise

import numpy as np

from investorbench_env.rendering.frame import DateArray

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def round_numbers(low: float, high: float) -> list[float]:
    """About four round numbers between two values."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= 0.85 * rough)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def round_powers(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 … between two positive values, thinned to about six."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside[:: math.ceil(len(inside) / 6)]


def tick_label(value: float, ticks: list[float]) -> str:
    """A tick's number, with no more decimals than its neighbours need."""
    if not 0.01 <= max(map(abs, ticks)) < 1e7:
        return f"{value:.3g}".replace("-", "−")
    step = min((b - a for a, b in pairwise(ticks)), default=abs(value) or 1.0)
    digits = next((d for d in range(10) if math.isclose(round(step, d), step, rel_tol=1e-6)), 10)
    return f"{value:,.{digits}f}".replace("-", "−")


def round_dates(dates: DateArray) -> dict[int, str]:
    """Up to nine bars that begin a month or a year, or else some days or times, with their labels.

    Args:
        dates: ``datetime64[D]`` of one bar a day, or ``datetime64[m]`` of several.
    """
    months = dates.astype("datetime64[M]").astype(int)
    begins = np.flatnonzero(np.diff(months)) + 1
    if len(begins) < 3:
        return _days_or_times(dates)
    every = next(m for m in (1, 2, 3, 6, 12, 24, 60, 120, 600) if len(begins) / m <= 9)
    begins = begins[months[begins] % every == 0]
    labels: dict[int, str] = {}
    for begin in map(int, begins):
        years, month = divmod(int(months[begin]), 12)
        year = f"{1970 + years}"
        named = f"{_MONTHS[month]} {year}" if not labels or month == 0 else _MONTHS[month]
        labels[begin] = year if every >= 12 else named
    return labels


def _days_or_times(dates: DateArray) -> dict[int, str]:
    """Some seven bars: those that begin a day where there are enough of these, or any."""
    begins = np.flatnonzero(np.diff(dates.astype("datetime64[D]").astype(int), prepend=-1))
    has_times = dates.dtype == np.dtype("datetime64[m]")
    if len(begins) < 3 and has_times:
        begins = np.arange(len(dates))[:: math.ceil(len(dates) / 7)]
        return {int(begin): str(dates[begin])[11:] for begin in begins}
    begins = begins[:: math.ceil(len(begins) / 7)]
    if len(begins) > 1 and begins[1] < len(dates) / 12:  # the rest of a day has no room for a label
        begins = begins[1:]
    days = dates[begins].astype("datetime64[D]").astype(object)
    labels = [f"{day.day} {_MONTHS[day.month - 1]}" for day in days]
    return dict(zip(map(int, begins), labels, strict=True))
