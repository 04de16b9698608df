"""Sums that are the same wherever they are made."""

from collections.abc import Iterable


def in_order(amounts: Iterable[float]) -> float:
    """Amounts added up one after the other, as arrays over assets are.

    The built-in ``sum`` makes up for rounding from Python 3.12 on.
    """
    total = 0.0
    for amount in amounts:
        total += amount
    return total
