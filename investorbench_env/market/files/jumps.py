"""Prices that change as no market does: in another unit, or of which a split divides a part."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import CLOSE, FIELDS, VOLUME, FloatArray
from investorbench_env.market.sessions import TimeArray

BoolArray = npt.NDArray[np.bool_]

SPLIT_RATIOS = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 50.0)
LIKE_A_SPLIT = 0.05
"""How near to one of these ratios a jump must be, in logarithms."""
LEAST_RATIO = 1.4
"""Smaller steps are those of markets."""
LEAST_TAKEN_BACK = 2.0
"""News moves prices by less than this ratio, and back by as much."""
ANOTHER_UNIT = 8.0
"""No price changes by this factor from one close to the next."""
NAMED = 5
"""So many jumps are named one by one."""


def jumps(
    sessions: TimeArray,
    bars: FloatArray,
    adjusted: FloatArray | None = None,
    ratios: FloatArray | None = None,
    *,
    splits: Sequence[float] = SPLIT_RATIOS,
    certain: bool = False,
) -> list[str]:
    """Each jump in words, the first few of them.

    Args:
        sessions: dates [T].
        bars: open, high, low, close, volume; NaN where unknown [T, 5].
        adjusted: closes adjusted for splits, where known [T].
        ratios: new shares for one old one, of the splits that the bars show [T].
        splits: ratios of which a jump may be.
        certain: whether these are those of the asset's own splits, so that an adjusted close that
            jumps as well was divided wrongly, too, and shows no day of news.
    """
    shares = np.ones(len(sessions)) if ratios is None else ratios
    found = [
        *_within_bars(sessions, bars),
        *_between_closes(sessions, bars[:, CLOSE], adjusted, shares, np.array(splits), certain),
    ]
    left = len(found) - NAMED
    return [*found[:NAMED], *([f"and {left} jumps more of these kinds"] if left > 0 else [])]


def _within_bars(sessions: TimeArray, bars: FloatArray) -> Iterator[str]:
    close = bars[:, CLOSE]
    for number, name in enumerate(FIELDS[:VOLUME]):
        times = bars[:, number] / close
        for t in np.flatnonzero(np.abs(np.log(times)) > np.log(ANOTHER_UNIT)):
            yield (
                f"{name} {bars[t, number]:g} on {sessions[t]} beside a close of {close[t]:g}: "
                "looks like another unit"
            )


def _taken_back(step: FloatArray, split: BoolArray, ratio: FloatArray) -> BoolArray:
    """Steps like splits that the next one takes back: a while for which both columns are wrong.

    Args:
        step: of the closes, in logarithms [N].
        split: which look like a split [N].
        ratio: the one that each is nearest to [N].
    """
    back = np.zeros(len(step), dtype=bool)
    for first, second in pairwise(np.flatnonzero(split & (ratio >= LEAST_TAKEN_BACK))):
        if ratio[first] == ratio[second] and step[first] * step[second] < 0:
            back[[first, second]] = True
    return back


def _between_closes(
    sessions: TimeArray,
    close: FloatArray,
    adjusted: FloatArray | None,
    shares: FloatArray,
    splits: FloatArray,
    certain: bool,
) -> Iterator[str]:
    days = np.flatnonzero(np.isfinite(close) & (close > 0))
    value = np.log(close * np.cumprod(shares))[days]
    step = np.diff(value)
    unit = np.abs(step) > np.log(ANOTHER_UNIT)
    split = np.zeros(len(step), dtype=bool)
    if len(splits):
        away = np.abs(np.abs(step)[:, None] - np.abs(np.log(splits)))
        split = (away.min(axis=1) < LIKE_A_SPLIT) & (np.abs(step) > np.log(LEAST_RATIO))
        if adjusted is not None and not certain:
            # Where the adjusted close moves just as much, it was a day of news and no split.
            with np.errstate(invalid="ignore", divide="ignore"):
                moved = np.diff(np.log(adjusted[days]))
            news = np.abs(moved - step) <= LIKE_A_SPLIT
            split &= ~news | _taken_back(step, split, splits[away.argmin(axis=1)])
    for t in np.flatnonzero(unit | split):
        before, after = close[days[t]], close[days[t + 1]]
        jump = f"close jumps from {before:g} to {after:g} on {sessions[days[t + 1]]}: looks like "
        if split[t]:
            nearest = np.abs(np.log(splits))[away[t].argmin()]
            kind = "split" if step[t] < 0 else "reverse split"
            named = f"{np.exp(nearest):g}:1" if step[t] < 0 else f"1:{np.exp(nearest):g}"
            yield f"{jump}a {named} {kind} that the prices are not adjusted for"
        else:
            yield f"{jump}another unit"
