"""Orders in the words of a prompt: those that an answer gives, and those that an account has."""

from collections.abc import Mapping
from typing import Any

from investorbench_env.accounting.events import Order
from investorbench_env.accounting.orders import ShareOrder


def order_words(order: Order | ShareOrder | Mapping[str, Any]) -> str:
    """An order in a few words, such as ``W3: buy 50 ACME, limit 21.5, until cancelled``.

    Args:
        order: of an account, or as an agent gives it; what is not set is left out.
    """
    if isinstance(order, Order):
        return f"{order.symbol} to {100.0 * order.weight:.3g}%"
    own = order._asdict() if isinstance(order, ShareOrder) else order
    if own.get("side") == "cancel":
        return f"cancel {own.get('id') or ''}"
    quantity = f" {own['quantity']:g}" if own.get("quantity") else ""
    parts = [f"{own.get('side')}{quantity if own.get('side') != 'stop' else ''} {own['symbol']}"]
    prices = ((name, own.get(name)) for name in ("limit", "stop"))
    parts += [f"{name} {price:g}" for name, price in prices if price is not None]
    parts += ["until cancelled"] if own.get("until") == "cancelled" else []
    id = f"{own['id']}: " if own.get("id") else ""
    return id + ", ".join(parts)


def shares(quantity: float) -> str:
    """How many, without digits that they do not have."""
    number = f"{quantity:,.4f}".rstrip("0").rstrip(".")
    return f"{number} share{'s' * (number != '1')}"
