"""The bar that just closed and the prices up to it, as a text observation words them."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import mean, stdev
from typing import Any
from zoneinfo import ZoneInfo

from investorbench_env.facts import Facts
from investorbench_env.market.intervals import DAY, length_of
from investorbench_env.market.market import CLOSE, FIELDS, VOLUME
from investorbench_env.wrappers.wording import (
    UNKNOWN,
    BarWords,
    distribution_words,
    percent,
    price,
    volume,
)

LOOKBACKS = (1, 3, 5, 10, 20)
"""Bars over which returns are given, as far as the window reaches."""


def bar_lines(
    facts: Facts, observation: dict[str, Any], info: dict[str, Any], count: int
) -> Iterator[str]:
    """The bar that just closed, and the prices up to it, oldest first."""
    words = BarWords.of(facts.interval)
    yield ""
    when = f": {_moment(facts, info)}" if "time" in observation else ""
    yield f"# {words.one.capitalize()} t{when}"
    yield from distribution_words(info)
    if "bars" in observation:
        bars = [
            [value if value > 0.0 else math.nan for value in bar]
            for bar in observation["bars"].tolist()
        ]
        yield from _table(bars, observation["mask"].tolist(), words, count)
        yield from _movements([bar[CLOSE] for bar in bars], words)


def _moment(facts: Facts, info: dict[str, Any]) -> str:
    """The session, and where it has several bars the time of day at which this one ended."""
    if length_of(facts.interval) >= DAY:
        return str(info["session"])
    ended = datetime.fromisoformat(info["time"]).astimezone(ZoneInfo(facts.timezone))
    return f"{ended:%Y-%m-%d %H:%M}"


def _table(
    bars: Sequence[Sequence[float]], mask: Sequence[int], words: BarWords, count: int
) -> Iterator[str]:
    header = [words.one, *FIELDS, "return"]
    rows = [_row(bars, mask, index) for index in range(max(len(bars) - count, 0), len(bars))]
    # A column that is unknown all the way down is not a column.
    shown = [n for n, _ in enumerate(header) if n == 0 or {row[n] for row in rows} != {UNKNOWN}]
    table = [[row[n] for n in shown] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(shown))]
    for first, *rest in table:
        yield "  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])])


def _row(bars: Sequence[Sequence[float]], mask: Sequence[int], index: int) -> list[str]:
    """A bar's name, prices, volume and return since the last bar before it."""
    bar, back = bars[index], len(bars) - 1 - index
    known = [earlier[CLOSE] for earlier, there in zip(bars[:index], mask, strict=False) if there]
    change = bar[CLOSE] / known[-1] - 1.0 if known else math.nan
    name = (f"t-{back}" if back else "t") + ("" if mask[index] else " (no bar)")
    return [name, *map(price, bar[:VOLUME]), volume(bar[VOLUME]), percent(change)]


def _movements(closes: Sequence[float], words: BarWords) -> Iterator[str]:
    """Returns, volatility and the distance from the mean, over the whole window."""
    last = closes[-1]
    spans = [span for span in LOOKBACKS if span < len(closes)]
    returns = [f"{percent(last / closes[-1 - span] - 1.0)} over {span}" for span in spans]
    if returns:
        unit = words.one if len(returns) == 1 else words.many
        yield f"Return up to t: {', '.join(returns)} {unit}"
    known = [close for close in closes if not math.isnan(close)]
    changes = [after / before - 1.0 for before, after in pairwise(known)]
    if len(changes) > 1:
        yield (
            f"Volatility: {stdev(changes):.2%} a {words.one} "
            f"(standard deviation of the last {len(changes)} returns)"
        )
        apart = percent(last / mean(known) - 1)
        yield f"Close against its mean of {len(known)} {words.many}: {apart}"
