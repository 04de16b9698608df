"""The arithmetic of leveraged perpetuals: margin, maintenance, liquidation, funding, what an exit
returns.

Pure functions of ``+ - * /``, ``abs``, comparisons and products with booleans. They take Python
floats or arrays of any common shape and give bitwise the same results for both. Sizes are signed,
negative when short; prices, margins and fees are positive. The rules are those of a venue's
documentation of margining, liquidations and funding; docs/arena.md says what is not modelled.
"""

from typing import Any, NamedTuple

BACKSTOP = 2.0 / 3.0
"""The share of the maintenance below which a venue takes a position over, margin and all."""

ROUNDING = 2.0**-51


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
        needed = (more > needed) * more + (more <= needed) * needed
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
    is_long, owed = size > 0.0, size * price - worth
    nearest = (owed - deductions[0]) / (size - abs(size) * rates[0])
    for rate, deduction in zip(rates[1:], deductions[1:], strict=True):
        other = (owed - deduction) / (size - abs(size) * rate)
        nearer = (other > nearest) == is_long
        nearest = nearer * other + (1 - nearer) * nearest
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
    fee = (fee < left) * fee + (fee >= left) * left
    return Exit(left - fee, brought - (value < 0.0) * value, fee)


def round_size(size: Any, decimals: Any) -> Any:
    """A quantity without the decimals that a venue does not take, towards zero.

    Args:
        size: coins, negative when short.
        decimals: that the contract allows; 10 to the power of it, as a float, must be exact.
    """
    scale = 10.0**decimals
    # What stands for a whole number of units may lie roundings below it.
    whole = abs(size) * scale * (1.0 + ROUNDING) // 1.0 / scale
    return (size > 0.0) * whole - (size < 0.0) * whole


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
