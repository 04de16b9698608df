"""The arithmetic of leveraged perpetuals: margin, maintenance, liquidation, funding, what an exit
returns.

Pure functions of ``+ - * /``, ``abs``, comparisons and choices by them. They take Python floats or
arrays of any common shape and give bitwise the same results for both. Sizes are signed, negative
when short; prices, margins and fees are positive. The rules are those of a venue's documentation of
margining, liquidations and funding; docs/arena.md says what is not modelled.
"""

from typing import Any, NamedTuple

import numpy as np

BACKSTOP = 2.0 / 3.0
"""The share of the maintenance below which a venue takes a position over, margin and all."""

ROUNDING = 2.0**-51


def either(condition: Any, one: Any, other: Any) -> Any:
    """One where a condition holds, the other elsewhere."""
    if isinstance(condition, bool):
        return one if condition else other
    return np.where(condition, one, other)


def initial_margin(size: Any, price: Any, leverage: Any) -> Any:
    """What an entry sets aside."""
    return abs(size) * price / leverage


def maintenance(notional: Any, rates: Any, deductions: Any) -> Any:
    """What a position must be worth to stay open.

    The tiers of a continuous table rise in their rates, so that the tier of a notional is the one
    that asks for most.

    Args:
        notional: of the position.
        rates: of each tier: floats, or arrays [K, ...].
        deductions: of each tier, from notional times rate.
    """
    needed = notional * rates[0] - deductions[0]
    for rate, deduction in zip(rates[1:], deductions[1:], strict=True):
        more = notional * rate - deduction
        needed = either(more > needed, more, needed)
    return needed


def liquidation_price(size: Any, price: Any, worth: Any, rates: Any, deductions: Any) -> Any:
    """The price at which a position is worth no more than its maintenance at that price.

    With one tier and isolated margin it is entry * (1 - s / leverage) / (1 - s * rate). It may be
    negative, of a long that no price can end.

    Args:
        size: coins, negative when short; not 0.
        price: any price at which ``worth`` is known: of isolated margin the entry, of cross margin
            the mark.
        worth: the margin at that price; of cross margin the value of the account less the
            maintenance of all other positions.
        rates: of each tier.
        deductions: of each tier.
    """
    is_long, owed, coins = size > 0.0, size * price - worth, abs(size)
    nearest = (owed - deductions[0]) / (size - coins * rates[0])
    for rate, deduction in zip(rates[1:], deductions[1:], strict=True):
        other = (owed - deduction) / (size - coins * rate)
        nearest = either((other > nearest) == is_long, other, nearest)
    return nearest


def funding_received(size: Any, price: Any, rate: Any) -> Any:
    """What a position receives at a stamp, negative when it pays.

    Args:
        size: coins, negative when short.
        price: of the oracle.
        rate: that longs pay to shorts.
    """
    return -(size * price * rate)


class Exit(NamedTuple):
    """What the end of a position comes to.

    Attributes:
        returned: what comes back, never negative.
        pnl: what the price brought; the venue bears what a loss exceeds the margin by.
        fee: paid from what is left.
    """

    returned: Any
    pnl: Any
    fee: Any


def end_of(margin: Any, size: Any, entry: Any, price: Any, fee_rate: Any) -> Exit:
    """End a position of isolated margin.

    Args:
        margin: what it may lose.
        size: coins, negative when short.
        entry: its average price.
        price: at which it ends.
        fee_rate: as a share of notional.
    """
    brought = size * (price - entry)
    value = margin + brought
    left = (value > 0.0) * value
    fee = fee_rate * (abs(size) * price)
    fee = either(fee < left, fee, left)
    return Exit(left - fee, brought - (value - left), fee)


def round_size(size: Any, decimals: Any) -> Any:
    """A quantity without the decimals that a venue does not take, towards zero.

    Args:
        size: coins, negative when short.
        decimals: that the contract allows; 10 to the power of it, as a float, must be exact.
    """
    whole = whole_units(abs(size), 10.0**decimals)
    return (size > 0.0) * whole - (size < 0.0) * whole


def whole_units(size: Any, units: Any) -> Any:
    """A quantity that is a whole number of the units that a venue takes, or the next smaller one.

    Args:
        size: coins, positive.
        units: that make one coin, a power of 10 that is exact.
    """
    # What stands for a whole number of units may lie roundings below it.
    return size * units * (1.0 + ROUNDING) // 1.0 / units


def round_price(price: Any, significant_figures: int, decimals: int) -> Any:
    """A price as a venue takes it, to so many significant figures and decimals.

    Whole numbers keep all their figures.

    Args:
        price: positive.
        significant_figures: that count.
        decimals: at most.
    """
    scale = price * 0.0 + 1.0
    for place in range(decimals):
        scale = scale * (1.0 + 9.0 * (price < 10.0 ** (significant_figures - 1 - place)))
    return (price * scale + 0.5) // 1.0 / scale
