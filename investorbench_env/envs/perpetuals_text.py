"""An observation of perpetuals in words: the market coin by coin, then the account.

Every series is written oldest first.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from investorbench_env.accounting.events import PerpetualPosition
from investorbench_env.accounting.signals import Signal
from investorbench_env.envs.perpetuals_features import MARKET, SERIES, Figures, PerpetualFigures

UNKNOWN = "unknown"
DIGITS = 6
"""Of a price, at least."""

Words = Callable[[float], str]


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
        series: in the order of ``SERIES``, NaN where unknown [A, 10, 7].
        lengths: of the bars, and of the longer bars; None where there are none of them.
        funding_hours: between two stamps of funding.
    """
    rows = zip(symbols, market.tolist(), series.swapaxes(1, 2).tolist(), strict=True)
    coins = [
        _coin(
            symbol,
            dict(zip(MARKET, now, strict=True)),
            dict(zip(SERIES, past, strict=True)),
            lengths,
            funding_hours,
        )
        for symbol, now, past in rows
    ]
    head = "Every series runs from the oldest value to the latest, over bars that are complete."
    return "\n\n".join([head, *coins])


def _coin(
    symbol: str,
    now: Mapping[str, float],
    past: Mapping[str, Sequence[float]],
    lengths: tuple[str, str | None],
    funding_hours: float,
) -> str:
    price, fine, plain = _price_words(now["price"])
    interval, context = lengths
    lines = [
        f"{symbol}: price {price(now['price'])}, EMA20 {price(now['ema20'])}, "
        f"MACD {fine(now['macd'])}, RSI7 {plain(now['rsi7'])}",
        f"  funding rate {_fixed(7)(now['funding'])} each {funding_hours:g} h",
        f"  bars of {interval}",
        f"    price {_series(past['price'], price)}",
        f"    EMA20 {_series(past['ema20'], price)}",
        f"    MACD {_series(past['macd'], fine)}",
        f"    RSI7 {_series(past['rsi7'], plain)}",
        f"    RSI14 {_series(past['rsi14'], plain)}",
    ]
    if context is not None:
        lines += [
            f"  bars of {context}",
            f"    EMA20 {price(now['context_ema20'])}, EMA50 {price(now['context_ema50'])}",
            f"    ATR3 {fine(now['context_atr3'])}, ATR14 {fine(now['context_atr14'])}",
            f"    volume {plain(now['context_volume'])}, "
            f"on average {plain(now['context_average_volume'])}",
            f"    MACD {_series(past['context_macd'], fine)}",
            f"    RSI14 {_series(past['context_rsi14'], plain)}",
        ]
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


def _price_words(price: float) -> tuple[Words, Words, Words]:
    """Prices, figures of their unit that are much smaller, and plain figures, in words."""
    decimals = _decimals(price)
    return _fixed(decimals), _fixed(decimals + 2), _fixed(2)


def _fixed(decimals: int) -> Words:
    form = f"{{:.{decimals}f}}".format
    return lambda value: UNKNOWN if value != value else form(value)


def _series(values: Sequence[float], words: Words) -> str:
    return f"[{', '.join(map(words, values))}]"
