"""What a step does to an account that holds one asset long or short.

Pure functions of ``+ - * /``, ``abs``, comparisons and products with booleans. They take Python
floats or arrays of any common shape and give bitwise the same results for both, so that a scalar
environment, a vectorised one and a ledger share one arithmetic. Booleans count as 0 and 1.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", float, npt.NDArray[np.float64])


def accrue(
    cash: Number, units: Number, entry: Number, dividend: Number, split: Number
) -> tuple[Number, Number, Number]:
    """Take a holding over ex-dates: (cash, units, entry) after dividends and splits.

    Args:
        cash: money in the account.
        units: shares held before, negative when short; a short pays the dividend.
        entry: average price at which they were bought or sold short.
        dividend: cash for each share held before.
        split: shares for each share held before.
    """
    return cash + units * dividend, units * split, entry / split


def rebalance(
    cash: Number,
    units: Number,
    price: Number,
    weight: Number,
    trades: Number,
    cost_rate: float,
) -> tuple[Number, Number, Number, Number, Number]:
    """Trade to a target weight of the equity that is left after paying for the trade.

    With equity E, position value V = units * price, cost rate c and s = sign(w * E - V), the value
    to hold solves H = w * (E - c * |H - V|), so H = w * (E + c*s*V) / (1 + w*c*s).

    Args:
        cash: money in the account.
        units: shares held, negative when short.
        price: the fill price.
        weight: target value of the position as a share of equity, -1 to 1.
        trades: whether there is an order; without one the account comes back as it was, bit for
            bit.
        cost_rate: cost as a share of traded notional.

    Returns:
        (cash, units) afterwards, the units bought, negative when sold, the notional traded and its
        cost, both positive.
    """
    value = units * price
    wanted = weight * (cash + value)
    weighted_rate = weight * ((wanted > value) * (2.0 * cost_rate) - cost_rate)
    target = (wanted + weighted_rate * value) / (1.0 + weighted_rate)
    bought = trades * (target / price - units)
    spent = bought * price
    notional = abs(spent)
    cost = cost_rate * notional
    return cash - spent - cost, units + bought, bought, notional, cost


def idle_cash(cash: Number, value: Number) -> Number:
    """The part of an account that is in no position: equity less the position's absolute value.

    Never below 0. The proceeds of a short sale are not idle: they secure what was borrowed.

    Args:
        cash: money in the account.
        value: of the position, negative when short.
    """
    left = cash + value - abs(value)
    idle: Number = (left > 0.0) * left
    return idle


def share_opened(before: Number, after: Number) -> Number:
    """How much of a position a trade opened: by that much the average entry price moves to its own.

    None of it when the position shrank, all of it when it turned around or was new, else
    1 - before / after.

    Args:
        before: shares held before, negative when short.
        after: shares held after.
    """
    kept = before / (after + (after == 0.0))
    share: Number = (kept < 1.0) * (1.0 - (kept > 0.0) * kept)
    return share
