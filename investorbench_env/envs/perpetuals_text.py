"""An observation of perpetuals in words: the market coin by coin, then the account.

Every series is written oldest first.
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from investorbench_env.accounting.events import PerpetualPosition
from investorbench_env.accounting.signals import Signal
from investorbench_env.envs.perpetuals_features import MARKET, SERIES, Figures, PerpetualFigures

NAN, UNKNOWN = "nan", "unknown"
SHOWN_OWN = [MARKET.index(name) for name in ("price", "ema20", "macd", "rsi7", "funding")]
SHOWN = SHOWN_OWN + [
    MARKET.index(f"context_{name}")
    for name in ("ema20", "ema50", "atr3", "atr14", "volume", "average_volume")
]
"""Figures of the market, in the order in which they are written."""
DIGITS = 6
"""Of a price, at least."""

OWN_SERIES = {"price": "price", "EMA20": "price", "MACD": "fine", "RSI7": "plain", "RSI14": "plain"}
CONTEXT_SERIES = {"MACD": "fine", "RSI14": "plain"}
"""The series of a coin in the order of ``SERIES``, each with how its numbers are written."""


def market_text(
    symbols: Sequence[str],
    market: Figures,
    series: Figures,
    lengths: tuple[str, str | None],
    funding_hours: float,
) -> str:
    """What the market shows.

    Args:
        symbols: of the coins.
        market: in the order of ``MARKET``, NaN where unknown [A, 16].
        series: in the order of ``SERIES``, NaN where unknown [A, window, 7].
        lengths: of the bars, and of the longer bars; None where there are none of them.
        funding_hours: between two stamps of funding.
    """
    shown = SHOWN if lengths[1] is not None else SHOWN_OWN
    columns = len(SERIES) if lengths[1] is not None else len(OWN_SERIES)
    numbers = market[:, shown].tolist()
    past = series[..., :columns].swapaxes(1, 2).reshape(len(symbols), -1).tolist()
    parts = ["Every series runs from the oldest value to the latest, over bars that are complete."]
    for symbol, now, before in zip(symbols, numbers, past, strict=True):
        form = _form(_decimals(now[0]), lengths, series.shape[1], funding_hours)
        words = form % (*now, *before)
        parts.append(f"{symbol}: {words.replace(NAN, UNKNOWN)}")
    return "\n\n".join(parts)


@lru_cache(maxsize=256)
def _form(decimals: int, lengths: tuple[str, str | None], window: int, funding_hours: float) -> str:
    """How all numbers of a coin are written whose price has so many decimals."""
    written = {"price": f"%.{decimals}f", "fine": f"%.{decimals + 2}f", "plain": "%.2f"}
    price, fine, plain = written.values()
    interval, context = lengths

    def listed(series: Mapping[str, str]) -> list[str]:
        return [
            f"    {name} [{', '.join([written[kind]] * window)}]" for name, kind in series.items()
        ]

    lines = [
        f"price {price}, EMA20 {price}, MACD {fine}, RSI7 {plain}",
        f"  funding rate %.7f every {funding_hours:g} h",
    ]
    if context is not None:
        lines += [
            f"  bars of {context}: EMA20 {price}, EMA50 {price}, ATR3 {fine}, ATR14 {fine}, "
            f"volume {plain}, on average {plain}",
        ]
    lines += [f"  last bars of {interval}", *listed(OWN_SERIES)]
    if context is not None:
        lines += [f"  last bars of {context}", *listed(CONTEXT_SERIES)]
    return "\n".join(lines)


def account_text(
    figures: PerpetualFigures,
    positions: Sequence[PerpetualPosition],
    plans: Mapping[str, Signal],
) -> str:
    """What the account holds, with the plan of each position.

    Args:
        figures: of the account.
        positions: that are held.
        plans: the entry of each of them, by coin.
    """
    lines = [
        f"Account: value {figures.equity:.2f}, available cash {figures.cash:.2f}, "
        f"total return {figures.total_return:+.2%}, Sharpe ratio {figures.sharpe:.3f}",
        f"  fees so far {figures.costs:.2f}, funding {figures.funding:+.2f}",
        "  positions" if positions else "  no positions",
    ]
    lines += [f"    {json.dumps(_position(each, plans[each.symbol]))}" for each in positions]
    return "\n".join(lines)


def _position(position: PerpetualPosition, plan: Signal) -> dict[str, Any]:
    """A position and its plan, in the words of the arena."""
    return {
        "symbol": position.symbol,
        "quantity": position.quantity,
        "entry_price": _rounded(position.entry_price),
        "current_price": _rounded(position.mark),
        "liquidation_price": _rounded(position.liquidation_price),
        "unrealized_pnl": round(position.unrealised_pnl, 2),
        "leverage": position.leverage,
        "exit_plan": {
            "profit_target": position.target,
            "stop_loss": position.stop,
            "invalidation_condition": plan.invalidation_condition,
        },
        "confidence": plan.confidence,
        "risk_usd": plan.risk_usd,
        "notional_usd": round(position.notional, 2),
    }


def _rounded(price: float | None) -> float | None:
    return None if price is None else round(price, _decimals(price))


def _decimals(price: float) -> int:
    """Of a price of this size."""
    return max(DIGITS - 1 - math.floor(math.log10(price)), 0) if price > 0.0 else DIGITS
