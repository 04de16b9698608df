"""An episode with one asset so far as lines of text."""

import numpy as np

from investorbench_env.rendering.figures import last_known, position_words
from investorbench_env.rendering.frame import Frame, Trade
from investorbench_env.rendering.lines import (
    account_lines,
    chart_lines,
    event_lines,
    fit,
    header,
    labelled,
)
from investorbench_env.rendering.words import number


def ansi(frame: Frame, width: int = 80) -> str:
    """The episode so far as lines of text, without any escape code.

    Args:
        frame: the episode so far.
        width: columns of the terminal; no line is wider.

    Returns:
        Lines joined by newlines: header, price chart with fills, position, account, the last
        fills and the latest news and filings. A simulated market's first word is SIMULATED.
    """
    fills = [(trade.index, trade.side > 0) for trade in frame.trades]
    lines = [
        *header(frame, frame.symbol, width),
        "",
        *chart_lines(frame, "price", frame.close, fills, width),
        "",
        *labelled("position", _gauge(frame)),
        *account_lines(frame),
        *labelled("trades", _fills(frame)),
        *event_lines(frame),
    ]
    return "\n".join(fit(line, width) for line in lines)


def _gauge(frame: Frame) -> str:
    """The position on a scale from short to long."""
    weight = float(np.clip(np.nan_to_num(last_known(frame.weight)), -1.0, 1.0))
    filled = round(abs(weight) * 10)
    short = ("█" * filled if weight < 0 else "").rjust(10, "·")
    long = ("█" * filled if weight > 0 else "").ljust(10, "·")
    return f"-1 {short}│{long} +1   {position_words(frame)}"


def _fills(frame: Frame) -> str:
    if not frame.trades:
        return "none yet"
    latest = [
        f"{frame.moment(trade.index)[5:]} {_side(trade)} {number(trade.price)}"
        for trade in frame.trades[:-3:-1]
    ]
    return f"{len(frame.trades)} in all, latest first: {', '.join(latest)}"


def _side(trade: Trade) -> str:
    return "buy" if trade.side > 0 else "sell"
