"""Prices and named indicators up to a decision, in words."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean

import numpy as np
import numpy.typing as npt

from investorbench_env.indicators import atr, ema, rsi
from investorbench_env.market.past import Past
from investorbench_env.wrappers.wording import UNKNOWN, BarWords, percent, price, volume

FloatArray = npt.NDArray[np.float64]

YEAR = 252
"""Sessions."""
LOOKBACK = YEAR + 1
"""Bars that indicators are made of: a year of sessions, and the close before it."""
SPANS = (1, 5, 21, 63, 126, YEAR)
"""Bars over which returns are given."""
AVERAGES = (20, 50, 200)
RSI, ATR, BAND, SIGNAL = 14, 14, 20, 9
FAST, SLOW = 12, 26


def technical(past: Past, words: BarWords, sessions: int) -> Iterator[str]:
    """A text for the table of prices, and one for each indicator that there are enough bars for.

    Args:
        past: its bars are in the shares of the last of them.
        words: what a bar is called.
        sessions: rows of the table.
    """
    bars = past.bars(last=max(LOOKBACK, sessions + 1))
    yield "\n".join(_table(bars, words, sessions))
    high, low, close = (bars[name] for name in ("high", "low", "close"))
    known: list[float] = close[~np.isnan(close)].tolist()
    last = known[-1]
    if len(known) > 1:
        yield _returns(known, words)
    averages = [n for n in AVERAGES if n <= len(known)]
    if averages:
        each = [f"{n} {words.many} {_level(fmean(known[-n:]), last)}" for n in averages]
        yield f"Simple moving averages: {', '.join(each)}"
    if len(known) >= SLOW:
        yield from _trend(close, last, words)
    if len(known) > RSI:
        value = rsi(close, RSI).item(-1)
        yield f"RSI (Wilder, {RSI} {words.many}): {value:.1f} of 100"
    if len(known) >= BAND:
        yield _band(known[-BAND:], words)
    spread = atr(high, low, close, ATR).item(-1) if len(known) > ATR else math.nan
    if not math.isnan(spread):
        yield (
            f"Average true range (Wilder, {ATR} {words.many}): {price(spread)}, "
            f"{spread / last:.2%} of the close"
        )
    yield from _volumes(bars["volume"], words)
    if len(known) >= YEAR:
        highest, lowest = max(known[-YEAR:]), min(known[-YEAR:])
        yield (
            f"Highest and lowest close of {YEAR} {words.many}: {_level(highest, last)}, "
            f"{_level(lowest, last)}"
        )


def _table(bars: npt.NDArray[np.void], words: BarWords, sessions: int) -> Iterator[str]:
    names = ("open", "high", "low", "close", "volume")
    rows = bars[-sessions:]
    words_of = {name: volume if name == "volume" else price for name in names}
    columns = [list(map(write, rows[name].tolist())) for name, write in words_of.items()]
    # A column that is unknown all the way down is not a column.
    shown = [n for n, column in enumerate(columns) if set(column) != {UNKNOWN}]
    yield f"Prices, oldest first: {words.one}, {', '.join(names[n] for n in shown)}, return"
    times = rows["session"].astype(str) if words.one == "session" else rows["time"].astype(str)
    for n, (name, change) in enumerate(zip(times, _changes(bars, len(rows)), strict=True)):
        yield "  ".join([name, *(columns[c][n] for c in shown), percent(change)])


def _changes(bars: npt.NDArray[np.void], count: int) -> list[float]:
    """The returns of the last closes, each since the last known one before it."""
    closes: list[float] = bars["close"].tolist()
    earlier = (close for close in reversed(closes[:-count]) if not math.isnan(close))
    changes, before = [], next(earlier, math.nan)
    for close in closes[-count:]:
        changes.append(close / before - 1.0)
        before = before if math.isnan(close) else close
    return changes


def _returns(known: Sequence[float], words: BarWords) -> str:
    last = known[-1]
    spans = [span for span in SPANS if span < len(known)]
    each = [f"{percent(last / known[-1 - span] - 1.0)} over {span}" for span in spans]
    return f"Return up to the last close: {', '.join(each)} {words.many}"


def _trend(close: FloatArray, last: float, words: BarWords) -> Iterator[str]:
    fast, slow = ema(close, FAST), ema(close, SLOW)
    yield (
        f"Exponential moving averages: {FAST} {words.many} {_level(fast.item(-1), last)}, "
        f"{SLOW} {words.many} {_level(slow.item(-1), last)}"
    )
    now, then = fast.item(-1) - slow.item(-1), ema(fast - slow, SIGNAL).item(-1)
    yield (
        f"MACD ({FAST}, {SLOW}, {SIGNAL}): line {_signed(now)}, signal {_signed(then)}, "
        f"histogram {_signed(now - then)}"
    )


def _band(closes: Sequence[float], words: BarWords) -> str:
    middle, width = fmean(closes), 2.0 * _deviation(closes)
    place = (closes[-1] - middle + width) / (2.0 * width) if width else 0.5
    changes = [after / before - 1.0 for before, after in pairwise(closes)]
    return (
        f"Bollinger band ({BAND} {words.many}, 2 standard deviations): {price(middle - width)} to "
        f"{price(middle + width)}, the close at {place:.2f} of it; volatility "
        f"{_deviation(changes):.2%} a {words.one}"
    )


def _deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample; statistics.stdev reckons in fractions, at length."""
    mean = fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _volumes(volumes: FloatArray, words: BarWords) -> Iterator[str]:
    known: list[float] = volumes[~np.isnan(volumes)][-BAND:].tolist()
    if len(known) == BAND and sum(known) > 0.0 and not math.isnan(volumes.item(-1)):
        mean = fmean(known)
        yield (
            f"Volume: {volume(known[-1])}, {known[-1] / mean:.2f} times its mean of {BAND} "
            f"{words.many}, {volume(mean)}"
        )


def _level(level: float, last: float) -> str:
    """A price, and how far the last close stands from it."""
    return f"{price(level)} (the close {percent(last / level - 1.0)})"


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}" if abs(value) >= 1.0 else f"{value:+.3g}"
