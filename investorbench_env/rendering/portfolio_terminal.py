"""An episode with several assets so far as lines of text."""

import math

import numpy as np

from investorbench_env.rendering.frame import AssetTrade, HoldingRow, PortfolioFrame
from investorbench_env.rendering.lines import (
    account_lines,
    chart_lines,
    event_lines,
    fit,
    header,
    labelled,
)
from investorbench_env.rendering.words import clean, number, percent

_MOST_HOLDINGS = 12
_BAR = 20
"""Columns of the largest weight."""


def portfolio_ansi(frame: PortfolioFrame, width: int = 80) -> str:
    """The episode so far as lines of text, without any escape code.

    Args:
        frame: the episode so far.
        width: columns of the terminal; no line is wider.

    Returns:
        Lines joined by newlines: header, equity with fills, what is held, account, orders, the
        last fills and the latest news and filings. A simulated market's first word is SIMULATED.
    """
    equity = np.concatenate([np.full(frame.start, np.nan), frame.equity])
    fills = [(trade.index, trade.quantity > 0) for trade in frame.trades]
    lines = [
        *header(frame, frame.name, width),
        "",
        *chart_lines(frame, "equity", equity, fills, width),
        "",
        *labelled("holdings", *_holdings(frame)),
        *account_lines(frame),
        *labelled("orders", *_orders(frame)),
        *labelled("trades", _trades(frame)),
        *event_lines(frame),
    ]
    return "\n".join(fit(line, width) for line in lines)


def _holdings(frame: PortfolioFrame) -> list[str]:
    """What is held, the largest weight first, and cash."""
    now = dict(zip(frame.symbols, np.nan_to_num(frame.weights[-1]).tolist(), strict=True))
    held = sorted(frame.holdings, key=lambda holding: -abs(now[holding.symbol]))
    cash = 1.0 - math.fsum(now.values())
    largest = max(1e-9, abs(cash), *map(abs, now.values()))
    wide = max(map(len, (*(clean(holding.symbol)[:12] for holding in held), "cash")))

    def row(name: str, weight: float) -> str:
        bar = "█" * round(_BAR * abs(weight) / largest) or "▏"
        return f"{name:<{wide}}  {percent(weight):>6}  {bar:<{_BAR}}"

    rows = [
        f"{row(clean(each.symbol)[:12], now[each.symbol])}  {_worth(each)}"
        for each in held[:_MOST_HOLDINGS]
    ]
    more = held[_MOST_HOLDINGS:]
    rows += [f"and {len(more):,} more"] if more else []
    return [*rows, row("cash", cash)]


def _worth(holding: HoldingRow) -> str:
    gained = number(holding.profit)
    stale = ", stale" if holding.stale else ""
    sign = "+" if holding.profit > 0 else ""
    quantity = f"{holding.quantity:,.6g}".replace("-", "−", 1)
    return f"{quantity} at {number(holding.price)}{stale}, {sign}{gained}"


def _orders(frame: PortfolioFrame) -> list[str]:
    """How many wait and were rejected, and the last of these."""
    rejected = frame.rejections
    count = f"{frame.waiting:,} waiting, {len(rejected):,} rejected"
    latest = [f"{frame.moment(each.index)[5:]} {clean(each.text)}" for each in rejected[:-3:-1]]
    return [f"{count}{', latest first:' if latest else ''}", *latest]


def _trades(frame: PortfolioFrame) -> str:
    if not frame.trades:
        return "none yet"
    latest = [_said(frame, trade) for trade in frame.trades[:-3:-1]]
    return f"{len(frame.trades):,} in all, latest first: {', '.join(latest)}"


def _said(frame: PortfolioFrame, trade: AssetTrade) -> str:
    side = "buy" if trade.quantity > 0 else "sell"
    moment, symbol = frame.moment(trade.index)[5:], clean(trade.symbol)
    return f"{moment} {side} {abs(trade.quantity):,.4g} {symbol} {number(trade.price)}"
