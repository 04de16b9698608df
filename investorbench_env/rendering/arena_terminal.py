"""An episode with perpetuals so far as lines of text."""

import math

import numpy as np

from investorbench_env.rendering.arena_frame import ArenaFrame, PositionSpan
from investorbench_env.rendering.figures import last_known
from investorbench_env.rendering.lines import (
    account_lines,
    chart_lines,
    event_lines,
    fit,
    header,
    labelled,
)
from investorbench_env.rendering.words import clean, number, percent

_MOST_POSITIONS = 8
_LATEST = 4
"""Trades that have ended, and decisions that were rejected, which are listed."""


def arena_ansi(frame: ArenaFrame, width: int = 80) -> str:
    """The episode so far as lines of text, without any escape code.

    Args:
        frame: the episode so far.
        width: columns of the terminal; no line is wider.

    Returns:
        Lines joined by newlines: header, equity with entries, positions with what ends them,
        account, the last trades, what was rejected, and the latest news. A simulated market's first
        word is SIMULATED.
    """
    equity = np.concatenate([np.full(frame.start, frame.equity[0]), frame.equity])
    entries = [(span.first, span.is_long) for span in frame.positions]
    lines = [
        *header(frame, frame.name, width),
        "",
        *chart_lines(frame, "equity", equity, entries, width),
        "",
        *labelled("positions", *_positions(frame)),
        *account_lines(frame),
        *labelled("", f"fees {number(frame.fees)} · funding {number(frame.funding)}"),
        *labelled("trades", *_trades(frame)),
        *labelled("rejected", *_rejections(frame)),
        *(event_lines(frame) if frame.events else ()),
    ]
    return "\n".join(fit(line, width) for line in lines)


def side_words(span: PositionSpan) -> str:
    """Such as ``BTC long 0.62, 20×``."""
    side = "long" if span.is_long else "short"
    return f"{clean(span.symbol)[:12]} {side} {abs(span.quantity):g}, {span.leverage:g}×"


def _positions(frame: ArenaFrame) -> list[str]:
    rows: list[str] = []
    for span in frame.held[:_MOST_POSITIONS]:
        mark = last_known(frame.price_of(span.symbol))
        rows.append(
            f"{side_words(span)}: entered at {number(span.entry)}, now {number(mark)}, "
            f"{_signed(span.profit)}"
        )
        rows.append(f"  {', '.join(_levels(span, mark)) or 'nothing ends it but its owner'}")
    more = len(frame.held) - _MOST_POSITIONS
    rows += [f"and {more} more"] if more > 0 else []
    return rows or ["none"]


def _levels(span: PositionSpan, mark: float) -> list[str]:
    """What ends a position by itself, and how far away that is."""
    levels = {"target": span.target, "stop": span.stop, "liq.": span.last_liquidation}
    return [
        f"{name} {number(level)} {percent(level / mark - 1.0, '+')}"
        for name, level in levels.items()
        if math.isfinite(level)
    ]


def _trades(frame: ArenaFrame) -> list[str]:
    ended = sorted(
        (span for span in frame.positions if not span.is_open), key=lambda span: span.last
    )
    if not ended:
        return ["none has ended"]
    by = {"target": "target", "stop": "stop", "liquidation": "liquidated", "close": "closed"}
    return [
        f"{len(ended):,} ended, latest first",
        *(
            f"{frame.moment(span.last)[5:]} {side_words(span)}: {by[span.reason]} at "
            f"{number(span.exit)}, {_signed(span.profit)}"
            for span in ended[: -_LATEST - 1 : -1]
        ),
    ]


def _rejections(frame: ArenaFrame) -> list[str]:
    if not frame.rejections:
        return ["none"]
    latest = frame.rejections[: -_LATEST - 1 : -1]
    return [
        f"{len(frame.rejections):,} in all, latest first",
        *(f"{frame.moment(each.index)[5:]} {clean(each.text)}" for each in latest),
    ]


def _signed(amount: float) -> str:
    return f"{'+' if amount > 0 else ''}{number(amount)}"
