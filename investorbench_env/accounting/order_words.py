"""Orders for shares and signals in words, whatever stands in them."""

import json
from collections.abc import Mapping
from typing import Any

from investorbench_env.accounting.signals import Signal


def order_words(order: Mapping[str, Any] | object) -> str:
    """An order for shares in words: ``buy 100 MSFT, limit 212, stop 200, until cancelled``."""
    if not isinstance(order, Mapping):
        return f"no order: {json.dumps(order, ensure_ascii=False)}"
    side, symbol = str(order.get("side")), str(order.get("symbol"))
    if side == "cancel":
        return f"cancel {order.get('id') or '?'}"
    if side == "stop":
        return f"stop {symbol} at {amount(order.get('stop'))}"
    parts = [f"{side} {amount(order.get('quantity'))} {symbol}"]
    parts += [
        f"{name} {amount(price)}"
        for name in ("limit", "stop")
        if (price := order.get(name)) is not None
    ]
    if order.get("until") == "cancelled":
        parts.append("until cancelled")
    return ", ".join(parts)


def signal_words(signal: Signal) -> str:
    """A signal in words: ``buy_to_enter 0.62 BTC, 20×, target 111,000, stop 106,361``."""
    word = signal.signal or "no signal"
    if not signal.is_entry:
        return f"{word} {signal.symbol}".rstrip()
    parts = [f"{word} {amount(signal.quantity)} {signal.symbol}"]
    prices = {"target": signal.profit_target, "stop": signal.stop_loss}
    if signal.leverage is not None:
        parts.append(f"{signal.leverage:g}×")
    return ", ".join(parts + [f"{name} {amount(p)}" for name, p in prices.items() if p is not None])


def amount(value: Any) -> str:
    """A number of shares or a price, to four digits after the point."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "?" if value is None else str(value)
    is_small = 0.0 < abs(value) < 0.001
    text = f"{value:.4g}" if is_small else f"{value:,.4f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")
