"""What a step does to an account of several assets that is traded to target weights.

Assets stand on the first axis: their amounts are arrays [A] for one account and [A, N] for N of
them, and what an account has as a whole is a float or an array [N]. Sums over assets are added up
in the order of the assets, so that both give bitwise the same results.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.spot import share_opened

Array = npt.NDArray[np.float64]
AnyAmount = Any
"""A float, or an array of floats [N]."""


class Traded(NamedTuple):
    """What an account is after its trades, and what it traded.

    Attributes:
        cash: money that is left.
        units: shares held, negative when short [A] or [A, N].
        bought: shares, negative when sold [A] or [A, N].
        notional: the value traded of each asset, positive [A] or [A, N].
        cost: of all trades, positive.
    """

    cash: AnyAmount
    units: Array
    bought: Array
    notional: Array
    cost: AnyAmount


def over_assets(amounts: Array) -> AnyAmount:
    """The sum over the assets, added up in their order."""
    if amounts.ndim > 1 and amounts.shape[1] > 1:
        return np.add.reduce(amounts, axis=0)
    # Of so few NumPy would add up pairs.
    return np.add.accumulate(amounts, axis=0)[-1]


def scale(weights: Array, max_gross: float) -> tuple[Array, AnyAmount]:
    """Weights whose absolute sum is at most ``max_gross``, and what theirs was before.

    Larger ones are divided by what they exceed it by.

    Args:
        weights: as given [A] or [A, N].
        max_gross: the most that their absolute values may add up to.
    """
    gross = over_assets(np.abs(weights))
    if not np.count_nonzero(gross > max_gross):
        return weights, gross
    return weights / np.maximum(gross / max_gross, 1.0), gross


def trade_to_weights(
    cash: AnyAmount,
    units: Array,
    prices: Array,
    weights: Array,
    trades: npt.NDArray[np.bool_] | None,
    cost_rate: float,
    max_gross: float = 1.0,
) -> Traded:
    """Trade to target weights of the equity that is left after paying for the trades.

    With equity E, position values V_i = units_i * price_i and cost rate c the equity that is left,
    E', solves E' = E - c * sum |w_i * E' - V_i|, and each asset that trades is held at w_i * E'.
    What does not trade stays as it is; where it leaves too little room for the others, theirs are
    scaled down to the room that there is.

    Args:
        cash: money in the account.
        units: shares held, negative when short [A] or [A, N].
        prices: of the fills; of an asset that does not trade, its last one.
        weights: target values as shares of equity; their absolute sum is at most ``max_gross``.
        trades: which assets trade; None for all.
        cost_rate: cost as a share of traded notional; times ``max_gross`` it is below 1.
        max_gross: the most that absolute values may add up to, as a share of equity.
    """
    values = units * prices
    equity = cash + over_assets(values)
    if trades is None:
        _, targets, spent = _settle(equity, values, weights, cost_rate)
        after, bought = targets / prices, spent / prices
    else:
        targets, spent = _settle_some(equity, values, weights, trades, cost_rate, max_gross)
        after = np.where(trades, targets / prices, units)
        bought = np.where(trades, spent / prices, 0.0)
    notional = np.abs(spent)
    cost = cost_rate * over_assets(notional)
    return Traded(cash - over_assets(spent) - cost, after, bought, notional, cost)


def _settle(
    equity: AnyAmount, values: Array, weights: Array, cost_rate: float
) -> tuple[AnyAmount, Array, Array]:
    """The equity that is left, target values, and what is spent on each asset to get there.

    What is left is the root of a convex function, piecewise linear; each pass solves the piece that
    the one before led to, and so falls from the equity before costs to the root.
    """
    left = equity
    while True:
        targets = weights * left
        spent = targets - values
        rates = np.sign(spent) * cost_rate
        lower = (equity + over_assets(rates * values)) / (1.0 + over_assets(rates * weights))
        if not np.count_nonzero(lower < left):
            return left, targets, spent
        left = np.minimum(left, lower)


def _settle_some(
    equity: AnyAmount,
    values: Array,
    weights: Array,
    trades: npt.NDArray[np.bool_],
    cost_rate: float,
    max_gross: float,
) -> tuple[Array, Array]:
    """Target values, and what is spent on each asset, where not all of them trade."""
    locked = over_assets(np.abs(np.where(trades, 0.0, values)))
    values, weights = np.where(trades, values, 0.0), np.where(trades, weights, 0.0)
    left, targets, spent = _settle(equity, values, weights, cost_rate)
    gross = over_assets(np.abs(weights))
    binds = (locked > 0.0) & (gross * left + locked > max_gross * left)
    if np.count_nonzero(binds):
        # With room R = g * E - locked: R' = R - g * c * sum |u_i * R' - V_i|, and sum |u_i| = 1.
        shares = weights / (gross + (gross == 0.0))
        room, _, _ = _settle(equity * max_gross - locked, values, shares, cost_rate * max_gross)
        targets = np.where(binds, shares * np.maximum(room, 0.0), targets)
        spent = targets - values
    return targets, spent


def average_entries(entries: Array, before: Array, after: Array, prices: Array) -> Array:
    """Average entry prices after trades [A] or [A, N]; 0 of what is not held.

    Args:
        entries: those before.
        before: shares held before, negative when short.
        after: shares held after.
        prices: of the trades.
    """
    moved = entries + (prices - entries) * share_opened(before, after)
    averages: Array = moved * (after != 0.0)
    return averages


def short_value(values: Array) -> AnyAmount:
    """What all positions that are sold short are worth, positive.

    Args:
        values: of positions, negative when short [A] or [A, N].
    """
    return over_assets(np.maximum(-values, 0.0))
