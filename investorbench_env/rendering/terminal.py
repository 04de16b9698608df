"""An episode so far as lines of text."""

import unicodedata
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from investorbench_env.rendering.figures import (
    account_words,
    last_known,
    origin,
    position_words,
)
from investorbench_env.rendering.frame import FloatArray, Frame, Trade
from investorbench_env.rendering.words import clean, number

_CHART_ROWS = 4
_HEADLINES = 6
_LABEL = 10
_PRICE_LABEL = 13


def ansi(frame: Frame, width: int = 80) -> str:
    """The episode so far as lines of text, without any escape code.

    Args:
        frame: the episode so far.
        width: columns of the terminal; no line is wider.

    Returns:
        Lines joined by newlines: header, price chart with fills, position, account, the last
        fills and the latest news and filings. A simulated market's first word is SIMULATED.
    """
    lines = [*_header(frame, width), "", *_chart(frame, width), ""]
    lines += [_labelled("position", _gauge(frame))]
    lines += [_labelled("" if row else "account", text) for row, text in enumerate(_words(frame))]
    lines += [_labelled("trades", _fills(frame))]
    lines += [_labelled("" if row else "events", text) for row, text in enumerate(_latest(frame))]
    return "\n".join(_fit(line, width) for line in lines)


def _header(frame: Frame, width: int) -> list[str]:
    stamp = "SIMULATED · " if frame.simulated else ""
    title = f"{clean(frame.symbol)} · {clean(frame.protocol)} protocol"
    return [f"{stamp}{title} · decision of {frame.moment(-1)}", origin(frame), "─" * width]


def _labelled(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}"


def _words(frame: Frame) -> list[str]:
    equity, gained, drawdown, asset = account_words(frame)
    since = frame.moment(frame.start)
    return [f"{equity} · {drawdown}", f"{gained} since {since} · {asset}"]


def _chart(frame: Frame, width: int) -> list[str]:
    """Price as columns of eighths, the fills below it, and the dates below these."""
    columns = min(max(width - _LABEL - _PRICE_LABEL, 1), len(frame.close))
    edges = np.linspace(0, len(frame.close), columns + 1).astype(int)
    prices = np.array([last_known(frame.close[a:b]) for a, b in pairwise(edges)])
    finite = frame.close[np.isfinite(frame.close)]
    if not finite.size:
        return [_labelled("price", "no bar so far")]
    low, high = float(finite.min()), float(finite.max())
    rows = _columns_of_eighths(prices, low, high)
    rows[0] += f" {number(high)} high"
    rows[-1] += f" {number(low)} low"
    labels = ["price", number(last_known(frame.close)), *[""] * (_CHART_ROWS - 2)]
    chart = [_labelled(label, row) for label, row in zip(labels, rows, strict=True)]
    marks = [_labelled("fills", _marks(frame, edges))] if frame.trades else []
    missing = len(frame.close) - len(finite)
    gaps = [_labelled("", f"{missing:,} of {len(frame.close):,} bars missing")] if missing else []
    return [*chart, *marks, _labelled("", _axis(frame, edges)), *gaps]


def _columns_of_eighths(prices: FloatArray, low: float, high: float) -> list[str]:
    """One string a row, top first; a missing price is a blank column."""
    span = high - low
    share = (prices - low) / span if span > 0 else np.where(np.isfinite(prices), 0.5, np.nan)
    levels = np.where(np.isfinite(share), 1 + np.rint(share * (8 * _CHART_ROWS - 1)), 0).astype(int)
    above = range(_CHART_ROWS - 1, -1, -1)
    return ["".join(" ▁▂▃▄▅▆▇█"[min(max(n - 8 * row, 0), 8)] for n in levels) for row in above]


def _marks(frame: Frame, edges: npt.NDArray[np.intp]) -> str:
    """▲ where the asset was bought, ▼ where it was sold, ◆ where both happened in a column."""
    marks = [" "] * (len(edges) - 1)
    for trade in frame.trades:
        column = int(np.searchsorted(edges, trade.index, side="right")) - 1
        sign = "▲" if trade.side > 0 else "▼"
        marks[column] = sign if marks[column] in (" ", sign) else "◆"
    return "".join(marks)


def _axis(frame: Frame, edges: npt.NDArray[np.intp]) -> str:
    """A line with the first and the last date, and a notch at the first decision."""
    columns = len(edges) - 1
    line = ["─"] * columns
    line[int(np.searchsorted(edges, frame.start, side="right")) - 1] = "┴"
    first, last = frame.moment(0), frame.moment(-1)
    if columns < len(first) + len(last) + 3:
        return "".join(line) + f" {first} to {last}"
    line[: len(first)] = first
    line[columns - len(last) :] = last
    return "".join(line)


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


def _latest(frame: Frame) -> list[str]:
    """The newest events, newest first, one line each."""
    lines = [
        f"{frame.moment(event.index)[5:]} {clean(event.kind):<8} {clean(event.text)}"
        for event in frame.events[: -_HEADLINES - 1 : -1]
    ]
    older = len(frame.events) - len(lines)
    return [*lines, f"and {older:,} earlier"] if older else lines or ["none so far"]


def _columns(character: str) -> int:
    """Columns of a terminal that a character takes."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fit(line: str, width: int) -> str:
    """A line cut to a width in columns; ``…`` marks a cut."""
    ends = np.cumsum([_columns(character) for character in line.rstrip()])
    if not ends.size or ends[-1] <= width:
        return line.rstrip()
    return line[: int(np.searchsorted(ends, width - 1, side="right"))] + "…"
