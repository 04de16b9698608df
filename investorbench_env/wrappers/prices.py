"""The session and the prices up to it, as a text observation tells them."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import mean, stdev
from typing import Any

from investorbench_env.market.market import CLOSE, FIELDS, VOLUME
from investorbench_env.wrappers.wording import UNKNOWN, percent, price, volume

LOOKBACKS = (1, 3, 5, 10, 20)
"""Sessions over which returns are given, as far as the window reaches."""


def session_lines(
    observation: dict[str, Any], info: dict[str, Any], sessions: int
) -> Iterator[str]:
    """The session that just closed, and the prices up to it, oldest first."""
    yield ""
    yield f"# Session t: {info['session']}" if "time" in observation else "# Session t"
    if "bars" in observation:
        bars = [
            [value if value > 0.0 else math.nan for value in bar]
            for bar in observation["bars"].tolist()
        ]
        yield from _table(bars, observation["mask"].tolist(), sessions)
        yield from _movements([bar[CLOSE] for bar in bars])


def _table(bars: Sequence[Sequence[float]], mask: Sequence[int], count: int) -> Iterator[str]:
    header = ["session", *FIELDS, "return"]
    rows = [_row(bars, mask, index) for index in range(max(len(bars) - count, 0), len(bars))]
    # A column that is unknown all the way down is not a column.
    shown = [n for n, _ in enumerate(header) if n == 0 or {row[n] for row in rows} != {UNKNOWN}]
    table = [[row[n] for n in shown] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(shown))]
    for first, *rest in table:
        yield "  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])])


def _row(bars: Sequence[Sequence[float]], mask: Sequence[int], index: int) -> list[str]:
    """A session's name, prices, volume and return since the last bar before it."""
    bar, back = bars[index], len(bars) - 1 - index
    known = [earlier[CLOSE] for earlier, there in zip(bars[:index], mask, strict=False) if there]
    change = bar[CLOSE] / known[-1] - 1.0 if known else math.nan
    name = (f"t-{back}" if back else "t") + ("" if mask[index] else " (no bar)")
    return [name, *map(price, bar[:VOLUME]), volume(bar[VOLUME]), percent(change)]


def _movements(closes: Sequence[float]) -> Iterator[str]:
    """Returns, volatility and the distance from the mean, over the whole window."""
    last = closes[-1]
    spans = [span for span in LOOKBACKS if span < len(closes)]
    returns = [f"{percent(last / closes[-1 - span] - 1.0)} over {span}" for span in spans]
    if returns:
        unit = "session" if len(returns) == 1 else "sessions"
        yield f"Return up to t: {', '.join(returns)} {unit}"
    known = [close for close in closes if not math.isnan(close)]
    changes = [after / before - 1.0 for before, after in pairwise(known)]
    if len(changes) > 1:
        yield (
            f"Volatility: {stdev(changes):.2%} a session "
            f"(standard deviation of the last {len(changes)} returns)"
        )
        yield f"Close against its mean of {len(known)} sessions: {percent(last / mean(known) - 1)}"
